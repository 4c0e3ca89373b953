"""Orders: posted by shippers, carried by drivers, seen by staff."""

import uuid

from ..matrix import Cell, Row
from ..world import World
from .places import ALMATY, KONAEV

_FORM = {"pickup_city": ALMATY, "drop_city": KONAEV, "cargo": "яблоки", "weight_kg": 300.0, "body": "van"}

FIRST = {"If-Match": '"1"'}


def _a_key(cell: Cell) -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


ROWS = (
    Row("POST /api/v1/orders", body=_FORM, headers=_a_key),
    Row("GET /api/v1/orders"),
    Row("GET /api/v1/admin/orders"),
    Row("GET /api/v1/orders/{order}", own=World.order),
    Row("GET /api/v1/orders/{order}/versions", own=World.order),
    Row("PATCH /api/v1/orders/{order}", own=World.order, body={"comment": "осторожно"}, headers=FIRST),
    Row("POST /api/v1/orders/{order}/confirm", own=World.order),
    Row("POST /api/v1/orders/{order}/acknowledge", own=World.order, body={"version": 1}),
    Row("POST /api/v1/orders/{order}/cancel", own=World.order, body={"reason": "sold"}),
    Row("POST /api/v1/orders/{order}/close", own=World.delivered, body={}),
    Row("POST /api/v1/orders/{order}/appeal", own=World.rejected, body={"text": "это мука"}),
    Row("POST /api/v1/orders/{order}/advance", own=World.order, body={"status": "at_pickup"}),
)
