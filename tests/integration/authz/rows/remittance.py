"""Payments between shipper and driver: of the two sides of a haul; support and finance read."""

from collections.abc import Mapping

from dispatch.model import Actor, Party
from dispatch.remittance import RemittanceKind, Said

from ..matrix import Row
from ..world import Person, World


async def marked(world: World, person: Person) -> Mapping[str, object]:
    """A payment that the shipper has marked and the driver has not answered to."""
    order = await world.delivered(person)
    shipper = await world.pool.fetchval("SELECT shipper_id FROM orders WHERE id = $1", order)
    said = Said(RemittanceKind.PAYMENT, None, "transfer", world.services.now())
    payments, _ = await world.services.remittances.say(Party(shipper, Actor.SHIPPER), order, said)
    return {"order": order, "payment": payments.account.marks[0].id}


async def overdue(world: World, person: Person) -> int:
    """A haul that should have been paid."""
    order = await world.delivered(person)
    await world.pool.execute(
        "UPDATE remittances SET due_at = now() - interval '1 day' WHERE order_id = $1", order
    )
    return order


ROWS = (
    Row("GET /api/v1/orders/{order}/payments", own=World.delivered),
    Row("POST /api/v1/orders/{order}/payments", own=World.delivered, body={"reference": "17"}),
    Row("POST /api/v1/orders/{order}/payments/{payment}/confirm", own=marked),
    Row(
        "POST /api/v1/orders/{order}/payments/{payment}/contest", own=marked, body={"reason": "not_received"}
    ),
    Row("POST /api/v1/orders/{order}/payments/{payment}/withdraw", own=marked),
    Row("POST /api/v1/orders/{order}/payments/missed", own=overdue, body={}),
)
