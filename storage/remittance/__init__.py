"""Payments between shippers and drivers, as both sides tell of them."""
