"""Subscriptions that are due, with cards of the sandbox behind them: what `./desk bench money` charges."""

import asyncio
import time
from pathlib import Path

import orjson

from billing.access import DAY_S
from billing.acquiring import Card
from storage.billing.access import entitled
from storage.billing.cards import CardStore
from storage.postgres import Pool, connect_pool, transaction

from .config import Config

SLICE = 500
NEARBY = 64  # drivers that one wave asks about: dispatch.model.Policy.nearby
ROUNDS = 2000

ADD_USERS = """
INSERT INTO users (phone, role, name) SELECT '+7705' || lpad(n::text, 7, '0'), 'driver', 'Ерлан'
FROM generate_series($1::int, $2::int) AS n RETURNING id
"""
# Paid a month ago but for twelve hours: the first try is due.
ADD_ACCESS = """
INSERT INTO access_entries (user_id, seq, kind, at, seconds, cause, paid_to, ends_at, trial)
SELECT id, 1, 'paid', t.until - interval '30 days', $2, 'bench', t.until, t.until, false
FROM unnest($1::bigint[]) AS w(id), (SELECT now() + interval '12 hours' AS until) AS t
"""
ADD_AGREEMENTS = """
INSERT INTO subscriptions (user_id, plan, region, currency, renews, card_id)
SELECT user_id, 'driver-month', 'KZ', 'KZT', true, id FROM saved_cards WHERE user_id = ANY($1::bigint[])
"""
ADD_TOKENS = """
INSERT INTO sandbox_cards (token, account, last_four, expires)
SELECT 'bench-' || id, id::text, '3055', '12/30' FROM unnest($1::bigint[]) AS w(id)
"""
ASK = f"SELECT count(*) FROM unnest($1::bigint[]) AS u(id) WHERE {entitled('u.id')}"
NOT_ASK = "SELECT count(*) FROM unnest($1::bigint[]) AS u(id) WHERE u.id > 0"


def due_renewals(config: Config, users: int, out: Path) -> None:
    """Makes so many, asleep until `due_at` is set, and writes `{"entitled": [...], "bare": [...]}`: seconds of a
    query that asks whether the drivers of a wave may work, and of the same query without asking."""
    out.write_bytes(orjson.dumps(asyncio.run(_made(config, users))))


async def _made(config: Config, users: int) -> dict[str, list[float]]:
    pool = await connect_pool(config.postgres, name="due renewals", size=2)
    try:
        cards = CardStore(pool, config.pepper)
        made: list[int] = []
        for first in range(0, users, SLICE):
            async with transaction(pool) as connection:
                rows = await connection.fetch(ADD_USERS, first, min(first + SLICE, users) - 1)
                ids = [row["id"] for row in rows]
                await connection.execute(ADD_ACCESS, ids, 30 * DAY_S)
                await connection.execute(ADD_TOKENS, ids)
                for user in ids:
                    card = Card(f"bench-{user}", "3055", "Visa", "12/30")
                    await cards.save(connection, user, "sandbox", card)
                await connection.execute(ADD_AGREEMENTS, ids)
                made += ids
        await pool.execute("ANALYZE")
        return {
            "entitled": await _times(pool, made[:NEARBY], asking=True),
            "bare": await _times(pool, made[:NEARBY], asking=False),
        }
    finally:
        await pool.close()


async def _times(pool: Pool, drivers: list[int], *, asking: bool) -> list[float]:
    seconds: list[float] = []
    statement = ASK if asking else NOT_ASK
    async with pool.acquire() as connection:
        for number in range(ROUNDS + ROUNDS // 10):
            began = time.perf_counter()
            await connection.fetchval(statement, drivers)
            if number >= ROUNDS // 10:
                seconds.append(time.perf_counter() - began)
    return seconds
