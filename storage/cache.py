"""Answers of other companies' services, kept in Redis for as long as their terms allow."""

import logging
import time
from collections.abc import Sequence

from redis.asyncio import Redis

from .redis import Keys, Unreachable

log = logging.getLogger("desk.cache")

# Redis away is a miss. Asking it again each time would cost every caller its timeout.
LEFT_ALONE_S = 5.0


class TimedCache:
    """Bytes under a name, with an end. Never a reason for a failure: what it cannot keep is asked for again."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._away_until = 0.0

    async def get(self, names: Sequence[str]) -> list[bytes | None]:
        """What is kept under each name, in one command."""
        if not names or time.monotonic() < self._away_until:
            return [None] * len(names)
        try:
            kept = await self._redis.mget([self._keys.answer(name) for name in names])
            # Without decode_responses redis-py gives bytes, whatever its types say.
            return [each if isinstance(each, bytes) else None for each in kept]
        except Unreachable as error:
            self._away(error)
            return [None] * len(names)

    async def put(self, name: str, content: bytes, seconds: float) -> None:
        """Keeps it for so long; under a millisecond is not at all."""
        if seconds < 0.001 or time.monotonic() < self._away_until:
            return
        try:
            await self._redis.set(self._keys.answer(name), content, px=int(seconds * 1000))
        except Unreachable as error:
            self._away(error)

    def _away(self, error: Exception) -> None:
        self._away_until = time.monotonic() + LEFT_ALONE_S
        log.debug("cache.away", extra={"error": repr(error)})
