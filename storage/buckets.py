"""Token buckets in Redis: one script, one round trip, one number a bucket.

A bucket holds `burst` tokens and gets `rate` back a second. What is stored is not the tokens but the time at
which the bucket will be full again (the generic cell rate algorithm): one number, and a bucket that is full is
no key at all. Redis' own clock counts, so that any number of workers on any number of hosts spend from the same
bucket exactly.
"""

from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from .redis import Keys

# All times in microseconds. KEYS[1] the bucket; ARGV: one token's time, tokens of a full bucket, tokens wanted.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local token, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now)
local after = full + token * tonumber(ARGV[3])
local wait = (full - now) - token * (burst - tonumber(ARGV[3]))
if wait > 0 then
    return {0, math.floor(burst - (full - now) / token), full - now, wait}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, math.floor(burst - (after - now) / token), after - now, 0}
"""


class Limit(NamedTuple):
    """A bucket's size, and how many tokens it gets back a second."""

    rate: float
    burst: int


class Taken(NamedTuple):
    """What an attempt to take came to; times in seconds. `wait_s` is 0 when the tokens were there."""

    allowed: bool
    remaining: int
    full_s: float  # until the bucket is full again
    wait_s: float  # until the same attempt would succeed


def spend(full_at: float, now: float, limit: Limit, cost: float) -> tuple[Taken, float]:
    """The script's arithmetic, for buckets in memory: what was taken, and the bucket's next `full_at`."""
    token = 1 / limit.rate
    full_at = max(full_at, now)
    after = full_at + cost * token
    # In this order a bucket that is full gives all that it holds, however the floats round.
    wait = (full_at - now) - (limit.burst - cost) * token
    if wait > 0:
        return Taken(False, int(limit.burst - (full_at - now) * limit.rate), full_at - now, wait), full_at
    return Taken(True, int(limit.burst - (after - now) * limit.rate), after - now, 0.0), after


class Buckets:
    """The buckets that all workers share."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._sha = ""

    async def take(self, name: str, limit: Limit, cost: int) -> Taken:
        """Takes `cost` tokens out of the bucket `name`, all or none. Raises what Redis being away raises."""
        token_us = 1_000_000 / limit.rate
        arguments = (1, self._keys.bucket(name), token_us, limit.burst, cost)
        run = self._redis.execute_command  # evalsha() is typed for a synchronous answer
        try:
            told = await run("EVALSHA", self._sha, *arguments)  # type: ignore[no-untyped-call]
        except NoScriptError:  # the first call, or a Redis that was started anew
            self._sha = await self._redis.script_load(TAKE)
            told = await run("EVALSHA", self._sha, *arguments)  # type: ignore[no-untyped-call]
        allowed, remaining, full_us, wait_us = told
        return Taken(bool(allowed), remaining, full_us / 1e6, wait_us / 1e6)
