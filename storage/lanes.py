"""What hauls between two towns were agreed at."""

from dispatch.price_range import DAYS, Haulage

from .postgres import Pool

# ix_orders_lane, read backwards from its end. Bids and counter-offers end in the order's price, too.
FINISHED = """
SELECT price_amount, distance_m, weight_kg, volume_m3, body, kind FROM orders
WHERE pickup_city = $1 AND drop_city = $2 AND status IN ('delivered', 'closed')
    AND ended_at > now() - make_interval(days => $3) AND price_currency = $4
ORDER BY ended_at DESC LIMIT $5
"""
NEWEST = 500  # more would not move a percentile


class LaneStore:
    """Reads the history of lanes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def finished(self, pickup: int, drop: int, currency: str) -> list[Haulage]:
        """The finished hauls of the last 90 days from one town of the gazetteer to another, newest first."""
        rows = await self._pool.fetch(FINISHED, pickup, drop, int(DAYS), currency, NEWEST)
        return [Haulage(*row) for row in rows]
