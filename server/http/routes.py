"""Every route of the REST API, in the order of the documentation."""

from . import (
    admin,
    bids,
    blocks,
    changes,
    devices,
    dictionaries,
    drafts,
    fuel,
    identity,
    invitations,
    moderation,
    offers,
    orders,
    places,
    push,
    quotes,
    saved_places,
    templates,
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
    *changes.ROUTES,
    *drafts.ROUTES,
    *templates.ROUTES,
    *offers.ROUTES,
    *moderation.ROUTES,
    *bids.ROUTES,
    *invitations.ROUTES,
    *blocks.ROUTES,
    *admin.ROUTES,
    *fuel.ROUTES,
    *dictionaries.ROUTES,
)
