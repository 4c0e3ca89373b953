"""`python -m loadtests simulate|replay|verify|bench`: drive a desk from outside and judge what it did."""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tracking_desk_client import DeskError

from .accounts import Accounts, provision, read_accounts
from .ledger import Ledger
from .verify import verify

EXPECTED = (DeskError, TimeoutError, ValueError, OSError)  # a sentence tells them, no traceback
SIMULATED = "+7701"
REPLAYED = "+7747"  # and three digits more: too long for a telephone that could ring


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code is 1 when a promise was broken, 2 when the run could not be made."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except EXPECTED as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 2
    except ExceptionGroup as group:
        _, unexpected = group.split(EXPECTED)
        if unexpected:
            raise
        print(f"{options.command}: {_leaf(group)}", file=sys.stderr)
        return 2


def _leaf(error: Exception) -> Exception:
    """The first of the failures that came together: the others follow from it."""
    return _leaf(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    simulate = commands.add_parser("simulate", help="a fleet that drives, wins loads and delivers them")
    _add_common(simulate)
    simulate.add_argument("--drivers", type=int, default=60, help="trucks (default 60)")
    simulate.add_argument(
        "--orders-per-min", type=float, help="loads posted (default: what the trucks carry)"
    )
    simulate.add_argument("--for", dest="seconds", type=_seconds, help="30, 60s, 5m, 2h (default: until ^C)")
    simulate.add_argument("--seed", type=int, default=1, help="the same seed gives the same fleet and loads")
    simulate.add_argument(
        "--demo",
        action="store_true",
        help="time-lapse: short hauls at up to 65 m/s, so that loads are delivered",
    )
    simulate.set_defaults(run=_simulate)

    replay = commands.add_parser("replay", help="recorded tracks, CSV or GPX, .gz too")
    replay.add_argument("file", type=Path)
    _add_common(replay)
    replay.add_argument("--speed", type=float, default=1.0, help="how many times faster than recorded")
    replay.add_argument("--clones", type=int, default=1, help="copies of each vehicle, moved apart")
    replay.add_argument("--limit", type=_seconds, help="only the first so many seconds of the trace")
    replay.add_argument("--watchers", type=int, default=3, help="operators watching all of it (default 3)")
    replay.set_defaults(run=_replay)

    judge = commands.add_parser("verify", help="judge a finished or killed run by its ledger")
    judge.add_argument("--ledger", type=Path, required=True)
    judge.set_defaults(run=_verify)

    if find_spec("picows"):  # of the development lock: simulating and replaying do without
        from .bench.cli import add_bench

        add_bench(commands)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default=os.environ.get("DESK_URL"), help="of the desk (default $DESK_URL)")
    parser.add_argument("--accounts", type=Path, help="file made by `python -m server provision`")
    parser.add_argument(
        "--provision", action="store_true", help="make the accounts (default without --accounts)"
    )
    parser.add_argument("--prefix", help="of the phones of accounts made, e.g. +7701")
    parser.add_argument("--verify", action="store_true", help="compare with the database at $DESK_POSTGRES")
    parser.add_argument("--ledger", type=Path, help="append intents and outcomes here, one JSON line each")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _simulate(options: argparse.Namespace) -> int:
    from .simulate import Plan, simulate

    plan = Plan(
        drivers=options.drivers,
        orders_per_min=options.orders_per_min or max(2.0, options.drivers / (12 if options.demo else 60)),
        seconds=options.seconds,
        seed=options.seed,
        demo=options.demo,
    )

    async def run() -> int:
        accounts = await _accounts(options, plan.drivers, plan.shippers, 0, SIMULATED)
        judged = options.verify or options.ledger or plan.seconds is not None
        ledger = Ledger(options.ledger, keep=bool(judged))
        more = await simulate(plan, accounts, ledger, options.quiet)
        return await _result(options, ledger, more)

    return asyncio.run(run())


def _replay(options: argparse.Namespace) -> int:
    from .replay import Replay
    from .traces import read_trace

    if options.speed < 1:
        raise ValueError(
            "--speed must be 1 or more: a slower replay would have to invent times in the future"
        )
    trace = read_trace(options.file)
    if options.limit is not None:
        trace = trace.upto(options.limit)
    trace = trace.cloned(options.clones)

    async def run() -> int:
        # Drivers of their own each time: what was recorded hours ago is late for one who has reported since.
        fresh = f"{REPLAYED}{time.time_ns() // 10**9 % 1000:03d}"
        accounts = await _accounts(options, len(trace.vehicles), 0, options.watchers, fresh)
        ledger = Ledger(options.ledger)
        replay = Replay(trace, accounts, options.speed, ledger)
        began = time.monotonic()
        await replay.run(options.watchers, options.quiet)
        more = {
            "vehicles": len(trace.vehicles),
            "seconds": round(time.monotonic() - began, 1),
            "points_per_s": round(ledger.points_acked / max(replay.seconds, 1e-3)),
            "send_lag_ms": round(replay.latest_s * 1000, 1),
            **replay.sightings.watched.line(),
        }
        return await _result(options, ledger, more)

    return asyncio.run(run())


def _verify(options: argparse.Namespace) -> int:
    async def run() -> int:
        verdict = await verify(Ledger.read(options.ledger), _dsn())
        print(json.dumps(verdict.line(complete=False)), flush=True)
        return 0 if verdict.ok(complete=False) else 1

    return asyncio.run(run())


async def _accounts(
    options: argparse.Namespace, drivers: int, shippers: int, admins: int, prefix: str
) -> Accounts:
    if options.verify:
        _dsn()  # before an hour's run, not after
    if options.accounts:
        accounts = read_accounts(options.accounts, options.url)
    else:
        accounts = await provision(options.url, drivers, shippers, admins, options.prefix or prefix)
    accounts.need(drivers, shippers, admins)
    return accounts


async def _result(options: argparse.Namespace, ledger: Ledger, more: dict[str, object]) -> int:
    """The one line on stdout, and the exit code."""
    ledger.close()
    if not options.verify:
        figures = {"sent": ledger.points_sent, "acked": ledger.points_acked, "late_acks": ledger.late_acks}
        print(json.dumps({**figures, **more}), flush=True)
        return 0
    verdict = await verify(ledger, _dsn())
    ok = verdict.ok(complete=True)
    print(json.dumps({**verdict.line(complete=True), **more, "ok": ok}), flush=True)
    return 0 if ok else 1


def _dsn() -> str:
    dsn = os.environ.get("DESK_POSTGRES")
    if not dsn:
        raise ValueError("DESK_POSTGRES must name the desk's database to verify")
    return dsn


def _seconds(text: str) -> float:
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    factor = units.get(text[-1:])
    seconds = float(text[:-1]) * factor if factor else float(text)
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError("give a time above zero, like 60s, 5m or 2h")
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
