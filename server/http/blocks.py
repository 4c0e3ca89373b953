"""Block lists over HTTP: a driver hides a shipper's loads, a shipper hides loads from a driver or a carrier."""

from dispatch.errors import Refusal
from dispatch.model import Actor, Party
from server.protocol.rest.blocks import BlockForm, Blocks, BlockView
from storage.blocks import Block, Target

from .route import Call, Route


async def mine(call: Call[None, None]) -> Blocks:
    """Whom the caller's side keeps away, newest first."""
    party = _party(call)
    return Blocks([_view(block) for block in await call.services.blocks.of(party, None)])


async def put_up(call: Call[BlockForm, None]) -> BlockView:
    """Keeps the two sides apart; what is live between them ends."""
    party = _party(call)
    target = await _target(call, party)
    done = await call.services.blocks.put_up(party, None, target, call.body.note)
    return _view(call.services.notify.told(done))


async def take_down(call: Call[None, None]) -> None:
    """The two sides may meet again."""
    await call.services.blocks.take_down(_party(call), None, call.path_id("block"))


async def _target(call: Call[BlockForm, None], party: Party) -> Target:
    form = call.body
    named = {
        name: value for name in ("driver", "company", "shipper", "order") if (value := getattr(form, name))
    }
    allowed = {"driver", "company"} if party.actor is Actor.SHIPPER else {"company", "shipper", "order"}
    if len(named) != 1 or not named.keys() <= allowed:
        raise Refusal("bad_request", "name one: {names:list}", names=sorted(allowed))
    if form.order is not None:
        return await call.services.blocks.side_of(party.user, form.order)
    return Target(form.driver, form.company, form.shipper)


def _party(call: Call[object, object]) -> Party:
    return Party(call.caller.user, Actor(call.caller.role))


def _view(block: Block) -> BlockView:
    return BlockView(
        block.id, block.created_at, block.shipper, block.company, block.driver, block.carrier, block.note
    )


_SIDES = frozenset({"driver", "shipper"})

ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/me/blocks", mine, "Whom you keep away", "blocks", response=Blocks, roles=_SIDES),
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
        errors=("not_found", "blocks_too_many"),
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
