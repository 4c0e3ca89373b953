"""Taking a load: bids, invitations, block lists, suggestions, and the flags of who overdoes it."""

import uuid

from dispatch.bids import Terms
from dispatch.model import Actor, Order, Party
from storage.blocks import Target

from ..matrix import Cell, Row
from ..world import Person, World

ASKED = 40_000_000
_UNPAID = {"expired.own": "subscription_expired"}
_NAMELESS = {"logistician": "bad_request"}  # of whose driver? test_acting.py names one
_BID = {"amount": ASKED}


def accept(cell: Cell) -> dict[str, str]:
    return {"accept_id": str(uuid.uuid4())}


async def biddable(world: World, person: Person) -> int:
    """A load on the board that takes bids, as any driver sees it."""
    driver = person if person.role == "driver" else await world.person("driver")
    return (await _load(world, driver, await world.person("shipper"))).id


async def a_bid(world: World, person: Person) -> int:
    """A live bid: by the driver who asks, or on the load of the shipper who asks."""
    driver = await world.driver_of(person)
    shipper = person if person.role == "shipper" else await world.person("shipper")
    order = await _load(world, driver, shipper)
    await world.market.pay(driver.user, 3600)
    bid, _ = await world.market.bids.place(driver.user, order.id, Terms(ASKED, 3600.0))
    if driver.kind == "expired":
        await world.market.pay(driver.user, -1)
    return bid.id


async def a_countered_bid(world: World, person: Person) -> int:
    """The same with a counter-offer on the table: version 2."""
    bid = await a_bid(world, person)
    row = await world.pool.fetchrow(
        "SELECT o.shipper_id FROM bids b JOIN orders o ON o.id = b.order_id WHERE b.id = $1", bid
    )
    await world.market.bids.counter(Party(row["shipper_id"], Actor.SHIPPER), bid, ASKED, 3600.0, "", 1)
    return bid


async def _load(world: World, driver: Person, shipper: Person) -> Order:
    order = await world.market.order(shipper.user, pricing="negotiable", **driver.truck())
    return await world.market.on_board(order)


async def an_invitation(world: World, person: Person) -> dict[str, object]:
    shipper = person if person.role == "shipper" else await world.person("shipper")
    driver = await world.person("driver")
    order = await world.market.order(shipper.user, **driver.truck())
    party = Party(shipper.user, Actor.SHIPPER)
    (made,), _ = await world.services.invitations.invite(party, order.id, [driver.user], 3600.0, "")
    return {"order": order.id, "invitation": made.id}


async def a_block(world: World, person: Person) -> int:
    side = person if person.role in ("driver", "logistician", "shipper") else await world.person("driver")
    party = Party(side.user, Actor(str(side.role)))
    company = await world.company(side) if side.role == "logistician" else None
    made, _ = await world.services.blocks.put_up(party, company, Target(company=5), "")
    return made.id


async def a_flag(world: World, person: Person) -> int:
    user = (await world.person("driver")).user
    number: int = await world.pool.fetchval(
        "INSERT INTO flags (user_id, kind) VALUES ($1, 'fast_accepts') RETURNING id", user
    )
    return number


_FIRST, _SECOND = {"If-Match": '"1"'}, {"If-Match": '"2"'}

ROWS = (
    Row("POST /api/v1/orders/{order}/bids", own=biddable, shared=True, body=_BID, expect=_UNPAID | _NAMELESS),
    Row("GET /api/v1/orders/{order}/bids", own=World.order),
    Row("PUT /api/v1/orders/{order}/bidding", own=World.order, body={"open": True}),
    Row("GET /api/v1/bids", expect=_NAMELESS),
    Row("GET /api/v1/bids/{bid}", own=a_bid),
    Row("PUT /api/v1/bids/{bid}", own=a_bid, body=_BID, headers=_FIRST, expect=_UNPAID),
    Row("POST /api/v1/bids/{bid}/withdraw", own=a_bid),
    Row("POST /api/v1/bids/{bid}/accept", own=a_countered_bid, body=accept, headers=_SECOND, expect=_UNPAID),
    Row("POST /api/v1/bids/{bid}/counter", own=a_bid, body=_BID, headers=_FIRST),
    Row("POST /api/v1/bids/{bid}/decline", own=a_bid, body={"reason": "price"}),
    Row("POST /api/v1/bids/{bid}/pick", own=a_bid, body=accept, headers=_FIRST),
    Row("POST /api/v1/bids/{bid}/seen", own=a_bid, body={"version": 1}),
    Row("GET /api/v1/orders/{order}/candidates", own=World.order),
    Row("GET /api/v1/orders/{order}/invitations", own=World.order),
    Row("POST /api/v1/orders/{order}/invitations", own=World.order, body={"drivers": [1]}),
    Row(
        "POST /api/v1/orders/{order}/invitations/by-contact",
        own=World.order,
        body={"phone": "+77010000001"},
    ),
    Row("DELETE /api/v1/orders/{order}/invitations/{invitation}", own=an_invitation),
    Row("GET /api/v1/me/code"),
    Row("POST /api/v1/me/code"),
    Row("GET /api/v1/me/blocks", expect={"logistician": "company_required"}),
    Row("POST /api/v1/me/blocks", body={"company": 5}, expect={"logistician": "company_required"}),
    Row("DELETE /api/v1/me/blocks/{block}", own=a_block),
    Row("GET /api/v1/me/reloads", expect={"expired": "subscription_expired"} | _NAMELESS),
    Row("GET /api/v1/admin/flags"),
    Row("POST /api/v1/admin/flags/{flag}/clear", own=a_flag, shared=True, body={"note": "ok"}),
)
