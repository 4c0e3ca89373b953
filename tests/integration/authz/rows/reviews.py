"""Ratings and disputes: between the two sides of a haul; staff judge both and speak in disputes."""

from dispatch.disputes import Complaint
from dispatch.model import Actor, Party
from dispatch.reviews import Words

from ..matrix import Row
from ..world import Person, World

FIRST = {"If-Match": '"1"'}


async def _sides(world: World, order: int) -> dict[str, Party]:
    row = await world.pool.fetchrow(
        "SELECT o.shipper_id, a.driver_id FROM orders o JOIN assignments a ON a.order_id = o.id WHERE o.id = $1",
        order,
    )
    return {
        "shipper": Party(row["shipper_id"], Actor.SHIPPER),
        "driver": Party(row["driver_id"], Actor.DRIVER),
    }


def _across(person: Person) -> str:
    return "driver" if person.role == "shipper" else "shipper"


async def own_word(world: World, person: Person) -> int:
    """What this person has said of a haul, unread; a driver's for the others."""
    order = await world.delivered(person)
    sides = await _sides(world, order)
    party = sides["shipper" if person.role == "shipper" else "driver"]
    if person.role == "logistician":
        party = party._replace(by=person.user)
    return (await world.services.reviews.post(party, order, Words(4))).id


async def word_about(world: World, person: Person) -> int:
    """What the other side has said of this person, or of somebody, for all to read."""
    order = await world.delivered(person)
    sides = await _sides(world, order)
    across = _across(person)
    posted = {
        side: (await world.services.reviews.post(party, order, Words(4))).id for side, party in sides.items()
    }
    return posted[across]


async def held_word(world: World, person: Person) -> int:
    """One that waits for staff."""
    order = await world.delivered(person)
    driver = (await _sides(world, order))["driver"]
    return (await world.services.reviews.post(driver, order, Words(4, (), "www.example.kz"))).id


async def partner(world: World, person: Person) -> int:
    """Somebody whom this person has met on a haul."""
    return (await _sides(world, await world.delivered(person)))[_across(person)].user


async def disputed(world: World, person: Person) -> int:
    """A haul that this person disputes; staff too."""
    order = await world.loaded(person)
    sides = await _sides(world, order)
    party = sides["shipper" if person.role == "shipper" else "driver"]
    if person.role == "admin":
        party = Party(person.user, Actor.ADMIN)
    await world.services.dispatcher.dispute(party, order, Complaint("damage"))
    return order


async def disputed_by_the_other(world: World, person: Person) -> int:
    """A haul that the other side disputes."""
    order = await world.loaded(person)
    sides = await _sides(world, order)
    await world.services.dispatcher.dispute(sides[_across(person)], order, Complaint("damage"))
    return order


async def a_dispute(world: World, person: Person) -> int:
    """What staff have to decide."""
    order = await disputed_by_the_other(world, person)
    number: int = await world.pool.fetchval("SELECT id FROM disputes WHERE order_id = $1", order)
    return number


_SAID = {"text": "груз цел"}
_DECISION = {"outcome": "split", "text": "поровну"}

ROWS = (
    Row("POST /api/v1/orders/{order}/review", own=World.delivered, body={"stars": 5}),
    Row("GET /api/v1/orders/{order}/reviews", own=World.delivered),
    Row("PUT /api/v1/reviews/{review}", own=own_word, body={"stars": 3}, headers=FIRST),
    Row("POST /api/v1/reviews/{review}/reply", own=word_about, body={"text": "спасибо"}),
    Row("POST /api/v1/reviews/{review}/report", own=word_about, body={"reason": "false"}),
    Row("GET /api/v1/users/{user}/reputation", own=partner),
    Row("GET /api/v1/users/{user}/reviews", own=partner),
    Row("GET /api/v1/admin/reviews"),
    Row("POST /api/v1/admin/reviews/{review}/hide", own=held_word, shared=True, body={"reason": "contacts"}),
    Row("POST /api/v1/admin/reviews/{review}/restore", own=held_word, shared=True, body={}),
    Row("POST /api/v1/orders/{order}/dispute", own=World.loaded, body={"code": "damage"}),
    Row("GET /api/v1/orders/{order}/dispute", own=disputed),
    Row("POST /api/v1/orders/{order}/dispute/answer", own=disputed_by_the_other, body=_SAID),
    Row("POST /api/v1/orders/{order}/dispute/messages", own=disputed, body=_SAID),
    Row("POST /api/v1/orders/{order}/dispute/withdraw", own=disputed),
    Row("GET /api/v1/admin/disputes"),
    Row("GET /api/v1/admin/disputes/{dispute}", own=a_dispute, shared=True),
    Row("POST /api/v1/admin/disputes/{dispute}/claim", own=a_dispute, shared=True),
    Row("DELETE /api/v1/admin/disputes/{dispute}/claim", own=a_dispute, shared=True),
    Row("POST /api/v1/admin/disputes/{dispute}/decide", own=a_dispute, shared=True, body=_DECISION),
)
