"""Signing in with Google and Apple (OpenID Connect): keys, tokens, trips, and what each does its own way."""
