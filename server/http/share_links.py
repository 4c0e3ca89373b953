"""Public links to one order: made and revoked by its parties, read by anybody who has the secret."""

from dispatch.errors import Refusal
from dispatch.sharing import shared_position
from server.protocol.rest.sharing import (
    LinkForm,
    LinkLook,
    LinkLooks,
    LinkMade,
    Links,
    LinkView,
    SeenQuery,
    SharedOrder,
)
from server.sharing import public
from server.sharing.agents import family
from storage.sharing.links import Link
from storage.sharing.views import NO_LIMIT

from .parties import party_of
from .peer import PEER, wide_network_of
from .route import Call, Route

_PARTIES = frozenset({"shipper", "driver"})


async def make(call: Call[LinkForm, None]) -> LinkMade:
    """A link that shows one order to whoever has it."""
    form = call.body
    party = await party_of(call)
    link, secret = await call.services.links.add(
        party, call.path_id("order"), form.label, form.opens_at, form.closes_at
    )
    return LinkMade(link=link.id, secret=secret, view=_view(link))


async def listed(call: Call[None, SeenQuery]) -> Links:
    """The links of an order, also those of the other side."""
    order, query = await _party_to(call), call.query
    before = NO_LIMIT if query.before is None else query.before
    found = await call.services.links.of(order, before, query.limit)
    return Links([_view(link) for link in found], found[-1].id if len(found) == query.limit else None)


async def revoke(call: Call[None, None]) -> None:
    """Ends a link at once, also one of the other side."""
    order = await _party_to(call)
    await call.services.links.revoke(call.caller.user, order, call.path_id("link"))


async def looks(call: Call[None, SeenQuery]) -> LinkLooks:
    """Who looked by way of a link, as far as a stranger is known."""
    order, link, query = await _party_to(call), call.path_id("link"), call.query
    await call.services.links.known(order, link)
    found = await call.services.views.of_link(link, query.before, query.limit)
    return LinkLooks(
        [LinkLook(row.id, row.network, row.agent, row.first_at, row.last_at, row.looks) for row in found],
        found[-1].id if len(found) == query.limit else None,
    )


async def shared(call: Call[None, None]) -> SharedOrder:
    """One order, for whoever has the link: asked anew each time, so that a revoked link is gone at once."""
    services, request = call.services, call.request
    link, body = await services.links.find(request.match_info["token"])
    order = await services.orders.posted(link.order)
    if order is None:
        raise Refusal("not_found")
    now = services.now()
    entry = None
    if order.driver is not None and shared_position(order, services.sharing.of(order.driver), now):
        entry = services.live.get(order.driver)
    network, agent = wide_network_of(request[PEER]), family(request.headers.get("User-Agent", ""))
    services.viewers.by_link(link.id, order.id, None if entry is None else order.driver, network, agent)
    ahead = None if entry is None else await services.ahead.of(order, entry)
    return public.page(order, link, body, entry, ahead, services.gazetteer, call.lang, now)


async def _party_to(call: Call[object, object]) -> int:
    """The order, when the caller is a party to it. Refusal `not_found`."""
    order = await call.services.orders.visible_to(await party_of(call), call.path_id("order"))
    return order.id


def _view(link: Link) -> LinkView:
    return LinkView(
        link=link.id,
        label=link.label,
        side="driver" if link.side == "driver" else "shipper",
        live=link.live,
        opens_at=link.opens_at,
        closes_at=link.closes_at,
        created_at=link.created_at,
        revoked_at=link.revoked_at,
        views=link.views,
        last_view_at=link.last_view_at,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/{order}/links",
        make,
        "Make a public link to an order",
        "sharing",
        request=LinkForm,
        response=LinkMade,
        status=201,
        roles=_PARTIES,
        errors=("not_found", "order_closed", "limit_reached", "window_invalid", "window_past", "busy"),
        scope="orders:write",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/links",
        listed,
        "The public links to an order",
        "sharing",
        query=SeenQuery,
        response=Links,
        roles=_PARTIES,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "DELETE",
        "/api/v1/orders/{order}/links/{link}",
        revoke,
        "Revoke a public link",
        "sharing",
        status=204,
        roles=_PARTIES,
        errors=("not_found",),
        scope="orders:write",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/links/{link}/views",
        looks,
        "Who looked by way of a public link",
        "sharing",
        query=SeenQuery,
        response=LinkLooks,
        roles=_PARTIES,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/shared/{token}",
        shared,
        "One order, for whoever has the link",
        "sharing",
        response=SharedOrder,
        roles=None,
        errors=("not_found",),
        bucket="anonymous",
        viewable=False,  # the log of a view would keep the secret
    ),
)
