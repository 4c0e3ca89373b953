"""The durable lane on a real PostgreSQL: acked means stored, exactly once."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from geo.cells import cell_of
from geo.types import Fix, Reason
from storage.positions import Mark, PositionLog
from storage.postgres import Pool, lat_lon

DEVICE, DRIVER, STREAM = 1, 1, "00112233445566aa"


class Phone:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.upto = 0
        self.rejected: list[tuple[int, Reason]] = []

    def acknowledge(self, mark: Mark, rejected: list[tuple[int, Reason]]) -> None:
        self.upto = mark.committed
        self.rejected += rejected

    async def acked(self, upto: int) -> None:
        async with asyncio.timeout(10):
            while self.upto < upto:  # noqa: ASYNC110 - told by a plain call, as a session is
                await asyncio.sleep(0.005)


@pytest.fixture
async def device(pool: Pool) -> int:
    await pool.execute("INSERT INTO users (id, phone, role) VALUES (1, '+77010000001', 'driver')")
    await pool.execute("INSERT INTO devices (id, user_id, secret_hash) VALUES (1, 1, '\\x00')")
    return DEVICE


@pytest.fixture
async def log(dsn: str, pool: Pool, device: int) -> AsyncIterator[PositionLog]:
    positions = PositionLog(dsn, pool)
    task = asyncio.create_task(positions.run())
    yield positions
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def fix(at: float, lat: float = 43.25, lon: float = 76.95) -> Fix:
    return Fix(at, lat, lon, 22.5, 181.0, None)


def add(log: PositionLog, mark: Mark, seq: int, at: float, lat: float = 43.25) -> bool:
    return log.add(mark, seq, fix(at, lat), cell_of(lat, 76.95), 0, time.time())


async def owned(log: PositionLog, phone: Phone) -> Mark:
    mark = await log.open(DEVICE, DRIVER, STREAM)
    mark.owner = phone
    return mark


async def test_the_ack_leaves_only_after_the_point_is_stored(log: PositionLog, pool: Pool) -> None:
    phone = Phone()
    mark = await owned(log, phone)
    at = time.time()
    assert add(log, mark, 1, at)
    assert phone.upto == 0
    await phone.acked(1)
    row = await pool.fetchrow("SELECT *, extract(epoch FROM recorded_at)::float8 AS at FROM positions")
    assert row is not None
    assert row["at"] == pytest.approx(at, abs=1e-6)
    assert lat_lon(row["point"]) == (43.25, 76.95)
    assert (row["speed"], row["heading"], row["accuracy"]) == (22.5, 181.0, None)
    assert (row["device_id"], row["driver_id"], row["seq"], row["flag"]) == (DEVICE, DRIVER, 1, 0)
    assert row["cell"] == cell_of(43.25, 76.95)
    assert await pool.fetchval("SELECT upto FROM streams") == 1


async def test_a_point_sent_again_after_a_lost_ack_is_stored_once(log: PositionLog, pool: Pool) -> None:
    phone = Phone()
    mark = await owned(log, phone)
    at = time.time()
    for seq in (1, 2, 3):
        add(log, mark, seq, at + seq)
    await phone.acked(3)
    log.close(mark, phone)
    # The phone never heard the ack and another worker, whose memory is empty, takes it all again.
    again = PositionLog(log._dsn, pool)
    task = asyncio.create_task(again.run())
    other = Mark(mark.id, DEVICE, DRIVER, STREAM, received=0, committed=0)
    other.owner = late = Phone()
    for seq in (1, 2, 3, 4):
        add(again, other, seq, at + seq)
    await late.acked(4)
    assert await pool.fetchval("SELECT count(*) FROM positions") == 4
    assert await pool.fetchval("SELECT upto FROM streams") == 4
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_mark_never_moves_back(log: PositionLog, pool: Pool) -> None:
    phone = Phone()
    mark = await owned(log, phone)
    at = time.time()
    for seq in range(1, 6):
        add(log, mark, seq, at + seq)
    await phone.acked(5)
    old = Mark(mark.id, DEVICE, DRIVER, STREAM, received=0, committed=0)
    add(log, old, 1, at + 1)
    await asyncio.sleep(0.1)
    assert await pool.fetchval("SELECT upto FROM streams") == 5
    assert await pool.fetchval("SELECT count(*) FROM positions") == 5


async def test_poison_points_are_acked_with_their_reason_and_stored_apart(
    log: PositionLog, pool: Pool
) -> None:
    phone = Phone()
    mark = await owned(log, phone)
    now = time.time()
    add(log, mark, 1, now)
    log.add_poison(mark, 2, fix(now + 9e8), Reason.FUTURE, now)
    add(log, mark, 3, now + 1)
    await phone.acked(3)
    assert phone.rejected == [(2, Reason.FUTURE)]
    assert [row["seq"] for row in await pool.fetch("SELECT seq FROM positions ORDER BY seq")] == [1, 3]
    assert await pool.fetchval("SELECT seq FROM poison_points") == 2


async def test_points_that_the_phone_threw_away_do_not_block_the_mark(log: PositionLog, pool: Pool) -> None:
    phone = Phone()
    mark = await owned(log, phone)
    log.skip(mark, 10, time.time())
    add(log, mark, 11, time.time())
    await phone.acked(11)
    assert log.depth == 0
    assert await pool.fetchval("SELECT upto FROM streams") == 11


async def test_a_phone_that_comes_back_before_its_commit_is_not_taken_twice(log: PositionLog) -> None:
    first = Phone()
    mark = await owned(log, first)
    add(log, mark, 1, time.time())
    log.close(mark, first)
    assert await log.open(DEVICE, DRIVER, STREAM) is mark
    assert mark.received == 1


async def test_an_older_session_of_a_phone_cannot_silence_the_newer(log: PositionLog) -> None:
    older, newer = Phone(), Phone()
    mark = await owned(log, older)
    mark.owner = newer
    log.close(mark, older)
    add(log, mark, 1, time.time())
    await newer.acked(1)


async def test_credit_shrinks_as_the_buffer_fills_and_a_full_buffer_refuses(log: PositionLog) -> None:
    mark = Mark(1, DEVICE, DRIVER, STREAM, received=0, committed=0)
    assert log.credit() == log.CREDIT
    log._size = int(log.CAPACITY * 0.7)
    assert 0 < log.credit() < log.CREDIT
    log._size = log.CAPACITY
    assert log.credit() == 0
    assert not add(log, mark, 1, time.time())
    assert mark.received == 0
    log._size = 0


async def test_a_connection_cut_in_the_middle_of_commits_loses_and_doubles_nothing(
    log: PositionLog, pool: Pool
) -> None:
    phone = Phone()
    mark = await owned(log, phone)
    at = time.time()
    stop = asyncio.Event()

    async def cut() -> None:
        while not stop.is_set():
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'tracking-desk positions'"
            )
            await asyncio.sleep(0.03)

    cutter = asyncio.create_task(cut())
    for seq in range(1, 301):
        add(log, mark, seq, at + seq / 10)
        if seq % 10 == 0:
            await asyncio.sleep(0.01)
    stop.set()
    await cutter
    await phone.acked(300)
    assert await pool.fetchval("SELECT count(*) FROM positions") == 300
    assert await pool.fetchval("SELECT count(DISTINCT seq) FROM positions") == 300
    assert log.counts.retries > 0


async def test_a_worker_that_ends_commits_what_it_holds(dsn: str, pool: Pool, device: int) -> None:
    log = PositionLog(dsn, pool)
    task = asyncio.create_task(log.run())
    phone = Phone()
    mark = await owned(log, phone)
    await asyncio.sleep(0)
    for seq in range(1, 50):
        add(log, mark, seq, time.time())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert phone.upto == 49
    assert await pool.fetchval("SELECT count(*) FROM positions") == 49


async def test_a_worker_killed_before_its_commit_leaves_nothing_half_done(
    dsn: str, log: PositionLog, pool: Pool
) -> None:
    # What the server does, stopped by hand at the worst moment.
    phone = Phone()
    mark = await owned(log, phone)
    connection = await asyncpg.connect(dsn)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("UPDATE streams SET upto = 7 WHERE id = $1", mark.id)
    connection.terminate()
    add(log, mark, 1, time.time())
    await phone.acked(1)
    assert await pool.fetchval("SELECT upto FROM streams") == 1


async def test_two_workers_that_store_the_same_streams_at_once_store_each_point_once(
    dsn: str, pool: Pool, device: int
) -> None:
    at = time.time()
    streams = [f"{number:016x}" for number in range(20)]

    async def worker(step: int) -> None:
        log = PositionLog(dsn, pool)
        task = asyncio.create_task(log.run())
        phones = []
        for stream in streams[::step]:
            mark = await log.open(DEVICE, DRIVER, stream)
            mark.received, mark.owner = 0, Phone()
            phones.append((mark, mark.owner))
        for seq in range(1, 101):
            for mark, _ in phones:
                add(log, mark, seq, at + seq)
            if seq % 7 == 0:
                await asyncio.sleep(0.004)
        for _, phone in phones:
            await phone.acked(100)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(worker(1), worker(-1))
    assert await pool.fetchval("SELECT count(*) FROM positions") == 2000
    assert await pool.fetchval("SELECT count(DISTINCT (stream_id, seq)) FROM positions") == 2000
    assert await pool.fetchval("SELECT min(upto) FROM streams") == 100
