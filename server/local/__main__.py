"""The verbs of `./desk`, once .venv is there."""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import demo, gate, instances, web
from .checkout import Checkout
from .steps import Failed, Steps, say

# run: the defaults. extras: with every optional adapter. dev: what the gate needs, the adapters included.
LOCKS = {"run": (), "extras": ("--all-extras",), "dev": ("--all-extras", "--group", "dev")}


def main(arguments: Sequence[str]) -> int:
    """Runs one verb and gives the exit code."""
    verb, *rest = arguments
    try:
        checkout = Checkout()
        match verb:
            case "up":
                options = _up_options(rest)
                return demo.up(
                    checkout, seconds=options.seconds, drivers=options.drivers, workers=options.workers
                )
            case "down":
                return _down(checkout)
            case "test":
                return gate.test(checkout, rest)
            case "serve" | "migrate" | "seed" | "link" | "doctor" | "verify-audit" | "money":
                return _server(checkout, verb, rest)
            case "simulate" | "replay" | "bench":
                return _load(checkout, verb, rest)
            case "env":
                for name, value in sorted(instances.environment(checkout, {}).items()):
                    print(f"export {name}={shlex.quote(value)}")
                return 0
            case "logs":
                files = sorted(str(path) for path in checkout.logs.glob("*.log"))
                os.execvp("tail", ["tail", "-n", "5", "-F", *files])
            case "lock":
                return _lock(checkout)
            case _:
                say(f"desk: there is no {verb!r}")
                return 2
    except Failed as failure:
        say(failure.report())
        return 1
    except KeyboardInterrupt:
        return 130


def _up_options(rest: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./desk up")
    parser.add_argument("--for", dest="seconds", type=_seconds, help="stop after SECONDS, verify, print JSON")
    parser.add_argument("--drivers", type=int, default=200, help="simulated trucks (default 200)")
    parser.add_argument(
        "--workers", type=int, default=2 if (os.cpu_count() or 1) >= 4 else 1, help="server processes"
    )
    return parser.parse_args(rest)


def _seconds(text: str) -> int:
    """Whole seconds; `60` and `60s` are the same."""
    return int(text.removesuffix("s"))


def _down(checkout: Checkout) -> int:
    """Ends the demo first, in its own order, then what else was started, then the instances."""
    stopped = [name for name in (demo.UP,) if checkout.record(name).stop(grace_s=demo.DRAIN_S + 40)]
    for path in sorted(checkout.run.glob("*.pid")):
        name = path.stem
        if checkout.record(name).stop(grace_s=demo.DRAIN_S):
            stopped.append(name)
    alone = instances.stop(checkout)
    say(f"stopped: {', '.join(stopped) or 'nothing else ran'}{'; Redis and PostgreSQL' if alone else ''}")
    if not alone:
        say("another ./desk of this checkout uses Redis and PostgreSQL and will stop them when it ends")
    return 0 if alone else 1


def _server(checkout: Checkout, verb: str, rest: Sequence[str]) -> int:
    command = [*demo.PYTHON, "server", verb, *rest]
    if verb == "link" and not demo.served_at(checkout):
        raise Failed("no server of this checkout runs", "./desk up or ./desk serve starts one")
    if verb in ("doctor", "link"):  # they look at what runs, and start nothing
        return subprocess.run(command, env=_running_environment(checkout)).returncode
    steps = Steps(checkout.logs)
    if verb == "serve":
        return _serve(checkout, steps, rest)
    with demo.prepared(checkout, steps) as env:
        return subprocess.run(command, env=env).returncode


def _serve(checkout: Checkout, steps: Steps, rest: Sequence[str]) -> int:
    """The server in the foreground. A second one, on another port, shares the stores with the first."""
    parser = argparse.ArgumentParser(prog="./desk serve")
    parser.add_argument("--workers", default="1", help="processes on the one port (default 1)")
    parser.add_argument("--host", help="instead of DESK_HOST")
    parser.add_argument("--port", help="instead of DESK_PORT")
    options = parser.parse_args(rest)
    web.prepare(checkout, steps)
    with demo.prepared(checkout, steps) as env, checkout.locked(demo.SERVER, wait=False) as first:
        asked = {"DESK_HOST": options.host, "DESK_PORT": options.port}
        here, whole = demo.addressed({**env, **{name: value for name, value in asked.items() if value}})
        demo.raise_open_files()
        if first:
            demo.remember(checkout, here)
        say(f"  serving {whole['DESK_PUBLIC_URL']} (Ctrl-C stops it; ./desk link elsewhere signs in)")
        command = [*demo.PYTHON, "server", "serve", "--workers", options.workers]
        return demo.hand_over(checkout, demo.SERVER if first else f"server-{os.getpid()}", command, whole)


def _load(checkout: Checkout, verb: str, rest: Sequence[str]) -> int:
    """Load tests meet the running server, else one that lives as long as they do; benches start their own."""
    command = [*demo.PYTHON, "loadtests", verb, *rest]
    if "-h" in rest or "--help" in rest:
        return subprocess.run(command).returncode
    steps = Steps(checkout.logs)
    redis = instances.REDIS_OF_TESTS if verb == "bench" else instances.REDIS
    with demo.prepared(checkout, steps, redis=redis) as env:
        address, name = _address(checkout), f"{verb}-{os.getpid()}"
        if verb == "bench" or address:
            return demo.hand_over(checkout, name, command, {**env, **address})
        with demo.serving(checkout, steps, env, workers=1) as whole:
            return demo.hand_over(checkout, name, command, whole)


def _address(checkout: Checkout) -> dict[str, str]:
    """Where this checkout's server runs, for those who talk to it."""
    url = demo.served_at(checkout)
    return {"DESK_URL": url, "DESK_PUBLIC_URL": url} if url else {}


def _running_environment(checkout: Checkout) -> dict[str, str]:
    return {**instances.environment(checkout, os.environ), **_address(checkout)}


def _lock(checkout: Checkout) -> int:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv is None:
        raise Failed("uv is needed to write the lock files", "pipx install uv, or pip install uv into .venv")
    steps = Steps(checkout.logs)
    common = (
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
        "--universal",
        "--python-version",
        "3.11",
    )
    for name, extra in LOCKS.items():
        steps.run(
            f"requirements/{name}.lock",
            [uv, "pip", "compile", "pyproject.toml", *extra, *common, "-o", f"requirements/{name}.lock"],
            cwd=checkout.root,
            log="lock",
            mend="the log says which requirement cannot be met",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
