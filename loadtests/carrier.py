"""A simulated driver: drives, reports, is offered loads, takes some and delivers them."""

import asyncio
import time
from contextlib import suppress
from math import exp
from random import Random

from geo.freight import Hauls
from geo.roads import RoadGraph
from geo.types import Position
from tracking_desk_client import ApiError, Disconnected, DriverClient, Fix
from tracking_desk_client.driver import STEPS
from tracking_desk_client.messages import (
    BoardFilters,
    OfferCard,
    OrderState,
    SavedSearchForm,
    SearchMatched,
)

from . import haggling
from .accounts import DriverAccount
from .bidder import Bidder
from .ledger import UNKNOWN, WON, Ledger
from .motion import Driving, Truck
from .phone import Phone
from .tally import THINK_S, Tally

REPORT_EVERY_S = (1.0, 5.0)
FAR_M = (
    120_000.0  # of empty run at which one driver in e takes a load that he would take at the door: assumed
)
EAGER = 0.9
IGNORES = 0.3  # of the loads not taken: the driver just lets the offer run out
SEARCHES = (
    0.3  # of the drivers keep a search around their town, so that they hear of loads that others are offered
)
SEARCH_RADIUS_M = 300_000.0


def decide(random: Random, deadhead_m: float, far_m: float) -> str:
    """accept, decline or ignore: the longer the empty run, the less likely it is taken."""
    if random.random() < EAGER * exp(-deadhead_m / far_m):
        return "accept"
    return "ignore" if random.random() < IGNORES else "decline"


class Carrier:
    """One driver with one truck and one phone. `home` is where the truck stands at the start.

    A truck that is `through` traffic drives from one end of the country to the other while it has no load of
    the desk's; the others wait for loads around their town.
    """

    def __init__(
        self,
        account: DriverAccount,
        client: DriverClient,
        home: Position,
        driving: Driving,
        roads: RoadGraph,
        hauls: Hauls,
        ledger: Ledger,
        tally: Tally,
        random: Random,
        through: Hauls | None = None,
    ) -> None:
        self.account = account
        self.client = client
        self.truck = Truck(home, driving, random)
        self._phone = Phone(random)
        self._driving = driving
        self._roads = roads
        self._hauls = hauls
        self._ledger = ledger
        self._tally = tally
        self._random = random
        self._through = through
        self._every = random.uniform(*REPORT_EVERY_S)
        self._load: OrderState | None = None
        self._hired = asyncio.Event()
        self._arrived = asyncio.Event()
        self._bidder = Bidder(account.user, client, ledger, tally, random, lambda: self.busy, self._take)
        client.on_search = self._alerted
        client.on_acked = lambda stream, upto, rejected: ledger.acked(
            account.device, stream, upto, [(one.seq, one.reason) for one in rejected]
        )

    @property
    def busy(self) -> bool:
        """Whether the truck has a load to fetch or to deliver."""
        return self._load is not None

    async def join(self) -> None:
        """Connect, go on duty, and take up a load that an earlier run left assigned."""
        await self.client.connection.wait_connected()
        await self.client.set_duty(True)
        page = await self.client.api.orders(limit=1)
        for order in page.orders:
            if order.status in ("assigned", *STEPS[:-1]):
                place = order.drop if order.status == "at_drop" else order.pickup
                self.truck = Truck(Position(place.lat, place.lon), self._driving, self._random)
                self._take(order)
        if self._random.random() < SEARCHES:
            await self._keep_search()

    async def live(self, stop: asyncio.Event) -> None:
        """Drive and work until `stop` is set; then hand over what the phone still holds."""
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._work()),
                tasks.create_task(self._consider_offers()),
                tasks.create_task(self._bidder.run()),
            ]
            await self._drive(stop)
            for task in work:
                task.cancel()
        await self._report(self._phone.flush())

    # -- on the road ----------------------------------------------------------------------------------------

    async def _drive(self, stop: asyncio.Event) -> None:
        last = time.time()
        await _sleep_or(stop, self._random.uniform(0, self._every))
        while not stop.is_set():
            now = time.time()
            self.truck.advance(min(now - last, 60.0))
            last = now
            if self.truck.arrived:
                self._arrived.set()
            fixes = self._phone.read(now, self.truck.place, self.truck.speed, self.truck.heading)
            await self._report(fixes)
            await _sleep_or(stop, self._every)

    async def _report(self, fixes: list[Fix]) -> None:
        if not fixes:
            return
        if self.client.connection.ended:
            raise self.client.connection.ended
        points = await self.client.report(*fixes)
        # Nothing has left yet: the socket's writer runs when this task waits next.
        self._ledger.sent(
            self.account.device, self.client.queue.stream, [(p.seq, p.at, p.lat, p.lon) for p in points]
        )

    async def _go(self, to: Position) -> None:
        self._arrived.clear()
        self.truck.go(self._roads.route(self.truck.place, to).line)
        await self._arrived.wait()

    # -- loads ----------------------------------------------------------------------------------------------

    async def _keep_search(self) -> None:
        place = self.truck.place
        filters = BoardFilters(lat=place.lat, lon=place.lon, radius_m=SEARCH_RADIUS_M)
        try:
            kept = await self.client.api.save_search(SavedSearchForm("around home", filters))
        except ApiError as refused:
            if refused.code != "search_exists":  # of an earlier run
                raise
            return
        self._tally.searches += 1
        self._ledger.search(kept.saved_search, self.account.user)

    def _alerted(self, message: SearchMatched) -> None:
        self._tally.alerts += 1
        self._ledger.alert(self.account.user, message.order, message.version)

    async def _work(self) -> None:
        while True:
            if self._load is None:
                await self._roam()
            if (load := self._load) is None:
                continue
            try:
                await self._deliver(load)
                self._tally.delivered += 1
            except ApiError as refused:  # called off by the shipper
                self._tally.count(refused.code)
            except Disconnected:
                self._tally.count(UNKNOWN)
            self._load = None
            self._hired.clear()

    async def _roam(self) -> None:
        """Wait for a load; now and then move to a town nearby, or on along the corridor."""
        if self._through is None:
            await _sleep_or(self._hired, self._random.uniform(*self._driving.pause_s))
            if self._hired.is_set():
                return
            town = self._hauls.neighbour(self._random, self._hauls.nearest(self.truck.place))
        else:
            town = self._through.draw(self._random)[1]
        way = asyncio.create_task(self._go(town.position))
        hired = asyncio.create_task(self._hired.wait())
        try:
            await asyncio.wait((way, hired), return_when=asyncio.FIRST_COMPLETED)
        finally:
            way.cancel()
            hired.cancel()

    async def _deliver(self, load: OrderState) -> None:
        done = STEPS.index(load.status) + 1 if load.status in STEPS else 0
        for step in STEPS[done:]:
            if step == "at_pickup":
                await self._go(Position(load.pickup.lat, load.pickup.lon))
            elif step == "at_drop":
                await self._go(Position(load.drop.lat, load.drop.lon))
            elif step in ("loaded", "delivered"):
                await asyncio.sleep(self._random.uniform(*self._driving.handling_s))
            await self.client.advance(load.order, step, timeout=300)

    async def _consider_offers(self) -> None:
        thinking: set[asyncio.Task[None]] = set()
        try:
            async for offer in self.client.offers():
                self._tally.offers += 1
                self._tally.first_offer.setdefault(offer.order, time.monotonic())
                self._ledger.offered(offer.offer, self.account.user, offer.order)
                task = asyncio.create_task(self._consider(offer), name="consider")
                thinking.add(task)
                task.add_done_callback(thinking.discard)
        finally:
            for task in thinking:
                task.cancel()

    async def _consider(self, offer: OfferCard) -> None:
        choice = decide(self._random, offer.deadhead_m, self._driving.far_m)
        await asyncio.sleep(self._random.uniform(*THINK_S))
        if self.busy or choice == "ignore" or offer.offer not in self.client.live_offers:
            return
        try:
            if choice == "accept" and haggling.bids_instead(self._random, offer.pricing):
                await self._bidder.bid(offer)
            elif choice == "accept":
                await self._accept(offer)
            else:
                await self.client.decline(offer, "distance", "empty run too long")
        except ApiError as refused:
            self._tally.count(refused.code)
        except Disconnected:
            self._tally.count(UNKNOWN)

    async def _accept(self, offer: OfferCard) -> None:
        accept_id = self.client.accept_id(offer.offer)
        self._ledger.accepting(accept_id, self.account.user, offer.offer, offer.order)
        try:
            order = await self.client.accept(offer)
        except ApiError as refused:
            if not refused.retry:
                self._ledger.answered(accept_id, refused.code)
            raise
        self._ledger.answered(accept_id, WON)
        self._tally.assigned += 1
        self._take(order)

    def _take(self, order: OrderState) -> None:
        if self._load is not None:
            return  # won by an accept, and told again as a bid that was picked
        self._load = order
        self._hired.set()


async def _sleep_or(event: asyncio.Event, seconds: float) -> None:
    """Sleep, but not beyond the event."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
