"""Who works in a company, and who is invited to: as its owner, its manager, or a driver of its fleet."""

from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction
from .vehicles import COMPANY_OF, LOCK_COMPANY

MAX_PENDING = 100
LIFETIME_DAYS = 14
# Which accounts may take which place.
MAY_JOIN = {
    "owner": frozenset({"shipper", "logistician"}),
    "manager": frozenset({"shipper", "logistician"}),
    "driver": frozenset({"driver"}),
}

# Primary keys. What changes the members of one company queues at its row (or two owners could leave at once), and
# reads who is who only then.
MEMBER = """
SELECT m.company_id, m.role, u.role AS account FROM company_members m JOIN users u ON u.id = m.user_id
WHERE m.user_id = $1
"""
PLACE = "SELECT company_id, role FROM company_members WHERE user_id = $1"
# ix_company_members_company_id.
MEMBERS = """
SELECT m.user_id, u.name, u.phone, m.role, extract(epoch FROM m.joined_at)::float8 AS joined_at
FROM company_members m JOIN users u ON u.id = m.user_id
WHERE m.company_id = (SELECT company_id FROM company_members WHERE user_id = $1) ORDER BY m.joined_at, m.user_id
"""
OWNERS = "SELECT count(*) FROM company_members WHERE company_id = $1 AND role = 'owner'"
# Primary key.
ROLE_OF = "SELECT role FROM company_members WHERE user_id = $1 AND company_id = $2"
SET_ROLE = "UPDATE company_members SET role = $2 WHERE user_id = $1"
# Its members' view of the company says what they are.
TOUCH = "UPDATE companies SET version = version + 1 WHERE id = $1"
LEAVE = "DELETE FROM company_members WHERE user_id = $1"

# uq_invitations_pending: the same number asked again gets the newer invitation, not a second one.
COUNT_PENDING = (
    "SELECT count(*) FROM invitations WHERE company_id = $1 AND state = 'pending' AND expires_at > now()"
)
INVITE = """
WITH asked AS (
    INSERT INTO invitations (company_id, phone, joins, invited_by, expires_at)
    VALUES ($1, $2, $3, $4, now() + make_interval(days => $5))
    ON CONFLICT (company_id, phone) WHERE state = 'pending' DO UPDATE SET joins = EXCLUDED.joins,
        invited_by = EXCLUDED.invited_by, created_at = now(), expires_at = EXCLUDED.expires_at
    RETURNING *
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT u.id, 'company.invited', jsonb_build_object('invitation', asked.id),
        'invited:' || asked.id || ':' || extract(epoch FROM asked.created_at), asked.expires_at
    FROM asked JOIN users u ON u.phone = asked.phone
    ON CONFLICT DO NOTHING
)
SELECT asked.*, c.legal_name FROM asked JOIN companies c ON c.id = asked.company_id
"""
# uq_invitations_pending by its first column.
SENT = """
SELECT i.*, c.legal_name FROM invitations i JOIN companies c ON c.id = i.company_id
WHERE i.company_id = (SELECT company_id FROM company_members WHERE user_id = $1)
    AND i.state = 'pending' AND i.expires_at > now() ORDER BY i.id DESC
"""
WITHDRAW = """
UPDATE invitations SET state = 'withdrawn', ended_at = now()
WHERE id = $2 AND state = 'pending' AND company_id = (SELECT company_id FROM company_members WHERE user_id = $1)
RETURNING id
"""
# ix_invitations_phone.
RECEIVED = """
SELECT i.*, c.legal_name FROM invitations i JOIN companies c ON c.id = i.company_id
WHERE i.phone = (SELECT phone FROM users WHERE id = $1) AND i.state = 'pending' AND i.expires_at > now()
ORDER BY i.id DESC
"""
# Primary key; the lock makes an invitation end once.
ANSWER = """
SELECT i.company_id, i.joins, u.role AS account FROM invitations i JOIN users u ON u.phone = i.phone
WHERE i.id = $2 AND u.id = $1 AND i.state = 'pending' AND i.expires_at > now() FOR NO KEY UPDATE OF i
"""
END = "UPDATE invitations SET state = $2, ended_at = now() WHERE id = $1"
# Primary key of company_members, uq_fleet_drivers_driver: whoever is in one already inserts nothing.
JOIN = """
INSERT INTO company_members (user_id, company_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
RETURNING user_id
"""
JOIN_FLEET = """
INSERT INTO fleet_drivers (driver_id, company_id, shares_position) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
RETURNING driver_id
"""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a company."""

    user: int
    name: str
    phone: str
    role: str
    joined_at: float


@dataclass(frozen=True, slots=True)
class Invitation:
    """An open invitation to a company."""

    id: int
    company: int
    legal_name: str
    phone: str
    joins: str
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands in a company: its owner or a manager."""

    company: int
    role: str


class MemberStore:
    """The people of companies. Everything foreign is `not_found`; without a company, `company_required`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def place(self, user: int) -> Place | None:
        """The company that this user is in, if in one."""
        row = await self._pool.fetchrow(PLACE, user)
        return None if row is None else Place(*row)

    async def members(self, user: int) -> list[Member]:
        """Everybody in this user's company, the founder first; nobody without a company."""
        return [Member(*row) for row in await self._pool.fetch(MEMBERS, user)]

    async def set_role(self, user: int, member: int, role: str) -> None:
        """An owner makes a member owner or manager. `owner_needed` for the last owner."""
        async with transaction(self._pool) as connection:
            company = await self._other(connection, user, member)
            await connection.execute(SET_ROLE, member, role)
            await connection.execute(TOUCH, company)
            await _keeps_owner(connection, company)

    async def remove(self, user: int, member: int) -> None:
        """An owner removes a member; anybody removes themselves. `owner_needed` for the last owner."""
        async with transaction(self._pool) as connection:
            company = await self._other(connection, user, member)
            await connection.execute(LEAVE, member)
            await _keeps_owner(connection, company)

    async def invite(self, user: int, phone: str, joins: str) -> Invitation:
        """Invites an E.164 number, whether or not it has an account; the answer does not tell which.

        `forbidden` for what the user's place in the company does not allow, `limit_reached`.
        """
        async with transaction(self._pool) as connection:
            place = await _place(connection, user)
            if joins == "driver" and place["account"] != "logistician":
                raise Refusal("forbidden", "only a logistician has a fleet")
            if joins != "driver" and place["role"] != "owner":
                raise Refusal("forbidden", "only an owner may invite members")
            if await connection.fetchval(COUNT_PENDING, place["company_id"]) >= MAX_PENDING:
                raise Refusal("limit_reached")
            row = await connection.fetchrow(INVITE, place["company_id"], phone, joins, user, LIFETIME_DAYS)
        return _invitation(row)

    async def sent(self, user: int) -> list[Invitation]:
        """Open invitations of this user's company."""
        return [_invitation(row) for row in await self._pool.fetch(SENT, user)]

    async def withdraw(self, user: int, invitation: int) -> None:
        """Takes one back. `not_found` once it is answered."""
        if await self._pool.fetchval(WITHDRAW, user, invitation) is None:
            raise Refusal("not_found")

    async def received(self, user: int) -> list[Invitation]:
        """Open invitations to this user's number."""
        return [_invitation(row) for row in await self._pool.fetch(RECEIVED, user)]

    async def accept(self, user: int, invitation: int, *, shares_position: bool) -> None:
        """Joins. `shares_position` is a driver's word to the fleet.

        `forbidden` for an account of another role, `company_member` and `fleet_member` for who is in one already.
        """
        async with transaction(self._pool) as connection:
            row = await _answerable(connection, user, invitation)
            if row["account"] not in MAY_JOIN[row["joins"]]:
                raise Refusal("forbidden", "this invitation is for another kind of account")
            if row["joins"] == "driver":
                if await connection.fetchval(JOIN_FLEET, user, row["company_id"], shares_position) is None:
                    raise Refusal("fleet_member")
            elif await connection.fetchval(JOIN, user, row["company_id"], row["joins"]) is None:
                raise Refusal("company_member")
            await connection.execute(END, invitation, "accepted")

    async def decline(self, user: int, invitation: int) -> None:
        """Says no."""
        async with transaction(self._pool) as connection:
            await _answerable(connection, user, invitation)
            await connection.execute(END, invitation, "declined")

    async def _other(self, connection: Connection, user: int, member: int) -> int:
        """The company in which `user` may change `member`, locked."""
        place = await _place(connection, user)
        company: int = place["company_id"]
        if await connection.fetchval(ROLE_OF, member, company) is None:
            raise Refusal("not_found")
        if place["role"] != "owner" and member != user:
            raise Refusal("forbidden", "only an owner may do that")
        return company


async def _place(connection: Connection, user: int) -> asyncpg.Record:
    company = await connection.fetchval(COMPANY_OF, user)
    await connection.execute(LOCK_COMPANY, company)
    row = await connection.fetchrow(MEMBER, user)
    if row is None:
        raise Refusal("company_required")
    return row


async def _keeps_owner(connection: Connection, company: int) -> None:
    if await connection.fetchval(OWNERS, company) == 0:
        raise Refusal("owner_needed")


async def _answerable(connection: Connection, user: int, invitation: int) -> asyncpg.Record:
    row = await connection.fetchrow(ANSWER, user, invitation)
    if row is None:
        raise Refusal("not_found")
    return row


def _invitation(row: asyncpg.Record) -> Invitation:
    return Invitation(
        row["id"],
        row["company_id"],
        row["legal_name"],
        row["phone"],
        row["joins"],
        row["created_at"].timestamp(),
        row["expires_at"].timestamp(),
    )
