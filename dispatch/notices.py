"""Every event that a user can be told of, declared once. Pure.

An event is a row of the outbox: a kind, the user, and a payload of which only row ids, a count and words of
vocabularies are ever told (control C61). What is said in which language stands in `server.i18n.notices`, which
must have a text for each kind here; who gets it by which channel and when is decided in `dispatch.telling`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

IDS = (
    "offer",
    "bid",
    "chat",  # before the order that it is about: its news do not take the place of the haul's on a phone
    "order",
    "invitation",
    "company",
    "document",
    "export",
    "broadcast",
    "subscription",
    "payment",
    "grant",
    "search",
)  # row ids, which also leave as data
WORDS = ("event", "reason", "status", "state")  # of a vocabulary
COUNT = "n"
_WORD = re.compile(r"[a-z][a-z_]{0,31}")
_PLACE = re.compile(r"\{([a-z]+)\}")

DAY_S = 86_400.0
KEEP_S = 90 * DAY_S  # of an item in the inbox
KEEP_LIVE_S = 3 * DAY_S  # of one that is over with its event: nobody looks for last week's offers
ALWAYS = ""  # among the words for which an event is critical


class Category(StrEnum):
    """What a user switches on and off together."""

    OFFERS = "offers"
    BIDS = "bids"
    HAULS = "hauls"
    CHAT = "chat"
    REVIEWS = "reviews"
    PAPERS = "papers"
    MONEY = "money"
    BONUSES = "bonuses"
    NEWS = "news"
    ACCOUNT = "account"


class Channel(StrEnum):
    """How a user can be told. The inbox, with its sockets, is never switched off."""

    INBOX = "inbox"
    PUSH = "push"
    SMS = "sms"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Happening:
    """A kind of event.

    `link` is a path in the app, with row ids in braces. `topic` names the id whose news take each other's place
    on a phone (the kind itself without one). `ttl_s`: so long it is worth telling, unless whoever writes it
    knows better. `urgent` wakes a sleeping phone. `critical`: the words for which it breaks quiet hours and may
    cost an SMS. `receipt`: it also goes by e-mail. `live`: an item of it is over when the event is, read or not.
    """

    category: Category
    link: str
    topic: str = ""
    ttl_s: float = DAY_S
    urgent: bool = False
    critical: frozenset[str] = frozenset()
    receipt: bool = False
    live: bool = False

    @property
    def keep_s(self) -> float:
        """How long an item of it stays in the inbox."""
        return KEEP_LIVE_S if self.live else KEEP_S

    def channels(self, words: frozenset[str]) -> frozenset[Channel]:
        """All that may carry it; users choose among them."""
        found = {Channel.INBOX, Channel.PUSH}
        if self.is_critical(words):
            found.add(Channel.SMS)
        if self.receipt:
            found.add(Channel.EMAIL)
        return frozenset(found)

    def is_critical(self, words: frozenset[str]) -> bool:
        """Whether it must be heard at night, too."""
        return ALWAYS in self.critical or not self.critical.isdisjoint(words)


def _critical(*words: str) -> frozenset[str]:
    return frozenset(words or (ALWAYS,))


_OFFER, _ORDER, _PLANS = "/shift?offer={offer}", "/orders/{order}", "/subscription"
_BID = "/orders/{order}?bid={bid}"
HAPPENINGS: dict[str, Happening] = {
    # An offer's row says when it ends: its pushes and its item end with it.
    "offer.made": Happening(Category.OFFERS, _OFFER, "offer", 60.0, urgent=True, live=True),
    "offer.invited": Happening(Category.OFFERS, _OFFER, "offer", 3600.0, urgent=True, live=True),
    "offer.closed": Happening(Category.OFFERS, _OFFER, "offer", 3600.0, live=True),
    "search.matched": Happening(Category.OFFERS, "/orders/{order}", "order", 3600.0, live=True),
    "bid.made": Happening(Category.BIDS, _BID, "bid"),
    "bid.changed": Happening(Category.BIDS, _BID, "bid"),
    "bid.closed": Happening(Category.BIDS, _BID, "bid"),
    "order.changed": Happening(
        Category.HAULS,
        _ORDER,
        "order",
        critical=_critical("assigned", "cancelled", "disputed", "incident"),
    ),
    "order.edited": Happening(Category.HAULS, _ORDER, "order", urgent=True, critical=_critical()),
    "order.confirm": Happening(Category.HAULS, _ORDER, "order"),
    "trip.suggested": Happening(Category.HAULS, _ORDER, "order", 3600.0, live=True),
    "chat.message": Happening(Category.CHAT, "/orders/{order}?tab=chat", "chat", urgent=True),
    "review.asked": Happening(Category.REVIEWS, "/orders/{order}?tab=review", "order", 7 * DAY_S),
    "review.waiting": Happening(Category.REVIEWS, "/orders/{order}?tab=review", "order", 3 * DAY_S),
    "review.published": Happening(Category.REVIEWS, "/orders/{order}?tab=review", "order", 3 * DAY_S),
    "review.hidden": Happening(Category.REVIEWS, "/orders/{order}?tab=review", "order", 3 * DAY_S),
    "company.invited": Happening(Category.PAPERS, "/company", "invitation", 3 * DAY_S),
    "company.decided": Happening(Category.PAPERS, "/company", "company", 3 * DAY_S),
    "document.reviewed": Happening(Category.PAPERS, "/papers/{document}", "document", 3 * DAY_S),
    "document.expires": Happening(Category.PAPERS, "/papers/{document}", "document", 7 * DAY_S),
    "subscription.started": Happening(Category.MONEY, _PLANS, "subscription", 7 * DAY_S),
    "subscription.paid": Happening(Category.MONEY, _PLANS, "subscription", 7 * DAY_S, receipt=True),
    "subscription.ending": Happening(Category.MONEY, _PLANS, "subscription", 3 * DAY_S),
    "subscription.failed": Happening(Category.MONEY, _PLANS, "subscription", 7 * DAY_S, critical=_critical()),
    "subscription.ended": Happening(Category.MONEY, _PLANS, "subscription", 7 * DAY_S, critical=_critical()),
    "payment.refunded": Happening(Category.MONEY, "/payments/{payment}", "payment", 7 * DAY_S, receipt=True),
    "transfer.refused": Happening(Category.MONEY, _PLANS, "subscription", 7 * DAY_S),
    "bonus.granted": Happening(Category.BONUSES, "/bonuses", "grant", 7 * DAY_S),
    "bonus.revoked": Happening(Category.BONUSES, "/bonuses", "grant", 7 * DAY_S),
    "referral.progress": Happening(Category.BONUSES, "/bonuses", "", 3 * DAY_S),
    "broadcast.sent": Happening(Category.NEWS, "/messages/{broadcast}", "broadcast"),
    "export.ready": Happening(Category.ACCOUNT, "/settings/data", "export", 7 * DAY_S),
    "webhook.disabled": Happening(Category.ACCOUNT, "/company/webhooks", "", 3 * DAY_S),
}


def ids_of(payload: Mapping[str, object]) -> dict[str, int]:
    """The row ids of a payload: all that a push carries as data."""
    return {name: value for name in IDS if (value := _whole(payload.get(name))) is not None}


def facts_of(payload: Mapping[str, object]) -> dict[str, object]:
    """What else of a payload may be told in words: a count, and words of vocabularies."""
    count = _whole(payload.get(COUNT))
    facts: dict[str, object] = {} if count is None else {COUNT: count}
    for name in WORDS:
        value = payload.get(name)
        if isinstance(value, str) and _WORD.fullmatch(value):
            facts[name] = value
    return facts


def words_of(facts: Mapping[str, object]) -> frozenset[str]:
    """The words of vocabularies among facts, which tell one variant of an event from another."""
    return frozenset(value for name in WORDS if isinstance(value := facts.get(name), str))


def topic_of(kind: str, ids: Mapping[str, int]) -> str:
    """What takes the place of an older message on the same phone: one offer, one bid, one haul."""
    topic = HAPPENINGS[kind].topic
    return f"{topic}:{ids[topic]}" if topic in ids else kind


def link_of(kind: str, ids: Mapping[str, int]) -> str:
    """The path in the app; the start page when an id is missing."""
    link = HAPPENINGS[kind].link
    places = _PLACE.findall(link)
    if not all(place in ids for place in places):
        return "/"
    return _PLACE.sub(lambda place: str(ids[place[1]]), link)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
