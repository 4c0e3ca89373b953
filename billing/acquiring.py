"""What is said to acquirers and what they say: one form for all of them.

An adapter (`server/gateways/acquiring`) translates; it decides nothing. Whatever it cannot tell for sure it
raises: money is never guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from .money import Currency, Money


class Kind(StrEnum):
    """The seven things an acquirer tells of by itself."""

    CHECK = "check"  # may this payment go on? the only one whose answer decides something
    PAY = "pay"  # money was taken
    FAIL = "fail"  # an attempt was declined; not final, a Pay may follow
    CONFIRM = "confirm"  # money that was held is taken
    CANCEL = "cancel"  # money that was held is let go
    REFUND = "refund"  # money was given back
    RECURRENT = "recurrent"  # a subscription that the acquirer itself keeps has changed


class State(StrEnum):
    """Of a transaction, as the acquirer sees it."""

    PAID = "paid"
    HELD = "held"  # authorised: it is taken, or let go, later
    DECLINED = "declined"
    PENDING = "pending"  # the payer has something to do, or the bank has
    REFUNDED = "refunded"  # a transaction of its own that gives money back
    CANCELLED = "cancelled"


class Advice(StrEnum):
    """What a decline means for the next try."""

    LATER = "later"  # no money, bank out of reach: on the next day of the schedule
    NEVER = "never"  # lost, stolen, closed: this card no more
    OTHER = "other"  # the payer must act: another card, 3-D Secure


class Answer(StrEnum):
    """What we say to a Check, and to everything else that has been stored (ACCEPTED)."""

    ACCEPTED = "accepted"
    UNKNOWN_INVOICE = "unknown_invoice"
    WRONG_ACCOUNT = "wrong_account"
    WRONG_AMOUNT = "wrong_amount"
    NOT_NOW = "not_now"  # paid already, or another attempt is on its way
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Card:
    """A card that may be charged again. `token` is the acquirer's name for it; the number is never ours."""

    token: str
    last_four: str
    brand: str
    expires: str | None  # MM/YY


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be paid. `account` is the payer's id with us; texts are in `lang` (ru, kk, en, zh)."""

    invoice: UUID
    account: str
    money: Money
    description: str
    lang: str
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the payer goes; `reference` is the acquirer's name for the page."""

    url: str
    reference: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """One of the acquirer's. `refunds` names the payment that a refund gives back; `at` in epoch seconds."""

    id: str
    state: State
    money: Money
    invoice: str | None
    account: str | None
    at: float
    refunds: str | None = None
    card: Card | None = None
    reason: str | None = None
    advice: Advice | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """A verified message of an acquirer. `key` tells it from every other of its kind, for ever: the transaction,
    or the vendor's event id. `transaction` is None where the message is of none (RECURRENT)."""

    kind: Kind
    key: str
    transaction: Transaction | None


class Unavailable(Exception):
    """The acquirer surely has not taken the request: nothing was charged, and it may be sent again."""


class Unknown(Exception):
    """The request may have arrived. Look the invoice up before anything is sent again."""


class Rejected(Exception):
    """The acquirer understands us and does not want this: a setting or a bug of ours."""


class Forged(Exception):
    """Not signed by the acquirer, or not by this one's key."""


class Malformed(Exception):
    """Signed by the acquirer, and not readable all the same."""


class Acquirer(Protocol):
    """One acquirer. Calls take seconds at most and raise Unavailable, Unknown or Rejected."""

    @property
    def name(self) -> str:
        """As in settings, URLs and the database: `cloudpayments`, `stripe`, `sandbox`."""
        ...

    @property
    def currencies(self) -> frozenset[Currency]:
        """What it takes."""
        ...

    async def checkout(
        self, order: Order, back: str, failed: str, *, save_card: bool, attempt: UUID
    ) -> Redirect:
        """A page of the acquirer's where the payer gives his card; he comes `back`, or to `failed`. `attempt` is
        our row of this try: the same attempt never makes two."""
        ...

    async def charge(self, order: Order, token: str, *, merchant: bool, attempt: UUID) -> Transaction:
        """Takes money from a saved card; `merchant`: on our schedule, the payer is not there."""
        ...

    async def refund(self, transaction: str, money: Money, *, attempt: UUID) -> Transaction:
        """Gives all or a part of a payment back."""
        ...

    async def find(self, invoice: UUID) -> Sequence[Transaction]:
        """All that the acquirer knows of an invoice, oldest first; empty when it knows nothing."""
        ...

    async def listed(self, since: float, until: float) -> Sequence[Transaction]:
        """All that happened from `since` to before `until`, epoch seconds."""
        ...

    def read(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """What a request to our address `/hooks/acquirers/{name}/{kind}` says. Header names in lower case. Forged,
        or Malformed; empty for signed events that mean nothing to us."""
        ...

    def again(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """What a body says whose signature was found right when it came: to read it once more by today's code.
        `kind` is that of the address, or of what it was read as. Malformed."""
        ...

    def reply(self, answer: Answer) -> tuple[int, str, bytes]:
        """Status, content type and body that tell this acquirer what became of its request."""
        ...

    async def close(self) -> None:
        """Lets connections go."""
        ...
