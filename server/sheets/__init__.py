"""Tables as files, written by a process of its own (`python -m server.sheets`)."""

from .table import Column, Format, Table
from .writing import MOST_ROWS, Sheets

__all__ = ["MOST_ROWS", "Column", "Format", "Sheets", "Table"]
