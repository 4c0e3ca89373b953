"""Prices of diesel that staff have set."""

from typing import NamedTuple

from dispatch.fuel import FuelPrice, FuelPrices

from .postgres import Pool, transaction
from .staff import NO_LIMIT, record

# A few hundred rows in years; uq_fuel_prices_country_region_valid_from gives them in this order.
CURRENT = """
SELECT DISTINCT ON (country, region) country, region, amount, extract(epoch FROM valid_from)::float8 AS valid_from
FROM fuel_prices WHERE valid_from <= now() ORDER BY country, region, valid_from DESC
"""
COMING = """
SELECT country, region, amount, extract(epoch FROM valid_from)::float8 AS valid_from
FROM fuel_prices WHERE valid_from > now() ORDER BY country, region, valid_from
"""
PUT = """
INSERT INTO fuel_prices (country, region, amount, valid_from, set_by)
VALUES ($1, $2, $3, coalesce(to_timestamp($4::float8), date_trunc('second', now())), $5)
ON CONFLICT (country, region, valid_from)
    DO UPDATE SET amount = EXCLUDED.amount, set_by = EXCLUDED.set_by, created_at = now()
RETURNING country, region, amount, extract(epoch FROM valid_from)::float8 AS valid_from
"""
# The unique key tells what stood there before; the primary key read backwards is the history.
WAS = "SELECT amount FROM fuel_prices WHERE country = $1 AND region = $2 AND valid_from = to_timestamp($3::float8)"
HISTORY = """
SELECT country, region, amount, extract(epoch FROM valid_from)::float8 AS valid_from, id, set_by,
    extract(epoch FROM created_at)::float8 AS set_at
FROM fuel_prices WHERE id < $1 AND ($3::text IS NULL OR country = $3) AND ($4::text IS NULL OR region = $4)
ORDER BY id DESC LIMIT $2
"""


class PastPrice(NamedTuple):
    """A price as it was set: by whom of the staff, and when (epoch seconds)."""

    price: FuelPrice
    id: int
    set_by: int
    set_at: float


class FuelPriceStore:
    """What staff set, over the defaults of `dispatch.fuel`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def in_force(self) -> FuelPrices:
        """The prices that count now."""
        return FuelPrices(_price(row) for row in await self._pool.fetch(CURRENT))

    async def coming(self) -> list[FuelPrice]:
        """Prices that are set and not valid yet."""
        return [_price(row) for row in await self._pool.fetch(COMING)]

    async def put(
        self, staff: int, country: str, region: str, amount: int, valid_from: float | None
    ) -> FuelPrice:
        """Sets a price from `valid_from` (epoch seconds; None: now) on. The same moment again corrects it."""
        async with transaction(self._pool) as connection:
            was = None
            if valid_from is not None:
                was = await connection.fetchval(WAS, country, region, valid_from)
            price = _price(await connection.fetchrow(PUT, country, region, amount, valid_from, staff))
            told = {
                "price": f"{country} {region}".strip(),
                "was": "" if was is None else str(was),
                "is": str(amount),
            }
            await record(connection, staff, "fuel_price.set", None, "", told)
        return price

    async def history(
        self, before: int | None, limit: int, country: str | None, region: str | None
    ) -> list[PastPrice]:
        """One page of what was set, last set first."""
        below = NO_LIMIT if before is None else before
        rows = await self._pool.fetch(HISTORY, below, limit, country, region)
        return [PastPrice(_price(row[:4]), *row[4:]) for row in rows]


def _price(row: object) -> FuelPrice:
    return FuelPrice(*row, origin="staff")  # type: ignore[misc]  # a Record of the four columns above
