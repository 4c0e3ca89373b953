"""Pools and codecs: the one way this application talks to PostgreSQL."""

import struct
from collections.abc import Mapping

import asyncpg
import orjson

from .unit import Connection, Pool, after_commit, transaction, unit, whole

__all__ = [
    "Connection",
    "Pool",
    "Unreachable",
    "after_commit",
    "connect_pool",
    "ewkb",
    "lat_lon",
    "prepare_connection",
    "transaction",
    "unit",
    "whole",
]

# "PostgreSQL is not answering now", or not this time: loops back off on these, requests answer `unavailable`.
# Anything else is a fault of ours and ends the loop that meets it.
Unreachable: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # A connection whose server was killed between two messages: asyncpg calls its own state impossible (seen
    # under SIGKILL of PostgreSQL).
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, a statement cut off by its timeout
    asyncpg.TransactionRollbackError,  # deadlock, serialization
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.PostgresSystemError,  # IO error
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is being promoted
)

_EWKB_POINT = struct.Struct("<BIIdd")  # byte order, POINT with SRID flag, SRID, lon, lat: 25 bytes


def ewkb(lat: float, lon: float) -> bytes:
    """A WGS-84 point as PostGIS takes it; no shapely on the hot path (25 bytes, 0.1 us)."""
    return _EWKB_POINT.pack(1, 0x20000001, 4326, lon, lat)


def lat_lon(point: bytes) -> tuple[float, float]:
    """The inverse of `ewkb`."""
    _, _, _, lon, lat = _EWKB_POINT.unpack(point)
    return lat, lon


async def _left_as_it_was(connection: Connection) -> None:
    """In place of asyncpg's RESET ALL, UNLISTEN *, CLOSE ALL after every use, which cost a board page three round
    trips: no statement of ours changes a session beyond its transaction (tests/unit/storage/test_sessions.py).
    asyncpg itself still rolls back what was left open."""


async def prepare_connection(connection: Connection) -> None:
    """Codecs that asyncpg lacks; without the first, no geometry can be sent (no binary encoder)."""
    await connection.set_type_codec(
        "geometry", schema="public", encoder=lambda b: b, decoder=bytes, format="binary"
    )
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda raw: orjson.loads(raw[1:]),
        format="binary",
    )


async def connect_pool(
    dsn: str,
    *,
    name: str,
    size: int,
    statement_timeout_s: float = 10.0,
    settings: Mapping[str, str] | None = None,
) -> Pool:
    """Opens a pool of at most `size` connections, visible as `name` in pg_stat_activity. `settings`: more of the
    server's, for these sessions."""
    pool = Pool(
        dsn,
        min_size=min(2, size),
        max_size=size,
        max_queries=50_000,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        loop=None,
        init=prepare_connection,
        reset=_left_as_it_was,
        command_timeout=30,
        max_inactive_connection_lifetime=300,
        server_settings={
            "application_name": f"tracking-desk {name}",
            "timezone": "UTC",
            "statement_timeout": str(int(statement_timeout_s * 1000)),
            "idle_in_transaction_session_timeout": "15000",
            # An ack means COMMIT on disk, whatever the server's own default is.
            "synchronous_commit": "on",
            "jit": "off",  # short statements only: compiling them costs more than running them
            **(settings or {}),
        },
    )
    await pool
    return pool
