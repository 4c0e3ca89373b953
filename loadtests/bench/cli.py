"""`./desk bench KIND` (ingest, dispatch, fanout, memory, rest, searches, money, notices): one JSON line on stdout.

Exit codes: 0 good, 1 an invariant is broken (points lost, two winners), 3 the run is void (the generator or a
connection failed: the figures say nothing), 2 it could not be run.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from . import dispatch, fanout, ingest, memory, money, notices, rest, searches
from .measure import Figures
from .processes import GENERATOR_CORE, BenchError, pin, raise_open_files
from .sockets import LaneLost

BROKEN = ("lost", "peer_lost", "double_winners", "told_twice")  # each must be 0
Bench = Callable[[argparse.Namespace], Coroutine[object, object, Figures]]


def add_bench(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `bench` and its kinds to a command line; `options.run(options)` runs one and gives the exit code."""
    bench = commands.add_parser("bench", help="measure the server under load, open loop")
    kinds = bench.add_subparsers(required=True, metavar="KIND")

    def kind(name: str, help: str, run: Bench, seconds: float) -> argparse.ArgumentParser:
        parser = kinds.add_parser(name, help=help)
        parser.add_argument("--json", action="store_true", help="one JSON line instead of a table")
        parser.add_argument(
            "--seconds", type=_above(0), default=seconds, help=f"measured (default {seconds:g})"
        )
        parser.add_argument("--warm", type=_above(0), default=5.0, help="seconds before (default 5)")
        parser.add_argument("--seed", type=int, default=1, help="of all that is random")
        parser.set_defaults(run=lambda options: _run(run, options))
        return parser

    def fleet(parser: argparse.ArgumentParser, drivers: int, rate: float) -> None:
        parser.add_argument("--drivers", type=_count, default=drivers, help=f"(default {drivers})")
        parser.add_argument("--rate", type=_above(0), default=rate, help=f"points/s (default {rate:g})")

    def peer(parser: argparse.ArgumentParser, rate: float | None) -> None:
        parser.add_argument("--peer", action="store_true", help="also the reference server")
        if rate:
            parser.add_argument(
                "--peer-rate", type=_above(0), default=rate, help=f"its points/s (default {rate:g})"
            )

    points = kind("ingest", "points in: CPU a committed point, ack latency", _ingest, 30)
    fleet(points, 2000, 5000)
    peer(points, 1000)
    points.add_argument("--points-per-frame", type=_count, default=1)
    points.add_argument("--rounds", type=_count, default=2, help="turns of all servers (default 2)")

    orders = kind("dispatch", "order to offer, accept to answer", _dispatch, 30)
    fleet(orders, 2000, 2000)
    orders.add_argument("--orders-per-s", type=_above(0), default=10.0, help="(default 10)")

    maps = kind("fanout", "truck to watcher", _fanout, 30)
    fleet(maps, 2000, 2000)
    peer(maps, 200)
    maps.add_argument("--watchers", type=_count, default=500, help="operators' maps (default 500)")

    held = kind("memory", "idle sessions: memory and CPU each", _memory, 30)
    peer(held, None)
    held.add_argument("--sessions", type=_count, default=10_000, help="(default 10000)")
    held.add_argument("--step", type=_count, default=2500, help="sessions between readings (default 2500)")

    board = kind("rest", "ten kinds of board search over a million loads", _rest, 60)
    board.add_argument("--orders", type=_count, default=1_000_000, help="on the board (default 1000000)")
    board.add_argument("--rate", type=_above(0), default=200.0, help="requests/s (default 200)")

    saved = kind("searches", "an order against all saved searches", _searches, 1)
    saved.add_argument("--searches", type=_count, default=100_000, help="saved (default 100000)")
    saved.add_argument("--orders", type=_count, default=2_000, help="matched (default 2000)")

    due = kind("money", "renewals that come due at once, asking for access, and notices", _money, 30)
    due.add_argument("--renewals", type=_count, default=10_000, help="(default 10000)")
    told = kind("notices", "event to inbox at a socket, and to push at a vendor", _notices, 30)
    for either in (due, told):
        either.add_argument("--readers", type=_count, default=200, help="half with a socket (default 200)")
        either.add_argument("--rate", type=_above(0), default=200.0, help="events/s (default 200)")


async def _ingest(o: argparse.Namespace) -> Figures:
    return await ingest.run(
        ingest.Load(
            o.drivers, o.rate, o.points_per_frame, o.seconds, o.warm, o.peer, o.peer_rate, o.rounds, o.seed
        )
    )


async def _dispatch(o: argparse.Namespace) -> Figures:
    return await dispatch.run(dispatch.Load(o.drivers, o.rate, o.orders_per_s, o.seconds, o.warm, o.seed))


async def _fanout(o: argparse.Namespace) -> Figures:
    return await fanout.run(
        fanout.Load(o.drivers, o.rate, o.watchers, o.seconds, o.warm, o.peer, o.peer_rate, o.seed)
    )


async def _memory(o: argparse.Namespace) -> Figures:
    return await memory.run(memory.Load(o.sessions, o.step, o.seconds, o.peer, o.seed))


async def _rest(o: argparse.Namespace) -> Figures:
    return await rest.run(rest.Load(o.orders, o.rate, o.seconds, o.warm, o.seed))


async def _searches(o: argparse.Namespace) -> Figures:
    return await searches.run(searches.Load(o.searches, o.orders, o.seed))


async def _money(o: argparse.Namespace) -> Figures:
    renewed, told = await money.run(money.Load(o.renewals)), await _notices(o)
    void = bool(renewed["void"] or told["void"])
    return renewed | {"notices": told, "lost": told["lost"], "void": void}


async def _notices(o: argparse.Namespace) -> Figures:
    return await notices.run(notices.Load(o.readers, o.rate, o.seconds, o.warm, o.seed))


def _run(bench: Bench, options: argparse.Namespace) -> int:
    pin(GENERATOR_CORE)
    raise_open_files()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(_until_stopped(bench(options)))
    except (BenchError, LaneLost, ConnectionError, TimeoutError) as error:
        print(f"bench: {error or type(error).__name__}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("bench: stopped", file=sys.stderr)
        return 130
    if not options.json:
        Console(stderr=True).print(_table(figures))
    print(orjson.dumps(figures, option=orjson.OPT_NON_STR_KEYS).decode())
    return exit_code(figures)


async def _until_stopped(work: Coroutine[object, object, Figures]) -> Figures:
    """SIGTERM ends the bench as Ctrl-C does: servers stopped, database dropped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def exit_code(figures: Figures) -> int:
    """1 for a broken promise, 3 for a void run, else 0."""
    if any(figures.get(name) for name in BROKEN):
        return 1
    return 3 if figures["void"] else 0


def _table(figures: Figures) -> Table:
    table = Table(title=str(figures["bench"]), show_header=False)
    for name, value in figures.items():
        table.add_row(name, str(value))
    return table


def _above(low: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        if not number > low:
            raise argparse.ArgumentTypeError(f"give a number above {low:g}")
        return number

    return read


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give 1 or more")
    return number
