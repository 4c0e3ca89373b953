"""The values that the core passes around: frozen, slotted, SI units, WGS-84 degrees, epoch seconds."""

from enum import IntEnum
from typing import NamedTuple


class Position(NamedTuple):
    """A place on earth in WGS-84 degrees."""

    lat: float
    lon: float


class Fix(NamedTuple):
    """One GPS fix as a device recorded it. A tuple: made once a point, a third of a frozen dataclass's time.

    `at` epoch seconds UTC by the device's clock, `speed` m/s, `heading` degrees clockwise from north,
    `accuracy` metres (radius); None is unknown.
    """

    at: float
    lat: float
    lon: float
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None


class Reason(IntEnum):
    """Why a fix is not taken at face value. The number is stored in `positions.flag`; 0 there means none.

    LATE, INACCURATE and JUMP fixes are stored and kept out of live state; FUTURE and TOO_OLD fixes are
    poison: acknowledged with the reason and stored apart.
    """

    LATE = 1
    INACCURATE = 2
    JUMP = 3
    FUTURE = 8
    TOO_OLD = 9

    @property
    def poison(self) -> bool:
        """Whether the fix is kept out of history altogether."""
        return self >= Reason.FUTURE


class Movement(NamedTuple):
    """A fix that live state may follow, with its H3 cell (index resolution) as an integer."""

    fix: Fix
    cell: int
