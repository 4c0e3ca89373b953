"""What a shipper owes a driver for a haul, and what both say of it. The platform moves none of this money. Pure.

A payment becomes one fact out of two words: the shipper says that it was made, the driver that it came. Whichever
comes first, and be it at the same moment, both end in one mark that is confirmed.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from .errors import Refusal

MOST_MARKS = 20  # of one haul, what was taken back included
TOLD_AGAIN_S = 3_600.0  # other words of the same missed payment


class RemittanceKind(StrEnum):
    """What a mark is of: a part in advance, or all that was left to pay."""

    PREPAYMENT = "prepayment"
    PAYMENT = "payment"


class MarkState(StrEnum):
    """What the driver says to it."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    CONTESTED = "contested"
    WITHDRAWN = "withdrawn"  # by the shipper, or another mark has come in its place


class RemittanceState(StrEnum):
    """Where the payment of a haul stands."""

    OPEN = "open"
    PREPAID = "prepaid"  # a part has come
    MARKED = "marked"  # the driver's word is awaited
    CONTESTED = "contested"
    PAID = "paid"
    VOID = "void"  # the haul was called off


STANDING = frozenset({MarkState.WAITING, MarkState.CONFIRMED})
ARGUED = frozenset({MarkState.WAITING, MarkState.CONTESTED})


@dataclass(frozen=True, slots=True)
class Said:
    """What one side says was paid: minor units of the order's currency (None: what is left), by which means, when
    (epoch seconds), and the number of the transfer."""

    kind: RemittanceKind
    amount: int | None
    method: str
    paid_at: float
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One payment. `shipper_at`, `driver_at`: when each side has said its word on it. `id` 0: not stored yet."""

    id: int
    kind: RemittanceKind
    amount: int
    method: str
    paid_at: float
    reference: str
    state: MarkState
    shipper_at: float | None = None
    driver_at: float | None = None
    reason: str = ""
    note: str = ""

    @property
    def stands(self) -> bool:
        """Whether it counts until somebody says otherwise."""
        return self.state in STANDING


@dataclass(frozen=True, slots=True)
class Account:
    """What is owed for one haul. `price` in minor units, as agreed when it was assigned; `unpaid_at`: when the
    driver has said that nothing has come, in the words `unpaid_note`."""

    price: int
    prepay_percent: int = 0
    void: bool = False
    due_at: float | None = None
    unpaid_at: float | None = None
    unpaid_note: str = ""
    marks: tuple[Mark, ...] = ()

    @property
    def received(self) -> int:
        """What the driver has confirmed."""
        return sum(mark.amount for mark in self.marks if mark.state is MarkState.CONFIRMED)

    @property
    def outstanding(self) -> int:
        """What is left to pay as far as the driver has confirmed it; a confirmed payment leaves nothing."""
        closed = self.void or self._of(RemittanceKind.PAYMENT, frozenset({MarkState.CONFIRMED}))
        return 0 if closed else max(0, self.price - self.received)

    @property
    def prepaid(self) -> int:
        """Prepayments that stand."""
        return sum(mark.amount for mark in self._of(RemittanceKind.PREPAYMENT, STANDING))

    @property
    def in_advance(self) -> int:
        """What is still to be paid in advance by the terms."""
        return max(0, self.price * self.prepay_percent // 100 - self.prepaid)

    @property
    def state(self) -> RemittanceState:
        """Where it stands."""
        if self.void:
            return RemittanceState.VOID
        if self.outstanding == 0:
            return RemittanceState.PAID
        states = {mark.state for mark in self.marks}
        if MarkState.CONTESTED in states or self.unpaid_at is not None:
            return RemittanceState.CONTESTED
        if MarkState.WAITING in states:
            return RemittanceState.MARKED
        return RemittanceState.PREPAID if MarkState.CONFIRMED in states else RemittanceState.OPEN

    @property
    def paid_at(self) -> float | None:
        """When all of it was paid, by the marks that stand: a shipper is not late because a driver is silent."""
        standing = [mark for mark in self.marks if mark.stands]
        whole = self._of(RemittanceKind.PAYMENT, STANDING) or self.prepaid >= self.price
        return max(mark.paid_at for mark in standing) if whole and standing and not self.void else None

    @property
    def spoken_of(self) -> bool:
        """Whether anybody has said anything: what both are silent of is no case of a record."""
        return self.unpaid_at is not None or any(mark.state is not MarkState.WITHDRAWN for mark in self.marks)

    def overdue(self, now: float) -> bool:
        """Whether the due date has passed, and nobody says that it was paid."""
        return not self.void and self.due_at is not None and now > self.due_at and self.paid_at is None

    def mark(self, number: int) -> Mark:
        """A mark by its id. Refusal `not_found`."""
        found = next((mark for mark in self.marks if mark.id == number), None)
        if found is None:
            raise Refusal("not_found")
        return found

    def _of(self, kind: RemittanceKind, states: frozenset[MarkState]) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if mark.kind is kind and mark.state in states)


# -- what the two sides say ---------------------------------------------------------------------------------


def marked(account: Account, said: Said, now: float) -> Account:
    """The shipper says that money was sent. It joins what the driver has said of the same money already. Refusal
    `payment_settled`, `payment_void`, `payment_waits`, `payment_amount`, `limit_reached`."""

    def same(mark: Mark) -> bool:
        heard = mark.state is MarkState.CONFIRMED and mark.shipper_at is None
        return heard and mark.kind is said.kind and said.amount in (mark.amount, None)

    heard = next(filter(same, account.marks), None)
    if heard is not None:
        joined = replace(heard, shipper_at=now, reference=heard.reference or said.reference)
        return _with(account, heard, joined)
    _must_be_open(account)
    if said.kind is RemittanceKind.PAYMENT and any(
        mark.kind is RemittanceKind.PAYMENT and mark.state is MarkState.WAITING for mark in account.marks
    ):
        raise Refusal("payment_waits")
    fresh = _fresh(account, said, MarkState.WAITING, shipper_at=now)
    return _added(account, fresh, now)


def received(account: Account, said: Said, now: float) -> Account:
    """The driver says that money has come: nobody else could say it better, so that it stands. Refusal as for
    `marked`; `payment_differs` when the shipper has marked another amount."""
    argued = [mark for mark in account.marks if mark.state in ARGUED and mark.kind is said.kind]
    unanswered = next((mark for mark in argued if mark.state is MarkState.WAITING), None)
    same = next((mark for mark in argued if said.amount == mark.amount), None)
    if said.amount is None:
        same = unanswered
    if same is None and unanswered is not None and said.kind is RemittanceKind.PAYMENT:
        raise Refusal("payment_differs")
    if same is not None:
        return confirmed(account, same.id, now)
    _must_be_open(account)
    return _added(account, _fresh(account, said, MarkState.CONFIRMED, driver_at=now), now)


def confirmed(account: Account, number: int, now: float) -> Account:
    """The driver has the money that was marked; what was contested may have come after all. Said twice it is one
    word. Refusal `not_found`, `payment_withdrawn`."""
    mark = account.mark(number)
    if mark.state is MarkState.CONFIRMED:
        return account
    if mark.state is MarkState.WITHDRAWN:
        raise Refusal("payment_withdrawn")
    _must_be_open(account)
    after = replace(mark, state=MarkState.CONFIRMED, driver_at=now, reason="", note="")
    return _settled(_with(account, mark, after), now)


def contested(account: Account, number: int, reason: str, note: str, now: float) -> Account:
    """The driver says that this is not so. Refusal `not_found`, `payment_withdrawn`, `payment_settled`."""
    mark = account.mark(number)
    if mark.state is MarkState.WITHDRAWN:
        raise Refusal("payment_withdrawn")
    if mark.state is MarkState.CONFIRMED:
        raise Refusal("payment_settled")
    _must_be_open(account)
    after = replace(mark, state=MarkState.CONTESTED, driver_at=now, reason=reason, note=note)
    return _with(account, mark, after)


def withdrawn(account: Account, number: int) -> Account:
    """The shipper takes a mark back that the driver has not confirmed. Refusal `not_found`, `payment_settled`."""
    mark = account.mark(number)
    if mark.state is MarkState.CONFIRMED:
        raise Refusal("payment_settled")
    return _with(account, mark, replace(mark, state=MarkState.WITHDRAWN))


def unpaid(account: Account, note: str, now: float) -> Account:
    """The driver says that nothing has come, though it is due; said again it keeps its time. Refusal
    `payment_early`, `payment_waits` while a mark waits that he may contest, `payment_settled`, `payment_void`."""
    _must_be_open(account)
    if account.due_at is None or now <= account.due_at:
        raise Refusal("payment_early")
    if any(mark.kind is RemittanceKind.PAYMENT and mark.state is MarkState.WAITING for mark in account.marks):
        raise Refusal("payment_waits")
    since = now if account.unpaid_at is None else account.unpaid_at
    return replace(account, unpaid_at=since, unpaid_note=note or account.unpaid_note)


def worth_telling(before: Account, told_at: float | None, now: float) -> bool:
    """Whether the shipper is told that nothing has come: when it is said first, and of other words at most once an
    hour, so that nobody is rung up by a driver who looks for the right ones. `told_at`: when he was told last."""
    return before.unpaid_at is None or told_at is None or now - told_at >= TOLD_AGAIN_S


def _must_be_open(account: Account) -> None:
    if account.void:
        raise Refusal("payment_void")
    if account.state is RemittanceState.PAID:
        raise Refusal("payment_settled")


def _fresh(
    account: Account,
    said: Said,
    state: MarkState,
    *,
    shipper_at: float | None = None,
    driver_at: float | None = None,
) -> Mark:
    room = account.price - account.prepaid
    left = account.in_advance if said.kind is RemittanceKind.PREPAYMENT else room
    amount = left if said.amount is None else said.amount
    if amount <= 0:
        raise Refusal("payment_amount", "say how much").at("amount")
    if said.kind is RemittanceKind.PREPAYMENT and amount > room:
        raise Refusal("payment_amount", "prepayments are no more than the price").at("amount")
    if len(account.marks) >= MOST_MARKS:
        raise Refusal("limit_reached", "at most {n} payment", plural="at most {n} payments", n=MOST_MARKS)
    return Mark(0, said.kind, amount, said.method, said.paid_at, said.reference, state, shipper_at, driver_at)


def _added(account: Account, fresh: Mark, now: float) -> Account:
    """With one more mark, in the place of what was contested of its kind."""
    kept = [
        replace(mark, state=MarkState.WITHDRAWN)
        if mark.kind is fresh.kind and mark.state is MarkState.CONTESTED
        else mark
        for mark in account.marks
    ]
    after = replace(account, marks=(*kept, fresh))
    return _settled(_arrived(after) if fresh.kind is RemittanceKind.PAYMENT else after, now)


def _settled(account: Account, now: float) -> Account:
    """Once all is paid nothing is left to argue about: prepayments that waited have come, as far as the price
    goes; what else was said is past."""
    if account.outstanding:
        return account
    room, marks = account.price - account.received, list[Mark]()
    for mark in account.marks:
        state, driver_at = mark.state, mark.driver_at
        if state is MarkState.WAITING and mark.kind is RemittanceKind.PREPAYMENT and mark.amount <= room:
            state, driver_at, room = MarkState.CONFIRMED, now, room - mark.amount
        elif state in ARGUED:
            state = MarkState.WITHDRAWN
        marks.append(replace(mark, state=state, driver_at=driver_at))
    return _arrived(replace(account, marks=tuple(marks)))


def _arrived(account: Account) -> Account:
    """Nobody can say any more that nothing has come."""
    return replace(account, unpaid_at=None, unpaid_note="")


def _with(account: Account, before: Mark, after: Mark) -> Account:
    return replace(account, marks=tuple(after if mark is before else mark for mark in account.marks))
