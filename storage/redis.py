"""Every Redis key and channel name, and the client. Redis holds copies and hints, never the only truth."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

# What "Redis is not answering" looks like; every caller goes on without it.
Unreachable = (RedisError, OSError, TimeoutError)


class Keys:
    """One place for names; the prefix keeps tenants of one Redis apart."""

    PREFIX = "desk:"

    @staticmethod
    def region(region: int) -> str:
        """Hash driver -> packed live entry, of the drivers last seen in an H3 region."""
        return f"desk:live:{region:x}"

    REGIONS = "desk:live:regions"  # set of region ids that have a hash

    @staticmethod
    def region_channel(region: int) -> str:
        """Channel: one blob of packed live entries a tick and worker."""
        return f"desk:tick:{region:x}"

    REGION_PATTERN = "desk:tick:*"
    EVENTS = "desk:events"  # channel: personal messages and order events, worker to worker
    REVOKED = "desk:revoked"  # channel: ids of ended sessions

    @staticmethod
    def ticket(ticket_hash: str) -> str:
        """Websocket ticket: principal and device, 30 s, taken once by GETDEL."""
        return f"desk:ticket:{ticket_hash}"


def connect(url: str, *, timeout_s: float = 0.5) -> Redis:
    """A client whose calls fail within `timeout_s` instead of waiting for a Redis that is gone."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1),  # one retry: a pooled connection may be a dead one
        health_check_interval=15,
        max_connections=64,
    )
