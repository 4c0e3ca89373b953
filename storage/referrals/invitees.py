"""Whom a user has brought, how far they are, and what of it is a fact for the rules of loyalty."""

from typing import NamedTuple

from billing.loyalty import Fact

from ..order_reads import NO_LIMIT
from ..order_rows import seconds
from ..postgres import Connection, Pool

# ix_referrals_inviter_id_id read backwards, then primary keys and ix_referral_payments_invitee_id.
PAGE = """
SELECT r.id, left(u.name, 1) AS initial, u.role, extract(epoch FROM r.at)::float8 AS at, r.state,
    r.confirmed_at IS NOT NULL AS confirmed,
    EXISTS (SELECT FROM referral_payments p WHERE p.invitee_id = r.invitee_id AND p.refunded_at IS NULL) AS paying
FROM referrals r JOIN users u ON u.id = r.invitee_id
WHERE r.inviter_id = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3
"""
# ix_referrals_inviter_id_id and ix_referral_payments_invitee_id. Shippers who were brought by a driver are what is
# rewarded; an account that has gone keeps what it was when it paid.
FACTS = """
SELECT r.invitee_id, r.stands_at, r.confirmed_at, p.paid_at, p.refunded_at, r.barred_at
FROM referrals r JOIN users u ON u.id = r.invitee_id AND u.role = 'shipper'
JOIN users i ON i.id = r.inviter_id AND i.role = 'driver'
LEFT JOIN referral_payments p ON p.invitee_id = r.invitee_id
WHERE r.inviter_id = $1 ORDER BY r.invitee_id, p.id
"""
# uq_referrals_invitee_id; uq_referral_payments_open keeps it to one that counts.
PAID = """
INSERT INTO referral_payments (invitee_id, paid_at)
SELECT invitee_id, clock_timestamp() FROM referrals WHERE invitee_id = $1
ON CONFLICT (invitee_id) WHERE refunded_at IS NULL DO NOTHING
"""
REFUNDED = """
UPDATE referral_payments SET refunded_at = clock_timestamp() WHERE invitee_id = $1 AND refunded_at IS NULL
"""
# uq_referrals_invitee_id.
INVITER_OF = "SELECT inviter_id FROM referrals WHERE invitee_id = $1"


class Invitee(NamedTuple):
    """Somebody who was brought, as who has brought him may know him: no name, no number."""

    id: int  # of the row
    initial: str
    role: str
    at: float
    state: str
    confirmed: bool
    paying: bool


class InviteeStore:
    """What inviters see."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, inviter: int, before: int | None, limit: int) -> list[Invitee]:
        """Those whom this user has brought, the newest first."""
        rows = await self._pool.fetch(PAGE, inviter, NO_LIMIT if before is None else before, limit)
        return [Invitee(*row) for row in rows]

    async def facts(self, inviter: int) -> list[Fact]:
        """What the rules of loyalty ask of this inviter."""
        return await facts(self._pool, inviter)


async def facts(connection: Connection | Pool, inviter: int) -> list[Fact]:
    """Each payment of each shipper whom a driver has brought, and those who have paid nothing yet."""
    rows = await connection.fetch(FACTS, inviter)
    return [Fact(row["invitee_id"], *map(seconds, list(row.values())[1:])) for row in rows]


async def paid(connection: Connection, user: int) -> int | None:
    """A user is a paying one now; who has brought him, if anybody has. In the transaction of the payment."""
    await connection.execute(PAID, user)
    inviter: int | None = await connection.fetchval(INVITER_OF, user)
    return inviter


async def refunded(connection: Connection, user: int) -> int | None:
    """Everything that the user has paid was given back; who has brought him, if anybody has."""
    await connection.execute(REFUNDED, user)
    inviter: int | None = await connection.fetchval(INVITER_OF, user)
    return inviter
