"""Sealing: committed rows of staff_actions become links of the chain, in the order in which they are found.

The change that a row tells of never waits for the chain: a row is written in its transaction as ever, and sealed
within a second of its COMMIT, by whichever worker holds the lock. So a row that is not in the chain yet is one
second old, and that second is what this gives up (ADR 0018).
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from dispatch.audit import START, Anchor, Line, Seal, chain
from storage.postgres import Pool, transaction

BATCH = 1000
# No transaction lives so long: what is missing below a seal of this age was rolled back, or is forged.
SETTLED_S = 600

# The highest row among those that were sealed long ago, by the primary key read backwards; rows are found nearly
# in order, so a thousand seals hold it. Numbers are given before COMMIT, so a lower one may come after a higher
# one: hence not simply the last.
FLOOR = """coalesce((SELECT max(action_id) FROM (SELECT action_id FROM staff_seals
        WHERE sealed_at < now() - make_interval(secs => $1) ORDER BY number DESC LIMIT 1000) old), 0)"""
LINE = "a.id, a.at, a.staff_id, a.action, a.user_id, a.reason, a.detail::text AS detail, a.salt"
# The end of staff_actions, by its primary key and uq_staff_seals_action_id.
UNSEALED = f"""
SELECT {LINE} FROM staff_actions a
WHERE a.id > {FLOOR} AND NOT EXISTS (SELECT FROM staff_seals s WHERE s.action_id = a.id)
ORDER BY a.id LIMIT $2
"""
ONE_AT_A_TIME = "SELECT pg_try_advisory_xact_lock(7105)"
HEAD = "SELECT number, hash FROM staff_seals ORDER BY number DESC LIMIT 1"
CLOCK = "SELECT clock_timestamp()"
ADD = """
INSERT INTO staff_seals (number, action_id, sealed_at, words, previous, hash)
SELECT number, action_id, $3, words, previous, hash
FROM unnest($1::bigint[], $2::bigint[], $4::bytea[], $5::bytea[], $6::bytea[])
    AS s (number, action_id, words, previous, hash)
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sealed(NamedTuple):
    """What one look has sealed: the new head, and how many rows."""

    head: Anchor
    rows: int


class SealStore:
    """The chain, where it grows."""

    def __init__(self, pool: Pool, settled_s: float = SETTLED_S) -> None:
        self._pool = pool
        self._settled_s = settled_s

    async def seal(self) -> Sealed | None:
        """Seals what has been committed since, at most BATCH rows; None when there was nothing to do or another
        worker is at it."""
        if not await self._pool.fetch(UNSEALED, self._settled_s, 1):
            return None
        async with transaction(self._pool) as connection:
            if not await connection.fetchval(ONE_AT_A_TIME):
                return None
            # Only now: what the last holder of the lock has sealed is seen.
            rows = await connection.fetch(UNSEALED, self._settled_s, BATCH)
            if not rows:
                return None
            last = await connection.fetchrow(HEAD)
            head = START if last is None else Anchor(*last)
            now: datetime = await connection.fetchval(CLOCK)
            seals = chain(map(line_of, rows), head, micros(now))
            await connection.execute(
                ADD,
                [seal.number for seal in seals],
                [seal.line for seal in seals],
                now,
                [seal.words for seal in seals],
                [seal.previous for seal in seals],
                [seal.hash for seal in seals],
            )
        return Sealed(Anchor(seals[-1].number, seals[-1].hash), len(seals))

    async def head(self) -> Anchor:
        """The newest link."""
        row = await self._pool.fetchrow(HEAD)
        return START if row is None else Anchor(*row)


def line_of(row: Record) -> Line:
    """A row as the chain knows it."""
    salt: UUID | None = row["salt"]
    return Line(
        row["id"],
        micros(row["at"]),
        row["staff_id"],
        row["action"],
        row["user_id"],
        row["reason"],
        row["detail"],
        None if salt is None else salt.bytes,
    )


def seal_of(row: Record) -> Seal:
    """A link as it is stored."""
    return Seal(
        row["number"],
        row["action_id"],
        micros(row["sealed_at"]),
        row["words"],
        row["previous"],
        row["hash"],
    )


def micros(moment: datetime) -> int:
    """Microseconds of the epoch, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
