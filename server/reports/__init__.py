"""Reports for staff, as JSON and as tables."""

from .columns import COLUMNS, columns
from .presence import Presence

__all__ = ["COLUMNS", "Presence", "columns"]
