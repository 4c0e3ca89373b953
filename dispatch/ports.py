"""What the dispatcher needs from outside: the store that decides races, eyes on the road, and a voice."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol
from uuid import UUID

from geo.routing import Profile
from geo.travel import Travel
from geo.types import Position

from .asked import Draft
from .cancelling import UNSAID, CallingOff
from .disputes import Complaint
from .editing import Changes
from .events import Event
from .matching import Ranked
from .model import Candidate, Haul, Money, NewOrder, Order, Party, Policy, Status
from .moderation import Facts, Moderation, Moderator, Record
from .rounds import Wave

Seen = tuple[int, float, float]  # driver, metres away (great circle), age of the fix in seconds


class Match(NamedTuple):
    """A driver, and his saved search that finds an order."""

    driver: int
    search: int


class Nearby(Protocol):
    """The live index. It only hints: who may really be offered a load is asked of the store."""

    def near(self, lat: float, lon: float, count: int, radius_m: float) -> list[Seen]:
        """At most `count` drivers within `radius_m`, nearest first."""
        ...

    def nearest_of(self, drivers: Iterable[int], lat: float, lon: float, count: int) -> list[Seen]:
        """At most `count` of these drivers who want loads and whose position is known, nearest first."""
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

    async def eligible(
        self, seen: Sequence[Seen], policy: Policy, *, searchers: Collection[int] = ()
    ) -> list[Candidate]:
        """Of these drivers, those who may be offered this order now and never were before. `searchers` have a
        saved search that finds it."""
        ...

    async def offer(self, wave: Wave, ranked: Sequence[Ranked], policy: Policy) -> list[Event]:
        """Writes the wave's offers, their pushes and the next look."""
        ...

    async def matches(self) -> list[Match]:
        """Whose saved searches find this order: asked once for each version of it, nobody after that."""
        ...

    async def alert(self, found: Sequence[Match], policy: Policy) -> list[Event]:
        """Writes alerts for these drivers, but for those who have an offer or had too many."""
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
        """The order: open and due for its search, or held for staff."""
        ...

    async def visible_to(self, party: Party, order: int) -> Order:
        """The posted order, when it is the party's to see; `not_found` otherwise."""
        ...

    def claim_due(self) -> AbstractAsyncContextManager[Claim | None]:
        """The order that has waited longest for its next wave, or None. Leaving the block commits;
        an order that the database cannot compute with is put aside instead, without an error."""
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

    async def cancel(self, party: Party, order: int, why: CallingOff = UNSAID) -> tuple[Order, list[Event]]:
        """Calls the order off for everybody."""
        ...

    async def dispute(self, party: Party, order: int, complaint: Complaint) -> tuple[Order, list[Event]]:
        """Something is wrong with a haul that cannot be called off any more: staff decide."""
        ...

    async def close(self, party: Party, order: int, note: str) -> tuple[Order, list[Event]]:
        """Nothing is left to settle."""
        ...

    async def advance(
        self, driver: int, order: int, status: Status, *, actor: int | None = None
    ) -> tuple[Order, list[Event]]:
        """The assigned driver's next step; `actor` is who asks, when somebody acts for the driver."""
        ...

    async def expire_offers(self, limit: int) -> list[Event]:
        """Ends live offers that are past their time, of at most `limit` orders."""
        ...

    async def expire_orders(self, limit: int) -> list[Event]:
        """Ends open orders that are past their time, at most `limit`."""
        ...

    async def close_delivered(self, limit: int, after_s: float) -> list[Event]:
        """Closes orders that were delivered so long ago and that nobody disputes, at most `limit`."""
        ...


class Measured(NamedTuple):
    """A way through stops, and what carrying this load along it usually costs."""

    haul: Haul
    price: Money


class Drafts(Protocol):
    """Loads that are not posted yet. Each method is one transaction."""

    async def draft(self, party: Party, order: int) -> Draft:
        """The party's draft; `not_found` otherwise."""
        ...

    async def publish(self, draft: Draft, new: NewOrder, actor: int) -> Order:
        """The draft becomes `new`; `version_stale` when it is not the newest any more."""
        ...


class Edits(Protocol):
    """What shippers do to posted loads. Each method is one transaction."""

    async def edit(
        self, before: Order, new: NewOrder, made: Changes, party: Party, valid_s: float | None
    ) -> tuple[Order, list[Event]]:
        """The next version; `version_stale` when `before` is not the newest. `valid_s` None leaves the expiry."""
        ...

    async def confirm(self, party: Party, order: int) -> tuple[Order, list[Event]]:
        """The open order still stands."""
        ...

    async def acknowledge(self, party: Party, order: int, version: int) -> tuple[Order, list[Event]]:
        """The driver agrees to the times of this version."""
        ...

    async def tend(self, limit: int) -> tuple[int, list[Event]]:
        """Reminds shippers to confirm their loads, and takes the unconfirmed off the board: how many of at most
        `limit` were looked at."""
        ...


class Cases(Protocol):
    """What staff look at. Each method is one transaction."""

    async def facts(self, order: NewOrder, number: int | None, policy: Moderation) -> Facts:
        """What must be known before it is posted; `number` is its own, when it is posted already."""
        ...

    async def record(self, shipper: int, policy: Moderation) -> Record:
        """The shipper's past."""
        ...

    async def cleared(self, order: int) -> frozenset[str]:
        """The suspicions about this order that staff have seen and let pass."""
        ...

    async def appeal(self, party: Party, order: int, text: str, within_s: float) -> tuple[Order, list[Event]]:
        """A second look at an order that was turned down, due within so many seconds."""
        ...

    async def approve(self, moderator: Moderator, case: int, note: str) -> list[Event]:
        """The order of the case is open."""
        ...

    async def reject(self, moderator: Moderator, case: int, reasons: list[str], note: str) -> list[Event]:
        """The order of the case is held, and its shipper knows why."""
        ...
