"""Offers to one driver, and the board that all subscribed drivers see."""

import uuid

from ..matrix import Cell, Row
from ..world import World

_UNPAID = {"expired.own": "subscription_expired"}
_NAMELESS = {"logistician": "bad_request"}  # of whose driver? test_acting.py names one


def accept(cell: Cell) -> dict[str, str]:
    return {"accept_id": str(uuid.uuid4())}


ROWS = (
    Row("GET /api/v1/offers", expect=_NAMELESS),
    Row("POST /api/v1/offers/{offer}/accept", own=World.offer, body=accept, expect=_UNPAID),
    Row("POST /api/v1/offers/{offer}/decline", own=World.offer, body={}),
    Row("GET /api/v1/orders/{order}/why-not-me", own=World.board_load, shared=True),
    Row("GET /api/v1/admin/orders/{order}/dispatch", own=World.board_load, shared=True),
    Row(
        "POST /api/v1/board/{order}/accept",
        own=World.board_load,
        shared=True,
        body=accept,
        expect=_UNPAID | _NAMELESS,
    ),
)
