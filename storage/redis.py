"""Every Redis key and channel name, and the client. Redis holds copies and hints, never the only truth."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

# What "Redis is not answering" looks like; every caller goes on without it.
Unreachable = (RedisError, OSError, TimeoutError)


class Keys:
    """Every key and channel of one desk.

    `desk` is the name of its database (server.app.EPOCH): two desks that share a Redis never hear each other,
    even from different database numbers, which Pub/Sub does not know.
    """

    def __init__(self, desk: str) -> None:
        self._prefix = f"desk:{desk}:"
        self.regions = self._prefix + "live"  # set of region ids that have a hash
        self.ticks = self._prefix + "tick:*"  # pattern of all region channels
        self.events = self._prefix + "events"  # channel: personal messages and order events
        self.revoked = self._prefix + "revoked"  # channel: ids of ended sign-ins
        self.workers = self._prefix + "workers"  # set of the numbers of workers that have vitals

    def region(self, region: int) -> str:
        """Hash driver -> packed live entry, of the drivers last seen in an H3 region."""
        return f"{self._prefix}live:{region:x}"

    def region_channel(self, region: int) -> str:
        """Channel: one blob of packed live entries a tick and worker."""
        return f"{self._prefix}tick:{region:x}"

    def bucket(self, name: str) -> str:
        """Rate limit: the time at which a caller's bucket of tokens is full again; gone when it is."""
        return f"{self._prefix}rate:{name}"

    def ticket(self, ticket_hash: str) -> str:
        """Websocket ticket: principal and device, 30 s, taken once by GETDEL."""
        return f"{self._prefix}ticket:{ticket_hash}"

    def vitals(self, worker: int) -> str:
        """List of a worker's samples, newest first; gone half an hour after the last one."""
        return f"{self._prefix}vitals:{worker}"

    def answer(self, name: str) -> str:
        """An answer of another company's service, for as long as its terms allow."""
        return f"{self._prefix}answer:{name}"


def connect(url: str, *, timeout_s: float = 0.5, retries: int = 1) -> Redis:
    """A client whose calls fail within `timeout_s` instead of waiting for a Redis that is gone.

    One retry, as a pooled connection may be a dead one. A subscriber takes none: the client would subscribe anew
    by itself, and nobody would know that messages were missed.
    """
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), retries),
        health_check_interval=15,
        max_connections=64,
    )
