"""What staff do to accounts: finding them, role and grade, blocking. Each change leaves a line that stays."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from asyncpg import Record

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction
from .sessions import end_sessions

NO_LIMIT = 2**62

USERS = """
SELECT u.id, u.phone, u.role, u.grade, u.name, u.locale, u.blocked,
       extract(epoch FROM u.created_at)::float8 AS created_at,
       EXISTS (SELECT FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
           AS second_factor, u.version
FROM users u
"""
# The primary key read backwards.
PAGE = USERS + "WHERE u.id < $1 AND ($2::text IS NULL OR u.role = $2) ORDER BY u.id DESC LIMIT $3"
# Served by ix_users_search (three characters or more; fewer walk the primary key).
BY_NAME = (
    USERS
    + "WHERE u.id < $1 AND ($2::text IS NULL OR u.role = $2) AND u.name ILIKE $4 ORDER BY u.id DESC LIMIT $3"
)
BY_DIGITS = (
    USERS
    + "WHERE u.id < $1 AND ($2::text IS NULL OR u.role = $2) AND (u.phone LIKE $4 OR u.id = $5)"
    + " ORDER BY u.id DESC LIMIT $3"
)
ONE = USERS + "WHERE u.id = $1"
# Changes of staff's rights are made one after the other: two superadmins who dismiss each other at the same
# moment would else leave nobody.
QUEUE = "SELECT pg_advisory_xact_lock(7104)"
GRADE_OF = "SELECT grade FROM users WHERE id = $1 AND role = 'admin' AND NOT blocked"
LOCK_USER = "SELECT role, grade, blocked, version FROM users WHERE id = $1 FOR UPDATE"
# By uq_assignments_driver, and by ix_orders_shipper_id_id with a filter.
UNDER_WAY = """
SELECT EXISTS (SELECT FROM assignments WHERE driver_id = $1 AND ended_at IS NULL)
    OR EXISTS (SELECT FROM orders WHERE shipper_id = $1 AND ended_at IS NULL AND status <> 'draft')
"""
SET_ROLE = "UPDATE users SET role = $2, grade = $3, version = version + 1 WHERE id = $1"
SET_BLOCKED = "UPDATE users SET blocked = $2, version = version + 1 WHERE id = $1"
DROP_FACTOR = "DELETE FROM second_factors WHERE user_id = $1 RETURNING true"
DROP_CODES = "DELETE FROM recovery_codes WHERE user_id = $1"
RECORD = """
INSERT INTO staff_actions (staff_id, action, user_id, reason, detail) VALUES ($1, $2, $3, $4, $5)
"""
# The primary key read backwards, or ix_staff_actions_user_id_id.
ACTION = """
SELECT id, extract(epoch FROM at)::float8 AS at, staff_id, action, user_id, reason, detail FROM staff_actions
"""
ACTIONS = ACTION + "WHERE id < $1 ORDER BY id DESC LIMIT $2"
ACTIONS_ON = ACTION + "WHERE id < $1 AND user_id = $3 ORDER BY id DESC LIMIT $2"


@dataclass(frozen=True, slots=True)
class UserRow:
    """An account as staff see it."""

    id: int
    phone: str
    role: str
    grade: str | None
    name: str
    locale: str
    blocked: bool
    created_at: float
    second_factor: bool
    version: int


class Search(NamedTuple):
    """Whom staff look for. `text` is a part of a name, a part of a number, or an id; `phones` whether parts of a
    number may be asked for, which would tell who has it."""

    text: str | None = None
    role: str | None = None
    before: int | None = None
    limit: int = 20
    phones: bool = True


class Change(NamedTuple):
    """An account after a change, and its sessions that ended by it."""

    user: UserRow
    ended: list[str]


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One line of what staff did: who, what, to whom, why, when (epoch seconds)."""

    id: int
    at: float
    staff: int
    action: str
    user: int | None
    reason: str
    detail: dict[str, str]


class StaffStore:
    """Accounts under the hands of staff."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def users(self, search: Search) -> list[UserRow]:
        """One page of accounts, newest first."""
        below = NO_LIMIT if search.before is None else search.before
        text = (search.text or "").strip()
        shared = (below, search.role, search.limit)
        digits = number_in(text)
        if not text:
            rows = await self._pool.fetch(PAGE, *shared)
        elif digits is not None:
            whole = len(digits) >= 11
            # A part of a number names no one for who may not see numbers.
            wanted = f"%{digits}%" if (search.phones and len(digits) >= 4) or whole else ""
            key = int(digits) if len(digits) <= 16 else 0
            rows = await self._pool.fetch(BY_DIGITS, *shared, wanted, key)
        else:
            rows = await self._pool.fetch(BY_NAME, *shared, f"%{escaped(text)}%")
        return [UserRow(*row) for row in rows]

    async def user(self, user: int) -> UserRow:
        """One account. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, user)
        if row is None:
            raise Refusal("not_found")
        return UserRow(*row)

    async def set_role(
        self,
        staff: int,
        user: int,
        role: str,
        grade: str | None,
        reason: str,
        now: float,
        version: int | None = None,
    ) -> Change:
        """Appoints, moves or dismisses. The account's sessions end: its tokens say what it was.

        Refusal `not_found`, `forbidden` for one's own account and for who is no superadmin any more, `user_busy`
        while a driver or shipper has orders under way, `version_stale` when the account is not as it was seen.
        """
        async with transaction(self._pool) as connection:
            was = await _under_hand(connection, staff, user, version)
            if was["role"] != role and await connection.fetchval(UNDER_WAY, user):
                raise Refusal("user_busy")
            ended = []
            if (was["role"], was["grade"]) != (role, grade):
                await connection.execute(SET_ROLE, user, role, grade)
                ended = await end_sessions(connection, user, now, "role_changed")
                detail = {"was": _rank(was["role"], was["grade"]), "is": _rank(role, grade)}
                await record(connection, staff, "role.set", user, reason, detail)
            return Change(UserRow(*await connection.fetchrow(ONE, user)), ended)

    async def set_blocked(
        self, staff: int, user: int, blocked: bool, reason: str, now: float, version: int | None = None
    ) -> Change:
        """Shuts an account out, or lets it in again. Refusal `not_found`, `forbidden` as for `set_role`."""
        async with transaction(self._pool) as connection:
            was = await _under_hand(connection, staff, user, version)
            ended = []
            if was["blocked"] != blocked:
                await connection.execute(SET_BLOCKED, user, blocked)
                # Signing in locks the same row: a session opened meanwhile is seen here.
                ended = await end_sessions(connection, user, now, "blocked") if blocked else []
                await record(connection, staff, "user.block" if blocked else "user.unblock", user, reason)
            return Change(UserRow(*await connection.fetchrow(ONE, user)), ended)

    async def reset_factor(self, staff: int, user: int, reason: str, now: float) -> Change:
        """Takes a lost second factor away: the next sign-in enrols a new one. Refusal as for `set_role`."""
        async with transaction(self._pool) as connection:
            await _under_hand(connection, staff, user)
            if not await connection.fetchval(DROP_FACTOR, user):
                raise Refusal("not_found")
            await connection.execute(DROP_CODES, user)
            ended = await end_sessions(connection, user, now, "factor_reset")
            await record(connection, staff, "second_factor.reset", user, reason)
            return Change(UserRow(*await connection.fetchrow(ONE, user)), ended)

    async def actions(self, before: int | None, limit: int, user: int | None = None) -> list[ActionRow]:
        """One page of what staff did, newest first; with `user` only what was done to that account."""
        below = NO_LIMIT if before is None else before
        if user is None:
            rows = await self._pool.fetch(ACTIONS, below, limit)
        else:
            rows = await self._pool.fetch(ACTIONS_ON, below, limit, user)
        return [ActionRow(*row) for row in rows]


async def record(
    connection: Connection,
    staff: int,
    action: str,
    user: int | None,
    reason: str,
    detail: Mapping[str, str] | None = None,
) -> None:
    """Writes down what staff did, in the transaction of what was done."""
    await connection.execute(RECORD, staff, action, user, reason, dict(detail or {}))


async def _under_hand(connection: Connection, staff: int, user: int, version: int | None = None) -> Record:
    await connection.execute(QUEUE)
    if staff == user:
        raise Refusal("forbidden", "another superadmin must do this to your own account")
    # The token may be from before the caller was dismissed.
    if await connection.fetchval(GRADE_OF, staff) != "superadmin":
        raise Refusal("forbidden")
    was: Record | None = await connection.fetchrow(LOCK_USER, user)
    if was is None:
        raise Refusal("not_found")
    if version is not None and was["version"] != version:
        raise Refusal("version_stale")
    return was


def _rank(role: str, grade: str | None) -> str:
    return role if grade is None else f"{role}, {grade}"


def number_in(text: str) -> str | None:
    """The digits of what looks like a phone number or an id; a leading 8 of a whole number is Kazakhstan's 7."""
    if not re.fullmatch(r"\+?[0-9 ()\-.]{1,24}", text):
        return None
    digits = re.sub(r"[^0-9]", "", text)
    if len(digits) == 11 and digits.startswith("8") and not text.startswith("+"):
        digits = "7" + digits[1:]
    return digits or None


def escaped(text: str) -> str:
    """Text whose % and _ are only characters to LIKE."""
    return re.sub(r"([%_\\])", r"\\\1", text)
