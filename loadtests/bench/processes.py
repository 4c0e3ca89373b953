"""Processes under test: pinned to a core, their CPU and memory read from /proc, always ended."""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
READY_S = 60.0
STOP_S = 15.0
ALLOWED = sorted(os.sched_getaffinity(0))  # read before anything is pinned: children inherit a pin
SERVER_CORE = 0
GENERATOR_CORE = 1


class BenchError(Exception):
    """The bench cannot go on; the message says why and what to do."""


def pin(core: int) -> None:
    """Keeps this process on one core, where there are at least two."""
    if len(ALLOWED) > 1:
        os.sched_setaffinity(0, {ALLOWED[core % len(ALLOWED)]})


def raise_open_files() -> int:
    """As many open files as this user may have; returns that number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (200_000, hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            return wanted
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def family(pid: int) -> list[int]:
    """The process and all its descendants that live."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                parent = int(_stat(int(entry))[1])
                parents.setdefault(parent, []).append(int(entry))
    found, fresh = [pid], [pid]
    while fresh:
        fresh = [child for parent in fresh for child in parents.get(parent, [])]
        found += fresh
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Time on a CPU of all threads of these processes, by the scheduler's clock (nanoseconds; /proc/PID/stat has a
    grain of 10 ms, in which a small run vanishes). Processes and threads that are gone count nothing."""
    total = 0
    for pid in pids:
        for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(schedstat.read_text().split()[0])
    return total / 1e9


def machine_cpu() -> float:
    """CPU seconds that all cores together were not idle."""
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS


def alive(pid: int) -> bool:
    """Whether there is such a process on this machine."""
    return Path(f"/proc/{pid}").exists()


def memory_bytes(pids: Sequence[int]) -> int:
    """Proportional set size: shared pages are split among the processes that share them."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third (state) on: the name before them may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


class Served:
    """A server process that is up: its address and what it costs."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url
        self.socket_url = "ws" + url.removeprefix("http") + "/ws"

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    def cpu(self) -> float:
        """CPU seconds so far, workers included."""
        return cpu_seconds(family(self._process.pid))

    def memory(self) -> int:
        """Bytes held now, workers included."""
        return memory_bytes(family(self._process.pid))


@asynccontextmanager
async def process(
    program: str,
    *arguments: str,
    environ: Mapping[str, str],
    log: IO[bytes] | None = None,
    core: int | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process until the block ends; pinned to `core`, else free to run on all."""

    def settle() -> None:
        os.sched_setaffinity(0, ALLOWED)
        if core is not None:
            pin(core)
        raise_open_files()

    output = log or asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(
        program, *arguments,
        cwd=ROOT, env=dict(environ), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        start_new_session=True,  # Ctrl-C ends the bench, and the bench ends its children
        preexec_fn=settle,
    )  # fmt: skip
    try:
        yield child
    finally:
        await _stop(child)


@asynccontextmanager
async def served(
    module: str, *arguments: str, port: int, environ: Mapping[str, str], ready: str = "/readyz"
) -> AsyncIterator[Served]:
    """`python -m module` pinned to core 0, from ready to stopped."""
    with tempfile.TemporaryFile() as log:
        command = (sys.executable, "-m", module, *arguments)
        async with process(*command, environ=environ, log=log, core=SERVER_CORE) as child:
            server = Served(child, f"http://127.0.0.1:{port}")
            try:
                await _until_ready(server, ready)
            except BenchError as error:
                log.seek(0)
                raise BenchError(f"{error}\n{log.read()[-2000:].decode(errors='replace')}") from None
            yield server


async def _until_ready(server: Served, path: str) -> None:
    deadline = asyncio.get_running_loop().time() + READY_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client:
        while asyncio.get_running_loop().time() < deadline:
            if not server.alive():
                raise BenchError("the server under test ended before it was ready; its log ends with:")
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with client.get(server.url + path) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise BenchError(f"the server under test was not ready within {READY_S:.0f} s; its log ends with:")


async def _stop(process: asyncio.subprocess.Process) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_S)


async def run_tool(*arguments: str, environ: Mapping[str, str]) -> None:
    """Runs `python -m ...` to its end; raises BenchError with the end of what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments,
        cwd=ROOT, env=dict(environ), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    finally:
        await _stop_one(process)
    if process.returncode:
        raise BenchError(
            f"`python -m {' '.join(arguments)}` failed:\n{said[-2000:].decode(errors='replace')}"
        )


async def _stop_one(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
