"""Drafts, copies and templates: a shipper's own, nobody else's business."""

from ..matrix import Row
from ..world import World
from .orders import FIRST

ROWS = (
    Row("POST /api/v1/orders/drafts", body={"cargo": "мука"}),
    Row("GET /api/v1/orders/drafts"),
    Row("GET /api/v1/orders/drafts/{order}", own=World.draft),
    Row("PATCH /api/v1/orders/drafts/{order}", own=World.draft, body={"cargo": None}, headers=FIRST),
    Row("DELETE /api/v1/orders/drafts/{order}", own=World.draft),
    Row("POST /api/v1/orders/drafts/{order}/publish", own=World.draft, body={}, headers=FIRST),
    Row("POST /api/v1/orders/{order}/copy", own=World.order, body={}),
    Row("POST /api/v1/orders/templates", body={"name": "мука", "form": {"cargo": "мука"}}),
    Row("GET /api/v1/orders/templates"),
    Row("GET /api/v1/orders/templates/{template}", own=World.template),
    Row("PATCH /api/v1/orders/templates/{template}", own=World.template, body={"name": "рис"}, headers=FIRST),
    Row("DELETE /api/v1/orders/templates/{template}", own=World.template),
    Row("POST /api/v1/orders/templates/{template}/draft", own=World.template),
)
