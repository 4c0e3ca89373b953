"""Trips: for the parties of the order, and staff who look; the driver's word only by who carries it."""

from ..matrix import Row
from ..world import World

ROWS = (
    Row("GET /api/v1/orders/{order}/trip", own=World.order),
    Row("GET /api/v1/orders/{order}/trip/track", own=World.order),
    Row("POST /api/v1/orders/{order}/trip/dismiss", own=World.order, body={"status": "at_pickup"}),
)
