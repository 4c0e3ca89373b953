"""Prices of diesel that staff have set."""

from dispatch.fuel import FuelPrice, FuelPrices

from .postgres import Pool

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
        return _price(await self._pool.fetchrow(PUT, country, region, amount, valid_from, staff))


def _price(row: object) -> FuelPrice:
    return FuelPrice(*row, origin="staff")  # type: ignore[misc]  # a Record of the four columns above
