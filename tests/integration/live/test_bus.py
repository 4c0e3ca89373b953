"""Worker to worker over a real Redis: everything of the others, nothing of one's own, nobody else's desk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from server.background import running
from storage.bus import Bus
from storage.redis import Keys, connect


async def soon(condition: Callable[[], object]) -> None:
    """Waits for what callbacks will have brought."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the callbacks are plain list appends
            await asyncio.sleep(0.01)


class Worker:
    """A bus and what it heard."""

    def __init__(self, redis_url: str, name: str, desk: str) -> None:
        self.redis, self.subscriber = connect(redis_url), connect(redis_url, retries=0)
        self.bus = Bus(self.redis, self.subscriber, Keys(desk), name * 16)
        self.blobs: list[bytes] = []
        self.events: list[bytes] = []
        self.revoked: list[bytes] = []
        self.connects = 0

    async def connected(self) -> None:
        self.connects += 1

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Worker"]:
        async with running(
            out=self.bus.run_publish(),
            into=self.bus.run_receive(
                self.blobs.append, self.events.append, self.revoked.append, self.connected
            ),
        ):
            await soon(lambda: self.connects)
            yield self
        await self.redis.aclose()
        await self.subscriber.aclose()


async def test_workers_hear_each_other_and_not_themselves(redis_url: str) -> None:
    async with Worker(redis_url, "a", "one").at_work() as a, Worker(redis_url, "b", "one").at_work() as b:
        a.bus.publish_blobs({0x1: b"north", 0x2: b"south"})
        a.bus.publish_event(b"event")
        a.bus.publish_revoked("sign-in")
        await soon(lambda: len(b.blobs) == 2 and b.events and b.revoked)
        assert sorted(b.blobs) == [b"north", b"south"]
        assert (b.events, b.revoked) == ([b"event"], [b"sign-in"])
        await asyncio.sleep(0.1)
        assert (a.blobs, a.events, a.revoked) == ([], [], [])


async def test_another_desk_on_the_same_redis_hears_nothing(redis_url: str) -> None:
    async with Worker(redis_url, "a", "one").at_work() as a, Worker(redis_url, "b", "two").at_work() as b:
        a.bus.publish_event(b"event")
        await soon(lambda: a.bus.published == 1)
        await asyncio.sleep(0.1)
        assert b.events == []


async def test_a_cut_subscription_comes_back_and_is_told_to_read_what_it_missed(
    redis_url: str, redis: Redis
) -> None:
    async with Worker(redis_url, "a", "one").at_work() as a, Worker(redis_url, "b", "one").at_work() as b:
        await redis.client_kill_filter(_type="pubsub")
        await soon(lambda: b.connects == 2 and a.connects == 2)
        a.bus.publish_event(b"after")
        await soon(lambda: b.events == [b"after"])


async def test_without_redis_nothing_waits_and_what_is_lost_is_counted() -> None:
    nowhere = connect("redis://127.0.0.1:1/0")
    bus = Bus(nowhere, nowhere, Keys("one"), "a" * 16)
    bus.publish_event(b"x")
    bus.publish_blobs({1: b"y"})
    assert (bus.dropped, bus.waiting) == (1, 0)
    await nowhere.aclose()
