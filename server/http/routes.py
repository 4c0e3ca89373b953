"""Every route of the REST API, in the order of the documentation."""

from . import admin, devices, factors, identity, offers, oidc, orders, places, push, sessions, users
from .route import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *factors.ROUTES,
    *oidc.ROUTES,
    *sessions.ROUTES,
    *devices.ROUTES,
    *push.ROUTES,
    *places.ROUTES,
    *orders.ROUTES,
    *offers.ROUTES,
    *admin.ROUTES,
    *users.ROUTES,
)
