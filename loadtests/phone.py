"""What a phone makes of where its truck is: noise, leaps, tunnels, dead zones, doubles, wrong clocks."""

from dataclasses import dataclass, replace
from math import sqrt
from random import Random

from geo.distance import destination
from geo.types import Position
from tracking_desk_client import Fix

SIGMA_M = 5.0  # of the noise, a direction; errors of neighbouring fixes are alike
ALIKE = 0.95


@dataclass(frozen=True, slots=True)
class Flaws:
    """How often things go wrong, as chances a fix unless said otherwise. All assumed."""

    leap: float = 1 / 2000  # multipath: 100-1000 m off for one fix; half of them claim to be accurate
    tunnel: float = 1 / 3000  # no fix for 30-120 s
    dead_zone: float = 1 / 1500  # fixes but no network for 20-90 s, then all at once
    double: float = 1 / 500  # the same fix twice
    slow_clock_share: float = 0.03  # of phones: a few seconds off
    wrong_day_share: float = 0.01  # of phones: a whole day off


FLAWS = Flaws()


class Phone:
    """One driver's phone. Deterministic by `random`."""

    def __init__(self, random: Random, flaws: Flaws = FLAWS) -> None:
        self._random = random
        self._flaws = flaws
        self._east = random.gauss(0, SIGMA_M)
        self._north = random.gauss(0, SIGMA_M)
        self._blind_until = 0.0
        self._mute_until = 0.0
        self._held: list[Fix] = []
        kind = random.random()
        self.skew = 0.0
        if kind < flaws.wrong_day_share:
            self.skew = random.choice((-86400.0, 86400.0))
        elif kind < flaws.wrong_day_share + flaws.slow_clock_share:
            self.skew = random.uniform(-5, 5)

    def read(self, now: float, place: Position, speed: float, heading: float) -> list[Fix]:
        """The fixes that the app gets to see at `now` (true epoch seconds); none in a tunnel or a dead zone."""
        chance = self._random.random
        if now < self._blind_until:
            return []
        if chance() < self._flaws.tunnel:
            self._blind_until = now + self._random.uniform(30, 120)
            return []
        fix = self._fix(now, place, speed, heading)
        self._held.append(fix)
        if chance() < self._flaws.double:
            self._held.append(fix)
        if chance() < self._flaws.dead_zone:
            self._mute_until = now + self._random.uniform(20, 90)
        return [] if now < self._mute_until else self.flush()

    def flush(self) -> list[Fix]:
        """What a dead zone held back."""
        held, self._held = self._held, []
        return held

    def _fix(self, now: float, place: Position, speed: float, heading: float) -> Fix:
        fresh = SIGMA_M * sqrt(1 - ALIKE**2)
        self._east = ALIKE * self._east + self._random.gauss(0, fresh)
        self._north = ALIKE * self._north + self._random.gauss(0, fresh)
        seen = destination(*destination(*place, 90, self._east), 0, self._north)
        fix = Fix(
            at=round(now + self.skew, 3),
            lat=round(seen.lat, 7),
            lon=round(seen.lon, 7),
            speed=round(max(0.0, speed + self._random.gauss(0, 0.3)), 2) if speed else 0.0,
            heading=round((heading + self._random.gauss(0, 3)) % 360, 1),
            accuracy=round(min(60.0, 3 + self._random.expovariate(1 / 4)), 1),
        )
        if self._random.random() >= self._flaws.leap:
            return fix
        off = destination(*place, self._random.uniform(0, 360), self._random.uniform(100, 1000))
        honest = self._random.random() < 0.5
        return replace(
            fix, lat=off.lat, lon=off.lon, accuracy=self._random.uniform(150, 600) if honest else fix.accuracy
        )
