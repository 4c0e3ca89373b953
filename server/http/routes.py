"""Every route of the REST API, in the order of the documentation."""

from .route import Route

ROUTES: tuple[Route, ...] = ()
