"""The CLI behind `desk`. Each command imports only what it needs: `migrate` must not wait for aiohttp."""

import argparse
import asyncio
import os
import signal
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from .config import ROOT, Config, ConfigError, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code; settings come from the environment."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78  # EX_CONFIG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="Tracking Desk server")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve until SIGTERM, then drain")
    serve.add_argument("--workers", type=_positive, default=1, help="processes on the one port (default 1)")
    serve.add_argument("--host", help="instead of DESK_HOST")
    serve.add_argument("--port", help="instead of DESK_PORT")
    serve.set_defaults(run=_serve)

    commands.add_parser("migrate", help="bring the schema to head").set_defaults(run=_migrate)

    provision = commands.add_parser(
        "provision", help="make accounts in bulk and write their tokens to a file"
    )
    for role in ("drivers", "logisticians", "shippers"):
        provision.add_argument(f"--{role}", type=int, default=0)
    provision.add_argument("--admins", type=int, default=0, help="superadmins")
    provision.add_argument(
        "--staff", default="", metavar="GRADES", help="further admins: support,moderator,finance"
    )
    provision.add_argument("--prefix", default="+7701", help="of the phone numbers (default +7701)")
    provision.add_argument("--paid-days", type=float, default=30, help="of the drivers' subscriptions")
    provision.add_argument("--access-hours", type=float, default=0.25, help="life of access tokens")
    provision.add_argument("--out", required=True, help="JSON file, made readable by you only")
    provision.set_defaults(run=_provision)

    seed = commands.add_parser("seed", help="fill the database with a made-up market, or clear it away")
    seed.add_argument("--orders", type=_count, default=10_000, help="loads on the board (default 10000)")
    seed.add_argument("--drivers", type=_count, default=2_000, help="with trucks (default 2000)")
    seed.add_argument("--searches", type=_count, default=0, help="saved by these drivers (default 0)")
    seed.add_argument("--seed", type=int, default=1, help="the same seed makes the same market (default 1)")
    seed.add_argument("--force", action="store_true", help="also into a database with real orders")
    seed.add_argument("--clear", action="store_true", help="remove what was made")
    seed.set_defaults(run=_seed)

    match_times = commands.add_parser(
        "match-times", help="time matching against saved searches, for the bench"
    )
    match_times.add_argument("--orders", type=_count, default=1_000, help="matched (default 1000)")
    match_times.add_argument("--out", type=Path, required=True, help="file for the times, JSON")
    match_times.set_defaults(run=_match_times)

    renewals = commands.add_parser("due-renewals", help="make subscriptions that are due, for the bench")
    renewals.add_argument("--users", type=_count, default=10_000, help="(default 10000)")
    renewals.add_argument("--out", type=Path, required=True, help="file for the times, JSON")
    renewals.set_defaults(run=_due_renewals)

    link = commands.add_parser("link", help="print an address that signs in at once")
    link.add_argument("--role", choices=("admin", "shipper", "driver", "logistician"), default="admin")
    link.set_defaults(run=_link)

    commands.add_parser(
        "reapply-erasures", help="after a restored backup: end again the accounts that were erased since"
    ).set_defaults(run=_reapply_erasures)

    audit = commands.add_parser(
        "verify-audit", help="check the chain over what staff did: exit 0 whole, 1 broken, 69 no database"
    )
    audit.add_argument("--json", action="store_true", help="one JSON line")
    audit.set_defaults(run=_verify_audit)

    money = commands.add_parser(
        "money", help="verify: hold the books against the facts: exit 0 right, 1 wrong, 69 no database"
    )
    money.add_argument("what", choices=("verify",))
    money.add_argument("--json", action="store_true", help="one JSON line")
    money.set_defaults(run=_money)

    doctor = commands.add_parser("doctor", help="check each part and say how to mend it")
    doctor.add_argument("--json", action="store_true", help="one JSON line instead of a table")
    doctor.set_defaults(run=_doctor)

    commands.add_parser("ready", help="exit 0 when the server at DESK_PORT is ready").set_defaults(run=_ready)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 20_000_000:
        raise argparse.ArgumentTypeError("give a number from 0 to 20000000")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 256:
        raise argparse.ArgumentTypeError("give a number from 1 to 256")
    return number


def _serve(options: argparse.Namespace) -> int:
    environ = dict(os.environ)
    environ.update({"DESK_HOST": options.host} if options.host else {})
    environ.update({"DESK_PORT": options.port} if options.port else {})
    config = load(environ)  # also before workers are started: they would all say the same

    from .log import configure

    configure(config.log_level, config.worker)
    if options.workers > 1:
        from .supervisor import supervise

        command = (sys.executable, "-P", "-m", "server", "serve", "--workers", "1")
        # Children find this package wherever they are started.
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environ.get("PYTHONPATH"))))
        with asyncio.Runner() as runner:
            stop = _stop_on_signals(runner)
            return runner.run(supervise(command, options.workers, stop, environ))
    return _serve_here(config)


def _serve_here(config: Config) -> int:
    import uvloop

    from .app import serve
    from .warmup import freeze

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stop = _stop_on_signals(runner)
        runner.run(serve(config, stop, on_ready=lambda _services: freeze()))
    return 0


def _stop_on_signals(runner: asyncio.Runner) -> asyncio.Event:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        runner.get_loop().add_signal_handler(sign, stop.set)
    return stop


def _migrate(_options: argparse.Namespace) -> int:
    from storage import migrate

    migrate.upgrade(load(os.environ).postgres)
    return 0


def _provision(options: argparse.Namespace) -> int:
    from dispatch.rights import Grade

    from .provision import Wanted, provision

    try:
        wanted = Wanted(
            drivers=options.drivers,
            logisticians=options.logisticians,
            shippers=options.shippers,
            admins=options.admins,
            staff=tuple(Grade(grade.strip()) for grade in options.staff.split(",") if grade.strip()),
            prefix=options.prefix,
            paid_days=options.paid_days,
            access_hours=options.access_hours,
        )
        asyncio.run(provision(load(os.environ), wanted, options.out))
    except ValueError as error:  # a prefix that cannot be used, a grade that is none
        print(error, file=sys.stderr)
        return 1
    return 0


def _seed(options: argparse.Namespace) -> int:
    from storage.seed import Wanted

    from .seed import clear, seed

    if options.clear:
        return asyncio.run(clear(load(os.environ)))
    wanted = Wanted(options.orders, options.drivers, options.searches, options.seed)
    return asyncio.run(seed(load(os.environ), wanted, force=options.force))


def _match_times(options: argparse.Namespace) -> int:
    from .match_times import match_times

    match_times(load(os.environ), options.orders, options.out)
    return 0


def _due_renewals(options: argparse.Namespace) -> int:
    from .due_renewals import due_renewals

    due_renewals(load(os.environ), options.users, options.out)
    return 0


def _link(options: argparse.Namespace) -> int:
    from .provision import sign_in_link

    print(asyncio.run(sign_in_link(load(os.environ), options.role)))
    return 0


def _reapply_erasures(_options: argparse.Namespace) -> int:
    from .chores import reapply_erasures

    users = asyncio.run(reapply_erasures(load(os.environ)))
    print(f"{len(users)} accounts erased again")
    return 0


def _verify_audit(options: argparse.Namespace) -> int:
    from .audit.verify import check

    return asyncio.run(check(load(os.environ), as_json=options.json))


def _money(options: argparse.Namespace) -> int:
    from .paying.verify import check

    return asyncio.run(check(load(os.environ), as_json=options.json))


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import report

    return report(os.environ, as_json=options.json)


def _ready(_options: argparse.Namespace) -> int:
    """For container health checks: the image has no curl."""
    port = os.environ.get("DESK_PORT") or "8080"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=3) as answer:
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
