"""What payments mean for what a user may do: said here, done by whoever keeps access."""

from typing import Protocol

from billing.payments import Invoice
from storage.postgres import Connection


class Consequences(Protocol):
    """What payments mean for what a user may do. Called inside the transaction that books them, once a booking."""

    async def paid(self, connection: Connection, invoice: Invoice, at: float) -> None:
        """An invoice was paid: what it is for begins. `at`: the database's clock, epoch seconds."""
        ...

    async def refunded(
        self, connection: Connection, invoice: Invoice, refunded_minor: int, at: float
    ) -> None:
        """So many minor units of it went back; an invoice may be refunded in parts, each told by itself."""
        ...


class NoConsequences:
    """Payments that grant nothing: for tools that only read, and until access is wired in."""

    async def paid(self, connection: Connection, invoice: Invoice, at: float) -> None:
        """Nothing."""

    async def refunded(
        self, connection: Connection, invoice: Invoice, refunded_minor: int, at: float
    ) -> None:
        """Nothing."""
