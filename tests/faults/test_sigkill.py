"""SIGKILL in the middle of a replay: of the server, of PostgreSQL, of Redis. Nothing acked is lost or doubled.

Each has its own PostgreSQL and Redis, started and killed here; the phones are the SDK's, driven by the replayer
as a process of its own, and the verdict is the verifier's.
"""

import asyncio
import gzip
import json
import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.local import packages
from server.local.checkout import Owner, find_owner
from server.local.postgres import Postgres
from server.local.redis import Redis
from storage import migrate
from tests.served import ROOT, Server, free_port

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

SECONDS = 14.0  # of the replay; the kill comes in its middle, the restart a moment later
VEHICLES, STEP_S = 40, 5.0


def folder_of(owner: Owner, base: Path, name: str) -> Path:
    """A folder that the unprivileged account may use."""
    folder = base / name
    folder.mkdir(mode=0o700)
    if owner.user is not None:
        shutil.chown(folder, owner.user, pwd.getpwnam(owner.user).pw_gid)
    return folder


@pytest.fixture
def base() -> Iterator[Path]:
    """Not under pytest's own folder, which other accounts may not enter."""
    path = Path(tempfile.mkdtemp(prefix="desk-faults-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def postgres(base: Path) -> Iterator[Postgres]:
    found = packages.find_postgres()
    assert found is not None, "PostgreSQL is not installed: ./desk test installs it"
    owner = find_owner()
    instance = Postgres(found, folder_of(owner, base, "postgres"), owner, free_port(), "faults-only")
    instance.create()
    instance.start()
    migrate.upgrade(instance.dsn)
    yield instance
    instance.stop()


@pytest.fixture
def redis_instance(base: Path) -> Iterator[Redis]:
    found = packages.find_redis()
    assert found is not None, "Redis is not installed: ./desk test installs it"
    owner = find_owner()
    instance = Redis(found, folder_of(owner, base, "redis"), owner, free_port(), "faults-only")
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
async def desk(postgres: Postgres, redis_instance: Redis, tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(postgres.dsn, redis_instance.url, tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def trace(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The real fleet where it is beside the project; else forty trucks that drive north."""
    real = ROOT.parent / "shared" / "data" / "austin-buses-2017-03-21.csv.gz"
    if real.is_file():
        return real
    path = tmp_path / "trace.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("vehicle_id,t_s,lat,lon,speed_kmh,heading\n")
        for step in range(int(3600 / STEP_S)):
            for vehicle in range(VEHICLES):
                lat = 43.2 + vehicle * 0.01 + step * STEP_S * 20 / 111_195
                file.write(f"{vehicle},{step * STEP_S},{lat:.6f},76.9,72.0,0\n")
    return path


@asynccontextmanager
async def replaying(desk: Server, trace: Path) -> AsyncIterator["asyncio.Task[dict[str, Any]]"]:
    """The replayer at work; the task gives the verifier's line."""
    # An hour and a half of the trace's busy beginning, in SECONDS.
    limit = 5400.0
    # fmt: off
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests", "replay", str(trace), "--url", desk.url, "--limit", f"{limit:.0f}s",
        "--speed", str(limit / SECONDS), "--watchers", "2", "--verify", "--quiet",
        cwd=ROOT, env=desk.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    # fmt: on

    async def verdict() -> dict[str, Any]:
        out, err = await process.communicate()
        lines = out.decode().strip().splitlines()
        assert lines, err.decode()[-2000:]
        line: dict[str, Any] = json.loads(lines[-1])
        assert process.returncode == 0, (line, err.decode()[-2000:])
        return line

    task = asyncio.create_task(verdict())
    try:
        yield task
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.gather(task, return_exceptions=True)


def assert_nothing_lost(line: dict[str, Any]) -> None:
    assert line["lost"] == 0
    assert line["duplicates"] == 0
    assert line["altered"] == 0
    assert line["acked"] == line["sent"] > 500
    assert line["stored"] + line["poison"] == line["acked"]


async def test_the_server_killed_and_started_again_loses_and_doubles_nothing(
    desk: Server, trace: Path
) -> None:
    async with replaying(desk, trace) as verdict:
        await asyncio.sleep(SECONDS / 2)
        assert not verdict.done()
        await desk.stop(signal.SIGKILL)
        await asyncio.sleep(1.0)
        await desk.start()
        assert_nothing_lost(await verdict)


async def test_postgresql_killed_and_started_again_loses_and_doubles_nothing(
    desk: Server, trace: Path, postgres: Postgres
) -> None:
    async with replaying(desk, trace) as verdict:
        await asyncio.sleep(SECONDS / 2)
        assert not verdict.done()
        pid = postgres.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(postgres.start)
        assert_nothing_lost(await verdict)
    assert "positions.retry" in desk.log.read_text()


async def test_redis_killed_and_started_again_loses_and_doubles_nothing_and_the_map_heals(
    desk: Server, trace: Path, redis_instance: Redis
) -> None:
    async with replaying(desk, trace) as verdict:
        await asyncio.sleep(SECONDS / 2)
        assert not verdict.done()
        pid = redis_instance.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(redis_instance.start)
        line = await verdict
        assert_nothing_lost(line)
    log = desk.log.read_text()
    assert "bus.disconnected" in log
    assert log.count("bus.connected") >= 2
