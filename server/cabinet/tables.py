"""The columns of each list, and its words in the reader's language."""

from collections.abc import Iterable, Sequence

from server.i18n import Lang, label, say
from server.sheets import Column
from server.sheets.table import Value
from storage.cabinet.store import OfferLine, OrderLine, ReviewLine, Sum, TripLine

_LINES: dict[str, tuple[str, ...]] = {
    "orders": OrderLine._fields,
    "trips": TripLine._fields,
    "offers": OfferLine._fields,
    "reviews": ReviewLine._fields,
    "earnings": Sum._fields,
}
LISTS = tuple(_LINES)
_UNSHOWN = "driver"  # a number, beside the name
# Fields that are words of the contract.
_WORDS = {
    ("orders", "status"): "OrderStatus",
    ("orders", "body"): "Body",
    ("trips", "status"): "OrderStatus",
    ("trips", "payment"): "HaulPayment",
    ("offers", "status"): "OfferStatus",
    ("offers", "kind"): "OfferKind",
    ("offers", "decline_reason"): "DeclineReason",
}


def columns(name: str, lang: Lang) -> list[Column]:
    """The columns of a list with their headings."""
    heads = _heads(lang)
    return [heads[field] for field in _LINES[name] if field != _UNSHOWN]


def said(name: str, lang: Lang, rows: Iterable[Sequence[Value]]) -> list[list[Value]]:
    """The rows without what people do not read, words of the contract as people say them."""
    places = [(at, field) for at, field in enumerate(_LINES[name]) if field != _UNSHOWN]
    return [[_value(lang, _WORDS.get((name, field)), row[at]) for at, field in places] for row in rows]


def _value(lang: Lang, vocabulary: str | None, value: Value) -> Value:
    if isinstance(value, bool):
        return say(lang, "yes") if value else say(lang, "no")
    return label(lang, vocabulary, value) if vocabulary and isinstance(value, str) else value


def _heads(lang: Lang) -> dict[str, Column]:
    return {
        "order": Column(say(lang, "Order"), "int"),
        "offer": Column(say(lang, "Offer"), "int"),
        "status": Column(say(lang, "State")),
        "kind": Column(say(lang, "Kind")),
        "wave": Column(say(lang, "Wave"), "int"),
        "pickup": Column(say(lang, "From where")),
        "drop": Column(say(lang, "To where")),
        "cargo": Column(say(lang, "Cargo")),
        "weight_kg": Column(say(lang, "Weight, kg"), "number"),
        "body": Column(say(lang, "Body")),
        "posted_at": Column(say(lang, "Posted on"), "moment"),
        "taken_at": Column(say(lang, "Load taken on"), "moment"),
        "about_me": Column(say(lang, "About you")),
        "stars": Column(say(lang, "Stars"), "int"),
        "tags": Column(say(lang, "In brief")),
        "text": Column(say(lang, "Review")),
        "reply": Column(say(lang, "Answer")),
        "at": Column(say(lang, "When"), "moment"),
        "distance_m": Column(say(lang, "Distance, km"), "metres"),
        "deadhead_m": Column(say(lang, "To the pickup, km"), "metres"),
        "amount": Column(say(lang, "Amount"), "money"),
        "currency": Column(say(lang, "Currency")),
        "driver_name": Column(say(lang, "Driver")),
        "started_at": Column(say(lang, "Load taken on"), "moment"),
        "made_at": Column(say(lang, "Made"), "moment"),
        "seen_at": Column(say(lang, "Seen"), "moment"),
        "ended_at": Column(say(lang, "Over on"), "moment"),
        "decline_reason": Column(say(lang, "Why declined")),
        "driven_m": Column(say(lang, "Driven, km"), "metres"),
        "empty_m": Column(say(lang, "Empty, km"), "metres"),
        "payment": Column(say(lang, "State of payment")),
        "due_at": Column(say(lang, "To be paid by"), "moment"),
        "begins": Column(say(lang, "Period from")),
        "hauls": Column(say(lang, "Hauls"), "int"),
        "loaded_m": Column(say(lang, "With a load, km"), "metres"),
        "seconds": Column(say(lang, "Time, h"), "seconds"),
    }
