"""Money in the hands of finance."""

from server.http.route import Route

from . import books, differences, figures, invoices, notices, refunds, slips

ROUTES: tuple[Route, ...] = (
    *invoices.ROUTES,
    *refunds.ROUTES,
    *slips.ROUTES,
    *notices.ROUTES,
    *differences.ROUTES,
    *books.ROUTES,
    *figures.ROUTES,
)
