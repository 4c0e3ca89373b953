"""`./desk up`: everything prepared, a server, a simulated fleet, and one status line until Ctrl-C."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from . import instances, packages, web
from .checkout import Checkout, digest_of, free_port
from .processes import start
from .steps import Failed, Steps, say

READY_WITHIN_S = 60
DRAIN_S = 35  # a server's own drain takes up to 30 s
VERIFY_WITHIN_S = 120
PYTHON = (sys.executable, "-P", "-m")
UP, SERVER = "up", "server"


@contextmanager
def prepared(
    checkout: Checkout, steps: Steps, *, browser: bool = False, redis: str = instances.REDIS
) -> Iterator[dict[str, str]]:
    """Packages, instances and schema, in order; yields the environment of our programs."""
    environ = dict(os.environ)
    packages.prepare(
        steps,
        postgres=not environ.get("DESK_POSTGRES"),
        redis=not environ.get("DESK_REDIS"),
        browser=browser,
    )
    with instances.running(checkout, steps, environ, redis=redis) as env:
        _migrate(checkout, steps, env, private=not environ.get("DESK_POSTGRES"))
        yield env


def _migrate(checkout: Checkout, steps: Steps, env: Mapping[str, str], *, private: bool) -> None:
    """To head; skipped when this cluster of ours has seen these very migrations."""
    versions = (checkout.root / "storage" / "migrations").rglob("*.py")
    cluster = checkout.data("postgres") / "data" / "PG_VERSION"
    digest = digest_of(checkout.root, versions, str(cluster.stat().st_mtime_ns) if private else "")
    if private and checkout.fresh("schema", digest):
        return
    steps.run(
        "Schema", [*PYTHON, "server", "migrate"], env=env, log="migrate",
        mend="is DESK_POSTGRES right and may its user create extensions? then ./desk migrate",
    )  # fmt: skip
    if private:
        checkout.stamp("schema", digest)


def addressed(env: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Where a server started here answers, and the environment that makes it so."""
    host = env.get("DESK_HOST") or "127.0.0.1"
    port = int(env["DESK_PORT"]) if env.get("DESK_PORT") else free_port(host, first=8080)
    shown = "127.0.0.1" if host == "0.0.0.0" else "[::1]" if host == "::" else host
    here = f"http://{shown}:{port}"
    return here, {"DESK_PUBLIC_URL": here, **env, "DESK_HOST": host, "DESK_PORT": str(port)}


@contextmanager
def serving(
    checkout: Checkout, steps: Steps, env: Mapping[str, str], workers: int
) -> Iterator[dict[str, str]]:
    """A server on DESK_PORT, or the next free port from 8080; yields the environment with its address."""
    with checkout.locked(SERVER, wait=False) as alone:
        if not alone:
            raise Failed(
                f"a server of this checkout runs already: {served_at(checkout)}", "./desk down stops it"
            )
        record = checkout.record(SERVER)
        record.stop(grace_s=DRAIN_S)  # left over from a start that was killed
        raise_open_files()
        here, whole = addressed(env)
        with _started(checkout, steps, here, whole, workers):
            yield {**whole, "DESK_URL": here}


@contextmanager
def _started(
    checkout: Checkout, steps: Steps, here: str, whole: Mapping[str, str], workers: int
) -> Iterator[None]:
    record = checkout.record(SERVER)
    log = steps.log("server")
    child = start([*PYTHON, "server", "serve", "--workers", str(workers)], record=record, log=log, env=whole)
    try:
        with steps.step(f"Server at {here}", log):
            _wait_ready(child, here, log)
        remember(checkout, here)
        yield
    finally:
        threading.Thread(target=child.wait, daemon=True).start()  # reaped, so that it is seen to be gone
        record.stop(grace_s=DRAIN_S)


def remember(checkout: Checkout, url: str) -> None:
    """Notes the address of the server, for `served_at`."""
    (checkout.run / "server.url").write_text(url)


def served_at(checkout: Checkout) -> str | None:
    """Where this checkout's running server answers, if it runs."""
    path = checkout.run / "server.url"
    return path.read_text() if checkout.record(SERVER).pid() and path.is_file() else None


def up(checkout: Checkout, *, seconds: int | None, drivers: int, workers: int) -> int:
    """Runs the demo; with `seconds` it ends by itself with the verifier's line and exit code."""
    with checkout.locked(UP, wait=False) as alone:
        if not alone:
            say(f"Tracking Desk of this checkout runs already: {served_at(checkout) or 'still starting'}")
            say("  ./desk link prints an address that signs in; ./desk down stops it")
            return 2
        checkout.record(UP).write(os.getpid())
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, _interrupt)
        steps = Steps(checkout.logs)
        try:
            web.prepare(checkout, steps)
            with (
                prepared(checkout, steps) as env,
                # Drivers in time-lapse do more in a day than anybody could.
                serving(checkout, steps, {"DESK_WATCH_HABITS": "off", **env}, workers) as whole,
            ):
                return _demo(checkout, steps, whole, seconds, drivers)
        except KeyboardInterrupt:
            say("\nstopped")
            return 0 if seconds is None else 130
        finally:
            checkout.record(UP).path.unlink(missing_ok=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def simulator(seconds: int | None, drivers: int) -> list[str]:
    """The simulator's command line."""
    command = [*PYTHON, "loadtests", "simulate", "--demo", "--drivers", str(drivers)]
    return command if seconds is None else [*command, "--for", f"{seconds}s", "--verify"]


def _demo(checkout: Checkout, steps: Steps, env: dict[str, str], seconds: int | None, drivers: int) -> int:
    record = checkout.record("simulator")
    record.stop(grace_s=5)
    log = steps.log("simulator")
    log.write_bytes(b"")
    child = start(simulator(seconds, drivers), record=record, log=log, env=env, stdout=subprocess.PIPE)
    results: list[str] = []
    reader = threading.Thread(target=lambda: results.extend(child.stdout or ()), daemon=True)
    reader.start()
    if seconds is None:
        _box(checkout, env)
    try:
        status = _watch(child, log, deadline=None if seconds is None else seconds + VERIFY_WITHIN_S)
    finally:
        _quiet()
        threading.Thread(target=child.wait, daemon=True).start()
        record.stop(grace_s=15, sign=signal.SIGINT)
    reader.join(5)
    if status != 0 and not results:
        raise Failed(f"the simulator ended with status {status}", "the log says why", log)
    if seconds is not None:
        for line in results:
            print(line, end="", flush=True)
    return status


def _watch(child: "subprocess.Popen[str]", log: Path, deadline: float | None) -> int:
    """Shows the simulator's last progress line: in place on a terminal, every 10 s elsewhere."""
    began = shown = time.monotonic()
    tty = sys.stderr.isatty()
    while (status := child.poll()) is None:
        now = time.monotonic()
        if deadline is not None and now - began > deadline:
            raise Failed("the simulator did not end in time", "the log says what it waits for", log)
        if tty or now - shown >= 10:
            line = last_progress(log)
            if line and tty:
                width = os.get_terminal_size(sys.stderr.fileno()).columns
                print(f"\r\033[K{line[: width - 1]}", end="", file=sys.stderr, flush=True)
            elif line:
                say(line)
            shown = now
        time.sleep(0.25)
    return status


def last_progress(log: Path) -> str:
    """The last line of a log of progress lines, which may be ended by carriage returns."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    printable = ["".join(c for c in line if c.isprintable()).strip() for line in lines]
    return next((line for line in reversed(printable) if line), "")


def _quiet() -> None:
    """From here on things are ended in order; a second Ctrl-C would only leave some behind."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    say("\n  stopping: simulator, server (drained), Redis, PostgreSQL")


def _box(checkout: Checkout, env: Mapping[str, str]) -> None:
    made = subprocess.run(
        [*PYTHON, "server", "link", "--role", "admin"], env=env, capture_output=True, text=True
    )
    link = made.stdout.strip() or env["DESK_PUBLIC_URL"]
    lines = (
        "Tracking Desk is running.",
        f"Open   {link}",
        "       signs in as an operator at once, for 10 minutes; a fresh one: ./desk link",
        "Stop   Ctrl-C, or ./desk down",
        f"Logs   {checkout.logs}   (./desk logs follows them)",
    )
    rule = "-" * max(map(len, lines))
    say("\n".join(("", rule, *lines, rule)))


def raise_open_files() -> None:
    """A socket is an open file; children inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _wait_ready(child: "subprocess.Popen[str]", url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        if child.poll() is not None:
            raise Failed(
                f"the server ended with status {child.returncode}", "the log says why; ./desk doctor", log
            )
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            pass
        if time.monotonic() > deadline:
            raise Failed(
                f"the server is not ready after {READY_WITHIN_S} s", "the log says why; ./desk doctor", log
            )
        time.sleep(0.1)


def hand_over(checkout: Checkout, name: str, command: Sequence[str], env: Mapping[str, str]) -> int:
    """Runs a program in the foreground and gives its status. Ctrl-C reaches it through the terminal."""
    child = subprocess.Popen(command, env=env)
    record = checkout.record(name)
    record.write(child.pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda sign, _frame: child.send_signal(sign))
    try:
        return child.wait()
    finally:
        record.path.unlink(missing_ok=True)
