"""What people do about a price: pure decisions of the simulated drivers and shippers. All shares are assumed."""

from enum import StrEnum
from random import Random

from tracking_desk_client.messages import PricingKind

# Of loads posted: how their price is agreed.
PRICING: dict[PricingKind, int] = {"fixed": 70, "negotiable": 15, "bids": 15}
HAGGLES = 0.4  # of drivers who would take a negotiable load: name another price first
# A driver's price, as a share of the one asked for.
ASKS = (0.92, 1.18)
STEP = 10_000  # minor units: nobody haggles over less than 100 tenge


class Answer(StrEnum):
    """What a shipper does with a bid."""

    PICK = "pick"
    COUNTER = "counter"
    DECLINE = "decline"
    WAIT = "wait"


def pricing(random: Random) -> PricingKind:
    """How the price of a new load is agreed."""
    return random.choices(list(PRICING), weights=list(PRICING.values()))[0]


def bids_instead(random: Random, kind: str) -> bool:
    """Whether a driver who wants the load names a price of his own."""
    return kind == "bids" or (kind == "negotiable" and random.random() < HAGGLES)


def asked(random: Random, guide: int) -> int:
    """A driver's price for a load whose guide is this, both in minor units."""
    return _rounded(guide * random.uniform(*ASKS))


def judged(random: Random, amount: int, guide: int) -> Answer:
    """A shipper's answer to a price: the dearer, the less welcome."""
    chance = random.random()
    if chance < 0.1:
        return Answer.WAIT
    over = amount / guide - 1
    if over <= 0.03 or chance > 0.3 + 4 * over:
        return Answer.PICK
    return Answer.COUNTER if chance > 0.3 else Answer.DECLINE


def between(amount: int, guide: int) -> int:
    """The price that a shipper meets a driver with."""
    return max(STEP, _rounded((amount + guide) / 2))


def agrees(random: Random, counter: int, amount: int) -> bool:
    """Whether a driver who asked for `amount` takes the counter-offer."""
    return random.random() < 1.0 - 5 * max(0.0, 1 - counter / amount)


def _rounded(amount: float) -> int:
    return max(STEP, round(amount / STEP) * STEP)
