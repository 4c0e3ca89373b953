"""Papers as PDF, in the reader's language: the waybill, the report of the trip, the receipt of a payment.

Drawn by a process of its own (`python -m server.pdf`): cutting a font of four megabytes to the letters of a page
takes about a second, and the loop that moves trucks must not wait for it.
"""

from .papers import Page, Paper, Receipt, TripReport, Waybill
from .press import Press

__all__ = ["Page", "Paper", "Press", "Receipt", "TripReport", "Waybill"]
