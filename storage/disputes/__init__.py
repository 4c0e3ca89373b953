"""Hauls that went wrong: opened, answered, decided, each under the order's lock."""
