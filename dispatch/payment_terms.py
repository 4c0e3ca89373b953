"""When a haul is to be paid, when its sides are reminded of it, and what is known of how a shipper pays. Pure."""

from dataclasses import dataclass

from .model import Status, Terms
from .remittance import Account, RemittanceState

DAY_S = 86_400.0
TO_PAY_S = DAY_S  # after the loading or the delivery: a transfer of the evening is seen the next day
AGAIN_S = 7 * DAY_S  # from the due date to the second reminder
RECORD_S = 365 * DAY_S  # how far back a record of payments looks
ENOUGH = 3  # hauls that somebody has spoken of; with fewer nobody is judged
HELD_OPEN_S = 30 * DAY_S  # a haul whose payment is argued about is not closed by the clock so long


def due_at(terms: Terms, status: Status, at: float) -> float | None:
    """When the payment is due, once the step that it waits for is done `at`; None for every other step."""
    if status is not (Status.LOADED if terms.when == "on_loading" else Status.DELIVERED):
        return None
    return at + max(TO_PAY_S, terms.days * DAY_S)


def remind_at(account: Account, reminded: int) -> float | None:
    """When the two sides are reminded next: on the due date, and once more a week later."""
    if account.due_at is None or account.state in (RemittanceState.PAID, RemittanceState.VOID):
        return None
    return (account.due_at, account.due_at + AGAIN_S)[reminded] if reminded < 2 else None


def open_until(account: Account, terms: Terms, now: float) -> float | None:
    """Until when the order is not closed by the clock, so that the driver may still dispute; None: as ever.

    What is paid weeks after the delivery is not closed before it is due, what is argued about not at once."""
    if account.state in (RemittanceState.MARKED, RemittanceState.CONTESTED):
        return max(now, account.due_at or now) + HELD_OPEN_S
    if account.state in (RemittanceState.PAID, RemittanceState.VOID) or not terms.days:
        return None
    return None if account.due_at is None else account.due_at + AGAIN_S


@dataclass(frozen=True, slots=True)
class Discipline:
    """How a shipper has paid over a year: `on_time` of so many `cases`, and how many days late the others were in
    the median (those that are not paid yet until now)."""

    cases: int
    on_time: int
    late_days: float | None

    @property
    def share(self) -> float | None:
        """The share that was paid by the due date, once there are enough cases to speak of one."""
        return self.on_time / self.cases if self.cases >= ENOUGH else None
