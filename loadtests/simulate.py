"""A whole market at work: trucks on the corridors, shippers who post and follow loads."""

import asyncio
import signal
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from random import Random

from geo.distance import destination
from geo.freight import NAMES_ITS_PRICE, Hauls, draw_load, draw_price
from geo.gazetteer import City, Gazetteer
from geo.roads import RoadGraph
from geo.types import Position
from tracking_desk_client import DeskError
from tracking_desk_client.messages import OrderForm

from .accounts import Accounts, Troupe, pool
from .carrier import Carrier
from .ledger import Ledger
from .motion import DEMO, REAL, Way
from .progress import progress
from .shipping import Shipper
from .tally import Tally

CONNECTING = 64
CONNECT_WITHIN_S = 120.0
ACK_WITHIN_S = 60.0
THROUGH_SHARE = (
    0.6  # of the trucks of a time-lapse drive from end to end of the country: a map with life on all roads
)
OPENING_S = 10.0
OPENING_SHARE = 0.15  # loads a truck that a time-lapse begins with: nobody wants to watch an empty market
YARD_M = 3000.0  # trucks stand within this distance of a town's centre


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated. `seconds` None: until interrupted."""

    drivers: int
    orders_per_min: float
    seconds: float | None
    seed: int
    demo: bool

    @property
    def shippers(self) -> int:
        """Enough for each to follow the loads that it posts."""
        return max(2, min(50, round(self.orders_per_min / 5)))


class Simulation:
    """One run of a plan."""

    def __init__(self, plan: Plan, accounts: Accounts, ledger: Ledger) -> None:
        self._plan = plan
        self._accounts = accounts
        self._ledger = ledger
        self._tally = Tally()
        self._driving = DEMO if plan.demo else REAL
        gazetteer = Gazetteer.load()
        self._roads = RoadGraph.load(gazetteer)
        self._hauls = Hauls.short(gazetteer, self._roads) if plan.demo else Hauls.corridors(gazetteer)
        self._corridors = Hauls.corridors(gazetteer)
        self._through_share = THROUGH_SHARE if plan.demo else 0.0
        self._carriers: list[Carrier] = []
        self._shippers: list[Shipper] = []
        self._began = time.monotonic()

    async def run(self, quiet: bool) -> dict[str, object]:
        """Play the plan; returns figures for the result line. Raises DeskError when a session is ended."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, stop.set)
        async with AsyncExitStack() as stack:
            troupe = Troupe(self._accounts, await stack.enter_async_context(pool()))
            await stack.enter_async_context(progress(self._line, quiet))
            if not await _unless(stop, self._gather(troupe, stack)):
                return self._figures()
            if self._plan.seconds is not None:
                loop.call_later(self._plan.seconds, stop.set)
            async with asyncio.TaskGroup() as tasks:
                market = tasks.create_task(self._market(), name="market")
                async with asyncio.TaskGroup() as lives:
                    for carrier in self._carriers:
                        lives.create_task(carrier.live(stop), name=f"carrier-{carrier.account.user}")
                market.cancel()
            await self._drain()
        return self._figures()

    async def _gather(self, troupe: Troupe, stack: AsyncExitStack) -> None:
        gate = asyncio.Semaphore(CONNECTING)

        async def join(carrier: Carrier) -> None:
            async with gate:
                await stack.enter_async_context(carrier.client)
                await carrier.join()

        for number, account in enumerate(self._accounts.drivers[: self._plan.drivers]):
            random = Random(f"{self._plan.seed}/driver/{number}")
            client = troupe.driver(account)
            through = self._corridors if random.random() < self._through_share else None
            home = _yard(self._hauls.draw(random)[0], random) if through is None else self._on_the_way(random)
            self._carriers.append(
                Carrier(
                    account, client, home, self._driving, self._roads, self._hauls, self._ledger,
                    self._tally, random, through,
                )
            )  # fmt: skip
        for number, one in enumerate(self._accounts.shippers[: self._plan.shippers]):
            shipper = troupe.shipper(one)
            await stack.enter_async_context(shipper)
            random = Random(f"{self._plan.seed}/shipper/{number}")
            self._shippers.append(Shipper(one.user, shipper, self._ledger, self._tally, random))
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S), asyncio.TaskGroup() as tasks:
                for carrier in self._carriers:
                    tasks.create_task(join(carrier), name=f"join-{carrier.account.user}")
        except TimeoutError as error:
            raise TimeoutError(f"not all trucks came online within {CONNECT_WITHIN_S:.0f} s") from error

    def _on_the_way(self, random: Random) -> Position:
        """Somewhere along a long haul."""
        pickup, drop = self._corridors.draw(random)
        way = Way(self._roads.route(pickup.position, drop.position).line, self._driving)
        return way.place(random.random() * way.length)

    async def _market(self) -> None:
        """Loads come as they do: independent of each other, at a mean rate, whatever became of earlier ones."""
        random = Random(f"{self._plan.seed}/market")
        bodies = sorted({carrier.account.body for carrier in self._carriers})
        mean_s = 60 / self._plan.orders_per_min
        opening = round(self._plan.drivers * OPENING_SHARE) if self._plan.demo else 0
        async with asyncio.TaskGroup() as trades:
            for shipper in self._shippers:
                trades.create_task(shipper.answer_bids(), name="bids")
            for number in count():
                shipper = random.choice(self._shippers)
                trades.create_task(self._trade(shipper, self._form(random, bodies)), name="trade")
                pause = random.expovariate(1 / mean_s)
                await asyncio.sleep(OPENING_S / opening if number < opening else pause)

    async def _trade(self, shipper: Shipper, form: OrderForm) -> None:
        try:
            await shipper.trade(form)
        except DeskError as error:
            self._tally.count(f"shipper: {error}")

    def _form(self, random: Random, bodies: list[str]) -> OrderForm:
        pickup, drop = self._hauls.draw(random)
        cargo, body, weight_kg, volume_m3 = draw_load(random, bodies)
        price = None
        if random.random() < NAMES_ITS_PRICE:
            distance_m = self._roads.route(pickup.position, drop.position).distance_m
            price = round(draw_price(random, distance_m, body, weight_kg) * 100)
        return OrderForm.from_wire(
            {
                "pickup_city": pickup.id, "drop_city": drop.id, "cargo": cargo, "weight_kg": weight_kg,
                "volume_m3": volume_m3, "body": body, "price": price, "allow_duplicate": True,
            }
        )  # fmt: skip

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(ACK_WITHIN_S), asyncio.TaskGroup() as tasks:
                for carrier in self._carriers:
                    tasks.create_task(carrier.client.drained(), name="drain")
        except TimeoutError:
            pass  # the verdict names what was not acknowledged

    def _line(self) -> str:
        online = sum(carrier.client.connection.connected for carrier in self._carriers)
        busy = sum(carrier.busy for carrier in self._carriers)
        posted = sum(len(shipper.posted) for shipper in self._shippers)
        seconds = max(1.0, time.monotonic() - self._began)
        tally = self._tally
        return (
            f"{seconds:5.0f} s  trucks online {online}/{self._plan.drivers}, loaded or on the way {busy}"
            f"  points acked {self._ledger.points_acked} ({self._ledger.points_acked / seconds:.0f}/s)"
            f"  loads posted {posted}, offers {tally.offers}, assigned {tally.assigned}"
            f", delivered {tally.delivered}  bids {tally.bids}, countered {tally.countered}, picked {tally.picked}"
        )

    def _figures(self) -> dict[str, object]:
        posted = {order: at for shipper in self._shippers for order, at in shipper.posted.items()}
        waits = sorted(
            (seen - posted[order]) * 1000
            for order, seen in self._tally.first_offer.items()
            if order in posted
        )
        return {
            "drivers": len(self._carriers),
            "seconds": round(time.monotonic() - self._began, 1),
            "posted": len(posted),
            "news": sum(shipper.news for shipper in self._shippers),
            "order_to_offer_p50_ms": round(waits[len(waits) // 2], 1) if waits else None,
            "order_to_offer_p95_ms": round(waits[int(len(waits) * 0.95)], 1) if waits else None,
            "bids": self._tally.bids,
            "countered": self._tally.countered,
            "bids_won": self._tally.picked + self._tally.counters_taken,
            "invitations": self._tally.invitations,
            "edits": self._tally.edits,
            "searches": self._tally.searches,
            "alerts": self._tally.alerts,
            "refused": self._tally.refused,
        }


async def simulate(plan: Plan, accounts: Accounts, ledger: Ledger, quiet: bool) -> dict[str, object]:
    """Play the plan and return its figures."""
    return await Simulation(plan, accounts, ledger).run(quiet)


def _yard(town: City, random: Random) -> Position:
    return destination(town.lat, town.lon, random.uniform(0, 360), random.uniform(0, YARD_M))


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Do the work, unless `stop` is set first; whether it was done."""
    working, stopped = asyncio.create_task(work, name="work"), asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            return True
        return False
    finally:
        stopped.cancel()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
