"""Points in: what a committed point costs the server, beside a bare receive and the reference server."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

import aiohttp

from .environment import Environment, environment
from .fleet import DriverLane, Fleet, SilentLane, Tally
from .histogram import Histogram
from .measure import Cost, Figures, Stage, Stretch, each_us, ratio, verdict
from .openloop import Punctuality
from .places import draw, towns, truck
from .processes import Served
from .sockets import Account, Health, connect, leave
from .wire import Codec, Json, Msgpack


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    drivers: int
    rate: float  # points/s
    points_per_frame: int
    seconds: float
    warm_s: float
    peer: bool
    peer_rate: float
    rounds: int
    seed: int


@dataclass(slots=True)
class Series:
    """The stretches of one target at one rate."""

    server: Served
    fleet: Fleet
    rate: float
    cost: Cost = field(default_factory=Cost)
    lag: Histogram = field(default_factory=Histogram)
    kept: list[Punctuality] = field(default_factory=list)
    points: int = 0  # acknowledged in the stretches; of the floor: received
    unacked: int = 0


def recruit(kind: type[DriverLane], accounts: Sequence[Account], codec: Codec, random: Random) -> Fleet:
    """Lanes for these drivers, spread over the towns."""
    tally, health, all_towns, now = Tally(), Health(), towns(), time.monotonic()

    def lane(account: Account) -> DriverLane:
        stream = f"{random.getrandbits(64):016x}"
        return kind(account, codec, health, tally, truck(draw(all_towns, random), random, now), stream)

    return Fleet([lane(account) for account in accounts], tally, health)


async def run(load: Load) -> Figures:
    """The whole bench; see loadtests/README.md for how to read the figures."""
    random = Random(load.seed)
    with Stage() as stage:
        async with environment() as env, AsyncExitStack() as stack:
            with stage.step("accounts"):
                accounts = (await env.provision(drivers=load.drivers)).drivers
            with stage.step("servers"):
                ours_at = await stack.enter_async_context(env.server())
                floor_at = await stack.enter_async_context(env.floor())
                peer_at = await stack.enter_async_context(env.peer()) if load.peer else None

            async def fleet(kind: type[DriverLane], codec: Codec, server: Served) -> Fleet:
                made = recruit(kind, accounts, codec, random)
                with stage.step(f"connecting to {server.url}", len(accounts)) as step:
                    await connect(made.lanes, server.socket_url, tell=step.at)
                return made

            floor = Series(floor_at, await fleet(SilentLane, Msgpack(), floor_at), load.rate)
            ours = Series(ours_at, await fleet(DriverLane, Msgpack(), ours_at), load.rate)
            series = {"floor": floor, "ours": ours}
            if peer_at is not None:
                series["ours at the reference's rate"] = Series(ours_at, ours.fleet, load.peer_rate)
                series["reference"] = Series(
                    peer_at, await fleet(DriverLane, Json(), peer_at), load.peer_rate
                )
            for name, one in series.items():
                with stage.step(f"warming up: {name}"):
                    await one.fleet.stream(one.rate, load.warm_s, random, load.points_per_frame)
                    await one.fleet.drain()
            for number in range(load.rounds):
                for name, one in series.items():
                    with stage.step(f"round {number + 1}: {name}"):
                        await _stretch(env, one, load, random)
            with stage.step("comparing with the database"):
                figures = await _figures(env, load, series)
            for one in series.values():
                await leave(one.fleet.lanes)
            return figures


async def _stretch(env: Environment, one: Series, load: Load, random: Random) -> None:
    seconds, tally = load.seconds / load.rounds, one.fleet.tally
    tally.ack_lag = one.lag
    tally.open(seconds)
    before = tally.acked
    stretch = await Stretch.begin(env, one.server)
    one.kept.append(await one.fleet.stream(one.rate, seconds, random, load.points_per_frame))
    one.unacked = await one.fleet.drain()
    one.cost.add(await stretch.end())
    one.points += tally.acked - before


async def _figures(env: Environment, load: Load, series: dict[str, Series]) -> Figures:
    floor, ours = series["floor"], series["ours"]
    tally = ours.fleet.tally
    stored = await env.count("SELECT count(*) FROM positions")
    frames = floor.points / load.points_per_frame
    point_us = each_us(ours.cost.server_s, ours.points)
    frame_us = each_us(ours.cost.server_s, ours.points / load.points_per_frame)
    floor_us = each_us(floor.cost.server_s, frames)
    async with aiohttp.ClientSession() as client, client.get(floor.server.url + "/count") as answer:
        floor_lost = floor.fleet.tally.sent // load.points_per_frame - (await answer.json())["received"]
    figures: Figures = {
        "bench": "ingest",
        "drivers": load.drivers,
        "offered_points_per_s": load.rate,
        "points_per_frame": load.points_per_frame,
        "seconds": load.seconds,
        "points_per_s": round(ours.points / ours.cost.wall_s, 1),
        **ours.lag.figures("ack"),
        "server_cpu_us_per_point": point_us,
        "server_cpu": round(ours.cost.server_s / ours.cost.wall_s, 3),
        "floor_cpu_us_per_frame": floor_us,
        "floor_ratio": ratio(frame_us, floor_us),
        "postgres_cpu_us_per_point": each_us(ours.cost.postgres_s, ours.points),
        "redis_cpu_us_per_point": each_us(ours.cost.redis_s, ours.points),
        "sent": tally.sent,
        "acked": tally.acked,
        "stored": stored,
        "lost": max(tally.acked - tally.rejected - stored, 0),
        "unacked": ours.unacked,
        "errors": dict(ours.fleet.health.errors),
    }
    faults = ours.fleet.faults() + [f"the floor missed {floor_lost} frames"] * bool(floor_lost)
    kept = floor.kept + ours.kept
    if load.peer:
        peer, same = series["reference"], series["ours at the reference's rate"]
        peer_us = each_us(peer.cost.server_s, peer.points)
        same_us = each_us(same.cost.server_s, same.points)
        peer_stored = await env.count("SELECT count(*) FROM peer_positions")
        figures |= {
            "peer_offered_points_per_s": load.peer_rate,
            "peer_points_per_s": round(peer.points / peer.cost.wall_s, 1),
            **peer.lag.figures("peer_ack"),
            "peer_cpu_us_per_point": peer_us,
            "peer_cpu": round(peer.cost.server_s / peer.cost.wall_s, 3),
            "server_cpu_us_per_point_at_peer_rate": same_us,
            # each at its own offered rate, and both at the one that the reference server keeps up with
            "peer_ratio": ratio(peer_us, point_us),
            "peer_ratio_at_peer_rate": ratio(peer_us, same_us),
            "peer_postgres_cpu_us_per_point": each_us(peer.cost.postgres_s, peer.points),
            "postgres_cpu_us_per_point_at_peer_rate": each_us(same.cost.postgres_s, same.points),
            "peer_redis_cpu_us_per_point": each_us(peer.cost.redis_s, peer.points),
            "peer_stored": peer_stored,
            "peer_lost": max(peer.fleet.tally.acked - peer_stored, 0),
            "peer_parts": await _parts(peer.server),
        }
        faults += peer.fleet.faults()
        kept = kept + peer.kept + same.kept
    return figures | verdict(faults, ours.cost, *kept)


async def _parts(server: Served) -> dict[str, str]:
    async with aiohttp.ClientSession() as client, client.get(server.url + "/readyz") as answer:
        parts: dict[str, str] = await answer.json()
        return {name: version for name, version in parts.items() if version}
