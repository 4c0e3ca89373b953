"""What payments mean for what a user may do: said here, done by whoever keeps access. Everything is called inside
the transaction of what has happened, under the invoice's lock, and once for each time that it happens; `at` is the
database's clock, epoch seconds.
"""

from typing import Protocol

from billing.acquiring import Advice
from billing.payments import AttemptState, Invoice
from storage.postgres import Connection


class Consequences(Protocol):
    """Of money that came, went back, or did not come."""

    async def paid(self, connection: Connection, invoice: Invoice, card: int | None, at: float) -> None:
        """An invoice was paid: what it is for begins. `card` is the saved one that may pay the next, if any."""
        ...

    async def refunded(
        self, connection: Connection, invoice: Invoice, minor: int, total: int, at: float
    ) -> None:
        """`minor` units of it went back, `total` with what went before."""
        ...

    async def not_taken(
        self, connection: Connection, invoice: Invoice, state: AttemptState, advice: Advice | None, at: float
    ) -> None:
        """A charge of a saved card has ended without money: DECLINED, UNAVAILABLE or REJECTED. Not final: money
        that comes all the same is told by `paid`."""
        ...


class NoConsequences:
    """Payments that mean nothing: for tools that only read, and until access is wired in."""

    async def paid(self, connection: Connection, invoice: Invoice, card: int | None, at: float) -> None:
        """Nothing."""

    async def refunded(
        self, connection: Connection, invoice: Invoice, minor: int, total: int, at: float
    ) -> None:
        """Nothing."""

    async def not_taken(
        self, connection: Connection, invoice: Invoice, state: AttemptState, advice: Advice | None, at: float
    ) -> None:
        """Nothing."""
