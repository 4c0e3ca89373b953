"""Every route of the REST API, in the order of the documentation."""

from . import offers, orders, places
from .route import Route

ROUTES: tuple[Route, ...] = (*places.ROUTES, *orders.ROUTES, *offers.ROUTES)
