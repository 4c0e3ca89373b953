"""Positions out: from a truck's fix to the operators whose viewport holds it."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from math import inf
from random import Random

from .environment import Environment, environment
from .fleet import WALL, DriverLane, Fleet
from .histogram import Histogram
from .ingest import recruit
from .measure import Cost, Figures, Stage, Stretch, each_us, ratio, verdict
from .openloop import Punctuality
from .places import draw, near, towns, viewport
from .processes import BenchError, Served
from .sockets import Account, Health, Lane, connect, leave
from .wire import Codec, Json, Message, Msgpack

ADMINS = 20  # accounts; operators open several windows
ROUNDS = 2
SETTLE_S = 1.0
HALF_DEGREES = 0.12  # of a viewport: a town and its approaches


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    drivers: int
    rate: float  # points/s
    watchers: int
    seconds: float
    warm_s: float
    peer: bool
    peer_rate: float
    seed: int


@dataclass(slots=True)
class View:
    """What the watchers of one target saw."""

    since: float = inf  # fixes taken in [since, until) (time.monotonic) are timed
    until: float = inf
    lag: Histogram = field(default_factory=Histogram)
    frames: int = 0
    updates: int = 0


class WatcherLane(Lane):
    """An operator's map."""

    __slots__ = ("_area", "view")

    def __init__(
        self, account: Account, codec: Codec, health: Health, view: View, area: dict[str, float]
    ) -> None:
        super().__init__(account, codec, health)
        self.view = view
        self._area = area

    async def begin(self) -> None:
        """Greeted, then the viewport is open."""
        await super().begin()
        await self.watch()

    async def watch(self) -> None:
        """Opens the viewport."""
        answer = await self.command("area.watch", **self._area)
        if answer["type"] != "ok":
            raise BenchError(f"the server refused a viewport: {answer}")

    async def look_away(self) -> None:
        """Closes it; the connection stays."""
        await self.command("area.unwatch")

    def on_message(self, message: Message) -> None:
        """Every truck of every frame is timed."""
        if message["type"] != "area.moved":
            super().on_message(message)
            return
        now, view, record = time.monotonic(), self.view, self.view.lag.record
        trucks = message["trucks"]
        view.frames += 1
        view.updates += len(trucks)
        for truck in trucks:
            taken = truck[1] - WALL
            if view.since <= taken < view.until:
                record(now - taken)


@dataclass(slots=True)
class Side:
    """One server with its trucks and its watchers."""

    server: Served
    fleet: Fleet
    view: View
    watchers: list[WatcherLane]
    health: Health


@dataclass(slots=True)
class Taken:
    """One stretch of one side."""

    cost: Cost
    kept: Punctuality
    lag: Histogram
    frames: int
    updates: int
    points: int

    def add(self, other: "Taken") -> None:
        """Two stretches of one kind make one."""
        self.cost.add(other.cost)
        self.kept.add(other.kept)
        self.lag.add(other.lag)
        self.frames += other.frames
        self.updates += other.updates
        self.points += other.points


async def run(load: Load) -> Figures:
    """The whole bench; see loadtests/README.md for how to read the figures."""
    random = Random(load.seed)
    with Stage() as stage:
        async with environment() as env, AsyncExitStack() as stack:
            with stage.step("accounts and servers"):
                accounts = await env.provision(drivers=load.drivers, admins=ADMINS)
                ours_at = await stack.enter_async_context(env.server())
                peer_at = await stack.enter_async_context(env.peer()) if load.peer else None

            async def side(server: Served, codec: Codec) -> Side:
                fleet = recruit(DriverLane, accounts.drivers, codec, random)
                with stage.step(f"trucks to {server.url}", load.drivers) as step:
                    await connect(fleet.lanes, server.socket_url, tell=step.at)
                view, health, all_towns = View(), Health(), towns()
                areas = [viewport(*near(draw(all_towns, random), random), HALF_DEGREES)
                         for _ in range(load.watchers)]  # fmt: skip
                lanes = [WatcherLane(accounts.admins[n % ADMINS], codec, health, view, area)
                         for n, area in enumerate(areas)]  # fmt: skip
                return Side(server, fleet, view, lanes, health)

            async def open_maps(one: Side) -> None:
                with stage.step(f"maps to {one.server.url}", load.watchers) as step:
                    await connect(one.watchers, one.server.socket_url, tell=step.at, taken=load.drivers)

            ours = await side(ours_at, Msgpack())
            await open_maps(ours)
            with stage.step("warming up"):
                await _stretch(env, ours, load.rate, load.warm_s, random)
            watched, alone = await _in_turn(env, ours, load, random, stage)
            figures, faults, kept = _figures(load, ours, alone, watched), _faults(ours), [alone, watched]
            sides = [ours]
            if peer_at is not None:
                peer = await side(peer_at, Json())
                sides.append(peer)
                await open_maps(peer)
                with stage.step("reference server and ours at its rate"):
                    await _stretch(env, peer, load.peer_rate, load.warm_s, random)
                    same = await _stretch(env, ours, load.peer_rate, load.seconds / 2, random)
                    theirs = await _stretch(env, peer, load.peer_rate, load.seconds / 2, random)
                figures |= _peer_figures(load, same, theirs)
                faults += _faults(peer)
                kept += [same, theirs]
            for one in sides:
                await leave([*one.fleet.lanes, *one.watchers])
            return figures | verdict(faults, watched.cost, *(taken.kept for taken in kept))


async def _in_turn(
    env: Environment, ours: Side, load: Load, random: Random, stage: Stage
) -> tuple[Taken, Taken]:
    """Trucks with and without watchers, turn by turn: the difference is what deliveries cost."""
    taken: dict[bool, Taken] = {}
    for turn in range(2 * ROUNDS):
        watching = turn % 2 == 0
        with stage.step("trucks and watchers" if watching else "trucks without watchers"):
            if turn:
                for lane in ours.watchers:
                    await (lane.watch() if watching else lane.look_away())
                await _stretch(env, ours, load.rate, SETTLE_S, random)
            one = await _stretch(env, ours, load.rate, load.seconds / ROUNDS, random)
        if watching in taken:
            taken[watching].add(one)
        else:
            taken[watching] = one
    for lane in ours.watchers:
        await lane.watch()
    return taken[True], taken[False]


async def _stretch(env: Environment, side: Side, rate: float, seconds: float, random: Random) -> Taken:
    view, tally = side.view, side.fleet.tally
    view.lag, frames, updates, points = Histogram(), view.frames, view.updates, tally.acked
    view.since = time.monotonic()
    view.until = view.since + seconds
    stretch = await Stretch.begin(env, side.server)
    kept = await side.fleet.stream(rate, seconds, random)
    await side.fleet.drain()
    cost = await stretch.end()
    return Taken(
        cost, kept, view.lag, view.frames - frames, view.updates - updates, tally.acked - points
    )  # fmt: skip


def _figures(load: Load, ours: Side, alone: Taken, watched: Taken) -> Figures:
    # Taking points in costs the same with and without watchers: what is above that is for deliveries.
    taking_in_s = alone.cost.server_s * watched.points / max(alone.points, 1)
    delivering_s = max(watched.cost.server_s - taking_in_s, 0.0)
    wall_s = watched.cost.wall_s
    return {
        "bench": "fanout",
        "drivers": load.drivers,
        "points_per_s": round(watched.points / wall_s, 1),
        "watchers": load.watchers,
        "seconds": load.seconds,
        **watched.lag.figures("point_to_watcher"),
        "deliveries_per_s": round(watched.frames / wall_s, 1),
        "updates_per_s": round(watched.updates / wall_s, 1),
        "cpu_us_per_delivery": each_us(delivering_s, watched.frames),
        "cpu_us_per_update": each_us(delivering_s, watched.updates),
        "server_cpu": round(watched.cost.server_s / wall_s, 3),
        "server_cpu_without_watchers": round(alone.cost.server_s / alone.cost.wall_s, 3),
        "errors": dict(ours.fleet.health.errors + ours.health.errors),
    }


def _peer_figures(load: Load, same: Taken, theirs: Taken) -> Figures:
    ours_us, theirs_us = (each_us(one.cost.server_s, one.updates) for one in (same, theirs))
    return {
        "peer_offered_points_per_s": load.peer_rate,
        "peer_points_per_s": round(theirs.points / theirs.cost.wall_s, 1),
        **theirs.lag.figures("peer_point_to_watcher"),
        "peer_updates_per_s": round(theirs.updates / theirs.cost.wall_s, 1),
        "peer_cpu": round(theirs.cost.server_s / theirs.cost.wall_s, 3),
        # all server CPU, points in and positions out, for each update that a watcher got, at the same rate
        "peer_cpu_us_per_update": theirs_us,
        "server_cpu_us_per_update_at_peer_rate": ours_us,
        **same.lag.figures("point_to_watcher_at_peer_rate"),
        "peer_ratio": ratio(theirs_us, ours_us),
    }


def _faults(side: Side) -> list[str]:
    return side.fleet.faults() + side.health.faults()
