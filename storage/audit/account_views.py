"""Views of accounts: staff who look at the product as a user sees it. PostgreSQL says of each request whether the
view is still open, so that what ends one ends it at every worker with the next request."""

from dataclasses import dataclass
from uuid import UUID

from dispatch.errors import Refusal
from dispatch.rights import Right, may
from storage.postgres import Pool, transaction
from storage.staff import record

LIFETIME_S = 600
KEEP_DAYS = 7

# Primary keys.
STAFF = "SELECT grade, blocked FROM users WHERE id = $1 AND role = 'admin' FOR SHARE"
WHOM = (
    "SELECT id, role, name, phone, blocked, locale FROM users WHERE id = $1 AND erased_at IS NULL FOR SHARE"
)
# ix_account_views_open: one view at a time.
END_OPEN = """
UPDATE account_views SET ended_at = now() WHERE staff_id = $1 AND ended_at IS NULL RETURNING id, user_id
"""
END = """
UPDATE account_views SET ended_at = now() WHERE id = $1 AND staff_id = $2 AND ended_at IS NULL
RETURNING user_id
"""
KNOWN = "SELECT EXISTS (SELECT FROM account_views WHERE id = $1 AND staff_id = $2)"
START = """
INSERT INTO account_views (staff_id, session_id, user_id, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
RETURNING id, extract(epoch FROM expires_at)::float8 AS expires_at
"""
# Primary keys. The sign-in of the staff, their grade, and what the user is have to stand as they did.
OPEN = """
SELECT s.grade FROM account_views v
    JOIN sessions n ON n.id = v.session_id AND n.revoked_at IS NULL
    JOIN users s ON s.id = v.staff_id AND s.role = 'admin' AND NOT s.blocked
    JOIN users u ON u.id = v.user_id AND u.role = $4 AND u.erased_at IS NULL
WHERE v.id = $1 AND v.staff_id = $2 AND v.user_id = $3 AND v.ended_at IS NULL AND v.expires_at > now()
"""
# Scans a small table.
FORGET = "DELETE FROM account_views WHERE expires_at < now() - make_interval(days => $1)"
# ix_staff_actions_user_id_id read backwards.
LOOKS = """
SELECT id, extract(epoch FROM at)::float8 AS at, action FROM staff_actions
WHERE user_id = $1 AND id < $2
    AND action IN ('view.start', 'truck.view', 'track.view', 'chat.view', 'deliveries.view')
ORDER BY id DESC LIMIT $3
"""
NO_LIMIT = 2**62


@dataclass(frozen=True, slots=True)
class Started:
    """A view that was opened: what a banner says, until when (epoch s), and the staff's other views that ended."""

    id: int
    user: int
    role: str
    name: str
    phone: str
    blocked: bool
    expires_at: float
    ended: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody of the staff looked at this user: when, and at what."""

    id: int
    at: float
    action: str


class AccountViews:
    """Opening, checking and ending views."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def start(self, staff: int, session: str, user: int, reason: str) -> Started:
        """Opens a view and ends the staff's other one. Refusals `not_found`, and `forbidden` for who may not (any
        more), and for a view of other staff."""
        async with transaction(self._pool) as connection:
            who = await connection.fetchrow(STAFF, staff)
            if who is None or who["blocked"] or not may(who["grade"], Right.VIEW_AS_USER):
                raise Refusal("forbidden")
            whom = await connection.fetchrow(WHOM, user)
            if whom is None:
                raise Refusal("not_found")
            if whom["role"] == "admin":
                raise Refusal("forbidden", "accounts of staff cannot be viewed")
            ended = await connection.fetch(END_OPEN, staff)
            for old in ended:
                await record(connection, staff, "view.end", old["user_id"], "", {"view": str(old["id"])})
            view = await connection.fetchrow(START, staff, UUID(session), user, LIFETIME_S)
            await record(connection, staff, "view.start", user, reason, {"view": str(view["id"])})
        return Started(
            view["id"],
            whom["id"],
            whom["role"],
            whom["name"],
            whom["phone"],
            whom["blocked"],
            view["expires_at"],
            tuple(old["id"] for old in ended),
        )

    async def end(self, staff: int, view: int) -> None:
        """Ends an own view; one that is over already stays so. Refusal `not_found`."""
        async with transaction(self._pool) as connection:
            user = await connection.fetchval(END, view, staff)
            if user is not None:
                await record(connection, staff, "view.end", user, "", {"view": str(view)})
            elif not await connection.fetchval(KNOWN, view, staff):
                raise Refusal("not_found")

    async def grade(self, view: int, staff: int, user: int, role: str) -> str:
        """The grade of the staff whose view is open. Refusal `session_revoked` when it is not any more."""
        grade = await self._pool.fetchval(OPEN, view, staff, user, role)
        if not isinstance(grade, str) or not may(grade, Right.VIEW_AS_USER):
            raise Refusal("session_revoked")
        return grade

    async def looked_at(self, view: int, staff: int, user: int, route: str, path: str) -> None:
        """Writes down that something was read in a view."""
        async with transaction(self._pool) as connection:
            detail = {"view": str(view), "route": route, "path": path}
            await record(connection, staff, "view.read", user, "", detail)

    async def looks(self, user: int, before: int | None, limit: int) -> list[Look]:
        """Who looked at this user, newest first."""
        below = NO_LIMIT if before is None else before
        return [Look(*row) for row in await self._pool.fetch(LOOKS, user, below, limit)]

    async def forget_old(self) -> None:
        """Views that were over long ago; the audit log keeps what was done."""
        await self._pool.execute(FORGET, KEEP_DAYS)
