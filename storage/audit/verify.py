"""Checking the chain: all of it, or a stretch. Reads only, a page at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from asyncpg import Record

from dispatch.audit import START, Anchor, Break, Check, Fault
from storage.postgres import Connection, Pool

from .anchors import Kept
from .seals import FLOOR, LINE, SETTLED_S, line_of, seal_of

PAGE = 2000
NAMED = 100  # faults that a report names; it counts all of them

# The primary keys of both tables.
LINKS = f"""
SELECT s.number, s.action_id, s.sealed_at, s.words, s.previous, s.hash, {LINE}, u.erased_at IS NOT NULL AS erased
FROM staff_seals s LEFT JOIN staff_actions a ON a.id = s.action_id LEFT JOIN users u ON u.id = a.user_id
WHERE s.number > $1 ORDER BY s.number LIMIT $2
"""
HEAD_AT = "SELECT number, hash FROM staff_seals WHERE number = $1"
LAST = "SELECT coalesce(max(number), 0) FROM staff_seals"
# Rows that no seal speaks of. Those that are new wait for the next second; one among rows that were sealed long
# ago was put in afterwards, for no transaction lives so long.
STRAY = f"""
SELECT a.id FROM staff_actions a
WHERE a.id <= {FLOOR} AND NOT EXISTS (SELECT FROM staff_seals s WHERE s.action_id = a.id)
ORDER BY a.id LIMIT $2
"""
WAITING = f"""
SELECT count(*) FROM staff_actions a
WHERE a.id > {FLOOR} AND NOT EXISTS (SELECT FROM staff_seals s WHERE s.action_id = a.id)
"""


@dataclass(slots=True)
class Report:
    """What a check found. `faults` are the first NAMED of `broken`; `waiting` rows are not sealed yet."""

    checked: int = 0
    head: Anchor = START
    broken: int = 0
    faults: list[Fault] = field(default_factory=list)
    anchors: int = 0
    waiting: int = 0
    more: bool = False

    def add(self, faults: list[Fault]) -> None:
        """Counts them all, keeps the first."""
        self.broken += len(faults)
        self.faults += faults[: NAMED - len(self.faults)]


async def verify(
    pool: Pool,
    kept: Kept,
    progress: Callable[[int, int], object] = lambda done, total: None,
    settled_s: float = SETTLED_S,
) -> Report:
    """The whole chain, in one view of the database, so that what is sealed meanwhile does not matter."""
    report = Report(anchors=len(kept.heads))
    report.add([Fault(Break.ANCHOR_FORGED)] * kept.forged)
    check = Check(anchors=kept.heads)
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        last: int = await connection.fetchval(LAST)
        while await _page(connection, check, report, PAGE) == PAGE:
            progress(check.checked, last)
        report.add(check.finish())
        for row in await connection.fetch(STRAY, settled_s, NAMED):
            report.add([Fault(Break.UNSEALED, None, row["id"])])
        report.waiting = await connection.fetchval(WAITING, settled_s)
    progress(last, last)
    report.checked, report.head = check.checked, check.after
    return report


async def verify_stretch(pool: Pool, kept: Kept, after: int, limit: int) -> Report:
    """At most `limit` links behind number `after`; the end of the chain is held against the anchors."""
    report = Report(anchors=len(kept.heads))
    async with pool.acquire() as connection:
        before = await connection.fetchrow(HEAD_AT, after)
        check = Check(START if before is None else Anchor(*before), kept.heads)
        found = await _page(connection, check, report, limit)
    report.more = found == limit
    if not report.more:
        report.add(check.finish())
        report.add([Fault(Break.ANCHOR_FORGED)] * kept.forged)
    report.checked, report.head = check.checked, check.after
    return report


async def _page(connection: Connection, check: Check, report: Report, limit: int) -> int:
    rows = await connection.fetch(LINKS, check.after.number, limit)
    report.add(await asyncio.to_thread(_judge, check, rows))
    return len(rows)


def _judge(check: Check, rows: list[Record]) -> list[Fault]:
    faults: list[Fault] = []
    for row in rows:
        line = None if row["id"] is None else line_of(row)
        faults += check.feed(seal_of(row), line, erased=row["erased"])
    return faults
