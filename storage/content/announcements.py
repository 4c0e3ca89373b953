"""Announcements: shown from one time to another to those whom they are for, until they are dismissed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from dispatch.content import Audience, Texts, title_of
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool, transaction
from storage.staff import NO_LIMIT, record

MOST = 200  # that have not ended
SHOWN = 20  # to one reader
FORGET_DAYS = 90

FIELDS = """
a.id, a.version, a.severity, a.texts, a.roles, a.regions, a.page,
    extract(epoch FROM a.starts_at)::float8 AS starts_at, extract(epoch FROM a.ends_at)::float8 AS ends_at,
    a.created_by, a.updated_by, extract(epoch FROM a.updated_at)::float8 AS updated_at
"""
# Primary key.
ONE = f"SELECT {FIELDS} FROM announcements a WHERE a.id = $1"
LOCK = ONE + " FOR UPDATE"
PAGE = f"SELECT {FIELDS} FROM announcements a WHERE a.id < $1 ORDER BY a.id DESC LIMIT $2"
# ix_announcements_ends_at: what has not ended is little.
FOR_READER = """
FROM announcements a WHERE a.ends_at > now() AND a.starts_at <= now() AND $2 = ANY(a.roles)
    AND (a.regions = '{}' OR a.regions && $3::text[])
"""
MINE = f"""
SELECT {FIELDS} {FOR_READER} AND NOT EXISTS (
    SELECT FROM announcement_dismissals d WHERE d.user_id = $1 AND d.announcement_id = a.id)
ORDER BY array_position(ARRAY['critical', 'warning', 'info'], a.severity::text), a.id DESC LIMIT $4
"""
DISMISS = f"""
INSERT INTO announcement_dismissals (user_id, announcement_id)
SELECT $1, a.id {FOR_READER} AND a.id = $4 ON CONFLICT DO NOTHING
"""
IS_MINE = f"SELECT EXISTS (SELECT {FOR_READER} AND a.id = $4 AND $1::bigint IS NOT NULL)"
LIVE = "SELECT count(*) FROM announcements WHERE ends_at > now()"
ADD = f"""
INSERT INTO announcements AS a
    (severity, texts, roles, regions, page, starts_at, ends_at, created_by, updated_by)
VALUES ($2, $3, $4, $5, $6, coalesce(to_timestamp($7::float8), now()), to_timestamp($8::float8), $1, $1)
RETURNING {FIELDS}
"""
CHANGE = f"""
UPDATE announcements a SET severity = $3, texts = $4, roles = $5, regions = $6, page = $7,
    starts_at = coalesce(to_timestamp($8::float8), a.starts_at), ends_at = to_timestamp($9::float8),
    updated_by = $1, updated_at = now(), version = a.version + 1
WHERE a.id = $2 RETURNING {FIELDS}
"""
# Kept as the record of what was shown; it ends now, or before it begins.
END = """
UPDATE announcements SET ends_at = greatest(starts_at, least(ends_at, now())), updated_by = $2, updated_at = now(),
    version = version + 1
WHERE id = $1
"""
# ix_announcements_ends_at, hourly, in slices. Who dismissed what is of no use when it is no longer shown.
FORGET = """
DELETE FROM announcement_dismissals WHERE (user_id, announcement_id) IN (
    SELECT d.user_id, d.announcement_id FROM announcements a
    JOIN announcement_dismissals d ON d.announcement_id = a.id
    WHERE a.ends_at < now() - make_interval(days => $1) LIMIT $2)
"""
SLICE = 5000


@dataclass(frozen=True, slots=True)
class NewAnnouncement:
    """What staff ask for; `starts_at` None: now, and in an edit as it was."""

    severity: str
    texts: Texts
    audience: Audience
    page: str | None
    starts_at: float | None
    ends_at: float


@dataclass(frozen=True, slots=True)
class Announcement:
    """One of them; times in epoch seconds."""

    id: int
    version: int
    severity: str
    texts: Texts
    audience: Audience
    page: str | None
    starts_at: float
    ends_at: float
    created_by: int
    updated_by: int
    updated_at: float


class AnnouncementStore:
    """All announcements."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, id: int) -> Announcement:
        """Any of them. Refusal `not_found`."""
        return _found(await self._pool.fetchrow(ONE, id))

    async def page(self, before: int | None, limit: int) -> list[Announcement]:
        """Some of them, newest first."""
        below = NO_LIMIT if before is None else before
        return [_read(row) for row in await self._pool.fetch(PAGE, below, limit)]

    async def mine(self, user: int, role: str, around: Collection[str]) -> list[Announcement]:
        """What this reader is to see now, the gravest first."""
        return [_read(row) for row in await self._pool.fetch(MINE, user, role, list(around), SHOWN)]

    async def dismiss(self, user: int, role: str, around: Collection[str], id: int) -> None:
        """The reader has seen it. Refusal `not_found` for what is not shown to them."""
        done = await self._pool.execute(DISMISS, user, role, list(around), id)
        if done == "INSERT 0 0" and not await self._pool.fetchval(IS_MINE, user, role, list(around), id):
            raise Refusal("not_found")

    async def add(self, staff: int, new: NewAnnouncement) -> Announcement:
        """Announces. Refusal `limit_reached`."""
        async with transaction(self._pool) as connection:
            if await connection.fetchval(LIVE) >= MOST:
                raise Refusal(
                    "limit_reached", "at most {n} announcement", plural="at most {n} announcements", n=MOST
                )
            made = _read(await connection.fetchrow(ADD, staff, *_columns(new)))
            await _record(connection, staff, "announcement.add", made, "", _told(made))
        return made

    async def change(self, staff: int, id: int, seen: int, new: NewAnnouncement) -> Announcement:
        """The next version. Who dismissed it is not shown it again. Refusals `not_found`, `version_stale`."""
        async with transaction(self._pool) as connection:
            was = _seen(await connection.fetchrow(LOCK, id), seen)
            if new.starts_at is None and new.ends_at < was.starts_at:
                raise Refusal("window_invalid", "the end is before the beginning").at("ends_at")
            made = _read(await connection.fetchrow(CHANGE, staff, id, *_columns(new)))
            await _record(connection, staff, "announcement.change", made, _told(was), _told(made))
        return made

    async def end(self, staff: int, id: int, seen: int) -> None:
        """Shows it to nobody any more. Refusals `not_found`, `version_stale`."""
        async with transaction(self._pool) as connection:
            was = _seen(await connection.fetchrow(LOCK, id), seen)
            await connection.execute(END, id, staff)
            await _record(connection, staff, "announcement.end", was, _told(was), "")

    async def forget_old(self) -> None:
        """Forgets who dismissed what has long ended."""
        while await self._pool.execute(FORGET, FORGET_DAYS, SLICE) == f"DELETE {SLICE}":
            pass


def _columns(new: NewAnnouncement) -> tuple[Any, ...]:
    audience = new.audience
    return (
        new.severity,
        dict(new.texts),
        list(audience.roles),
        list(audience.regions),
        new.page,
        new.starts_at,
        new.ends_at,
    )


def _read(row: Any) -> Announcement:
    id, version, severity, texts, roles, regions, *rest = row
    return Announcement(id, version, severity, texts, Audience(tuple(roles), tuple(regions)), *rest)


def _found(row: Any) -> Announcement:
    if row is None:
        raise Refusal("not_found")
    return _read(row)


def _seen(row: Any, seen: int) -> Announcement:
    found = _found(row)
    if found.version != seen:
        raise Refusal("version_stale")
    return found


def _told(one: Announcement) -> str:
    where = " ".join(one.audience.regions) or "everywhere"
    return f"{one.severity}, {' '.join(one.audience.roles)}, {where}, version {one.version}"


async def _record(
    connection: Connection, staff: int, action: str, one: Announcement, was: str, now: str
) -> None:
    detail = {"announcement": str(one.id), "was": was, "is": now, "title": title_of(one.texts)}
    await record(connection, staff, action, None, "", detail)
