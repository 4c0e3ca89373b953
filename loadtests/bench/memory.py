"""Sessions held: what a connected phone that only answers pings costs in memory and CPU."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

from .environment import Environment, environment
from .fleet import DriverLane, Fleet
from .ingest import recruit
from .measure import Cost, Figures, Stage, Stretch, each_us, ratio, verdict
from .processes import BenchError, Served, raise_open_files
from .sockets import connect, leave
from .wire import Codec, Json, Msgpack

SPARE_FILES = 500  # of a process: its own files, pools and pipes
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    sessions: int
    step: int
    seconds: float  # of idling with all sessions open
    peer: bool
    seed: int


@dataclass(slots=True)
class Held:
    """One server with all its sessions."""

    fleet: Fleet
    steps: list[tuple[int, float]]  # sessions open, KiB each
    connect_per_s: float
    connect_cpu_us: float | None
    idle: Cost = field(default_factory=Cost)  # of all sessions


async def run(load: Load) -> Figures:
    """The whole bench; see loadtests/README.md for how to read the figures."""
    files = raise_open_files()
    if files < load.sessions + SPARE_FILES:
        raise BenchError(
            f"{load.sessions} sessions need {load.sessions + SPARE_FILES} open files and this user may have "
            f"{files}: raise it (ulimit -n, as root) or give fewer --sessions"
        )
    random = Random(load.seed)
    with Stage() as stage:
        async with environment() as env, AsyncExitStack() as stack:
            with stage.step("accounts"):
                accounts = await env.provision(drivers=load.sessions)

            async def hold(server: Served, codec: Codec) -> Held:
                fleet = recruit(DriverLane, accounts.drivers, codec, random)
                with stage.step(f"opening sessions at {server.url}", load.sessions) as step:
                    held = await _open(server, fleet, load, step.at)
                with stage.step("idling with all of them"):
                    held.idle = await _idle(env, server, load.seconds)
                await leave(fleet.lanes)
                return held

            ours_at = await stack.enter_async_context(env.server())
            with stage.step("idling with none"):
                empty = await _idle(env, ours_at, min(load.seconds, 10))
            ours = await hold(ours_at, Msgpack())
            peer = await hold(await stack.enter_async_context(env.peer()), Json()) if load.peer else None
    lost = sum(ours.fleet.health.closes.values())
    figures: Figures = {
        "bench": "memory",
        "sessions": load.sessions - lost,
        "kib_per_session": ours.steps[-1][1],
        "kib_per_session_by_step": dict(ours.steps),
        "connects_per_s": ours.connect_per_s,
        "connect_cpu_us": ours.connect_cpu_us,
        "idle_cpu_us_per_s": round((_us_per_s(ours.idle) - _us_per_s(empty)) / load.sessions, 2),
        "idle_cpu_us_per_s_of_the_empty_server": round(_us_per_s(empty), 1),
        "seconds": load.seconds,
    }
    faults = ours.fleet.faults()
    if peer is not None:
        figures |= {
            "peer_sessions": load.sessions - sum(peer.fleet.health.closes.values()),
            "peer_kib_per_session": peer.steps[-1][1],
            "peer_connects_per_s": peer.connect_per_s,
            "peer_connect_cpu_us": peer.connect_cpu_us,
            "peer_idle_cpu_us_per_s": round(_us_per_s(peer.idle) / load.sessions, 2),
            "peer_ratio": ratio(peer.steps[-1][1], ours.steps[-1][1]),
        }
        faults += peer.fleet.faults()
    return figures | verdict(faults, ours.idle)


async def _open(server: Served, fleet: Fleet, load: Load, tell: Callable[[int], object]) -> Held:
    empty, cpu, took = server.memory(), server.cpu(), 0.0
    steps: list[tuple[int, float]] = []
    for start in range(0, load.sessions, load.step):
        lanes = fleet.lanes[start : start + load.step]
        took += await connect(lanes, server.socket_url, taken=start)
        opened = start + len(lanes)
        tell(opened)
        await asyncio.sleep(SETTLE_S)  # handshake buffers go back
        steps.append((opened, round((server.memory() - empty) / 1024 / opened, 2)))
    spent = each_us(server.cpu() - cpu, load.sessions)
    return Held(fleet, steps, round(load.sessions / took, 1), spent)


async def _idle(env: Environment, server: Served, seconds: float) -> Cost:
    stretch = await Stretch.begin(env, server)
    await asyncio.sleep(seconds)
    return await stretch.end()


def _us_per_s(cost: Cost) -> float:
    return cost.server_s / cost.wall_s * 1e6
