"""N worker processes on one port (SO_REUSEPORT): started, restarted when they crash, drained on SIGTERM."""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

log = logging.getLogger(__name__)

DRAIN_S = 30.0
BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 30.0
STEADY_S = 60.0  # a worker that lived so long starts anew without delay
PR_SET_PDEATHSIG = 1


async def supervise(
    command: Sequence[str],
    workers: int,
    stop: asyncio.Event,
    environ: Mapping[str, str],
    *,
    drain_s: float = DRAIN_S,
    backoff_s: float = BACKOFF_FIRST_S,
) -> int:
    """Keeps `workers` children of `command` alive, each with its number in DESK_WORKER, until `stop` is set.

    Gives 0 when every child has drained in `drain_s` seconds after SIGTERM, 1 when one had to be killed.
    """
    async with asyncio.TaskGroup() as group:
        lives = [
            group.create_task(
                _keep(command, {**environ, "DESK_WORKER": str(worker)}, worker, stop, drain_s, backoff_s),
                name=f"worker-{worker}",
            )
            for worker in range(workers)
        ]
    return 0 if all(life.result() for life in lives) else 1


async def _keep(
    command: Sequence[str],
    environ: Mapping[str, str],
    worker: int,
    stop: asyncio.Event,
    drain_s: float,
    backoff_s: float,
) -> bool:
    """One worker's lives, one after another. True when the last one ended by itself after SIGTERM."""
    clock = asyncio.get_running_loop().time
    stopping = asyncio.create_task(stop.wait(), name=f"stop-{worker}")
    delay = backoff_s
    try:
        while True:
            born = clock()
            child = await asyncio.create_subprocess_exec(
                *command, env=environ, preexec_fn=_end_with(os.getpid())
            )
            ended = asyncio.create_task(child.wait(), name=f"wait-{worker}")
            log.info("worker.started", extra={"worker": worker, "pid": child.pid})
            await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                return await _drain(child, ended, drain_s)
            if clock() - born >= STEADY_S:
                delay = backoff_s
            log.error("worker.died", extra={"worker": worker, "status": ended.result(), "again_in_s": delay})
            await asyncio.wait((stopping,), timeout=delay)
            if stop.is_set():
                return True
            delay = min(delay * 2, BACKOFF_MOST_S)
    finally:
        stopping.cancel()


async def _drain(child: asyncio.subprocess.Process, ended: asyncio.Task[int], drain_s: float) -> bool:
    if child.returncode is None:
        child.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(ended), drain_s)
        return True
    except TimeoutError:
        log.error("worker.killed", extra={"pid": child.pid, "after_s": drain_s})
        child.kill()
        await ended
        return False


def _end_with(parent: int) -> Callable[[], None]:
    """Run in the child: it gets SIGTERM, and so drains, when its supervisor is killed."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return prepare
