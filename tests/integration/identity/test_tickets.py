"""Websocket tickets and ended sessions on real Redis (controls C25, C04)."""

import asyncio
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from dispatch.errors import Refusal
from server.auth import Principal
from server.revocations import Revocations
from server.tickets import LIFETIME_S, Tickets
from storage.bus import Bus
from storage.redis import Keys
from storage.redis import connect as connect_redis
from storage.sessions import Ended as Row

KEYS = Keys("tests")

DRIVER = Principal(7, "driver", "5a0f6f9e-0000-4000-8000-000000000001", 1_800_000_900.0)


async def test_a_ticket_brings_back_its_principal_and_device(redis: Redis) -> None:
    tickets = Tickets(redis, KEYS)
    assert await tickets.redeem(await tickets.issue(DRIVER, 42)) == (DRIVER, 42)
    assert await tickets.redeem(await tickets.issue(DRIVER)) == (DRIVER, None)
    staff = replace(DRIVER, role="admin", grade="support")
    assert await tickets.redeem(await tickets.issue(staff)) == (staff, None)


async def test_one_of_a_hundred_parallel_uses_of_a_ticket_succeeds(redis: Redis) -> None:
    tickets = Tickets(redis, KEYS)
    ticket = await tickets.issue(DRIVER)
    gate = asyncio.Semaphore(50)  # below the client's pool

    async def use() -> object:
        async with gate:
            return await tickets.redeem(ticket)

    results = await asyncio.gather(*(use() for _ in range(100)), return_exceptions=True)
    assert [result for result in results if not isinstance(result, Refusal)] == [(DRIVER, None)]
    assert {result.code for result in results if isinstance(result, Refusal)} == {"unauthenticated"}


async def test_a_ticket_is_256_bits_lives_thirty_seconds_and_is_kept_as_a_hash(redis: Redis) -> None:
    ticket = await Tickets(redis, KEYS).issue(DRIVER)
    assert len(ticket) == 43
    (key,) = await redis.keys(KEYS.ticket("*"))
    assert ticket.encode() not in key
    assert 0 < await redis.pttl(key) <= LIFETIME_S * 1000 == 30_000


async def test_an_invented_ticket_is_refused(redis: Redis) -> None:
    for ticket in ("", "x", "\udc80", "../" * 100):
        with pytest.raises(Refusal) as refused:
            await Tickets(redis, KEYS).redeem(ticket)
        assert refused.value.code == "unauthenticated"


async def test_without_redis_tickets_are_unavailable_rather_than_free() -> None:
    gone = connect_redis("redis://127.0.0.1:1/0")
    with pytest.raises(Refusal) as refused:
        await Tickets(gone, KEYS).issue(DRIVER)
    assert refused.value.code == "unavailable"
    with pytest.raises(Refusal) as refused:
        await Tickets(gone, KEYS).redeem("x")
    assert refused.value.code == "unavailable"
    await gone.aclose()


class Ended:
    """Sessions that the database says have ended."""

    def __init__(self, *sessions: str) -> None:
        self.sessions = [Row(session, False) for session in sessions]

    async def revoked_since(self, since: float) -> list[Row]:
        return self.sessions


@pytest.fixture
def bus(redis: Redis) -> Bus:
    return Bus(redis, redis, KEYS, "a" * 16)


async def test_a_session_ended_on_one_worker_is_ended_on_the_other(redis: Redis, bus: Bus) -> None:
    other_bus = Bus(redis, redis, KEYS, "b" * 16)
    here, there = Revocations(Ended(), bus), Revocations(Ended(), other_bus)
    closed: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
    there.listen(lambda session, blocked: closed.put_nowait((session, blocked)))

    async def nothing() -> None:
        pass

    def ignore(_: bytes) -> None:
        pass

    loops = [
        asyncio.ensure_future(loop)
        for loop in (
            bus.run_receive(ignore, ignore, here.heard, nothing),
            other_bus.run_receive(ignore, ignore, there.heard, nothing),
            bus.run_publish(),
        )
    ]
    while not (bus.connected and other_bus.connected):  # noqa: ASYNC110 (a flag of the bus, no event)
        await asyncio.sleep(0.005)
    here.end("s-1")
    assert await closed.get() == ("s-1", False)
    here.end("s-3", blocked=True)
    assert await closed.get() == ("s-3", True)
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    assert here.is_revoked("s-1") and there.is_revoked("s-1") and not there.is_revoked("s-2")
    with pytest.raises(Refusal) as refused:
        there.check("s-1")
    assert refused.value.code == "session_revoked"


async def test_a_fresh_worker_knows_the_sessions_ended_before_its_start(bus: Bus) -> None:
    fresh = Revocations(Ended("s-1", "s-2"), bus)
    await fresh.warm(1_800_000_000)
    assert fresh.is_revoked("s-1") and fresh.is_revoked("s-2")


async def test_the_poll_brings_what_the_bus_lost(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.revocations.POLL_S", 0.01)
    ended = Ended()
    worker = Revocations(ended, bus)
    heard = asyncio.Event()
    worker.listen(lambda session, blocked: heard.set())
    polling = asyncio.ensure_future(worker.poll())
    ended.sessions.append(Row("s-9", False))
    await heard.wait()
    polling.cancel()
    assert worker.is_revoked("s-9")


async def test_each_end_is_told_to_the_sockets_once_and_forgotten_with_the_tokens(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr("server.revocations.time.monotonic", lambda: clock)
    worker = Revocations(Ended(), bus, lifetime_s=900)
    told: list[str] = []
    worker.listen(lambda session, blocked: told.append(session))
    worker.add("s-1")
    worker.add("s-1")
    clock += 899
    worker.add("s-2")
    assert told == ["s-1", "s-2"] and worker.is_revoked("s-1")
    clock += 62
    worker.add("s-3")
    assert not worker.is_revoked("s-1") and worker.is_revoked("s-2")


async def test_ending_a_session_works_here_while_the_bus_is_gone(bus: Bus) -> None:
    worker = Revocations(Ended(), bus)
    worker.end("s-1")
    assert worker.is_revoked("s-1")
