"""Every route of the REST API, in the order of the documentation."""

from . import (
    admin,
    bids,
    blocks,
    devices,
    dictionaries,
    flags,
    fuel,
    identity,
    invitations,
    keys,
    offers,
    orders,
    places,
    push,
    quotes,
    reloads,
    saved_places,
    webhooks,
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
    *bids.ROUTES,
    *invitations.ROUTES,
    *blocks.ROUTES,
    *reloads.ROUTES,
    *admin.ROUTES,
    *flags.ROUTES,
    *fuel.ROUTES,
    *dictionaries.ROUTES,
    *keys.ROUTES,
    *webhooks.ROUTES,
)
