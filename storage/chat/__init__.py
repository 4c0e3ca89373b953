"""Conversations of orders in PostgreSQL."""
