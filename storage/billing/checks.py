"""When the books were held against the facts, and what came of it (`desk money verify`)."""

from dataclasses import dataclass

from storage.postgres import Pool, transaction
from storage.staff import record

from .verify import Break, Fault, Report

EVERY_S = 86_400.0
LOST_S = 3_600.0  # a check that takes so long lost its worker

FIELDS = """
id, asked_by, extract(epoch FROM asked_at)::float8 AS asked_at, extract(epoch FROM began_at)::float8 AS began_at,
    extract(epoch FROM ended_at)::float8 AS ended_at, bookings, invoices, broken, faults
"""
# One worker after the other decides whether it is time.
QUEUE = "SELECT pg_advisory_xact_lock(7129)"
# Scans, all of them: a row a day.
WAITING = "SELECT id FROM money_checks WHERE began_at IS NULL ORDER BY id LIMIT 1"
RECENT = """
SELECT EXISTS (SELECT FROM money_checks WHERE ended_at > now() - make_interval(secs => $1)
    OR (ended_at IS NULL AND began_at > now() - make_interval(secs => $2)))
"""
# ix_invoices_created_at_id: a desk whose first invoice is younger than a day has its first check when it is not.
OLD_ENOUGH = "SELECT EXISTS (SELECT FROM invoices WHERE created_at < now() - make_interval(secs => $1))"
BEGIN = "UPDATE money_checks SET began_at = now() WHERE id = $1"
BEGIN_NEW = "INSERT INTO money_checks (began_at) VALUES (clock_timestamp()) RETURNING id"
ASK = "INSERT INTO money_checks (asked_by) VALUES ($1)"
END = """
UPDATE money_checks SET ended_at = clock_timestamp(), bookings = $2, invoices = $3, broken = $4, faults = $5
WHERE id = $1
"""
KEEP = """
INSERT INTO money_checks (began_at, ended_at, bookings, invoices, broken, faults)
VALUES (clock_timestamp() - make_interval(secs => $1), clock_timestamp(), $2, $3, $4, $5)
"""
NEWEST = f"SELECT {FIELDS} FROM money_checks ORDER BY id DESC LIMIT $1"
FORGET = "DELETE FROM money_checks WHERE asked_at < now() - interval '400 days'"


@dataclass(frozen=True, slots=True)
class Check:
    """One of them; times in epoch seconds. `report` is None while it has not ended."""

    id: int
    asked_by: int | None
    asked_at: float
    began_at: float | None
    ended_at: float | None
    report: Report | None


class CheckStore:
    """The table of checks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self, limit: int) -> list[Check]:
        """The last ones, newest first."""
        found = []
        for row in await self._pool.fetch(NEWEST, limit):
            faults = [Fault(Break(kind), what) for kind, what in row["faults"]]
            report = Report(row["bookings"], row["invoices"], row["broken"], faults)
            ended = row["ended_at"]
            found.append(
                Check(
                    row["id"],
                    row["asked_by"],
                    row["asked_at"],
                    row["began_at"],
                    ended,
                    None if ended is None else report,
                )
            )
        return found

    async def ask(self, staff: int) -> None:
        """Somebody of the staff wants one now, unless one waits or runs; a worker begins it within a minute."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            if await connection.fetchval(WAITING) or await connection.fetchval(RECENT, 0.0, LOST_S):
                return
            await connection.execute(ASK, staff)
            await record(connection, staff, "money.check", None, "")

    async def claim(self) -> int | None:
        """The check that this worker is to make: one that was asked for, or the day's; None for none."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            waiting: int | None = await connection.fetchval(WAITING)
            if waiting is not None:
                await connection.execute(BEGIN, waiting)
                return waiting
            if await connection.fetchval(RECENT, EVERY_S, LOST_S):
                return None
            if not await connection.fetchval(OLD_ENOUGH, EVERY_S):
                return None
            await connection.execute(FORGET)
            return int(await connection.fetchval(BEGIN_NEW))

    async def keep(self, took_s: float, report: Report) -> None:
        """A check that was made by hand."""
        await self._pool.execute(KEEP, took_s, *_said(report))

    async def end(self, check: int, report: Report) -> None:
        """What it found."""
        await self._pool.execute(END, check, *_said(report))


def _said(report: Report) -> tuple[int, int, int, list[list[str]]]:
    faults = [[fault.kind.value, fault.what] for fault in report.faults]
    return report.bookings, report.invoices, report.broken, faults
