"""What drivers share, public links, and who looked."""

from dispatch.model import Actor, Party

from ..matrix import Ids, Row
from ..world import Person, World

_LABEL = {"label": "склад получателя"}


async def a_link(world: World, person: Person) -> Ids:
    """A public link to an order of this person, made by its shipper."""
    order = await world.order(person)
    link: int = await world.pool.fetchval(
        "INSERT INTO share_links (order_id, made_by, side, label, secret_hash, opens_at, closes_at, follows)"
        " SELECT id, shipper_id, 'shipper', 'склад', sha256(gen_random_uuid()::text::bytea), now(),"
        " now() + interval '1 day', true FROM orders WHERE id = $1 RETURNING id",
        order,
    )
    return {"order": order, "link": link}


async def a_secret(world: World, person: Person) -> str:
    """The secret of a link to somebody's order."""
    shipper = await world.person("shipper")
    order = await world.order(shipper)
    party = Party(shipper.user, Actor.SHIPPER)
    return (await world.services.links.add(party, order, "склад", None, None))[1]


ROWS = (
    Row("GET /api/v1/me/sharing"),
    Row("PUT /api/v1/me/sharing", body={"on_duty_only": True, "after_trip_min": 0}),
    Row("GET /api/v1/me/viewers"),
    Row("POST /api/v1/orders/{order}/sharing", own=World.order, body={"paused": True, "minutes": 5}),
    Row("POST /api/v1/orders/{order}/links", own=World.order, body=_LABEL),
    Row("GET /api/v1/orders/{order}/links", own=World.order),
    Row("DELETE /api/v1/orders/{order}/links/{link}", own=a_link),
    Row("GET /api/v1/orders/{order}/links/{link}/views", own=a_link),
    Row("GET /api/v1/shared/{token}", own=a_secret, shared=True, absent="A" * 22),
)
