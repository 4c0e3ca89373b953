"""Webhooks of companies, and the queue of what is to be delivered to them.

Deliveries are written by a trigger on `order_events` (migration 0003), so in the transaction of the event and
whichever store writes it: none is lost and none is doubled (unique by endpoint and event). Workers claim what
is due with SKIP LOCKED and push `due_at` ahead by a lease; one that dies loses nothing, its deliveries are due
again. An event of an order waits while an earlier one of the same order is due at the same endpoint.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from dispatch.errors import Refusal

from .postgres import Pool, transaction

MAX_WEBHOOKS = 10  # a company
LEASE_S = 60.0  # longer than an attempt may take
SLICE = 5000

COLUMNS = """
w.id, w.company_id, w.url, w.kinds, w.secret, w.version, w.failures,
extract(epoch FROM w.created_at)::float8 AS created_at, extract(epoch FROM w.disabled_at)::float8 AS disabled_at,
w.disabled_why
"""
# ix_webhooks_company_id_id, all that are of one company.
ADD = """
INSERT INTO webhooks (company_id, url, kinds, secret)
SELECT $1, $2, $3, '' WHERE (SELECT count(*) FROM webhooks WHERE company_id = $1) < $4
RETURNING id
"""
SET_SECRET = "UPDATE webhooks SET secret = $2 WHERE id = $1"
OF_COMPANY = f"SELECT {COLUMNS} FROM webhooks w WHERE w.company_id = $1 ORDER BY w.id"
ONE = f"SELECT {COLUMNS} FROM webhooks w WHERE w.id = $1 AND w.company_id = $2"
LOCK = f"SELECT {COLUMNS} FROM webhooks w WHERE w.id = $1 AND w.company_id = $2 FOR NO KEY UPDATE"
# Primary keys from here on. Switched on again it starts with a clean slate.
EDIT = f"""
UPDATE webhooks w SET url = $2, kinds = $3, version = version + 1,
    disabled_at = CASE WHEN $4 THEN NULL ELSE coalesce(disabled_at, now()) END,
    disabled_why = CASE WHEN $4 THEN NULL ELSE coalesce(disabled_why, 'owner') END,
    failures = CASE WHEN $4 AND disabled_at IS NOT NULL THEN 0 ELSE failures END,
    failing_since = CASE WHEN $4 AND disabled_at IS NOT NULL THEN NULL ELSE failing_since END
WHERE id = $1 RETURNING {COLUMNS}
"""
ROTATE = """
UPDATE webhooks SET old_secret = secret, old_secret_until = now() + interval '24 hours', secret = $2,
    version = version + 1
WHERE id = $1
"""
DROP = "DELETE FROM webhooks WHERE id = $1 AND company_id = $2 RETURNING id"

# ix_webhook_deliveries_due; what holds one back is looked up in ix_webhook_deliveries_order. $1 how many, $2 how
# many of one endpoint, $3 endpoints that have enough under way here, $4 the lease.
CLAIM = """
WITH ready AS MATERIALIZED (
    SELECT d.id, d.due_at, row_number() OVER (PARTITION BY d.webhook_id ORDER BY d.due_at, d.id) AS place
    FROM webhook_deliveries d
    WHERE d.state = 'due' AND d.due_at <= now() AND d.webhook_id <> ALL($3::bigint[]) AND NOT EXISTS (
        SELECT FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id AND e.order_id = d.order_id
            AND e.state = 'due' AND e.id < d.id)
    ORDER BY d.due_at LIMIT 500
), picked AS MATERIALIZED (
    SELECT d.id FROM webhook_deliveries d JOIN ready r ON r.id = d.id
    WHERE r.place <= $2 AND d.state = 'due' AND d.due_at <= now()
    ORDER BY r.due_at LIMIT $1 FOR UPDATE OF d SKIP LOCKED
)
UPDATE webhook_deliveries d SET due_at = now() + $4 * interval '1 second', attempts = attempts + 1
FROM picked p, webhooks w WHERE d.id = p.id AND w.id = d.webhook_id
RETURNING d.id, d.webhook_id, d.kind, d.payload, d.attempts,
    extract(epoch FROM d.created_at)::float8 AS created_at, w.url, w.secret,
    CASE WHEN w.old_secret_until > now() THEN w.old_secret END AS old_secret
"""
# Primary keys. `attempts` is the claim's number: who comes back late closes nothing that another one holds.
DELIVERED = """
WITH closed AS (
    UPDATE webhook_deliveries SET state = 'delivered', done_at = now(), answer = $3, error = NULL
    WHERE id = $1 AND attempts = $2 AND state = 'due' RETURNING webhook_id
)
UPDATE webhooks w SET failures = 0, failing_since = NULL
FROM closed WHERE w.id = closed.webhook_id AND failures > 0
"""
# $3 answer, $4 error, $5 seconds until the next attempt (NULL: there is none).
FAILED = """
WITH missed AS (
    UPDATE webhook_deliveries SET answer = $3, error = $4,
        state = CASE WHEN $5::float8 IS NULL THEN 'dead' ELSE 'due' END,
        done_at = CASE WHEN $5::float8 IS NULL THEN now() END,
        due_at = now() + coalesce($5::float8, 0) * interval '1 second'
    WHERE id = $1 AND attempts = $2 AND state = 'due' RETURNING webhook_id
)
UPDATE webhooks w SET failures = failures + 1, failing_since = coalesce(failing_since, now())
FROM missed WHERE w.id = missed.webhook_id
RETURNING w.id, w.failures, extract(epoch FROM now() - w.failing_since)::float8 AS failing_s
"""
# Its owners hear of it: ix_company_members_company_id. Deliveries are locked before their endpoint, as
# DELIVERED and FAILED do: the other way round, one that is closed at this moment would make a deadlock.
DISABLE = """
WITH held AS MATERIALIZED (
    SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'due' ORDER BY id FOR UPDATE
), ended AS (
    UPDATE webhooks SET disabled_at = now(), disabled_why = $2, version = version + 1
    WHERE id = $1 AND disabled_at IS NULL AND (SELECT count(*) FROM held) >= 0 RETURNING id, company_id, version
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT m.user_id, 'webhook.disabled', jsonb_build_object('webhook', e.id, 'reason', $2::text),
        'webhook:' || e.id || ':' || e.version || ':' || m.user_id, now() + interval '3 days'
    FROM ended e JOIN company_members m ON m.company_id = e.company_id AND m.role = 'owner'
)
UPDATE webhook_deliveries d SET state = 'cancelled', done_at = now(), error = 'the webhook was switched off'
FROM ended WHERE d.webhook_id = ended.id AND d.state = 'due'
"""

# ix_webhook_deliveries_log read backwards.
PAGE = """
SELECT id, kind, order_id, state, attempts, extract(epoch FROM created_at)::float8 AS created_at,
    extract(epoch FROM done_at)::float8 AS done_at, answer, error,
    CASE WHEN state = 'due' THEN extract(epoch FROM due_at)::float8 END AS next_at
FROM webhook_deliveries WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
# Primary key.
AGAIN = """
UPDATE webhook_deliveries SET state = 'due', due_at = now(), attempts = 0, done_at = NULL
WHERE id = $1 AND webhook_id = $2 AND state <> 'due'
"""
KNOWN = "SELECT state FROM webhook_deliveries WHERE id = $1 AND webhook_id = $2"
PING = """
INSERT INTO webhook_deliveries (webhook_id, kind, dedupe_key, payload)
VALUES ($1, 'ping', 'ping:' || gen_random_uuid(), '{}') RETURNING id
"""
# A scan, hourly, in slices.
FORGET = """
DELETE FROM webhook_deliveries WHERE id IN (
    SELECT id FROM webhook_deliveries WHERE state <> 'due' AND done_at < now() - interval '30 days' LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint of a company; times in epoch seconds. `secret` is sealed."""

    id: int
    company: int
    url: str
    kinds: tuple[str, ...]
    secret: bytes
    version: int
    failures: int
    created_at: float
    disabled_at: float | None
    disabled_why: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery with all that sending it takes. `attempt` counts from 1; the secrets are sealed."""

    id: int
    webhook: int
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    created_at: float
    url: str
    secret: bytes
    old_secret: bytes | None


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A delivery as its company sees it; `answer` is the last HTTP status."""

    id: int
    kind: str
    order: int | None
    state: Literal["due", "delivered", "dead", "cancelled"]
    attempts: int
    created_at: float
    done_at: float | None
    answer: int | None
    error: str | None
    next_at: float | None


class WebhookStore:
    """Endpoints and their queue. What is another company's is `not_found`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # -- endpoints ----------------------------------------------------------------------------------------

    async def add(
        self, company: int, url: str, kinds: Sequence[str], sealed: Callable[[int], bytes]
    ) -> Webhook:
        """A new endpoint; `sealed` gives its secret, sealed for its id. Refusal `limit_reached`."""
        async with transaction(self._pool) as connection:
            id = await connection.fetchval(ADD, company, url, kinds, MAX_WEBHOOKS)
            if id is None:
                raise Refusal("limit_reached")
            await connection.execute(SET_SECRET, id, sealed(id))
            return _webhook(await connection.fetchrow(ONE, id, company))

    async def of(self, company: int) -> list[Webhook]:
        """All endpoints of a company, oldest first."""
        return [_webhook(row) for row in await self._pool.fetch(OF_COMPANY, company)]

    async def one(self, company: int, webhook: int) -> Webhook:
        """One endpoint of this company."""
        row = await self._pool.fetchrow(ONE, webhook, company)
        if row is None:
            raise Refusal("not_found")
        return _webhook(row)

    async def edit(
        self, company: int, webhook: int, version: int, url: str, kinds: Sequence[str], enabled: bool
    ) -> Webhook:
        """Changes where to and what of is told, and switches it on or off. `version_stale`."""
        async with transaction(self._pool) as connection:
            now = await connection.fetchrow(LOCK, webhook, company)
            if now is None:
                raise Refusal("not_found")
            if now["version"] != version:
                raise Refusal("version_stale")
            return _webhook(await connection.fetchrow(EDIT, webhook, url, kinds, enabled))

    async def rotate(self, company: int, webhook: int, secret: bytes) -> None:
        """A new secret; the old one signs beside it for a day."""
        async with transaction(self._pool) as connection:
            if await connection.fetchrow(LOCK, webhook, company) is None:
                raise Refusal("not_found")
            await connection.execute(ROTATE, webhook, secret)

    async def drop(self, company: int, webhook: int) -> None:
        """Forgets an endpoint with all its deliveries."""
        if await self._pool.fetchval(DROP, webhook, company) is None:
            raise Refusal("not_found")

    # -- what its company sees of the queue ---------------------------------------------------------------

    async def page(self, company: int, webhook: int, before: int | None, limit: int) -> list[DeliveryLine]:
        """Deliveries to an endpoint, newest first."""
        await self.one(company, webhook)
        rows = await self._pool.fetch(PAGE, webhook, 2**62 if before is None else before, limit)
        return [DeliveryLine(*row) for row in rows]

    async def again(self, company: int, webhook: int, delivery: int) -> None:
        """Delivers once more, under the same id; what is due already stays so."""
        await self.one(company, webhook)
        if await self._pool.execute(AGAIN, delivery, webhook) == "UPDATE 0":
            if await self._pool.fetchval(KNOWN, delivery, webhook) is None:
                raise Refusal("not_found")

    async def ping(self, company: int, webhook: int) -> int:
        """A delivery that means nothing, to try the endpoint; its id."""
        await self.one(company, webhook)
        delivery: int = await self._pool.fetchval(PING, webhook)
        return delivery

    # -- the queue ----------------------------------------------------------------------------------------

    async def claim(self, limit: int, of_each: int, busy: Collection[int]) -> list[Delivery]:
        """Up to `limit` due deliveries, `of_each` endpoint at most and none of those that are `busy`."""
        rows = await self._pool.fetch(CLAIM, limit, of_each, list(busy), LEASE_S)
        return [Delivery(*row) for row in rows]

    async def delivered(self, delivery: Delivery, answer: int) -> None:
        """The endpoint took it."""
        await self._pool.execute(DELIVERED, delivery.id, delivery.attempt, answer)

    async def failed(
        self, delivery: Delivery, answer: int | None, error: str, next_s: float | None
    ) -> tuple[int, float]:
        """It did not: again in `next_s` seconds, or never. How often in a row this endpoint has failed, and for
        how many seconds."""
        row = await self._pool.fetchrow(FAILED, delivery.id, delivery.attempt, answer, error, next_s)
        return (0, 0.0) if row is None else (row["failures"], row["failing_s"])

    async def disable(self, webhook: int, why: str) -> None:
        """Switches an endpoint off; what is due to it is called off."""
        await self._pool.execute(DISABLE, webhook, why)

    async def forget_old(self) -> int:
        """Deletes deliveries that were closed more than thirty days ago; how many."""
        deleted = 0
        while True:
            _, _, count = (await self._pool.execute(FORGET, SLICE)).partition(" ")
            deleted += int(count)
            if int(count) < SLICE:
                return deleted


def _webhook(row: asyncpg.Record) -> Webhook:
    return Webhook(
        row["id"],
        row["company_id"],
        row["url"],
        tuple(row["kinds"]),
        row["secret"],
        row["version"],
        row["failures"],
        row["created_at"],
        row["disabled_at"],
        row["disabled_why"],
    )
