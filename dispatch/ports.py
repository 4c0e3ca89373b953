"""What the dispatcher needs from outside: the store that decides races, eyes on the road, and a voice."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from geo.routing import Profile
from geo.travel import Travel
from geo.types import Position

from .events import Event
from .matching import Ranked
from .model import Candidate, NewOrder, Order, Party, Policy, Status
from .rounds import Wave

Seen = tuple[int, float, float]  # driver, metres away (great circle), age of the fix in seconds


class Nearby(Protocol):
    """The live index. It only hints: who may really be offered a load is asked of the store."""

    def near(self, lat: float, lon: float, count: int, radius_m: float) -> list[Seen]:
        """At most `count` drivers within `radius_m`, nearest first."""
        ...


class Ways(Protocol):
    """Roads between places: whoever knows them best, and somebody always."""

    async def way(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None = None
    ) -> Travel:
        """The way through these points, in this order. Never fails, and is back within its own budget of time."""
        ...


class Notifier(Protocol):
    """Tells sockets and other workers. Must not block and must not fail: what it loses, the outbox and the
    snapshots of watchers make good."""

    def tell(self, events: Sequence[Event]) -> None:
        """Tells once the writes of the caller can be seen by others: at once, or after its COMMIT."""
        ...


class Claim(Protocol):
    """One order whose search is due, its row locked until the claim is left."""

    order: Order
    now: float  # the database's clock, epoch seconds

    async def eligible(self, seen: Sequence[Seen], policy: Policy) -> list[Candidate]:
        """Of these drivers, those who may be offered this order now and never were before."""
        ...

    async def offer(self, wave: Wave, ranked: Sequence[Ranked], policy: Policy) -> list[Event]:
        """Writes the wave's offers, their pushes and the next look."""
        ...

    async def look_again(self, seconds: float) -> None:
        """Puts the next look off."""
        ...

    async def open_board(self) -> list[Event]:
        """Ends the search: the order goes to the board."""
        ...


class Orders(Protocol):
    """The arbiter. Each method is one transaction; a Refusal changes no row but the accept's own answer."""

    faults: tuple[type[Exception], ...]  # the database is away or busy: a loop may go on later

    async def add(self, order: NewOrder) -> Order:
        """The order, open and due for its search."""
        ...

    def claim_due(self) -> AbstractAsyncContextManager[Claim | None]:
        """The order that has waited longest for its next wave, or None. Leaving the block commits."""
        ...

    async def accept(
        self, driver: int, offer: int, accept_id: UUID, *, actor: int | None = None
    ) -> tuple[Order, list[Event]]:
        """Returns when the driver has won, raises the Refusal that is stored under `accept_id` when not."""
        ...

    async def take(
        self,
        driver: int,
        order: int,
        accept_id: UUID,
        *,
        seen_version: int | None = None,
        actor: int | None = None,
    ) -> tuple[Order, list[Event]]:
        """As `accept`, for an order on the board."""
        ...

    async def decline(self, driver: int, offer: int, reason: str, note: str) -> list[Event]:
        """The driver's live offer ends; declining what has already ended changes nothing."""
        ...

    async def seen(self, driver: int, offer: int) -> None:
        """The driver's device shows the offer: its push is called off."""
        ...

    async def cancel(self, party: Party, order: int, reason: str) -> tuple[Order, list[Event]]:
        """Calls the order off for everybody."""
        ...

    async def advance(self, driver: int, order: int, status: Status) -> tuple[Order, list[Event]]:
        """The assigned driver's next step."""
        ...

    async def expire_offers(self, limit: int) -> list[Event]:
        """Ends live offers that are past their time, of at most `limit` orders."""
        ...

    async def expire_orders(self, limit: int) -> list[Event]:
        """Ends open orders that are past their time, at most `limit`."""
        ...
