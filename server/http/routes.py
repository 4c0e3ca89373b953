"""Every route of the REST API, in the order of the documentation."""

from . import admin, devices, dictionaries, identity, keys, offers, orders, places, push, webhooks
from .route import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *devices.ROUTES,
    *push.ROUTES,
    *places.ROUTES,
    *orders.ROUTES,
    *offers.ROUTES,
    *admin.ROUTES,
    *dictionaries.ROUTES,
    *keys.ROUTES,
    *webhooks.ROUTES,
)
