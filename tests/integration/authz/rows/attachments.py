"""Photos and papers of orders: the parties' own; staff who see papers look, and add nothing."""

import os
from collections.abc import Mapping

from storage.files import new_name
from tests.papers import png

from ..matrix import Cell, Row
from ..world import Person, World

_PNG = png()


async def an_upload(world: World, owner: int) -> int:
    """A picture of this user, where the server looks for it."""
    name = new_name()
    path = world.services.files.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_PNG)
    number: int = await world.pool.fetchval(
        "INSERT INTO files (owner_id, name, mime, size, sha256) VALUES ($1, $2, 'image/png', $3, $4) RETURNING id",
        owner,
        name,
        len(_PNG),
        os.urandom(32),
    )
    return number


async def an_attachment(world: World, person: Person) -> Mapping[str, object]:
    """A photo that this person has attached to an order; some shipper for staff."""
    order = await world.order(person)
    adder = person.user
    if person.role not in ("shipper", "driver", "logistician"):
        adder = await world.pool.fetchval("SELECT shipper_id FROM orders WHERE id = $1", order)
    number = await world.pool.fetchval(
        "INSERT INTO order_files (order_id, file_id, added_by, kind) VALUES ($1, $2, $3, 'photo') RETURNING id",
        order,
        await an_upload(world, adder),
        adder,
    )
    return {"order": order, "attachment": number}


async def an_order(world: World, person: Person) -> int:
    """An order, and an upload to attach to it."""
    if person.role:
        person.account["upload"] = await an_upload(world, person.user)
    return await world.order(person)


def the_upload(cell: Cell) -> dict[str, object]:
    return {"file": cell.person.account.get("upload", 1)}


_NO_PAPERS = {"finance": "not_found"}
ROWS = (
    Row("POST /api/v1/orders/{order}/attachments", own=an_order, body=the_upload),
    Row("GET /api/v1/orders/{order}/attachments", own=World.order, expect={**_NO_PAPERS}),
    Row(
        "GET /api/v1/orders/{order}/attachments/{attachment}/file",
        own=an_attachment,
        expect={**_NO_PAPERS, "admin.mixed": "not_found"},
    ),
    Row("DELETE /api/v1/orders/{order}/attachments/{attachment}", own=an_attachment),
)
