import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tracking_desk_client import Fix, PointQueue, QueueError


def fixes(count: int, start: float = 1_700_000_000, step: float = 1) -> list[Fix]:
    return [Fix(start + i * step, 43 + i * 1e-4, 76, 20, 90, 5) for i in range(count)]


@pytest.mark.parametrize(
    "bad", [(-1, 0, 0), (float("nan"), 0, 0), (1, 91, 0), (1, 0, -181), (1, float("inf"), 0)]
)
def test_a_fix_that_cannot_be_is_refused_before_it_jams_the_queue(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError):
        Fix(*bad)


def test_a_phone_that_says_minus_one_for_unknown_is_understood() -> None:
    fix = Fix(1, 0, 0, speed=-1, heading=float("nan"), accuracy=-1)
    assert (fix.speed, fix.heading, fix.accuracy) == (None, None, None)


async def test_numbers_run_on_over_a_restart_even_when_all_points_are_acknowledged(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        stream = queue.stream
        await queue.append(fixes(3))
        queue.drop_upto(3)
    async with PointQueue(tmp_path / "q") as queue:
        assert queue.stream == stream
        assert len(queue) == 0
        assert [point.seq for point in await queue.append(fixes(2))] == [4, 5]


async def test_two_queues_never_share_a_stream(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "a") as one, PointQueue(tmp_path / "b") as two:
        assert one.stream != two.stream
        assert len(one.stream) == 16
        int(one.stream, 16)


async def test_unacknowledged_points_come_back_as_they_were(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        kept = await queue.append(fixes(5))
        queue.drop_upto(2)
    async with PointQueue(tmp_path / "q") as queue:
        assert queue.after(0, 10) == kept[2:]


async def test_points_appended_together_by_many_keep_their_order_on_disk(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        await asyncio.gather(*(queue.append(fixes(1, start=i)) for i in range(50)))
        assert [point.seq for point in queue.after(0, 100)] == list(range(1, 51))
    async with PointQueue(tmp_path / "q") as queue:
        assert [point.at for point in queue.after(0, 100)] == [float(i) for i in range(50)]


async def test_a_cancelled_append_loses_nothing(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        task = asyncio.create_task(queue.append(fixes(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await queue.append(fixes(1))
        assert [point.seq for point in queue.after(0, 9)] == [1, 2]


async def test_a_disk_that_refuses_is_told_and_its_points_go_with_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        assert queue._journal is not None

        def refuse(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(queue._journal, "write", refuse)
            with pytest.raises(sqlite3.OperationalError):
                await queue.append(fixes(1))
            assert queue.after(0, 9) == []
        await queue.append(fixes(1))
        assert [point.seq for point in queue.after(0, 9)] == [1, 2]


WRITER = """
import asyncio, sys
from tracking_desk_client import Fix, PointQueue

async def main():
    queue = PointQueue(sys.argv[1])
    print(queue.stream, flush=True)
    i = 0
    while True:
        i += 1
        points = await queue.append([Fix(1000.0 + i, 43, 76)])
        print(points[0].seq, flush=True)

asyncio.run(main())
"""


def test_every_number_given_out_survives_kill_9(tmp_path: Path) -> None:
    package = str(Path(__file__).parents[1])
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "q")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": package},
    )
    assert writer.stdout is not None
    with writer.stdout:
        stream = writer.stdout.readline().strip()
        told = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout if line.strip()]
        writer.wait()

    async def check() -> None:
        async with PointQueue(tmp_path / "q") as queue:
            assert queue.stream == stream
            kept = [point.seq for point in queue.after(0, 100_000)]
            assert kept[: len(told)] == told
            assert (await queue.append(fixes(1)))[0].seq == kept[-1] + 1

    asyncio.run(check())


async def test_the_journal_is_fsynced_at_each_commit(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        assert queue._journal is not None
        db = queue._journal._db
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)


async def test_overflow_thins_the_older_half_evenly_in_time_and_keeps_the_newest() -> None:
    queue = PointQueue(capacity=1000)
    await queue.append(fixes(1001))
    kept = [point.at - 1_700_000_000 for point in queue.after(0, 2000)]
    assert queue.thinned == 1001 - len(kept)
    assert 740 <= len(kept) <= 760
    newer = kept[-501:]
    assert newer == [float(i) for i in range(500, 1001)]
    steps = [later - earlier for earlier, later in pairwise(kept[:-500])]
    assert set(steps) <= {1.0, 2.0, 3.0}
    assert sum(steps) / len(steps) == pytest.approx(2.0, abs=0.05)


async def test_a_queue_never_outgrows_its_bound_whatever_the_clock_does() -> None:
    queue = PointQueue(capacity=100, max_age_s=1e12)
    for i in range(1000):
        await queue.append([Fix((i * 7919) % 86400, 43, 76)])
        assert len(queue) <= 100
    for _ in range(300):
        await queue.append([Fix(5, 43, 76)])
        assert len(queue) <= 100
    assert queue.newest() == queue.after(1299, 1)[0]


async def test_points_older_than_a_week_are_given_up_but_one_wild_clock_reading_gives_up_none() -> None:
    queue = PointQueue()
    await queue.append(fixes(10, start=1_700_000_000))
    await queue.append([Fix(4_000_000_000, 43, 76)])
    assert len(queue) == 11
    await queue.append(fixes(3, start=1_700_000_000 + 8 * 86400))
    assert [point.seq for point in queue.after(0, 20)] == [11, 12, 13, 14]


async def test_what_was_thinned_stays_away_after_a_restart(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q", capacity=100) as queue:
        await queue.append(fixes(150))
        kept = queue.after(0, 1000)
    async with PointQueue(tmp_path / "q", capacity=100) as queue:
        assert queue.after(0, 1000) == kept


async def test_one_driver_s_points_are_not_sent_under_another_device(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        queue.claim("5")
    async with PointQueue(tmp_path / "q") as queue:
        queue.claim("5")
        with pytest.raises(QueueError):
            queue.claim("6")


async def test_a_file_that_is_no_queue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(b"no database" * 100)
    with pytest.raises(QueueError):
        PointQueue(tmp_path / "q")


async def test_acknowledged_points_leave_the_disk_without_waiting_for_the_next_fix(tmp_path: Path) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        await queue.append(fixes(600))
        assert not queue.wants_to_forget
        queue.drop_upto(550)
        assert queue.wants_to_forget
        await queue.forget()
        assert not queue.wants_to_forget
        with sqlite3.connect(tmp_path / "q") as db:
            assert db.execute("SELECT count(*) FROM points").fetchone() == (50,)
        db.close()
