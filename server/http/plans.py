"""Plans as staff set them."""

import re

from billing.money import Currency, Money
from billing.plans import ANYWHERE, PlanVersion, Price, doubled
from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.protocol.rest.plans import (
    AccessEntries,
    AccessEntry,
    AccessQuery,
    CurrencyCode,
    EntryWord,
    PlanForm,
    PlanList,
    PlanNames,
    PlanPrice,
    PlanRole,
    PlanVersions,
    PlanView,
)
from storage.billing.access import Written
from storage.billing.plans import NewVersion

from .route import Call, Route, Versioned
from .tariffs import not_past

_CODE = re.compile(r"(?=.{3,32}$)[a-z]+(-[a-z0-9]+)+")


async def listed(call: Call[None, None]) -> PlanList:
    """All plans."""
    return PlanList([_view(each) for each in await call.services.plans.known()])


async def put(call: Call[PlanForm, None]) -> Versioned:
    """Sets the next version; `If-Match: "0"` makes a new plan."""
    form = call.body
    prices = tuple(
        Price(each.country or ANYWHERE, Money(each.amount, Currency(each.currency))) for each in form.prices
    )
    if doubled(prices) is not None:
        raise Refusal("bad_request", "a region has two prices in one currency").at("prices")
    not_past(call, form.valid_from)
    names = {lang: getattr(form.names, lang) for lang in ("ru", "kk", "en", "zh")}
    new = NewVersion(
        form.role,
        form.days,
        form.trial_days,
        form.grace_days,
        prices,
        names,
        form.on_sale,
        form.note,
        form.valid_from,
    )
    set_ = await call.services.plans.add(call.caller.user, _code(call), call.expected_version, new)
    return Versioned(_view(set_), set_.version)


async def versions(call: Call[None, AccessQuery]) -> PlanVersions:
    """What a plan was."""
    query = call.query
    found = await call.services.plans.versions(_code(call), query.before, query.limit)
    return PlanVersions(
        [_view(each) for each in found], found[-1].version if len(found) == query.limit else None
    )


async def access(call: Call[None, AccessQuery]) -> AccessEntries:
    """A user's ledger."""
    user = await call.services.staff.user(call.path_id("user"))
    return await entries(call, user.id)


async def entries(call: Call[None, AccessQuery], user: int) -> AccessEntries:
    """A page of it."""
    query = call.query
    found = await call.services.access.history(user, query.before, query.limit)
    return AccessEntries(
        [_entry(each) for each in found], found[-1].seq if len(found) == query.limit else None
    )


def _code(call: Call[object, object]) -> str:
    code = call.request.match_info["plan"]
    if not _CODE.fullmatch(code):
        raise Refusal("not_found")
    return code


def _entry(line: Written) -> AccessEntry:
    return AccessEntry(
        line.seq,
        _word(line.entry.kind),
        line.entry.at,
        line.entry.seconds,
        line.entry.until,
        line.cause,
        line.balance.until,
        line.balance.left_s,
    )


def _view(each: PlanVersion) -> PlanView:
    return PlanView(
        each.plan,
        each.version,
        _role(each.role),
        each.days,
        each.trial_days,
        each.grace_days,
        [
            PlanPrice(_currency(price.money.currency), price.money.minor, price.region or None)
            for price in each.prices
        ],
        PlanNames(**each.names),
        each.on_sale,
        each.valid_from,
        each.note,
        each.set_by,
        each.set_at,
    )


# What is stored came in through the forms.
def _role(word: str) -> PlanRole:
    return word  # type: ignore[return-value]


def _currency(word: str) -> CurrencyCode:
    return word  # type: ignore[return-value]


def _word(word: str) -> EntryWord:
    return word  # type: ignore[return-value]


_STAFF = frozenset({"admin"})
ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/admin/plans", listed, "Plans", "admin", response=PlanList, roles=_STAFF),
    Route(
        "PUT",
        "/api/v1/admin/plans/{plan}",
        put,
        "Set the next version of a plan",
        "admin",
        request=PlanForm,
        response=PlanView,
        roles=_STAFF,
        grades=grades(Right.SET_SUBSCRIPTIONS),
        headers=("If-Match",),
        errors=("not_found", "window_past", "limit_reached"),
    ),
    Route(
        "GET",
        "/api/v1/admin/plans/{plan}/versions",
        versions,
        "What a plan was",
        "admin",
        query=AccessQuery,
        response=PlanVersions,
        roles=_STAFF,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/users/{user}/access",
        access,
        "Until when a user may work, and why",
        "admin",
        query=AccessQuery,
        response=AccessEntries,
        roles=_STAFF,
        grades=grades(Right.SEE_MONEY),
        errors=("not_found",),
    ),
)
