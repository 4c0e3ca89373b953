"""Every route of the REST API, in the order of the documentation."""

from . import (
    admin,
    bids,
    blocks,
    devices,
    dictionaries,
    flags,
    identity,
    invitations,
    offers,
    orders,
    places,
    push,
)
from .route import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *devices.ROUTES,
    *push.ROUTES,
    *places.ROUTES,
    *orders.ROUTES,
    *offers.ROUTES,
    *bids.ROUTES,
    *invitations.ROUTES,
    *blocks.ROUTES,
    *admin.ROUTES,
    *flags.ROUTES,
    *dictionaries.ROUTES,
)
