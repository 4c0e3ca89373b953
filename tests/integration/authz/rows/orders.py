"""Orders: posted by shippers, carried by drivers, seen by staff."""

import uuid

from ..matrix import Cell, Row
from ..world import World
from .places import ALMATY, KONAEV

_FORM = {"pickup_city": ALMATY, "drop_city": KONAEV, "cargo": "яблоки", "weight_kg": 300.0, "body": "van"}


def _a_key(cell: Cell) -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


ROWS = (
    Row("POST /api/v1/orders", body=_FORM, headers=_a_key),
    Row("GET /api/v1/orders"),
    Row("GET /api/v1/admin/orders"),
    Row("GET /api/v1/orders/{order}", own=World.order),
    Row("POST /api/v1/orders/{order}/cancel", own=World.order, body={"reason": "sold"}),
    Row("POST /api/v1/orders/{order}/advance", own=World.order, body={"status": "at_pickup"}),
)
