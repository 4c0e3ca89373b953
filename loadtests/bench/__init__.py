"""Benches: each starts what it measures, drives it open loop from outside and ends with one JSON line."""
