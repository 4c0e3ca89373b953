"""Trips and what they leave behind: for the parties of the order, and staff who look; who carries it acts."""

from collections.abc import Mapping

from ..matrix import Row
from ..world import Person, World
from .attachments import an_upload

BY = "SELECT driver_id FROM assignments WHERE order_id = $1"


async def a_photo(world: World, person: Person) -> Mapping[str, object]:
    """A photo that proves the delivery of this person's order."""
    order = await world.taken(person)
    driver = await world.pool.fetchval(BY, order)
    number = await world.pool.fetchval(
        "INSERT INTO proofs (order_id, given_by, kind, status, file_id) VALUES ($1, $2, 'photo', 'at_drop', $3)"
        " RETURNING id",
        order,
        driver,
        await an_upload(world, driver),
    )
    return {"order": order, "proof": number}


async def an_incident(world: World, person: Person) -> Mapping[str, object]:
    """A picture of what happened on the way of this person's order."""
    order = await world.taken(person)
    driver = await world.pool.fetchval(BY, order)
    file = await an_upload(world, driver)
    number = await world.pool.fetchval(
        "INSERT INTO incidents (order_id, reported_by, kind) VALUES ($1, $2, 'breakdown') RETURNING id",
        order,
        driver,
    )
    await world.pool.execute("INSERT INTO incident_files VALUES ($1, $2)", number, file)
    return {"order": order, "incident": number, "file": file}


_NO_PAPERS = {"finance": "not_found"}
_A_SIGNATURE = {"kind": "signature", "strokes": [[[0.1, 0.1], [0.9, 0.9]]], "signed_by": "Айгүл"}
ROWS = (
    Row("GET /api/v1/orders/{order}/trip", own=World.taken),
    Row("GET /api/v1/orders/{order}/trip/track", own=World.taken),
    Row("GET /api/v1/orders/{order}/waybill", own=World.taken, expect={**_NO_PAPERS}),
    Row("GET /api/v1/orders/{order}/trip/report", own=World.taken, expect={**_NO_PAPERS}),
    Row("POST /api/v1/orders/{order}/trip/dismiss", own=World.taken, body={"status": "at_pickup"}),
    Row("PUT /api/v1/orders/{order}/proof/demand", own=World.taken, body={"kinds": ["code"]}),
    Row("POST /api/v1/orders/{order}/proof", own=World.at_drop, body=_A_SIGNATURE),
    Row("GET /api/v1/orders/{order}/proof", own=World.order, expect={**_NO_PAPERS}),
    Row(
        "GET /api/v1/orders/{order}/proof/{proof}/file",
        own=a_photo,
        expect={**_NO_PAPERS, "admin.mixed": "not_found"},
    ),
    Row("POST /api/v1/orders/{order}/incidents", own=World.taken, body={"kind": "weather"}),
    Row("GET /api/v1/orders/{order}/incidents", own=World.order, expect={**_NO_PAPERS}),
    Row(
        "GET /api/v1/orders/{order}/incidents/{incident}/files/{file}",
        own=an_incident,
        expect={**_NO_PAPERS, "admin.mixed": "not_found"},
    ),
)
