"""Prices that staff set."""
