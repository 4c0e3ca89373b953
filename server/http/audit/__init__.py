"""What staff did, and what staff may look at: the audit log, views of accounts, tracks, reports."""

from server.http.route import Route

from . import account_views, log

ROUTES: tuple[Route, ...] = (*log.ROUTES, *account_views.ROUTES)
