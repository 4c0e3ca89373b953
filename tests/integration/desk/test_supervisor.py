"""Worker processes are kept alive and drained."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from server.supervisor import supervise

ROOT = str(Path(__file__).resolve().parents[3])

# Tells its number and pid, then lives until SIGTERM and tells that it has drained.
WORKER = """
import os, pathlib, signal, sys, time
folder, mood = pathlib.Path(sys.argv[1]), sys.argv[2]
name = f"{os.environ['DESK_WORKER']}-{os.getpid()}"
def drain(*_):
    (folder / f"drained-{name}").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if mood == "stubborn" else drain)
(folder / f"born-{name}").touch()
time.sleep(60)
"""


def command(folder: Path, mood: str = "good") -> list[str]:
    """The stand-in for a worker: what it does is what the supervisor must see."""
    return [sys.executable, "-c", WORKER, str(folder), mood]


def files(folder: Path, what: str) -> list[tuple[str, int]]:
    """(worker, pid) of the files of a kind, in order."""
    names = sorted(path.name.split("-")[1:] for path in folder.glob(f"{what}-*"))
    return [(worker, int(pid)) for worker, pid in names]


async def told(folder: Path, what: str, count: int) -> list[tuple[str, int]]:
    """(worker, pid) of that many files of a kind, once they are there."""
    async with asyncio.timeout(20):
        while True:
            found = files(folder, what)
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_each_worker_has_its_number_and_drains_when_asked_to_stop(tmp_path: Path) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(supervise(command(tmp_path), 3, stop, os.environ))
    born = await told(tmp_path, "born", 3)
    assert [worker for worker, _ in born] == ["0", "1", "2"]
    stop.set()
    assert await running == 0
    assert await told(tmp_path, "drained", 3) == born


async def test_a_killed_worker_is_started_again_under_its_number(tmp_path: Path) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(supervise(command(tmp_path), 2, stop, os.environ, backoff_s=0.01))
    first = await told(tmp_path, "born", 2)
    os.kill(first[1][1], signal.SIGKILL)
    workers = [worker for worker, _ in await told(tmp_path, "born", 3)]
    assert workers == ["0", "1", "1"]
    stop.set()
    assert await running == 0


async def test_a_worker_that_does_not_drain_is_killed_and_the_exit_code_says_so(tmp_path: Path) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(supervise(command(tmp_path, "stubborn"), 1, stop, os.environ, drain_s=0.2))
    ((_, pid),) = await told(tmp_path, "born", 1)
    stop.set()
    assert await running == 1
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_workers_drain_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys; from server.supervisor import supervise; "
        "asyncio.run(supervise(sys.argv[1:], 2, asyncio.Event(), os.environ))"
    )
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *command(tmp_path), env={**os.environ, "PYTHONPATH": ROOT}
    )
    born = await told(tmp_path, "born", 2)
    supervisor.kill()
    await supervisor.wait()
    assert await told(tmp_path, "drained", 2) == born


async def test_a_worker_that_cannot_start_does_not_keep_a_stop_waiting(tmp_path: Path) -> None:
    stop = asyncio.Event()
    failing = [sys.executable, "-c", "raise SystemExit(1)"]
    running = asyncio.create_task(supervise(failing, 1, stop, os.environ, backoff_s=60))
    await asyncio.sleep(0.3)
    stop.set()
    async with asyncio.timeout(10):
        assert await running == 0
