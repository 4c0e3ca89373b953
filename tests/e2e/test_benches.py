"""Every bench as a user runs it, with a load so small that only its parts are tested, never its times."""

import asyncio
import json
import os
import sys

import asyncpg
import pytest

from tests.conftest import need
from tests.served import ROOT

SMALL = ("--drivers", "40", "--rate", "80")
SHORT = ("--seconds", "2", "--warm", "0.5", "--json")
# Keys that readers of the last line may count on.
BENCHES = {
    "ingest": (
        (*SMALL, "--rounds", "1", "--peer", "--peer-rate", "40"),
        "points_per_s ack_p95_ms server_cpu_us_per_point floor_cpu_us_per_frame floor_ratio "
        "peer_cpu_us_per_point peer_ratio stored lost",
    ),
    "dispatch": (
        (*SMALL, "--orders-per-s", "4"),
        "order_to_offer_p50_ms order_to_offer_p95_ms order_to_offer_p99_ms accept_p95_ms drivers points_per_s",
    ),
    "fanout": (
        (*SMALL, "--watchers", "20", "--peer", "--peer-rate", "40"),
        "point_to_watcher_p50_ms point_to_watcher_p95_ms point_to_watcher_p99_ms deliveries_per_s "
        "cpu_us_per_delivery watchers",
    ),
    "memory": (("--sessions", "100", "--step", "50"), "sessions kib_per_session idle_cpu_us_per_s"),
    "rest": (("--orders", "3000", "--rate", "40"), "requests_per_s p50_ms p95_ms p99_ms orders kinds"),
    "searches": (
        ("--searches", "2000", "--orders", "200"),
        "match_p50_ms match_p95_ms searches",
    ),
    "notices": (
        ("--readers", "10", "--rate", "20"),
        "outbox_to_socket_p95_ms outbox_to_push_p95_ms event_post_p95_ms events events_per_s lost",
    ),
}


async def databases(pid: int) -> list[str]:
    """What the bench with this process id has made on the test's PostgreSQL."""
    connection = await asyncpg.connect(need("DESK_POSTGRES"))
    try:
        names = await connection.fetch(
            "SELECT datname FROM pg_database WHERE datname LIKE $1", f"desk_bench_{pid}_%"
        )
        return [row["datname"] for row in names]
    finally:
        await connection.close()


async def bench(kind: str) -> tuple[dict[str, object], int]:
    """The figures and the exit code of one bench, once it is sure that it has left nothing behind."""
    options, _ = BENCHES[kind]
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests", "bench", kind, *options, *SHORT,
        cwd=ROOT, env=dict(os.environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, said = await running.communicate()
    assert told, f"{kind}: {said.decode()}"
    assert await databases(running.pid) == [], kind
    return json.loads(told.splitlines()[-1]), running.returncode or 0


async def test_every_bench_ends_with_its_figures_keeps_the_promises_and_leaves_nothing_behind() -> None:
    # all at once: each has its own stores, and none of their times is looked at
    ended = await asyncio.wait_for(asyncio.gather(*map(bench, BENCHES)), 110)
    for (kind, (_, keys)), (figures, code) in zip(BENCHES.items(), ended, strict=True):
        assert figures["bench"] == kind
        # 3 is a void run: this machine may be too busy for times to mean anything
        assert code in (0, 3), figures
        # a percentile of nothing is null, so each of these proves that something was measured
        assert [key for key in keys.split() if figures.get(key) is None] == [], figures
        assert {figures.get(key, 0) for key in ("lost", "peer_lost", "double_winners", "told_twice")} == {0}


async def test_a_bench_that_is_stopped_drops_its_database() -> None:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests", "bench", "ingest", "--drivers", "10", "--rate", "10",
        cwd=ROOT, env=dict(os.environ), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    for _ in range(200):
        if await databases(running.pid):
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the bench made no database")
    running.terminate()
    await asyncio.wait_for(running.communicate(), 60)
    assert await databases(running.pid) == []
    assert running.returncode == 130
