"""Tables as files: CSV at once, XLSX by a process of its own (`python -m server.sheets`)."""

from .table import Column, Format, Table
from .writing import MOST_ROWS, Sheets

__all__ = ["MOST_ROWS", "Column", "Format", "Sheets", "Table"]
