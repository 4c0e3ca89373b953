"""`./desk test`: the whole gate, fast checks first, pytest last."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import demo, instances, web
from .checkout import Checkout
from .steps import Failed, Steps, say

BIN = Path(sys.executable).parent
CHECKS: tuple[tuple[str, list[str | Path], str], ...] = (
    ("ruff format", [BIN / "ruff", "format", "--check", "."], "run: .venv/bin/ruff format"),
    ("ruff check", [BIN / "ruff", "check", "."], "run: .venv/bin/ruff check --fix"),
    ("mypy --strict", [BIN / "mypy"], "the log names the lines"),
    ("import contracts", [BIN / "lint-imports"], "the log names the import that goes the wrong way"),
    (
        "generated contract is fresh",
        [sys.executable, "-m", "server.contract", "--check"],
        "run: .venv/bin/python -m server.contract --write",
    ),
    (
        "texts in four languages",
        [sys.executable, "-m", "server.i18n", "--check"],
        "run: .venv/bin/python -m server.i18n --extract, then translate what the log names",
    ),
)
WEB_CHECKS: tuple[tuple[str, list[str | Path], str], ...] = (
    ("vue-tsc", ["npm", "run", "typecheck"], "the log names the lines"),
    ("vitest", ["npm", "test"], "the log names the tests"),
)


def test(checkout: Checkout, arguments: Sequence[str]) -> int:
    """The whole gate, or with arguments only pytest with these. The last line printed is a tally."""
    steps = Steps(checkout.logs)
    try:
        # A unit test alone shall not wait for npm.
        browser = not arguments or any("e2e" in argument for argument in arguments)
        node = web.prepare(checkout, steps, tests=True) if browser else None
        with demo.prepared(checkout, steps, browser=browser, redis=instances.REDIS_OF_TESTS) as env:
            if not arguments:
                _checks(checkout, steps, node, env)
            return _pytest(checkout, arguments, env)
    except Failed as failure:
        say(failure.report())
        print(f"{len(steps.times)} passed, 1 failed", flush=True)
        return 1


def _checks(checkout: Checkout, steps: Steps, node: dict[str, str] | None, env: dict[str, str]) -> None:
    before = len(steps.times)
    for what, command, mend in CHECKS:
        steps.run(what, command, cwd=checkout.root, env=env, log=f"gate-{what.replace(' ', '-')}", mend=mend)
    if node is not None:
        for what, command, mend in WEB_CHECKS:
            steps.run(what, command, cwd=web.folder(checkout), env=node, log=f"gate-{what}", mend=mend)
    say("  " + ", ".join(f"{what} {seconds:.0f}s" for what, seconds in steps.times[before:]) + "; now pytest")


def _pytest(checkout: Checkout, arguments: Sequence[str], env: dict[str, str]) -> int:
    sys.stderr.flush()
    command = [sys.executable, "-m", "pytest", *(arguments or ["-q"])]
    # Without arguments it is the gate: what a test may skip on a developer's machine must be there.
    gate = {} if arguments else {"DESK_GATE": "1"}
    return subprocess.run(
        command, cwd=checkout.root, env={**os.environ, **env, **gate}, stdin=subprocess.DEVNULL
    ).returncode
