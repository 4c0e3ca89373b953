"""Worker to worker over Redis Pub/Sub: region blobs every tick, personal messages and order events at once.

At most once by nature. What must not be lost is in PostgreSQL and repaired from there: offers and order
events by the outbox and the watchers' repair loop, positions by the next tick and the copy.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from .redis import Keys, Unreachable

log = logging.getLogger("desk.bus")

OnBlob = Callable[[bytes], object]
OnEvent = Callable[[bytes], object]


class Bus:
    """One connection in, one loop out. Publishing is synchronous and never waits for Redis."""

    MAX_EVENTS = 10_000  # waiting to go out; beyond it the oldest are dropped and counted
    MAX_BLOB = 1 << 20  # bytes a region may wait with; a position that waits is replaced by newer ones anyway

    def __init__(self, redis: Redis, subscriber: Redis, keys: Keys, worker: str) -> None:
        self._redis = redis
        self._subscriber = subscriber
        self._keys = keys
        self._me = worker.encode()  # 16 hex characters in front of everything, to know our own
        self._blobs: dict[int, bytes] = {}
        self._events: list[tuple[str, bytes]] = []
        self._waiting = asyncio.Event()
        self.connected = False
        self.dropped = 0
        self.published = 0

    @property
    def waiting(self) -> int:
        """Messages and region blobs that have not left yet."""
        return len(self._events) + len(self._blobs)

    def publish_blobs(self, blobs: dict[int, bytes]) -> None:
        """Region blobs of one tick; appended to what has not left yet."""
        if not self.connected:
            return
        for region, blob in blobs.items():
            waiting = self._blobs.get(region, b"")
            if len(waiting) > self.MAX_BLOB:
                self.dropped += 1
                waiting = b""
            self._blobs[region] = waiting + blob
        if blobs:
            self._waiting.set()

    def publish_event(self, payload: bytes) -> None:
        """A message for the sessions of other workers."""
        self._publish(self._keys.events, payload)

    def publish_revoked(self, session: str) -> None:
        """A sign-in was ended; behind its id may stand why."""
        self._publish(self._keys.revoked, session.encode())

    def _publish(self, channel: str, payload: bytes) -> None:
        if not self.connected:
            self.dropped += 1
            return
        if len(self._events) >= self.MAX_EVENTS:
            self.dropped += 1
            del self._events[0]
        self._events.append((channel, payload))
        self._waiting.set()

    async def run_publish(self) -> None:
        """Sends what waits, one pipeline at a time."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            blobs, self._blobs = self._blobs, {}
            events, self._events = self._events, []
            pipeline = self._redis.pipeline(transaction=False)
            for channel, payload in events:
                pipeline.publish(channel, self._me + payload)
            for region, blob in blobs.items():
                pipeline.publish(self._keys.region_channel(region), self._me + blob)
            try:
                await pipeline.execute()
                self.published += len(blobs) + len(events)
            except Unreachable as error:
                self.dropped += len(blobs) + len(events)
                log.warning("bus.lost", extra={"events": len(events), "error": repr(error)})
                await asyncio.sleep(0.2)

    async def run_receive(
        self,
        on_blob: OnBlob,
        on_event: OnEvent,
        on_revoked: OnEvent,
        on_connect: Callable[[], Awaitable[None]],
    ) -> None:
        """Receives for ever; after each (re)connection `on_connect` warms what was missed."""
        keys = self._keys
        handlers = {keys.events.encode(): on_event, keys.revoked.encode(): on_revoked}
        delay = 0.2
        while True:
            try:
                async with self._subscriber.pubsub() as pubsub:
                    await pubsub.psubscribe(keys.ticks)
                    await pubsub.subscribe(keys.events, keys.revoked)
                    self.connected = True
                    await on_connect()
                    log.info("bus.connected")
                    delay = 0.2
                    while True:
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=15.0)
                        if message is None:
                            await pubsub.ping()  # a half-open connection shows itself
                            continue
                        data: bytes = message["data"]
                        if message["type"] == "pong" or data.startswith(self._me):
                            continue
                        handlers.get(message["channel"], on_blob)(data[len(self._me) :])
            except Unreachable as error:
                log.warning("bus.disconnected", extra={"error": repr(error)})
            finally:
                self.connected = False
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, 2.0)
