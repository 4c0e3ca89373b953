"""Conversations of orders: of their two sides; staff with the right read them, and write nothing."""

import uuid
from collections.abc import Mapping

from dispatch.chat import Draft
from dispatch.model import Actor, Party
from tests.papers import png

from ..matrix import Cell, Row
from ..world import Person, World
from .attachments import an_upload

_PNG = png()


async def a_conversation(world: World, person: Person) -> int:
    """An order on the road, in which somebody has said something."""
    order = await World.loaded(world, person)
    await world.services.chats.send(await _shipper(world, order), order, Draft(uuid.uuid4(), "слово"))
    return order


async def a_picture(world: World, person: Person) -> Mapping[str, object]:
    """A picture that the shipper of such an order has sent."""
    order = await World.loaded(world, person)
    shipper = await _shipper(world, order)
    upload = await an_upload(world, shipper.user)
    await world.services.chats.send(shipper, order, Draft(uuid.uuid4(), files=(upload,)))
    return {"order": order, "file": upload}


async def _shipper(world: World, order: int) -> Party:
    user = await world.pool.fetchval("SELECT shipper_id FROM orders WHERE id = $1", order)
    return Party(user, Actor.SHIPPER)


def _key(cell: Cell) -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


ROWS = (
    Row("GET /api/v1/chats"),
    Row("GET /api/v1/chat/phrases"),
    Row("GET /api/v1/orders/{order}/chat", own=a_conversation),
    Row("POST /api/v1/orders/{order}/chat", own=World.loaded, body={"text": "слово"}, headers=_key),
    Row("POST /api/v1/orders/{order}/chat/read", own=a_conversation, body={"upto": 1}),
    Row(
        "POST /api/v1/orders/{order}/chat/files",
        own=World.loaded,
        body=_PNG,
        headers={"Content-Type": "image/png"},
    ),
    Row(
        "GET /api/v1/orders/{order}/chat/files/{file}",
        own=a_picture,
        expect={"admin.mixed": "not_found", "finance": "forbidden"},
    ),
)
