"""The price that was paid in the trial stays: what was locked, and where a lock ends; the rule is in billing."""

from uuid import UUID

from billing.access import Access
from billing.bonuses import PriceLock, goes_on, price_lock
from billing.money import Currency, Money

from ..postgres import Connection, Pool
from ..referrals.terms import terms

# uq_loyalty_entries_user_id_cause by its first column: a user has a few.
NEWEST = """
SELECT kind, plan, currency, minor FROM loyalty_entries
WHERE user_id = $1 AND plan = $2 AND kind IN ('price_lock', 'lock_ended') ORDER BY id DESC LIMIT 1
"""
ADD = """
INSERT INTO loyalty_entries (user_id, kind, cause, plan, currency, minor) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""


async def lock_of(
    connection: Connection | Pool, user: int, plan: str, tariff: Money, access: Access, now: float
) -> PriceLock:
    """What this user pays for the plan, and why."""
    locked = await _locked(connection, user, plan)
    grace_s = 0.0 if locked is None else (await terms(connection))[-1].lock_grace_s
    return price_lock(locked, tariff, access, now, grace_s)


async def note_payment(
    connection: Connection, user: int, plan: str, money: Money, before: Access, now: float, invoice: UUID
) -> None:
    """What a payment means for the lock: paid in the trial it locks, paid after too long a gap it ends one."""
    if before.trial and before.entitled(now):
        await connection.execute(
            ADD, user, "price_lock", f"lock:{invoice}", plan, money.currency, money.minor
        )
        return
    locked = await _locked(connection, user, plan)
    if locked is not None and not goes_on(before, now, (await terms(connection))[-1].lock_grace_s):
        ended = (user, "lock_ended", f"unlock:{invoice}", plan, locked.currency, locked.minor)
        await connection.execute(ADD, *ended)


async def _locked(connection: Connection | Pool, user: int, plan: str) -> Money | None:
    row = await connection.fetchrow(NEWEST, user, plan)
    if row is None or row["kind"] != "price_lock":
        return None
    return Money(row["minor"], Currency(row["currency"]))
