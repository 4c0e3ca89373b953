"""docs/api/guide.md is what really happens: its blocks run in order, as one program, against a real server."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.served import ROOT, LocalServer

GUIDE = ROOT / "docs" / "api" / "guide.md"
REVIEWED = "+77000000001=111111,+77000000002=222222"


def blocks(language: str) -> list[str]:
    """The guide's blocks in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), flags=re.S | re.M)


@pytest.fixture
async def desk(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path, extra={"DESK_REVIEW_NUMBERS": REVIEWED})
    await local.start()
    yield local
    await local.stop()


async def run(command: list[str], text: str, **env: str) -> str:
    """What a program prints; fails with its last lines when it does not end well."""

    def wait() -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
        return subprocess.run(
            [*command, text], env={**environ, **env}, capture_output=True, text=True, timeout=100
        )

    done = await asyncio.to_thread(wait)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


async def test_every_example_of_the_guide_runs_and_does_what_the_page_says(desk: LocalServer) -> None:
    script = (
        "set -euo pipefail\n" + "\n".join(blocks("sh")) + '\necho "tokens ${SHIPPER##* } ${DRIVER##* }"\n'
    )
    told = await run(["bash", "-xc"], script, DESK=desk.url, ADMIN=desk.accounts["admins"][0]["access"])
    lines = told.splitlines()
    for expected in (
        "place_unknown", "冷藏车", "\n2\n", "version_stale", "subscription_expired", "countered", "assigned",
        "cancelled", "выезжаю", "proof_required", "delivered", "%PDF", "marked", "contested", "\npaid\n",
    ):  # fmt: skip
        assert expected in told, f"{expected} is not among what was printed:\n{told}"
    _, shipper, driver = next(line for line in lines if line.startswith("tokens ")).split()
    [program] = blocks("python")
    env = {
        "DESK": desk.url, "SHIPPER_TOKEN": shipper, "DRIVER_TOKEN": driver,
        "PYTHONPATH": str(ROOT / "clients" / "python"),
    }  # fmt: skip
    said = await run([sys.executable, "-c"], program, **env)
    assert "assigned by driver" in said
    rows = await desk.services.pool.fetch("SELECT status FROM orders ORDER BY id")
    assert [row["status"] for row in rows] == ["cancelled", "open", "open", "delivered", "assigned"]
