"""The ledger of access: entries with the balance behind each, and the one way to ask whether somebody may work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from billing.access import NONE, Access, Entry, EntryKind, after

from ..order_rows import seconds
from ..postgres import Connection, Pool


# Primary key, read backwards: one row.
def ends_at(user: str) -> str:
    """An SQL expression: until when this user may work, NULL for who never could."""
    return f"(SELECT e.ends_at FROM access_entries e WHERE e.user_id = {user} ORDER BY e.seq DESC LIMIT 1)"


def entitled(user: str) -> str:
    """An SQL condition, never NULL: whether this user may work now, by the database's clock."""
    return f"coalesce({ends_at(user)} > clock_timestamp(), false)"


# Entries of one user are written one after the other.
LOCK = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
# Primary keys. After the lock, so that it reads what others have written while we waited for it.
BALANCE = """
SELECT extract(epoch FROM clock_timestamp())::float8 AS now, e.seq, e.paid_to, e.ends_at, e.left_s, e.trial
FROM (SELECT) AS one LEFT JOIN LATERAL (
    SELECT * FROM access_entries WHERE user_id = $1 ORDER BY seq DESC LIMIT 1) AS e ON true
"""
# uq_access_entries_user_id_cause: what has been entered is not entered again.
OF_CAUSE = "SELECT * FROM access_entries WHERE user_id = $1 AND cause = $2"
ADD = """
INSERT INTO access_entries (user_id, seq, kind, at, seconds, set_to, cause, note, actor_id, paid_to, ends_at,
    left_s, trial)
VALUES ($1, $2, $3, to_timestamp($4::float8), $5, to_timestamp($6::float8), $7, $8, $9, to_timestamp($10::float8),
    to_timestamp($11::float8), $12, $13)
ON CONFLICT (user_id, cause) DO NOTHING RETURNING true
"""
# Primary key.
HISTORY = """
SELECT * FROM access_entries WHERE user_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3
"""
# The primary key, whole, in slices of users: for a check by night.
SLICE = """
SELECT * FROM access_entries WHERE user_id IN
    (SELECT DISTINCT user_id FROM access_entries WHERE user_id > $1 ORDER BY user_id LIMIT $2)
ORDER BY user_id, seq
"""


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it stands, with the balance behind it. `cause` is what it came of; `actor` a member of staff."""

    user: int
    seq: int
    entry: Entry
    cause: str
    note: str
    actor: int | None
    balance: Access


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry whose balance is not what the entries before it come to."""

    user: int
    seq: int
    stored: Access
    folded: Access


class Balance(NamedTuple):
    """A user's balance, the number of the last entry, and the database's clock when that was read."""

    access: Access
    seq: int
    now: float


async def lock(connection: Connection, user: int) -> Balance:
    """The balance of a user whom nobody else changes until the transaction ends."""
    await connection.execute(LOCK, user)
    return balance_of(await connection.fetchrow(BALANCE, user))


async def enter(
    connection: Connection,
    user: int,
    entry: Entry,
    cause: str,
    *,
    note: str = "",
    actor: int | None = None,
) -> Balance | None:
    """Adds an entry: the balance behind it, or None if its cause has one already. Inside a transaction."""
    return await enter_behind(connection, user, await lock(connection, user), entry, cause, note, actor)


async def enter_behind(
    connection: Connection,
    user: int,
    before: Balance,
    entry: Entry,
    cause: str,
    note: str = "",
    actor: int | None = None,
) -> Balance | None:
    """As `enter`, for who holds the lock and the balance that came of it."""
    behind = after(before.access, entry)
    added = await connection.fetchval(
        ADD,
        user,
        before.seq + 1,
        entry.kind,
        entry.at,
        entry.seconds,
        entry.until,
        cause,
        note,
        actor,
        behind.paid_to,
        behind.until,
        behind.left_s,
        behind.trial,
    )
    return Balance(behind, before.seq + 1, before.now) if added else None


async def given(connection: Connection, user: int, cause: str) -> float | None:
    """How many seconds the entry of this cause has added; None when there is none."""
    row = await connection.fetchrow(OF_CAUSE, user, cause)
    return None if row is None else float(row["seconds"])


class AccessLedger:
    """Reads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, user: int) -> Access:
        """Where a user stands."""
        return balance_of(await self._pool.fetchrow(BALANCE, user)).access

    async def history(self, user: int, before: int | None, limit: int) -> list[Written]:
        """A page of a user's entries, newest first."""
        rows = await self._pool.fetch(
            HISTORY, user, 2**31 - 1 if before is None else min(before, 2**31 - 1), limit
        )
        return [_written(row) for row in rows]

    async def of_cause(self, user: int, cause: str) -> Written | None:
        """The entry that came of this, if there is one."""
        row = await self._pool.fetchrow(OF_CAUSE, user, cause)
        return None if row is None else _written(row)

    async def verify(self, slice_: int = 1000) -> tuple[int, list[Broken]]:
        """Folds every user's entries anew: how many entries there are, and where the balance is another."""
        count, broken, last = 0, list[Broken](), 0
        while rows := await self._pool.fetch(SLICE, last, slice_):
            count += len(rows)
            last = rows[-1]["user_id"]
            broken += _broken([_written(row) for row in rows])
        return count, broken


def _broken(lines: Sequence[Written]) -> Iterator[Broken]:
    folded, seq, user = NONE, 0, 0
    for line in lines:
        if line.user != user:
            folded, seq, user = NONE, 0, line.user
        folded, seq = after(folded, line.entry), seq + 1
        if line.seq != seq or not _same(folded, line.balance):
            yield Broken(line.user, line.seq, line.balance, folded)


def _same(one: Access, other: Access) -> bool:
    """To the millisecond: PostgreSQL keeps microseconds."""
    return (
        abs(one.paid_to - other.paid_to) < 1e-3
        and abs(one.until - other.until) < 1e-3
        and (one.left_s is None) == (other.left_s is None)
        and abs((one.left_s or 0.0) - (other.left_s or 0.0)) < 1e-3
        and one.trial == other.trial
    )


def balance_of(row: asyncpg.Record) -> Balance:
    """A row that has the columns of BALANCE; seq is NULL for who has no entry."""
    if row["seq"] is None:
        return Balance(NONE, 0, row["now"])
    return Balance(access_of(row), row["seq"], row["now"])


def access_of(row: asyncpg.Record) -> Access:
    """The balance columns of an entry."""
    return Access(row["paid_to"].timestamp(), row["ends_at"].timestamp(), row["left_s"], row["trial"])


def _written(row: asyncpg.Record) -> Written:
    return Written(
        row["user_id"],
        row["seq"],
        Entry(EntryKind(row["kind"]), row["at"].timestamp(), row["seconds"], seconds(row["set_to"])),
        row["cause"],
        row["note"],
        row["actor_id"],
        access_of(row),
    )
