"""Trips: the stream of positions followed behind the durable lane, and what is kept of it."""
