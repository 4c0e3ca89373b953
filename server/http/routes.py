"""Every route of the REST API, in the order of the documentation."""

from . import (
    admin,
    bids,
    blocks,
    board,
    devices,
    dictionaries,
    fuel,
    identity,
    invitations,
    offers,
    orders,
    places,
    push,
    quotes,
    saved_places,
)
from .route import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *devices.ROUTES,
    *push.ROUTES,
    *places.ROUTES,
    *saved_places.ROUTES,
    *quotes.ROUTES,
    *orders.ROUTES,
    *offers.ROUTES,
    *board.ROUTES,
    *bids.ROUTES,
    *invitations.ROUTES,
    *blocks.ROUTES,
    *admin.ROUTES,
    *fuel.ROUTES,
    *dictionaries.ROUTES,
)
