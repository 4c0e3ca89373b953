"""What somebody has done today, in the transaction of what he does now; pauses and flags that follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg

from dispatch.errors import Refusal
from dispatch.sniping import (
    Flag,
    Habit,
    Verdict,
    Watch,
    after_accept,
    after_cancel,
    after_decline,
    fast,
    may_take,
)

from .postgres import Connection, Pool, transaction
from .staff import record

# Primary keys. Days are those of UTC.
TODAY = """
SELECT coalesce((SELECT extract(epoch FROM c.until - clock_timestamp())::float8 FROM cooldowns c
        WHERE c.user_id = $1 AND c.until > clock_timestamp()), 0) AS wait_s,
    extract(epoch FROM date_trunc('day', now(), 'UTC') + interval '1 day' - now())::float8 AS left_s,
    (SELECT jsonb_object_agg(h.kind, h.count) FROM habits h
        WHERE h.user_id = $1 AND h.day = (now() AT TIME ZONE 'UTC')::date) AS counts
"""
# Primary key. In the order of their names, so that two decisions of one user cannot deadlock.
COUNT = """
INSERT INTO habits AS h (user_id, day, kind, count)
SELECT $1, (now() AT TIME ZONE 'UTC')::date, kind, 1 FROM unnest($2::text[]) AS kind ORDER BY kind
ON CONFLICT (user_id, day, kind) DO UPDATE SET count = h.count + 1
"""
# Primary key.
PAUSE = """
INSERT INTO cooldowns AS c (user_id, reason, until)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (user_id) DO UPDATE SET until = greatest(c.until, excluded.until), reason = excluded.reason
"""
# uq_flags_open.
PUT_UP = """
INSERT INTO flags AS f (user_id, kind, detail) VALUES ($1, $2, $3)
ON CONFLICT (user_id, kind) WHERE cleared_at IS NULL
DO UPDATE SET count = f.count + 1, last_at = now(), detail = excluded.detail
"""
# ix_flags_last; the open ones are few.
OPEN_FLAGS = """
SELECT f.*, u.role, u.name, c.until AS paused_until FROM flags f JOIN users u ON u.id = f.user_id
LEFT JOIN cooldowns c ON c.user_id = f.user_id AND c.until > now()
WHERE f.cleared_at IS NULL ORDER BY f.last_at DESC LIMIT $1
"""
# Primary keys.
CLEAR = """
WITH cleared AS (
    UPDATE flags SET cleared_at = now(), cleared_by = $2, note = $3
    WHERE id = $1 AND cleared_at IS NULL RETURNING user_id
), lifted AS (
    DELETE FROM cooldowns WHERE $4 AND user_id IN (SELECT user_id FROM cleared)
)
SELECT user_id FROM cleared
"""
# The primary key begins with the user: a scan, in the hourly housekeeping.
FORGET = "DELETE FROM habits WHERE day < (now() AT TIME ZONE 'UTC')::date - 60"


@dataclass(frozen=True, slots=True)
class Day:
    """What a user has done today, how long a pause lasts still, and how long the day does."""

    counts: dict[Habit, int]
    wait_s: float
    left_s: float


@dataclass(frozen=True, slots=True)
class FlagRow:
    """An open flag as the staff sees it."""

    id: int
    user: int
    role: str
    name: str
    kind: Flag
    count: int
    detail: dict[str, Any]
    first_at: float
    last_at: float
    paused_until: float | None


async def day_of(connection: Connection, user: int) -> Day:
    """What this user has done today."""
    row = await connection.fetchrow(TODAY, user)
    counts = {Habit(kind): count for kind, count in (row["counts"] or {}).items()}
    return Day(counts, row["wait_s"], row["left_s"])


async def pause_of(connection: Connection, user: int, watch: Watch) -> float:
    """For how many seconds this user may take nothing; 0 for everybody who behaves."""
    day = await day_of(connection, user)
    if day.wait_s > 0:
        return day.wait_s
    verdict = may_take(day.counts, day.left_s, watch)
    await follow(connection, user, verdict, day)
    return verdict.pause_s


def paused(seconds: float) -> Refusal:
    """The refusal of somebody who is to wait."""
    return Refusal("cooling_down", "try again in {wait:duration}", wait=max(1, round(seconds)))


async def accepted(connection: Connection, user: int, watch: Watch, *, age_s: float, won: bool) -> None:
    """An accept was decided, so long after the load was offered."""
    was_fast = fast(age_s, watch)
    kinds = [Habit.ACCEPT, *([Habit.FAST] if was_fast else []), *([Habit.WIN] if won else [])]
    await _count(connection, user, kinds)
    if was_fast:
        day = await day_of(connection, user)
        await follow(connection, user, after_accept(day.counts, was_fast, watch), day)


async def won(connection: Connection, user: int) -> None:
    """A bid of this driver has won."""
    await _count(connection, user, [Habit.WIN])


async def declined(connection: Connection, user: int, watch: Watch) -> None:
    """An offer was declined."""
    await _count(connection, user, [Habit.DECLINE])
    day = await day_of(connection, user)
    await follow(connection, user, after_decline(day.counts, watch), day)


async def cancelled(connection: Connection, user: int, watch: Watch) -> None:
    """A driver called off a load that was his."""
    await _count(connection, user, [Habit.CANCEL])
    day = await day_of(connection, user)
    await follow(connection, user, after_cancel(day.counts, watch), day)


async def follow(connection: Connection, user: int, verdict: Verdict, day: Day) -> None:
    """Writes the pause and the flag of a verdict."""
    if verdict.flag is None:
        return
    if verdict.pause_s:
        await connection.execute(PAUSE, user, verdict.flag, verdict.pause_s)
    await connection.execute(PUT_UP, user, verdict.flag, {kind.value: n for kind, n in day.counts.items()})


async def _count(connection: Connection, user: int, kinds: Iterable[Habit]) -> None:
    await connection.execute(COUNT, user, [kind.value for kind in kinds])


class FlagStore:
    """What the staff looks at."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put_up(self, user: int, flag: Flag, detail: dict[str, Any]) -> None:
        """A detector outside the order path has met somebody."""
        await self._pool.execute(PUT_UP, user, flag, detail)

    async def open(self, limit: int) -> list[FlagRow]:
        """Open flags, the latest first."""
        return [_flag(row) for row in await self._pool.fetch(OPEN_FLAGS, limit)]

    async def clear(self, flag: int, staff: int, note: str, *, lift: bool) -> int:
        """Somebody has looked at it; `lift` ends the pause. The user it was about, or `not_found`."""
        async with transaction(self._pool) as connection:
            user: int | None = await connection.fetchval(CLEAR, flag, staff, note, lift)
            if user is None:
                raise Refusal("not_found")
            await record(connection, staff, "clear_flag", user, note, {"lift": str(lift).lower()})
        return user

    async def forget_old(self) -> None:
        """Counts of two months ago."""
        await self._pool.execute(FORGET)


def _flag(row: asyncpg.Record) -> FlagRow:
    until = row["paused_until"]
    return FlagRow(
        row["id"],
        row["user_id"],
        row["role"],
        row["name"],
        Flag(row["kind"]),
        row["count"],
        row["detail"],
        row["first_at"].timestamp(),
        row["last_at"].timestamp(),
        None if until is None else until.timestamp(),
    )
