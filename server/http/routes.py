"""Every route of the REST API, in the order of the documentation."""

from . import (
    admin,
    changes,
    devices,
    drafts,
    identity,
    moderation,
    offers,
    orders,
    places,
    push,
    templates,
)
from .route import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *devices.ROUTES,
    *push.ROUTES,
    *places.ROUTES,
    *orders.ROUTES,
    *changes.ROUTES,
    *drafts.ROUTES,
    *templates.ROUTES,
    *offers.ROUTES,
    *moderation.ROUTES,
    *admin.ROUTES,
)
