"""Subscriptions at work: prices for who asks, the clock that renews, the sockets that are told."""
