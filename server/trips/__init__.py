"""Trips: the loops that follow them, and how they are told."""
