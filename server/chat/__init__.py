"""Conversations of orders, as clients are told of them."""
