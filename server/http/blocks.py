"""Block lists over HTTP: a driver hides a shipper's loads, a shipper hides loads from a driver or a carrier."""

from dispatch.errors import Refusal
from dispatch.model import Actor, Party
from server.protocol.rest.blocks import BlockForm, Blocks, BlockView
from storage.blocks import Block, Target

from .route import Call, Route


async def mine(call: Call[None, None]) -> Blocks:
    """Whom the caller's side keeps away, newest first."""
    party, company = await _side(call)
    return Blocks([_view(block) for block in await call.services.blocks.of(party, company)])


async def put_up(call: Call[BlockForm, None]) -> BlockView:
    """Keeps the two sides apart; what is live between them ends."""
    party, company = await _side(call)
    target = await _target(call, party)
    done = await call.services.blocks.put_up(party, company, target, call.body.note)
    return _view(call.services.notify.told(done))


async def take_down(call: Call[None, None]) -> None:
    """The two sides may meet again."""
    party = Party(call.caller.user, Actor(call.caller.role))
    company = None if party.actor is Actor.DRIVER else await call.services.blocks.company_of(party.user)
    await call.services.blocks.take_down(party, company, call.path_id("block"))


async def _target(call: Call[BlockForm, None], party: Party) -> Target:
    form = call.body
    named = {
        name: value for name in ("driver", "company", "shipper", "order") if (value := getattr(form, name))
    }
    allowed = _MAY_NAME[party.actor]
    if len(named) != 1 or not named.keys() <= allowed:
        raise Refusal("bad_request", "name one: {names:list}", names=sorted(allowed)).at(min(allowed))
    if form.order is not None:
        return await call.services.blocks.side_of(party.user, form.order)
    return Target(form.driver, form.company, form.shipper)


async def _side(call: Call[object, object]) -> tuple[Party, int | None]:
    """Who puts up or takes down, and the company in whose name: a driver has none, a logistician needs one."""
    party = Party(call.caller.user, Actor(call.caller.role))
    if party.actor is Actor.DRIVER:
        return party, None
    company = await call.services.blocks.company_of(party.user)
    if company is None and party.actor is Actor.LOGISTICIAN:
        raise Refusal("company_required")
    return party, company


def _view(block: Block) -> BlockView:
    return BlockView(
        block.id, block.created_at, block.shipper, block.company, block.driver, block.carrier, block.note
    )


_MAY_NAME = {
    Actor.SHIPPER: {"driver", "company"},
    Actor.DRIVER: {"company", "shipper", "order"},
    Actor.LOGISTICIAN: {"company", "shipper"},
}
_SIDES = frozenset({"driver", "logistician", "shipper"})

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/me/blocks",
        mine,
        "Whom you keep away",
        "blocks",
        response=Blocks,
        roles=_SIDES,
        errors=("company_required",),
    ),
    Route(
        "POST",
        "/api/v1/me/blocks",
        put_up,
        "Keep somebody away",
        "blocks",
        request=BlockForm,
        response=BlockView,
        status=201,
        roles=_SIDES,
        errors=("not_found", "blocks_too_many", "company_required"),
    ),
    Route(
        "DELETE",
        "/api/v1/me/blocks/{block}",
        take_down,
        "Let somebody come near again",
        "blocks",
        status=204,
        roles=_SIDES,
        errors=("not_found",),
    ),
)
