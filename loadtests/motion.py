"""How a truck moves along a road: it speeds up, slows for towns, brakes to a stop and rests."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from random import Random

from geo.distance import bearing_deg, destination, haversine_m
from geo.types import Position

STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Driving:
    """How trucks drive and how long things take: m/s, m/s2, metres, seconds."""

    cruise: tuple[float, float]  # a truck's own highest speed is drawn from here
    town: float
    town_radius_m: float
    accelerate: float
    brake: float
    rest_every_s: float  # mean driving time between two stops on the road
    rest_s: tuple[float, float]
    handling_s: tuple[float, float]  # at the ramp, loading or unloading
    pause_s: tuple[float, float]  # parked, before a truck without a load moves on
    far_m: float  # empty run at which one driver in e takes a load that he would take at the door


# 80-90 km/h on the open road (the cap for trucks), about 45 in towns; stops and ramp times are assumed.
REAL = Driving(
    cruise=(22.2, 25.0), town=12.5, town_radius_m=4_000, accelerate=0.4, brake=0.9,
    rest_every_s=2 * 3600, rest_s=(300, 1800), handling_s=(600, 2400), pause_s=(600, 7200),
    far_m=120_000,
)  # fmt: skip
# Time-lapse for people who watch: what takes an hour takes twenty minutes. Below the desk's 70 m/s.
DEMO = Driving(
    cruise=(50.0, 62.0), town=25.0, town_radius_m=1_500, accelerate=3.0, brake=4.0,
    rest_every_s=900, rest_s=(5, 20), handling_s=(4, 10), pause_s=(20, 240),
    far_m=10_000,
)  # fmt: skip


class Way:
    """A polyline with its towns: metres along it to a place, a heading and a speed limit."""

    def __init__(self, line: Sequence[Position], driving: Driving) -> None:
        self._line = [place for place, after in pairwise(line) if place != after] + [line[-1]]
        self._driving = driving
        self._at = [0.0]
        for a, b in pairwise(self._line):
            self._at.append(self._at[-1] + haversine_m(*a, *b))
        self.length = self._at[-1]

    def place(self, metres: float) -> Position:
        """The place after so many metres."""
        leg, within = self._leg(metres)
        return destination(*self._line[leg], self._heading(leg), within) if within else self._line[leg]

    def heading(self, metres: float) -> float:
        """The direction of travel there, degrees."""
        leg, _ = self._leg(metres)
        return self._heading(leg)

    def allowed(self, metres: float, cruise: float) -> float:
        """The speed from which the truck can still slow down for the next town and stop at the end."""
        speed = min(cruise, sqrt(2 * self._driving.brake * max(0.0, self.length - metres)))
        radius, town = self._driving.town_radius_m, self._driving.town
        here = bisect_right(self._at, metres)
        for at in self._at[max(0, here - 1) : here + 1]:
            to_town = max(0.0, abs(at - metres) - radius) if at >= metres else 0.0
            if at >= metres or metres - at < radius:
                speed = min(speed, sqrt(town**2 + 2 * self._driving.brake * to_town))
        return speed

    def _leg(self, metres: float) -> tuple[int, float]:
        metres = min(max(0.0, metres), self.length)
        leg = min(bisect_right(self._at, metres) - 1, max(0, len(self._line) - 2))
        return leg, metres - self._at[leg]

    def _heading(self, leg: int) -> float:
        after = min(leg + 1, len(self._line) - 1)
        return bearing_deg(*self._line[leg], *self._line[after])


class Truck:
    """One truck: where it is, how fast, and what is left of its way. Deterministic by `random`."""

    def __init__(self, place: Position, driving: Driving, random: Random) -> None:
        self.speed = 0.0
        self.heading = random.uniform(0, 360)
        self._driving = driving
        self._random = random
        self._cruise = random.uniform(*driving.cruise)
        self._place = place
        self._way: Way | None = None
        self._metres = 0.0
        self._rest = 0.0

    @property
    def place(self) -> Position:
        """Where the truck truly is."""
        return self._place

    @property
    def arrived(self) -> bool:
        """Whether it stands with nowhere to go."""
        return self._way is None

    def go(self, line: Sequence[Position]) -> None:
        """Drive from here to the line's first place, then along it. What was left of another way is dropped."""
        self._way = Way([self._place, *line], self._driving)
        self._metres = 0.0
        if self._way.length < 1.0:
            self._stop()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        while seconds > 0:
            step = min(STEP_S, seconds)
            seconds -= step
            self._step(step)

    def _step(self, seconds: float) -> None:
        if self._way is None:
            return
        if self._rest > 0 and self.speed == 0:
            self._rest -= seconds
            return
        if self._rest <= 0 and self._random.random() < seconds / self._driving.rest_every_s:
            self._rest = self._random.uniform(*self._driving.rest_s)
        wanted = 0.0 if self._rest > 0 else self._way.allowed(self._metres, self._cruise)
        if wanted > self.speed:
            self.speed = min(wanted, self.speed + self._driving.accelerate * seconds)
        else:
            self.speed = max(wanted, self.speed - self._driving.brake * seconds)
        self._metres += self.speed * seconds
        if self._way.length - self._metres < max(2.0, self.speed * STEP_S / 2):
            self._place = self._way.place(self._way.length)
            self._stop()
            return
        self._place, self.heading = self._way.place(self._metres), self._way.heading(self._metres)

    def _stop(self) -> None:
        self._way, self.speed, self._rest = None, 0.0, 0.0
