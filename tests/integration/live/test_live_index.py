"""The live lane: newest wins, the Redis copy and the table bring back what a worker has forgotten."""

import time

import pytest
from redis.asyncio import Redis

from geo.cells import cell_of
from geo.types import Fix
from storage.live import KEEP_AGE_S, LATE_S, LiveIndex
from storage.postgres import Pool
from storage.redis import Keys, Unreachable, connect

KEYS = Keys("live-tests")
ALMATY, ASTANA = (43.25, 76.95), (51.18, 71.45)


def put(
    live: LiveIndex, driver: int, at: float, place: tuple[float, float] = ALMATY, now: float | None = None
) -> bool:
    lat, lon = place
    return live.put(driver, Fix(at, lat, lon, 20.0, 359.99), cell_of(lat, lon), at if now is None else now)


def places(live: LiveIndex) -> dict[int, tuple[float, float]]:
    return {entry.driver: (round(entry.lat, 6), round(entry.lon, 6)) for entry in live.all()}


def test_an_older_fix_never_replaces_a_newer_one() -> None:
    live, now = LiveIndex(), time.time()
    assert put(live, 1, now, ASTANA)
    assert not put(live, 1, now - 1, ALMATY)
    assert not put(live, 1, now, ALMATY)
    assert places(live) == {1: ASTANA}


def test_what_another_worker_sends_is_news_only_when_it_is_newer_or_the_driver_got_busy() -> None:
    here, there, now = LiveIndex(), LiveIndex(), time.time()
    put(here, 1, now, ASTANA)
    put(there, 1, now - 5, ALMATY)
    assert here.merge(b"".join(there.blobs(there.all()).values())) == 0
    there.merge(b"".join(here.blobs(here.all()).values()))
    assert places(there) == {1: ASTANA}
    there.set_flags(1, busy=True)
    assert here.merge(b"".join(there.blobs(there.all()).values())) == 1
    entry = here.get(1)
    assert entry is not None and entry.busy


def test_only_free_drivers_on_duty_with_a_fresh_fix_are_found() -> None:
    live, now = LiveIndex(), time.time()
    for driver in (1, 2, 3, 4):
        live.set_flags(driver, on_duty=driver != 2, busy=driver == 3)
        put(live, driver, now if driver != 4 else now - 3600)
    live.take_own(now)
    assert [driver for driver, _, _ in live.near(*ALMATY, 10, 50_000)] == [1]
    live.set_flags(3, busy=False)
    live.take_own(now)
    assert {driver for driver, _, _ in live.near(*ALMATY, 10, 50_000)} == {1, 3}


def test_a_position_that_grows_old_is_no_longer_searched_and_a_silent_truck_leaves_the_map() -> None:
    live, now = LiveIndex(), time.time()
    live.set_flags(1, on_duty=True)
    put(live, 1, now)
    live.take_own(now)
    assert live.near(*ALMATY, 10, 50_000)
    assert live.retire(now + 301) == []
    assert live.near(*ALMATY, 10, 50_000) == []
    assert len(live) == 1
    assert [entry.driver for entry in live.retire(now + KEEP_AGE_S + 1)] == [1]
    assert len(live) == 0


async def test_a_new_worker_reads_every_truck_from_the_copy_once_wherever_it_went(redis: Redis) -> None:
    old, now = LiveIndex(), time.time()
    put(old, 1, now, ALMATY)
    put(old, 2, now, ASTANA)
    old.take_own(now)
    assert await old.copy(redis, KEYS) == 2
    put(old, 1, now + 1, ASTANA)  # into another region: the old hash must not keep it
    old.take_own(now)
    assert await old.copy(redis, KEYS) == 1
    new = LiveIndex()
    assert await new.warm(redis, KEYS) == 2
    assert places(new) == {1: ASTANA, 2: ASTANA}
    entry = new.get(1)
    assert entry is not None
    assert (entry.at, entry.speed, entry.heading) == (pytest.approx(now + 1, abs=0.001), 20.0, 359.99)
    hashes = [await redis.hlen(KEYS.region(int(region))) for region in await redis.smembers(KEYS.regions)]
    assert sorted(hashes) == [0, 2]


async def test_what_redis_did_not_take_goes_out_with_the_next_copy(redis: Redis) -> None:
    live, now = LiveIndex(), time.time()
    put(live, 1, now)
    live.take_own(now)
    gone = connect("redis://127.0.0.1:1/0")
    with pytest.raises(Unreachable):
        await live.copy(gone, KEYS)
    await gone.aclose()
    assert await live.copy(redis, KEYS) == 1


async def test_after_redis_lost_everything_each_worker_writes_its_own_trucks_again(redis: Redis) -> None:
    live, now = LiveIndex(), time.time()
    live.set_flags(1, on_duty=True)
    put(live, 1, now)
    live.take_own(now)
    await live.copy(redis, KEYS)
    await redis.flushdb()
    live.copy_again()
    assert await live.copy(redis, KEYS) == 1
    assert await LiveIndex().warm(redis, KEYS) == 1


async def test_the_table_of_last_positions_is_the_last_resort_and_never_goes_back(pool: Pool) -> None:
    live, now = LiveIndex(), time.time()
    put(live, 1, now, ASTANA)
    live.take_own(now)
    assert await live.save_last(pool) == 1
    behind = LiveIndex()
    put(behind, 1, now - 60, ALMATY)
    behind.take_own(now)
    await behind.save_last(pool)
    fresh = LiveIndex()
    assert await fresh.load_last(pool, now) == 1
    assert places(fresh) == {1: ASTANA}


async def test_a_driver_who_was_shut_out_is_on_no_map_and_in_no_copy_and_comes_back_later(
    redis: Redis,
) -> None:
    here, there, now = LiveIndex(), LiveIndex(), time.time()
    for live in (here, there):
        put(live, 1, now, ASTANA)
        put(live, 2, now, ASTANA)
    late = here.blobs(here.take_own(now))
    await here.copy(redis, KEYS)
    gone = here.drop(1, now)
    assert gone is not None and gone.driver == 1
    assert here.drop(1, now) is None
    for blob in late.values():
        assert here.merge(blob) == 0  # on its way from another worker
    assert not put(here, 1, now + 1, ALMATY, now=now + 1)  # from the socket that closes
    assert list(places(here)) == [2]
    await here.copy(redis, KEYS)
    fresh = LiveIndex()
    await fresh.warm(redis, KEYS)
    assert list(places(fresh)) == [2]
    assert put(here, 1, now + LATE_S + 1, ALMATY)  # let in again
    assert sorted(places(here)) == [1, 2]
