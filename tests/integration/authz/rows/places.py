"""Towns and quotes."""

from ..matrix import Row

ALMATY, KONAEV = 1526384, 1519948
_HAUL = {"pickup_city": ALMATY, "drop_city": KONAEV, "weight_kg": 300.0}

ROWS = (
    Row("GET /api/v1/cities", query="?q=алма"),
    Row("POST /api/v1/quotes", body=_HAUL),
)
