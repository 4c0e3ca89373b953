"""What users want to hear by which channel, and when they want to be left alone."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dispatch.errors import Refusal
from dispatch.notices import Category, Channel
from dispatch.telling import DEFAULT, Preferences, Quiet

from ..postgres import Pool, transaction

UTC = "UTC"

# Primary keys.
ONE = """
SELECT coalesce(p.version, 0) AS version, coalesce(p.off, '{}') AS off, p.quiet_since, p.quiet_until, u.time_zone
FROM users u LEFT JOIN notice_preferences p ON p.user_id = u.id WHERE u.id = $1
"""
LOCK_USER = "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE"
SET = """
INSERT INTO notice_preferences (user_id, off, quiet_since, quiet_until) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id) DO UPDATE SET version = notice_preferences.version + 1, off = excluded.off,
    quiet_since = excluded.quiet_since, quiet_until = excluded.quiet_until, changed_at = now()
"""
# Primary keys. What is needed to tell somebody something now, of those who are to be told.
READERS = """
SELECT u.id, coalesce(p.off, '{}') AS off, p.quiet_since, p.quiet_until, u.time_zone, u.phone, u.email, u.locale
FROM users u LEFT JOIN notice_preferences p ON p.user_id = u.id WHERE u.id = ANY($1::bigint[]) AND NOT u.blocked
"""


class Wishes(NamedTuple):
    """A user's preferences. `version` is 0 until they were set; `time_zone` an IANA name, of the profile."""

    version: int
    preferences: Preferences
    time_zone: str


class Reader(NamedTuple):
    """Somebody who is to be told something, with the addresses of their account."""

    preferences: Preferences
    zone: ZoneInfo
    phone: str
    email: str | None
    locale: str


class PreferenceStore:
    """Rows of `notice_preferences`; who has none wants everything."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, user: int) -> Wishes:
        """This user's. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, user)
        if row is None:
            raise Refusal("not_found")
        return Wishes(row["version"], preferences_of(row), row["time_zone"])

    async def put(self, user: int, seen: int, wanted: Preferences) -> Wishes:
        """Sets them whole. Refusals `not_found`, `version_stale`."""
        async with transaction(self._pool) as connection:
            await connection.execute(LOCK_USER, user)
            row = await connection.fetchrow(ONE, user)
            if row is None:
                raise Refusal("not_found")
            if row["version"] != seen:
                raise Refusal("version_stale")
            off = {
                category.value: [channel.value for channel in Channel if channel in channels]
                for category, channels in wanted.off.items()
            }
            await connection.execute(SET, user, off, *(wanted.quiet or (None, None)))
        return Wishes(seen + 1, wanted, row["time_zone"])

    async def readers(self, users: Sequence[int]) -> dict[int, Reader]:
        """Those of these users whose accounts are open."""
        found = {}
        for row in await self._pool.fetch(READERS, list(users)):
            zone = zone_of(row["time_zone"])
            found[row["id"]] = Reader(preferences_of(row), zone, row["phone"], row["email"], row["locale"])
        return found


def preferences_of(row: Mapping[str, Any]) -> Preferences:
    """As they are stored. Words that this version does not know are passed over."""
    if not row["off"] and row["quiet_since"] is None:
        return DEFAULT
    quiet = None if row["quiet_since"] is None else Quiet(row["quiet_since"], row["quiet_until"])
    off = {
        Category(category): frozenset(Channel(channel) for channel in channels if channel in set(Channel))
        for category, channels in row["off"].items()
        if category in set(Category)
    }
    return Preferences(off, quiet)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC for one that this machine's data has lost."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(UTC)
