"""The order path: from the moment a shipper meant to post to the offer at a driver's socket, and the accept."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

import aiohttp

from .environment import Environment, environment
from .fleet import DriverLane, Fleet, Tally, Truck
from .histogram import Histogram
from .measure import Cost, Figures, Stage, Stretch, verdict
from .openloop import OpenLoop, Punctuality
from .places import Town, draw, towns, truck
from .requests import Answers, Tasks, client
from .sockets import Account, Health, connect, leave
from .wire import Message, Msgpack

SHIPPERS = 20
ACCEPT_SHARE = 0.6  # of offered drivers who want the load: several at once, so that accepts race
STEPS = ("at_pickup", "loaded", "in_transit", "at_drop", "delivered")
WAIT_FOR_OFFERS_S = 5.0
DOUBLE_WINNERS = """
SELECT count(*) FROM (
    SELECT order_id FROM offers WHERE status = 'accepted' GROUP BY order_id HAVING count(*) > 1
) AS twice"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    drivers: int
    rate: float  # points/s
    orders_per_s: float
    seconds: float
    warm_s: float
    seed: int


@dataclass(slots=True)
class Market:
    """What happened to the orders, as their parties were told."""

    tasks: Tasks
    answers: Answers
    random: Random
    accept_lag: Histogram = field(default_factory=Histogram)
    refused_lag: Histogram = field(default_factory=Histogram)
    meant: dict[int, float] = field(default_factory=dict)  # order -> intended time of its POST
    offered: dict[int, float] = field(default_factory=dict)  # order -> first offer at a socket
    winners: dict[int, set[int]] = field(default_factory=dict)  # order -> drivers who were told `assigned`
    offers: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    placed: Counter[str] = field(default_factory=Counter)

    def order_to_offer(self) -> Histogram:
        """Of every order that got an offer: the offer may well overtake the answer to the POST."""
        lag = Histogram()
        for order, intended in self.meant.items():
            if order in self.offered:
                lag.record(self.offered[order] - intended)
        return lag


class HaulerLane(DriverLane):
    """A driver who looks at offers, takes some, and carries out what he has won."""

    __slots__ = ("_market",)

    def __init__(
        self, account: Account, health: Health, tally: Tally, truck: Truck, stream: str, market: Market
    ) -> None:
        super().__init__(account, Msgpack(), health, tally, truck, stream)
        self._market = market

    def on_event(self, kind: str, message: Message) -> None:
        """An offer is answered at once: thinking is not what is measured."""
        if kind == "offer.made":
            now, card = time.monotonic(), message["offer"]
            self._market.offers += 1
            self._market.offered.setdefault(card["order"], now)
            self._market.tasks.start(self._consider(card["offer"], card["order"]))
        else:
            super().on_event(kind, message)

    async def _consider(self, offer: int, order: int) -> None:
        market = self._market
        await self.command("offer.seen", offer=offer)
        if market.random.random() >= ACCEPT_SHARE:
            await self.command("offer.decline", offer=offer)
            return
        asked = time.monotonic()
        answer = await self.command("offer.accept", offer=offer, accept_id=str(uuid.uuid4()))
        took = time.monotonic() - asked
        if answer["type"] == "error":
            market.refusals[answer["code"]] += 1
            if market.answers.timed(asked):
                market.refused_lag.record(took)
            return
        if market.answers.timed(asked):
            market.accept_lag.record(took)
        market.winners.setdefault(order, set()).add(self.account.user)
        for step in STEPS:
            if (await self.command("order.advance", order=order, status=step))["type"] != "ok":
                break


async def run(load: Load) -> Figures:
    """The whole bench; see loadtests/README.md for how to read the figures."""
    random = Random(load.seed)
    with Stage() as stage:
        async with environment() as env, AsyncExitStack() as stack:
            with stage.step("accounts"):
                accounts = await env.provision(drivers=load.drivers, shippers=SHIPPERS)
            server = await stack.enter_async_context(env.server())
            market, all_towns = Market(Tasks(), Answers(), random), towns()
            fleet, places = _recruit(accounts.drivers, market, random)
            with stage.step("drivers", load.drivers) as step:
                await connect(fleet.lanes, server.socket_url, tell=step.at)
            session = await stack.enter_async_context(client(server.url))

            def place(source: int, intended: float) -> None:
                # A load for the truck of some driver, where that driver is: somebody near always fits.
                chosen = random.randrange(len(places))
                form = _form(accounts.drivers[chosen], places[chosen], all_towns, random)
                shipper = accounts.shippers[source].access
                market.tasks.start(_post(session, shipper, form, intended, market))

            async def market_day(seconds: float) -> tuple[Punctuality, Punctuality]:
                return await asyncio.gather(
                    fleet.stream(load.rate, seconds, random),
                    OpenLoop(SHIPPERS, load.orders_per_s, random).run(place, seconds),
                )

            with stage.step("warming up"):
                await market_day(load.warm_s)
            with stage.step("measuring"):
                fleet.tally.open(load.seconds)
                market.answers.since, market.answers.until = fleet.tally.since, fleet.tally.until
                stretch, acked = await Stretch.begin(env, server), fleet.tally.acked
                kept = await market_day(load.seconds)
                await fleet.drain()
                cost, points = await stretch.end(), fleet.tally.acked - acked
            with stage.step("the last offers"):
                await asyncio.sleep(WAIT_FOR_OFFERS_S)
                await market.tasks.finish(WAIT_FOR_OFFERS_S)
            figures = await _figures(env, load, market, fleet, cost, points)
            await leave(fleet.lanes)
            faults = fleet.faults() + [f"{count} x {what}" for what, count in market.tasks.failures.items()]
            return figures | verdict(faults, cost, *kept)


def _recruit(accounts: Sequence[Account], market: Market, random: Random) -> tuple[Fleet, list[Town]]:
    tally, health, all_towns, now = Tally(), Health(), towns(), time.monotonic()
    lanes, places = [], []
    for account in accounts:
        town = draw(all_towns, random)
        places.append(town)
        stream = f"{random.getrandbits(64):016x}"
        lanes.append(HaulerLane(account, health, tally, truck(town, random, now), stream, market))
    return Fleet(lanes, tally, health), places


def _form(driver: Account, pickup: Town, all_towns: list[Town], random: Random) -> dict[str, object]:
    drop = draw([town for town in all_towns if town is not pickup], random)
    return {
        "pickup_city": pickup.city, "drop_city": drop.city, "cargo": "load", "body": driver.body,
        "weight_kg": round(driver.capacity_kg * random.uniform(0.2, 0.9)), "volume_m3": 1,
        "allow_duplicate": True,  # few shippers post many loads between few towns
    }  # fmt: skip


async def _post(
    session: aiohttp.ClientSession, token: str, form: dict[str, object], intended: float, market: Market
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    async with session.post("/api/v1/orders", json=form, headers=headers) as answer:
        market.placed[str(answer.status)] += 1
        if answer.status == 201:
            order = (await answer.json())["order"]
            if market.answers.timed(intended):
                market.answers.lag.record(time.monotonic() - intended)
                market.meant[order] = intended


async def _figures(
    env: Environment, load: Load, market: Market, fleet: Fleet, cost: Cost, points: int
) -> Figures:
    lag, placed = market.order_to_offer(), len(market.meant)
    return {
        "bench": "dispatch",
        "drivers": load.drivers,
        "points_per_s": round(points / cost.wall_s, 1),
        "orders_per_s": round(placed / load.seconds, 2),
        "seconds": load.seconds,
        **lag.figures("order_to_offer"),
        **market.accept_lag.figures("accept"),
        **market.refused_lag.figures("accept_refused"),
        **market.answers.lag.figures("order_post"),
        **fleet.tally.ack_lag.figures("ack"),
        "orders": placed,
        "orders_without_offer": placed - lag.count,
        "offers": market.offers,
        "won": len(market.winners),
        "refusals": dict(market.refusals),
        "posts": dict(market.placed),
        "server_cpu": round(cost.server_s / cost.wall_s, 3),
        "postgres_cpu": None if cost.postgres_s is None else round(cost.postgres_s / cost.wall_s, 3),
        "told_twice": sum(len(drivers) > 1 for drivers in market.winners.values()),
        "double_winners": await env.count(DOUBLE_WINNERS),
    }
