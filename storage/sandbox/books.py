"""Pages, cards and transactions of the sandbox acquirer. A decision and what is to be told of it are one
transaction, so that a worker that dies loses neither or both."""

import secrets
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from billing.acquiring import Kind, Order
from billing.money import Money
from storage.postgres import Connection, Pool, transaction

from .rows import CHECKOUT, DEAL, PENDING, Checkout, Deal, Delivery, checkout_of, deal_of

PAGE_H = 24  # hours that a page can be paid on
HELD_S = 20  # a held notification that nothing follows goes by itself
LATE_S = 60
PAID_ALREADY = 5005

# By the unique attempt: asked for twice it is one page.
OPEN = """
INSERT INTO sandbox_checkouts
    (token, attempt, invoice, account, amount, currency, description, lang, back, failed, save_card)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (attempt) DO UPDATE SET attempt = excluded.attempt RETURNING token
"""
# Primary keys.
SHOW = f"""
SELECT {CHECKOUT} FROM sandbox_checkouts c
WHERE c.token = $1 AND (c.state = 'paid' OR c.created_at > now() - interval '{PAGE_H} hours')
"""
LOCK = f"SELECT {CHECKOUT} FROM sandbox_checkouts c WHERE c.token = $1 FOR UPDATE"
SET_DELIVERY = "UPDATE sandbox_checkouts SET delivery = $2 WHERE token = $1"
BEGIN = f"""
INSERT INTO sandbox_transactions AS t
    (checkout, invoice, account, amount, currency, description, state, last_four, expires)
SELECT token, invoice, account, amount, currency, description, 'pending', $2, $3 FROM sandbox_checkouts
WHERE token = $1 AND state <> 'paid' AND created_at > now() - interval '{PAGE_H} hours'
RETURNING {DEAL}
"""
CONFIRMING = """
UPDATE sandbox_checkouts SET state = 'confirming', transaction_id = $2, declined = NULL
WHERE token = $1 AND state <> 'paid'
"""
LAST_FOUR = "SELECT last_four FROM sandbox_transactions WHERE id = $1"
CLOSE = "UPDATE sandbox_checkouts SET state = $2, transaction_id = $3, declined = $4 WHERE token = $1"
SETTLE = f"""
UPDATE sandbox_transactions t SET state = $2, reason = $3, token = $4 WHERE t.id = $1 AND {PENDING}
RETURNING {DEAL}
"""
KEEP = """
INSERT INTO sandbox_cards (token, account, last_four, expires, declines) VALUES ($1, $2, $3, $4, $5)
"""
# The card by its primary key; its payer only.
CHARGE = f"""
INSERT INTO sandbox_transactions AS t
    (attempt, invoice, account, amount, currency, description, state, reason, last_four, expires, token)
SELECT $3, $4, account, $5, $6, $7, CASE WHEN declines IS NULL THEN 'paid' ELSE 'declined' END, declines,
    last_four, expires, token
FROM sandbox_cards WHERE token = $1 AND account = $2
ON CONFLICT (attempt) DO NOTHING RETURNING {DEAL}
"""
# By the unique attempt.
OF_ATTEMPT = f"SELECT {DEAL} FROM sandbox_transactions t WHERE t.attempt = $1"
# Primary key; refunds of one payment queue here.
LOCK_PAYMENT = "SELECT amount, currency FROM sandbox_transactions WHERE id = $1 AND state = 'paid' FOR UPDATE"
# ix_sandbox_transactions_refunds. A statement of its own: the one that waited for the lock sees an older time.
GIVEN_BACK = "SELECT coalesce(sum(amount), 0)::bigint FROM sandbox_transactions WHERE refunds = $1"
REFUND = f"""
INSERT INTO sandbox_transactions AS t
    (attempt, refunds, invoice, account, amount, currency, state, last_four, expires)
SELECT $2, id, invoice, account, $3, currency, 'refunded', last_four, expires
FROM sandbox_transactions WHERE id = $1
RETURNING {DEAL}
"""
# ix_sandbox_transactions_invoice_id; ix_sandbox_transactions_created_at.
FIND = f"SELECT {DEAL} FROM sandbox_transactions t WHERE t.invoice = $1 ORDER BY t.id"
LISTED = f"""
SELECT {DEAL} FROM sandbox_transactions t
WHERE t.created_at >= to_timestamp($1::float8) AND t.created_at < to_timestamp($2::float8) ORDER BY t.id
"""
# What is to be told, as the page or the settings want it delivered. $4: the page's wish.
TELL = f"""
WITH rule AS (
    SELECT coalesce($4, (SELECT delivery FROM sandbox_settings), 'once') AS how,
        coalesce((SELECT late_s FROM sandbox_settings), {LATE_S}) AS late_s
), told AS (
    INSERT INTO sandbox_deliveries (transaction_id, invoice, kind, state, held, due_at)
    SELECT $1, $2, $3, CASE how WHEN 'never' THEN 'lost' ELSE 'due' END, how = 'shuffled',
        now() + CASE how WHEN 'late' THEN late_s WHEN 'shuffled' THEN {HELD_S} ELSE 0 END * interval '1 second'
    FROM rule, generate_series(1, CASE how WHEN 'twice' THEN 2 ELSE 1 END)
    RETURNING id
)
UPDATE sandbox_deliveries SET held = false, due_at = now(), after_id = (SELECT max(id) FROM told)
WHERE invoice = $2 AND held
"""
SET_RULE = """
INSERT INTO sandbox_settings (id, delivery, late_s) VALUES (1, $1, $2)
ON CONFLICT (id) DO UPDATE SET delivery = excluded.delivery, late_s = excluded.late_s
"""


class NoSuchCard(Exception):
    """No card of this payer has this token."""


class NotRefundable(Exception):
    """No payment that so much of could be given back."""


class SandboxBooks:
    """What the sandbox knows."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, order: Order, back: str, failed: str, *, save_card: bool, attempt: UUID) -> str:
        """A page, by its token; the same for the same attempt."""
        token: str = await self._pool.fetchval(
            OPEN,
            secrets.token_hex(16),
            attempt,
            order.invoice,
            order.account,
            order.money.minor,
            order.money.currency,
            order.description,
            order.lang,
            back,
            failed,
            save_card,
        )
        return token

    async def page(self, token: str) -> Checkout | None:
        """A page that can be paid on, or was; None when there is none, or its day is over."""
        row = await self._pool.fetchrow(SHOW, token)
        return None if row is None else checkout_of(row)

    async def wish(self, token: str, delivery: Delivery) -> None:
        """How the notifications of this page are to be delivered."""
        await self._pool.execute(SET_DELIVERY, token, delivery)

    async def rule(self, delivery: Delivery, late_s: int = LATE_S) -> None:
        """How all others are."""
        await self._pool.execute(SET_RULE, delivery, late_s)

    async def begin(self, token: str, last_four: str, expires: str) -> Deal | None:
        """A try to pay with this card; None when the page is paid or over."""
        row = await self._pool.fetchrow(BEGIN, token, last_four, expires)
        return None if row is None else deal_of(row)

    async def ask_payer(self, token: str, deal: int) -> None:
        """The try waits for 3-D Secure."""
        await self._pool.execute(CONFIRMING, token, deal)

    async def last_four(self, deal: int) -> str:
        """The card of a try on a page."""
        digits: str = await self._pool.fetchval(LAST_FOUR, deal)
        return digits

    async def settle(self, token: str, deal: int, code: int | None, charges_decline: int | None) -> None:
        """Ends a try: paid, or declined with a code. A page is paid once: who comes second is declined. A card
        that is kept declines every later charge with `charges_decline`."""
        async with transaction(self._pool) as connection:
            page = await connection.fetchrow(LOCK, token)
            if page is None:
                return
            if page["state"] == "paid":
                code = code or PAID_ALREADY
            kept = f"tk_{secrets.token_hex(16)}" if code is None and page["save_card"] else None
            row = await connection.fetchrow(SETTLE, deal, "declined" if code else "paid", code, kept)
            if row is None:
                return
            if kept is not None:
                await connection.execute(
                    KEEP, kept, row["account"], row["last_four"], row["expires"], charges_decline
                )
            if page["state"] != "paid":
                await connection.execute(CLOSE, token, "open" if code else "paid", deal, code)
            await _tell(connection, row, page["delivery"])

    async def charge(self, order: Order, token: str, attempt: UUID) -> Deal:
        """A payment by a card that was kept; the same for the same attempt. NoSuchCard."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                CHARGE,
                token,
                order.account,
                attempt,
                order.invoice,
                order.money.minor,
                order.money.currency,
                order.description,
            )
            if row is not None:
                await _tell(connection, row, None)
                return deal_of(row)
        row = await self._pool.fetchrow(OF_ATTEMPT, attempt)
        if row is None:
            raise NoSuchCard
        return deal_of(row)

    async def refund(self, payment: int, money: Money, attempt: UUID) -> Deal:
        """Gives back what is still there of a payment; the same for the same attempt. NotRefundable."""
        async with transaction(self._pool) as connection:
            found = await connection.fetchrow(LOCK_PAYMENT, payment)
            row = await connection.fetchrow(OF_ATTEMPT, attempt)
            if row is not None:
                return deal_of(row)
            if found is None or money.currency != found["currency"]:
                raise NotRefundable
            if money.minor > found["amount"] - await connection.fetchval(GIVEN_BACK, payment):
                raise NotRefundable
            row = await connection.fetchrow(REFUND, payment, attempt, money.minor)
            await _tell(connection, row, None)
            return deal_of(row)

    async def find(self, invoice: UUID) -> Sequence[Deal]:
        """All of an invoice, oldest first."""
        return [deal_of(row) for row in await self._pool.fetch(FIND, invoice)]

    async def listed(self, since: float, until: float) -> Sequence[Deal]:
        """All of a time, oldest first."""
        return [deal_of(row) for row in await self._pool.fetch(LISTED, since, until)]


async def _tell(connection: Connection, row: asyncpg.Record, wish: str | None) -> None:
    kind = {"paid": Kind.PAY, "declined": Kind.FAIL, "refunded": Kind.REFUND}[row["state"]]
    await connection.execute(TELL, row["id"], row["invoice"], kind, wish)
