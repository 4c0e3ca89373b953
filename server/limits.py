"""How much one caller may ask: shared buckets in Redis, and this worker's own while Redis is away.

A signed-in user spends from a bucket of their own, whatever their address; strangers share one by network
address (an IPv6 subscriber is a /64). Without Redis each worker counts by itself: less exact, never unlimited.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, Protocol

from redis.asyncio import Redis

from storage.buckets import Buckets, Limit, Taken, spend
from storage.redis import Keys, Unreachable

log = logging.getLogger("desk.limits")

PATIENCE_S = 0.15  # a Redis that takes longer is away
AWAY_S = 2.0  # then it is not asked for so long
MAX_BUCKETS = 50_000  # in memory; the longest unused go first, which fills them


class OfBuckets(Protocol):
    """Which limit a bucket has."""

    def of(self, bucket: str) -> Limit:
        """The limit of a class."""
        ...


class RateLimits(NamedTuple):
    """Tokens a second and at once, by class of route. A route costs one token unless it says otherwise."""

    read: Limit = Limit(20, 120)
    write: Limit = Limit(10, 60)
    heavy: Limit = Limit(1, 20)  # exports, reports, what other companies charge us for
    anonymous: Limit = Limit(10, 100)  # whole networks behind one address sign in with it

    def of(self, bucket: str) -> Limit:
        """The limit of a class."""
        limit: Limit = getattr(self, bucket)
        return limit


BUCKETS = frozenset(RateLimits._fields)


class Limits:
    """The one place that says yes or `rate_limited`."""

    def __init__(self, redis: Redis, keys: Keys, limits: OfBuckets, count: Callable[[], object]) -> None:
        self._shared = Buckets(redis, keys)
        self._limits = limits
        self._count_local = count  # a request that was judged without Redis
        self._own: OrderedDict[str, float] = (
            OrderedDict()
        )  # bucket -> when it will be full, by the loop's clock
        self._empty: OrderedDict[str, float] = OrderedDict()  # bucket -> when it has its next token
        self._ask_again_at: float | None = None  # while Redis is away

    async def take(self, bucket: str, caller: str, cost: int) -> tuple[Limit, Taken]:
        """Takes `cost` tokens of this class for this caller; whether there were any is told, not raised."""
        limit = self._limits.of(bucket)
        name = f"{bucket}:{caller}"
        now = asyncio.get_running_loop().time()
        more = (cost - 1) / limit.rate  # than the wait for one token
        if (until := self._empty.get(name, 0.0)) > now:
            # A flood costs no round trip: nothing can have come back before.
            return limit, Taken(False, 0, limit.burst / limit.rate, until - now + more)
        taken = await self._ask(name, limit, cost, now)
        if taken.wait_s > more:
            _remember(self._empty, name, now + taken.wait_s - more)
        return limit, taken

    async def _ask(self, name: str, limit: Limit, cost: int, now: float) -> Taken:
        away = self._ask_again_at
        if away is None or now >= away:
            if away is not None:
                self._ask_again_at = now + AWAY_S  # one request finds out, the others do not wait with it
            try:
                async with asyncio.timeout(PATIENCE_S):
                    taken = await self._shared.take(name, limit, cost)
            except Unreachable as error:
                if self._ask_again_at is None:
                    log.warning("limits.local", extra={"error": repr(error)})
                self._ask_again_at = now + AWAY_S
            else:
                self._ask_again_at = None
                return taken
        self._count_local()
        taken, full_at = spend(self._own.get(name, now), now, limit, cost)
        _remember(self._own, name, full_at)
        return taken


def _remember(known: OrderedDict[str, float], name: str, at: float) -> None:
    known[name] = at
    known.move_to_end(name)
    if len(known) > MAX_BUCKETS:
        known.popitem(last=False)
