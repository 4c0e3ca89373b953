"""The price that was paid in the trial stays, as long as the subscription goes on."""

from uuid import UUID

from billing.access import DAY_S, Access
from billing.money import Currency, Money

from ..postgres import Connection, Pool

LOCK_GRACE_DAYS = 30.0  # so long a subscription may have ended, and still goes on

# uq_loyalty_entries_user_id_cause by its first column: a user has a few.
NEWEST = """
SELECT kind, plan, currency, minor FROM loyalty_entries
WHERE user_id = $1 AND plan = $2 AND kind IN ('price_lock', 'lock_ended') ORDER BY id DESC LIMIT 1
"""
ADD = """
INSERT INTO loyalty_entries (user_id, kind, cause, plan, currency, minor) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""


async def locked_price(
    connection: Connection | Pool, user: int, plan: str, currency: Currency, access: Access, now: float
) -> Money | None:
    """What this user pays for the plan whatever the tariff says; None without a lock that holds."""
    row = await connection.fetchrow(NEWEST, user, plan)
    if row is None or row["kind"] != "price_lock" or row["currency"] != currency or not goes_on(access, now):
        return None
    return Money(row["minor"], currency)


def goes_on(access: Access, now: float) -> bool:
    """Whether a subscription that is paid now continues what there was."""
    return access.left_s is not None or now <= access.until + LOCK_GRACE_DAYS * DAY_S


async def lock_price(
    connection: Connection, user: int, plan: str, money: Money, before: Access, now: float, invoice: UUID
) -> None:
    """What a payment means for the lock: paid in the trial it locks, paid after too long a gap it ends one."""
    if before.trial and before.entitled(now):
        await connection.execute(
            ADD, user, "price_lock", f"lock:{invoice}", plan, money.currency, money.minor
        )
        return
    row = await connection.fetchrow(NEWEST, user, plan)
    if row is not None and row["kind"] == "price_lock" and not goes_on(before, now):
        await connection.execute(
            ADD, user, "lock_ended", f"unlock:{invoice}", plan, row["currency"], row["minor"]
        )
