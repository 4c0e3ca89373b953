"""Every route of the REST API, in the order of the documentation."""

from . import (
    account,
    admin,
    companies,
    devices,
    dictionaries,
    fleet,
    identity,
    members,
    offers,
    orders,
    owndata,
    papers,
    places,
    push,
    vehicles,
)
from .route import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *account.ROUTES,
    *owndata.ROUTES,
    *vehicles.ROUTES,
    *companies.ROUTES,
    *members.ROUTES,
    *fleet.ROUTES,
    *papers.ROUTES,
    *devices.ROUTES,
    *push.ROUTES,
    *places.ROUTES,
    *orders.ROUTES,
    *offers.ROUTES,
    *admin.ROUTES,
    *dictionaries.ROUTES,
)
