"""Papers of a haul as PDF, in the reader's language: the waybill and the report of the trip.

Drawn by a process of its own (`python -m server.pdf`): cutting a font of four megabytes to the letters of a page
takes about a second, and the loop that moves trucks must not wait for it.
"""

from .papers import Paper, TripReport, Waybill
from .press import Press

__all__ = ["Paper", "Press", "TripReport", "Waybill"]
