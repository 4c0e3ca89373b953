"""An invoice of 1,990.00 tenge, and what is said of it: for every test of payments."""

from collections.abc import Iterable
from uuid import UUID

from billing.acquiring import Answer, Kind, Notification, State, Transaction
from billing.ledger import Act, Booking
from billing.money import Currency, Money
from billing.payments import Fact, Invoice, Verdict, answer_check, judge, payment_of, wanted

PRICE = 199_000
WHOLE = Money(PRICE, Currency.KZT)
NOW = 1_790_000_000.0
INVOICE = Invoice(UUID(int=7), 42, "acq", WHOLE, NOW - 60, NOW + 3540)
STATES = {
    Kind.CHECK: State.PENDING,
    Kind.PAY: State.PAID,
    Kind.FAIL: State.DECLINED,
    Kind.CONFIRM: State.PAID,
    Kind.CANCEL: State.CANCELLED,
    Kind.REFUND: State.REFUNDED,
}


def transaction(
    kind: Kind,
    number: str = "t1",
    *,
    minor: int = PRICE,
    of: str | None = None,
    state: State | None = None,
    invoice: str | None = str(INVOICE.id),
    account: str | None = INVOICE.account,
    currency: Currency = Currency.KZT,
    test: bool = False,
) -> Transaction:
    """What an acquirer says; a refund is `of` a payment."""
    return Transaction(
        number,
        state or STATES[kind],
        Money(minor, currency),
        invoice,
        account,
        NOW,
        refunds=of,
        test=test,
    )


def told(kind: Kind, number: str = "t1", key: str | None = None, **said: object) -> Notification:
    """The same as a notification."""
    return Notification(kind, key or number, transaction(kind, number, **said))  # type: ignore[arg-type]


class Model:
    """The inbox and the books without a database: unique keys, facts in order, what is missing is added."""

    def __init__(self, invoice: Invoice | None = INVOICE) -> None:
        self.invoice = invoice
        self.seen: set[tuple[Kind, str]] = set()
        self.facts: list[Fact] = []
        self.books: dict[str, Booking] = {}
        self.consequences: list[tuple[Act, int]] = []

    def receive(self, message: Notification) -> list[Booking]:
        """Takes one message in, as storage.billing.inbox does."""
        if (message.kind, message.key) in self.seen:
            return []
        self.seen.add((message.kind, message.key))
        said = message.transaction
        if said is None:
            return []
        verdict = judge(self.invoice, "acq", message, test_allowed=False)
        if verdict is Verdict.APPLIED and any(
            fact.kind is message.kind and fact.transaction == said.id for fact in self.facts
        ):
            verdict = Verdict.DUPLICATE
        let_on = (
            message.kind is not Kind.CHECK
            or answer_check(self.invoice, verdict, self.facts, said.id, NOW) is Answer.ACCEPTED
        )
        self.facts.append(
            Fact(
                len(self.facts),
                "acq",
                message.kind,
                said.id,
                payment_of(said),
                said.state,
                said.money,
                NOW,
                verdict,
                let_on,
            )
        )
        return self.apply(wanted(self.invoice, self.facts))

    def apply(self, bookings: Iterable[Booking]) -> list[Booking]:
        """Adds what is missing; nothing that is there may ever be unsaid."""
        now = {booking.key: booking for booking in bookings}
        assert all(now.get(key) == booking for key, booking in self.books.items()), "a booking was unsaid"
        new = [booking for key, booking in now.items() if key not in self.books]
        self.books |= now
        self.consequences += [
            (booking.act, booking.money.minor)
            for booking in new
            if booking.act in (Act.GRANTED, Act.REFUNDED)
        ]
        return new

    @property
    def balances(self) -> dict[str, int]:
        """Minor units by account."""
        sums: dict[str, int] = {}
        for booking in self.books.values():
            for posting in booking.postings:
                sums[posting.account] = sums.get(posting.account, 0) + posting.money.minor
        return {account: minor for account, minor in sums.items() if minor}
