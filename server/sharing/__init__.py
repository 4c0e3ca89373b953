"""Enforcing what drivers share, and writing down who looked."""
