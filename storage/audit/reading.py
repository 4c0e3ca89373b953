"""The audit log, as staff read it."""

from dataclasses import dataclass
from typing import NamedTuple

from storage.postgres import Pool

NO_LIMIT = 2**62
SINCE_EVER, FOR_EVER = 0.0, 253_402_300_799.0

LINES = """
SELECT a.id, extract(epoch FROM a.at)::float8 AS at, a.staff_id, a.action, a.user_id, a.reason, a.detail,
    s.number, encode(s.hash, 'hex') AS hash
FROM staff_actions a LEFT JOIN staff_seals s ON s.action_id = a.id
"""
WITHIN = (
    "WHERE a.id < $1 AND a.at >= to_timestamp($3) AND a.at < to_timestamp($4) AND starts_with(a.action, $7)"
)
LATEST = "ORDER BY a.id DESC LIMIT $2"
# ix_staff_actions_user_id_id, ix_staff_actions_staff_id_id, ix_staff_actions_action_id for a whole action, or the
# primary key, all read backwards; what else is asked for filters the rows.
BY_USER = f"{LINES}{WITHIN} AND a.user_id = $5 AND ($6::bigint IS NULL OR a.staff_id = $6) {LATEST}"
BY_STAFF = f"{LINES}{WITHIN} AND $5::bigint IS NULL AND a.staff_id = $6 {LATEST}"
BY_ACTION = f"{LINES}{WITHIN} AND $5::bigint IS NULL AND $6::bigint IS NULL AND a.action = $7 {LATEST}"
ANY = f"{LINES}{WITHIN} AND $5::bigint IS NULL AND $6::bigint IS NULL {LATEST}"


class Wanted(NamedTuple):
    """Which lines: by whom, about whom, what (the beginning of an action), when (epoch s, `until` excluded)."""

    staff: int | None = None
    user: int | None = None
    what: str = ""
    since: float | None = None
    until: float | None = None
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line of the log, with its place in the chain once it has one."""

    id: int
    at: float
    staff: int
    action: str
    user: int | None
    reason: str
    detail: dict[str, str]
    seal: int | None
    hash: str | None


class AuditLog:
    """Reads only; what is written goes through storage.staff.record."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def lines(self, wanted: Wanted) -> list[AuditRow]:
        """One page, newest first."""
        if wanted.user is not None:
            query = BY_USER
        elif wanted.staff is not None:
            query = BY_STAFF
        elif "." in wanted.what:
            query = BY_ACTION
        else:
            query = ANY
        rows = await self._pool.fetch(
            query,
            NO_LIMIT if wanted.before is None else wanted.before,
            wanted.limit,
            SINCE_EVER if wanted.since is None else wanted.since,
            FOR_EVER if wanted.until is None else wanted.until,
            wanted.user,
            wanted.staff,
            wanted.what,
        )
        return [AuditRow(*row) for row in rows]
