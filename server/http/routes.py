"""Every route of the REST API, in the order of the documentation."""

from . import (
    admin,
    bids,
    blocks,
    devices,
    dictionaries,
    factors,
    fuel,
    identity,
    invitations,
    offers,
    oidc,
    orders,
    places,
    push,
    quotes,
    saved_places,
    sessions,
    users,
)
from .route import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *factors.ROUTES,
    *oidc.ROUTES,
    *sessions.ROUTES,
    *devices.ROUTES,
    *push.ROUTES,
    *places.ROUTES,
    *saved_places.ROUTES,
    *quotes.ROUTES,
    *orders.ROUTES,
    *offers.ROUTES,
    *bids.ROUTES,
    *invitations.ROUTES,
    *blocks.ROUTES,
    *admin.ROUTES,
    *users.ROUTES,
    *fuel.ROUTES,
    *dictionaries.ROUTES,
)
