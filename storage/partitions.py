"""Daily partitions of `positions`, made ahead by the application and dropped when they are old."""

from datetime import UTC, date, datetime, timedelta

from .postgres import Pool

DAYS_BACK = 8  # phones may deliver points up to 7 days old
DAYS_AHEAD = 7

# One maker at a time, across all workers and hosts.
LOCK = "SELECT pg_advisory_xact_lock(72707474)"
EXISTING = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'positions'::regclass
"""
REST_IS_USED = "SELECT EXISTS (SELECT 1 FROM positions_rest)"


def partition_name(day: date) -> str:
    """positions_pYYYYMMDD, the form that migrations leave alone."""
    return f"positions_p{day:%Y%m%d}"


def wanted(today: date) -> list[date]:
    """The days that must have a partition now."""
    return [today + timedelta(days=offset) for offset in range(-DAYS_BACK, DAYS_AHEAD + 1)]


async def ensure(pool: Pool, now: float) -> list[str]:
    """Makes what is missing, in one transaction; returns the names it made. Idempotent on any worker.

    `positions_rest` is the DEFAULT partition: nothing should ever land there, and an alarm watches it.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    made: list[str] = []
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK)
        existing = {row["relname"] for row in await connection.fetch(EXISTING)}
        if "positions_rest" not in existing:
            await connection.execute("CREATE TABLE positions_rest PARTITION OF positions DEFAULT")
            made.append("positions_rest")
        for day in wanted(today):
            name = partition_name(day)
            if name in existing:
                continue
            # Names and bounds come from a date, not from input; DDL takes no parameters.
            await connection.execute(
                f"CREATE TABLE {name} PARTITION OF positions "
                f"FOR VALUES FROM ('{day} 00:00:00+00') TO ('{day + timedelta(days=1)} 00:00:00+00')"
            )
            made.append(name)
    return made


async def rest_is_used(pool: Pool) -> bool:
    """Whether a point fell outside every daily partition: a fault worth an alarm."""
    return bool(await pool.fetchval(REST_IS_USED))
