"""Cabinets: what users look back on, as tables in their language."""
