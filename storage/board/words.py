"""Words of orders as bits, as the table `board` holds them. Migration 0008 knows the same lists; a test compares
them."""

from collections.abc import Iterable

from dispatch.matching import CARRIES

BODIES = ("tent", "reefer", "isotherm", "flatbed", "container", "tipper", "tank", "lowboy", "van")
ADR = ("1", "2.1", "2.2", "2.3", "3", "4.1", "4.2", "4.3", "5.1", "5.2", "6.1", "6.2", "7", "8", "9")
SIDES = ("rear", "side", "top", "full")
TERMS = (
    "fixed", "negotiable", "bids", "transfer", "cash", "card", "on_loading", "on_delivery", "deferred",
    "vat", "no_vat",
)  # fmt: skip
UNKNOWN_ADR, UNKNOWN_SIDE = 1 << len(ADR), 1 << len(SIDES)


def bits(words: Iterable[str], vocabulary: tuple[str, ...], unknown: int = 0) -> int:
    """A bit for each word; `unknown` for one that is not in the vocabulary."""
    mask = 0
    for word in words:
        mask |= 1 << vocabulary.index(word) if word in vocabulary else unknown
    return mask


def carried_by(body: str) -> int:
    """The bodies that a load may ask for so that a truck of this body can carry it."""
    return bits((asked for asked, trucks in CARRIES.items() if body in trucks), BODIES)
