"""Distances that say how far, and not where: what may be told of a truck before it has the load (C57)."""

from math import ceil

# Up to so many metres in steps of so many. A circle of the finest step's width is no place on a map.
STEPS = ((50_000.0, 5_000), (200_000.0, 10_000), (float("inf"), 50_000))


def band_m(metres: float) -> int:
    """The upper end of the band that this distance lies in: "within 15 km"."""
    step = next(step for upto, step in STEPS if metres <= upto)
    return max(1, ceil(metres / step)) * step
