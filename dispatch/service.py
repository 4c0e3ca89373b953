"""The life of an order, told in order: quote, seek, accept, advance, expire. How it is posted: posting.py."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from geo.crossings import Crossings
from geo.gazetteer import City, Gazetteer
from geo.roads import RoadGraph
from geo.routing import Profile
from geo.travel import Travel, on_graph, travel_of
from geo.types import Position

from .asked import stops_of
from .cancelling import CallingOff
from .disputes import Complaint
from .errors import Refusal
from .events import Event, OfferMade
from .loops import repeat
from .matching import rank
from .model import Haul, Load, Money, Order, Party, Place, Policy, Status, Stop
from .places import town
from .ports import Claim, Measured, Nearby, Notifier, Orders, Seen, Ways
from .rounds import Search, after_nobody, waves_left
from .tariffs import Prices, Tariffs, run_of
from .trucks import truck_of

SEEK_POLL_S = 0.25  # a missed wake-up (another worker's order, a timer) costs no more than this
EXPIRE_POLL_S = 0.5  # an offer ends within its expiry + 1 s; a poll costs the idle worker about 1 ms
BATCH = 20  # orders whose ends are written in one transaction: their locks stay short of an accept's patience


@dataclass(frozen=True, slots=True)
class Quoted:
    """A haul with its price and the road it takes."""

    haul: Haul
    price: Money
    route: Travel


class GraphWays:
    """The corridor graph alone as `ports.Ways`."""

    def __init__(self, roads: RoadGraph) -> None:
        self._roads = roads
        self._crossings = Crossings.load()

    async def way(
        self, points: Sequence[Position], profile: Profile, depart_at: float | None = None
    ) -> Travel:
        """The ways of the graph, one after the other."""
        graph = [self._roads.route(a, b) for a, b in pairwise(points)]
        return travel_of(graph, on_graph(graph), self._crossings)


class Dispatcher:
    """Finds a driver for every order. Holds no truth: stores decide, this object asks in the right order."""

    def __init__(
        self,
        orders: Orders,
        nearby: Nearby,
        notifier: Notifier,
        roads: RoadGraph,
        gazetteer: Gazetteer,
        tariffs: Tariffs,
        policy: Policy,
        *,
        ways: Ways | None = None,
        clock: Callable[[], float] = time.time,
        after_commit: Callable[[Callable[[], object]], object] = lambda callback: callback(),
        also_expiring: Sequence[Callable[[int], Awaitable[list[Event]]]] = (),
    ) -> None:
        """`ways`: None is the corridor graph. `after_commit` runs a callback when what was just written can be
        seen by others; without a transaction around the whole request that is at once. `also_expiring` are more
        sweeps like those of `orders`: each ends what is past its time, of at most so many orders."""
        self._orders = orders
        self._nearby = nearby
        self._notifier = notifier
        self._roads = roads
        self._ways: Ways = GraphWays(roads) if ways is None else ways
        self._gazetteer = gazetteer
        self._tariffs = tariffs
        self._clock = clock
        self._policy = policy
        self._after_commit = after_commit
        self._expiring = (orders.expire_offers, orders.expire_orders, *also_expiring)
        self._seek_wanted = asyncio.Event()

    # -- shippers -------------------------------------------------------------------------------------------

    async def quote(self, pickup_city: int, drop_city: int, load: Load) -> Quoted:
        """The haul between two cities of the gazetteer; `place_unknown` when one is not there."""
        ends = (Stop("pickup", self._place(pickup_city)), Stop("drop", self._place(drop_city)))
        way = await self._way(ends, load)
        haul, price = self._measured(ends, way, load, await self._tariffs.now())
        return Quoted(haul, price, way)

    async def measure(self, stops: Sequence[Stop], load: Load) -> Measured:
        """The way through all stops and the price of carrying the load along it."""
        way = await self._way(stops, load)
        return self._measured(stops, way, load, await self._tariffs.now())

    def line(self, order: Order, *, exact: bool) -> list[Position]:
        """The road of an order through all its stops, for the map; from towns to towns unless `exact`."""
        points = [(stop.exact if exact else None) or stop.place.position for stop in stops_of(order)]
        first, *rest = [self._roads.route(here, there) for here, there in pairwise(points)]
        return [*first.line, *(at for leg in rest for at in leg.line[1:])]

    async def cancel(self, party: Party, order: int, why: CallingOff) -> Order:
        """Calls the order off: shipper and driver their own, until it is loaded; staff any."""
        changed, events = await self._orders.cancel(party, order, why.checked(party.actor))
        self._tell(events)
        return changed

    async def dispute(self, party: Party, order: int, complaint: Complaint) -> Order:
        """Something is wrong with a haul on the road: staff decide what becomes of it."""
        changed, events = await self._orders.dispute(party, order, complaint)
        self._tell(events)
        return changed

    async def close(self, party: Party, order: int, note: str) -> Order:
        """Nothing is left to settle."""
        changed, events = await self._orders.close(party, order, note)
        self._tell(events)
        return changed

    # -- drivers --------------------------------------------------------------------------------------------

    async def accept(self, driver: int, offer: int, accept_id: UUID, *, actor: int | None = None) -> Order:
        """The order, won; or the Refusal that says why not. A retry with the same id gets the same answer.

        `actor` is who asks, when somebody acts for the driver.
        """
        won, events = await self._orders.accept(driver, offer, accept_id, actor=actor)
        self._tell(events)
        return won

    async def take(
        self,
        driver: int,
        order: int,
        accept_id: UUID,
        *,
        seen_version: int | None = None,
        actor: int | None = None,
    ) -> Order:
        """As `accept`, for a load on the board; of another version than was seen it is not won."""
        won, events = await self._orders.take(
            driver, order, accept_id, seen_version=seen_version, actor=actor
        )
        self._tell(events)
        return won

    async def decline(self, driver: int, offer: int, reason: str = "unsaid", note: str = "") -> None:
        """Not this load; the next wave need not wait when nobody else is thinking about it."""
        self._tell(await self._orders.decline(driver, offer, reason, note))
        self._seek()

    async def seen(self, driver: int, offer: int) -> None:
        """The card is on the driver's screen: no push."""
        await self._orders.seen(driver, offer)

    async def advance(self, driver: int, order: int, status: Status, *, actor: int | None = None) -> Order:
        """The assigned driver's next step, to delivered; `actor` asks, when somebody acts for the driver."""
        changed, events = await self._orders.advance(driver, order, status, actor=actor)
        self._tell(events)
        return changed

    # -- loops: idempotent, on any worker -------------------------------------------------------------------

    async def seek_due(self) -> int:
        """Sends every wave that is due; how many orders were looked at."""
        looked_at = 0
        while True:
            events: list[Event] = []
            async with self._orders.claim_due() as claim:
                if claim is None:
                    return looked_at
                events = await self._search(claim)
            self._tell(events)
            looked_at += 1

    async def expire_due(self) -> int:
        """Ends every offer, bid and open order past its time; how many events that made."""
        told = 0
        for expire in self._expiring:
            while events := await expire(BATCH):
                self._tell(events)
                told += len(events)
        if told:
            self._seek_wanted.set()
        return told

    def seek_soon(self) -> None:
        """Something may be due for its search: once it can be seen, the loop looks at once."""
        self._seek()

    async def run_seek(self) -> None:
        """Seeks for ever: at once when woken, else every SEEK_POLL_S."""
        await repeat("seek", self.seek_due, SEEK_POLL_S, self._orders.faults, self._seek_wanted)

    async def run_expire(self) -> None:
        """Expires for ever, every EXPIRE_POLL_S."""
        await repeat("expire", self.expire_due, EXPIRE_POLL_S, self._orders.faults)

    async def _search(self, claim: Claim) -> list[Event]:
        """The next wave that has anybody in it, or the board; first of all, alerts by saved searches."""
        matches = await claim.matches()
        events = await self._wave(claim, [match.driver for match in matches])
        if matches:
            offered = {event.driver for event in events if isinstance(event, OfferMade)}
            others = [match for match in matches if match.driver not in offered]
            events += await claim.alert(others, self._policy)
        return events

    async def _wave(self, claim: Claim, searchers: Sequence[int]) -> list[Event]:
        """Who is near, and the nearest of the searchers from however far, ranked together."""
        pickup = claim.order.haul.pickup
        from_far: list[Seen] = []
        if searchers:
            from_far = self._nearby.nearest_of(searchers, pickup.lat, pickup.lon, self._policy.searchers)
        for wave in waves_left(Search(claim.order.wave), self._policy):
            near = self._nearby.near(pickup.lat, pickup.lon, wave.nearby, wave.radius_m)
            seen = list(
                {driver: (driver, metres, age_s) for driver, metres, age_s in (*near, *from_far)}.values()
            )
            candidates = await claim.eligible(seen, self._policy, searchers=searchers) if seen else []
            ranked = rank(claim.order, candidates, claim.now, self._policy)
            if ranked:
                return await claim.offer(wave, ranked[: self._policy.wave_size], self._policy)
        order = claim.order
        after = after_nobody(Search(order.wave), claim.now - order.created_at, claim.now, self._policy)
        if after.seek_at is None:
            return await claim.open_board()
        await claim.look_again(after.seek_at - claim.now)
        return []

    def _seek(self) -> None:
        self._after_commit(self._seek_wanted.set)

    def _tell(self, events: list[Event]) -> None:
        if events:
            self._notifier.tell(events)

    async def _way(self, stops: Sequence[Stop], load: Load) -> Travel:
        profile = truck_of(load.body, load.weight_kg, load.volume_m3).profile(load.weight_kg, bool(load.adr))
        return await self._ways.way([stop.exact or stop.place.position for stop in stops], profile)

    def _measured(self, stops: Sequence[Stop], way: Travel, load: Load, prices: Prices) -> Measured:
        haul = Haul(stops[0].place, stops[-1].place, way.distance_m, way.duration_s, way.origin, tuple(stops))
        run = run_of(way, load, haul.pickup.city, haul.drop.city, direct=len(stops) == 2)
        return Measured(haul, prices.price(run, self._clock()).price)

    def _place(self, city: int) -> Place:
        found: City | None = self._gazetteer.city(city)
        if found is None:
            raise Refusal("place_unknown", "no city has the number {city}", city=city)
        return town(found)
