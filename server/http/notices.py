"""For staff: every kind of event and what it says, a test on one's own phone, and how telling went."""

import uuid

from dispatch.errors import Refusal
from dispatch.notices import COUNT, HAPPENINGS, IDS, Channel, Happening, link_of
from dispatch.rights import Right, grades
from dispatch.telling import CHOICE
from server.i18n import LANGS, notices, sms
from server.protocol.rest.common import PageQuery
from server.protocol.rest.notices import (
    DeliveryMeans,
    DeliveryOutcome,
    NoticeAttempt,
    NoticeAttempts,
    NoticeCategory,
    NoticeChannel,
    NoticeKind,
    NoticeKinds,
    NoticePreview,
    NoticeSample,
    NoticeText,
    OfferDeliveries,
)
from storage.notices.ledger import Delivery
from storage.notices.writing import tell
from storage.postgres import transaction

from .route import Call, Route

SAMPLE = 1042  # what a preview calls every row
NOBODY = 0  # what a test calls every row: there is none of this number
TEST_S = 3600.0


async def kinds(call: Call[None, None]) -> NoticeKinds:
    """All of them, as they are declared."""
    return NoticeKinds([_kind(kind, happening) for kind, happening in HAPPENINGS.items()])


async def preview(call: Call[None, NoticeSample]) -> NoticePreview:
    """What is said of one, with made-up parameters."""
    kind, happening = _found(call)
    facts, words = _sample(call.query, SAMPLE)
    critical = happening.is_critical(words)
    texts = []
    for lang in LANGS:
        title, body = notices.text(lang, kind, facts)
        texts.append(NoticeText(lang, title, body, sms.notice(title, body) if critical else None))
    ids = dict.fromkeys(IDS, SAMPLE)
    return NoticePreview(kind, texts, link_of(kind, ids), happening.urgent or critical, critical)


async def test(call: Call[NoticeSample, None]) -> None:
    """Tells the caller of one, by every channel that they have: the way of a real one, with row 0 in all
    places."""
    kind, _ = _found(call)
    facts, _ = _sample(call.body, NOBODY)
    async with transaction(call.services.pool) as connection:
        key = f"test:{uuid.uuid4().hex}"
        await tell(connection, [call.caller.user], kind, key, facts, ttl_s=TEST_S)
    call.services.notify.wake_announcing()


async def of_user(call: Call[None, PageQuery]) -> NoticeAttempts:
    """How a user was told of what, newest first. That staff looked is written down."""
    user, query = call.path_id("user"), call.query
    await call.services.staff.user(user)
    await call.services.viewing.deliveries(call.caller.user, user, None)
    found = await call.services.ledger.of_user(user, query.before, query.limit)
    return NoticeAttempts(
        [_view(each) for each in found], found[-1].id if len(found) == query.limit else None
    )


async def of_offer(call: Call[None, None]) -> OfferDeliveries:
    """Whether, when and how a driver was told of an offer. That staff looked is written down."""
    offer = call.path_id("offer")
    found = await call.services.ledger.of_offer(offer)
    if found is None:
        raise Refusal("not_found")
    await call.services.viewing.deliveries(call.caller.user, found.driver, offer)
    return OfferDeliveries(
        offer,
        found.order,
        found.driver,
        found.status,
        found.made_at,
        found.expires_at,
        found.seen_at,
        [_view(each) for each in found.deliveries],
    )


def _found(call: Call[object, object]) -> tuple[str, Happening]:
    kind = call.request.match_info["happening"]
    if kind not in HAPPENINGS:
        raise Refusal("not_found")
    return kind, HAPPENINGS[kind]


def _sample(sample: NoticeSample, row: int) -> tuple[dict[str, int | str], frozenset[str]]:
    """Made-up facts, and the words among them."""
    facts: dict[str, int | str] = {**dict.fromkeys(IDS, row), COUNT: sample.n}
    if sample.word is None:
        return facts, frozenset()
    return facts | {"event": sample.word}, frozenset({sample.word})


def _kind(kind: str, happening: Happening) -> NoticeKind:
    variants = [name.partition("/")[2] for name in notices.NOTICES if name.startswith(kind + "/")]
    carriers = happening.channels(happening.critical)
    return NoticeKind(
        kind=kind,
        category=_category(happening.category.value),
        channels=[_channel(channel) for channel in (Channel.INBOX, *CHOICE) if channel in carriers],
        words=variants,
        critical=sorted(happening.critical),
        counted=any(
            template.many for name, template in notices.NOTICES.items() if name.partition("/")[0] == kind
        ),
        urgent=happening.urgent,
        live=happening.live,
        topic=happening.topic,
        ttl_s=happening.ttl_s,
        keep_s=happening.keep_s,
        link=happening.link,
    )


def _view(row: Delivery) -> NoticeAttempt:
    return NoticeAttempt(
        delivery=row.id,
        item=row.notice,
        user=row.user,
        kind=row.kind,
        means=_means(row.means),
        outcome=_outcome(row.outcome),
        attempt=row.attempt,
        lag_ms=row.lag_ms,
        at=row.at,
        reason=row.reason,
        endpoint=row.endpoint,
    )


# What is declared and stored is of these words; a test compares the vocabularies.
def _category(word: str) -> NoticeCategory:
    return word  # type: ignore[return-value]


def _channel(word: str) -> NoticeChannel:
    return word  # type: ignore[return-value]


def _means(word: str) -> DeliveryMeans:
    return word  # type: ignore[return-value]


def _outcome(word: str) -> DeliveryOutcome:
    return word  # type: ignore[return-value]


_STAFF = frozenset({"admin"})
_TEXTS, _LOOKS = grades(Right.EDIT_CONTENT), grades(Right.SEE_DELIVERIES)
_ONE = "/api/v1/admin/notices/{happening}"
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/notices",
        kinds,
        "Every event that a user can be told of",
        "notices",
        response=NoticeKinds,
        roles=_STAFF,
    ),
    Route(
        "GET",
        _ONE + "/preview",
        preview,
        "What is said of an event",
        "notices",
        query=NoticeSample,
        response=NoticePreview,
        roles=_STAFF,
        errors=("not_found",),
    ),
    Route(
        "POST",
        _ONE + "/test",
        test,
        "Tell oneself of an event",
        "notices",
        request=NoticeSample,
        status=204,
        roles=_STAFF,
        grades=_TEXTS,
        bucket="heavy",
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/users/{user}/deliveries",
        of_user,
        "How a user was told of what",
        "notices",
        query=PageQuery,
        response=NoticeAttempts,
        roles=_STAFF,
        grades=_LOOKS,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/offers/{offer}/deliveries",
        of_offer,
        "How a driver was told of an offer",
        "notices",
        response=OfferDeliveries,
        roles=_STAFF,
        grades=_LOOKS,
        errors=("not_found",),
    ),
)
