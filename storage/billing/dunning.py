"""Renewals that failed: whose, why, and what comes next."""

from dataclasses import dataclass

from billing.subscription import Due, State, due, state
from storage.postgres import Pool, transaction

from ..order_rows import moment, seconds
from .access import balance_of
from .plans import current
from .subscriptions import held_of

# ix_subscriptions_failing read backwards; the newest access entry, and the newest attempt at an invoice of the
# user, by ix_invoices_user_id_created_at and ix_payment_attempts_invoice_id_created_at.
PAGE = """
SELECT s.*, a.seq, a.paid_to, a.ends_at, a.left_s, a.trial, t.reason, t.advice,
    extract(epoch FROM clock_timestamp())::float8 AS now
FROM subscriptions s
    LEFT JOIN LATERAL (SELECT * FROM access_entries e WHERE e.user_id = s.user_id ORDER BY e.seq DESC LIMIT 1) a
        ON true
    LEFT JOIN LATERAL (SELECT p.reason, p.advice FROM invoices i JOIN payment_attempts p ON p.invoice_id = i.id
        WHERE i.user_id = s.user_id AND p.merchant AND p.state = 'declined'
        ORDER BY i.created_at DESC, p.created_at DESC LIMIT 1) t ON true
WHERE s.failures > 0 AND (s.failed_at, s.user_id) < (coalesce($1::timestamptz, 'infinity'), $2)
ORDER BY s.failed_at DESC, s.user_id DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Failing:
    """A subscription whose last renewals failed. `reason` and `advice` are the acquirer's for the last one;
    `gave_up`: no further try is planned. `next` is what the clock does next, None when the user must act. Times in
    epoch seconds."""

    user: int
    plan: str
    state: State
    failures: int
    failed_at: float
    reason: str
    advice: str | None
    gave_up: bool
    until: float
    next: Due | None


class DunningStore:
    """Reads of agreements that are in trouble."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, before: tuple[float, int] | None, limit: int) -> list[Failing]:
        """One page, the newest failure first; `before` is (failed_at, user) of the last one seen."""
        at, user = (None, 0) if before is None else before
        found = []
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(PAGE, moment(at), user, limit)
            plans = await current(connection, rows[0]["now"]) if rows else {}
            for row in rows:
                held = held_of(row)
                access = balance_of(row).access
                plan = plans.get(held.plan)
                found.append(
                    Failing(
                        row["user_id"],
                        held.plan,
                        state(held, access, row["now"]),
                        held.failures,
                        seconds(row["failed_at"]) or 0.0,
                        row["reason"] or "",
                        row["advice"],
                        not held.charges and not held.charging,
                        access.until,
                        None if plan is None else due(held, access, plan.grace_days),
                    )
                )
        return found
