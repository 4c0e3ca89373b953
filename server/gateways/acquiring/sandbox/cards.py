"""The cards that the sandbox takes: CloudPayments' test numbers, which no bank issues, and no others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

NO_MONEY, NOT_CONFIRMED = 5051, 5206


@dataclass(frozen=True, slots=True)
class TestCard:
    """`three_ds`: the bank asks the payer; `declines`, `charges_decline`: the code that a payment, and every later
    charge of the kept card, ends with."""

    __test__ = False  # no test of pytest's

    number: str
    brand: str = "Visa"
    three_ds: bool = False
    declines: int | None = None
    charges_decline: int | None = None

    @property
    def last_four(self) -> str:
        """All of the number that is ever stored."""
        return self.number[-4:]


CARDS = (
    TestCard("4242424242424242", three_ds=True),
    TestCard("4000000000003055"),
    TestCard("4111111111111111", charges_decline=NO_MONEY),
    TestCard("4012888888881881", three_ds=True, declines=NOT_CONFIRMED),
    TestCard("4000056655665556", declines=NO_MONEY),
)
BY_LAST_FOUR: Mapping[str, TestCard] = {card.last_four: card for card in CARDS}
_BY_NUMBER = {card.number: card for card in CARDS}
_EXPIRES = re.compile(r"(0[1-9]|1[0-2])\s*/?\s*(\d\d)")
EXPIRES = "12/30"


def card_of(typed: str) -> TestCard | None:
    """The test card that somebody typed; None for every other number, which is forgotten here and now."""
    return _BY_NUMBER.get(re.sub(r"[\s-]", "", typed[:40]))


def expires_of(typed: str) -> str:
    """MM/YY as typed, else the usual one: a test card is valid whatever is written on it."""
    match = _EXPIRES.fullmatch(typed.strip()[:9])
    return f"{match[1]}/{match[2]}" if match else EXPIRES
