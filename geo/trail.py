"""The way a truck has driven, told from its fixes: metres, halts and line, whatever the receiver made of it.

Live state follows single fixes and must answer at once (geo.tracker); a trip may wait for what comes next. So a
fix counts only once its successor has borne it out, and a place that cannot be reached counts only once several
fixes agree on it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from .distance import haversine_m
from .types import Fix

# 162 km/h: above any truck, below what a reflected signal makes of a standing one. With the slack of two fixes
# without a stated accuracy.
FASTEST = 45.0
SLACK_M = 30.0
# A coarser fix comes from a cell tower or from memory.
COARSE_M = 100.0
# Shorter moves are not counted until they add up: a parked truck's fixes wander, and would drive for ever.
STEP_M = 15.0
# Fixes in a row that must agree on a place out of reach before the truck is taken to be there.
AGREEING = 5
# A truck that comes back from a place out of reach within this time was never there.
EXCURSION_S = 600.0
# So near one spot for so long is a halt: two minutes leave out lights and crossings.
HALT_M = 60.0
HALT_S = 120.0
# Both legs of a spike are near what is possible at all, and lead back to where they came from.
_SPIKE_SHARE, _SPIKE_BACK = 0.7, 0.5


class Spot(NamedTuple):
    """Where and when: epoch seconds, WGS-84 degrees."""

    at: float
    lat: float
    lon: float


class Halt(NamedTuple):
    """The truck stood: epoch seconds, WGS-84 degrees of where it came to stand."""

    since: float
    until: float
    lat: float
    lon: float


class _Left(NamedTuple):
    """What was counted when the truck seemed to be somewhere out of reach."""

    head: Spot
    anchor: Spot
    rest: Spot
    metres: float
    before_rest: float
    spots: int
    halts: int


class Trail:
    """Takes the fixes of one truck in order of time; 6 us each.

    `metres` driven, `halts` that have ended and `line`, the counted spots, grow as fixes come. `finish` counts the
    last fix. `state` and `Trail.of` let it go on in another process, without the line.
    """

    __slots__ = (
        "_anchor", "_apart", "_before_rest", "_head", "_held", "_left", "_rest", "_stood",
        "halts", "line", "metres",
    )  # fmt: skip

    def __init__(self) -> None:
        self.metres = 0.0
        self.halts: list[Halt] = []
        self.line: list[Spot] = []
        self._head: Spot | None = None  # the last spot that was borne out
        self._held: Spot | None = None  # waits for its successor
        self._anchor: Spot | None = None  # the last spot that was counted
        self._rest: Spot | None = None  # where the truck came to stand
        self._stood = 0.0  # until when it was there
        self._before_rest = 0.0  # metres when it came there
        self._apart: list[Spot] = []  # out of reach, and in agreement with each other
        self._left: _Left | None = None

    def observe(self, fix: Fix) -> None:
        """The next fix; one that is coarse, or not newer than the last, is passed over."""
        if (fix.accuracy is not None and fix.accuracy > COARSE_M) or (not fix.lat and not fix.lon):
            return
        spot = Spot(fix.at, fix.lat, fix.lon)
        held, head = self._held, self._head
        if held is None:
            self._held = spot
        elif spot.at <= held.at:
            return
        elif _reaches(held, spot):
            self._apart.clear()
            self._bear_out(spot)
        elif head is not None and _reaches(head, spot):
            self._apart.clear()
            self._held = spot  # the one before was the stray
        else:
            self._out_of_reach(spot)

    def finish(self) -> None:
        """No more fixes come: the last one counts, and so does the halt that it ends in."""
        if self._held is not None:
            self._count(self._held)
            self._held = None
        self._end_rest()

    @property
    def seen(self) -> Spot | None:
        """Where the truck was last, as far as that can be believed."""
        return self._head or self._held

    def take_halts(self) -> list[Halt]:
        """The halts that have ended since they were last taken."""
        taken, self.halts = self.halts, []
        if self._left is not None:
            self._left = self._left._replace(halts=0)
        return taken

    def _bear_out(self, spot: Spot) -> None:
        held, head = self._held, self._head
        if held is not None and (head is None or not _spike(head, held, spot)):
            self._count(held)
            self._head = held
        self._held = spot

    def _out_of_reach(self, spot: Spot) -> None:
        apart = self._apart
        if apart and not (spot.at > apart[-1].at and _reaches(apart[-1], spot)):
            apart.clear()
        apart.append(spot)
        if len(apart) < AGREEING:
            return
        if self._held is not None:
            self._count(self._held)
            self._head, self._held = self._held, None
        self._go_to(apart[0])
        for each in apart[1:]:
            self._bear_out(each)
        apart.clear()

    def _go_to(self, first: Spot) -> None:
        """The truck is at `first`, which it cannot have reached: how it came there is not counted."""
        left = self._left
        if left is not None and first.at - left.head.at <= EXCURSION_S and _reaches(left.head, first):
            # It never left: what was counted elsewhere is not true, the way past it is.
            self.metres = left.metres
            del self.line[left.spots :]
            del self.halts[left.halts :]
            self._anchor, self._rest, self._stood = left.anchor, left.rest, max(left.head.at, left.rest.at)
            self._before_rest = left.before_rest
            self._left = None
            self._count(first)
        else:
            head, anchor, rest = self._head, self._anchor, self._rest
            if head is not None and anchor is not None and rest is not None:
                self._left = _Left(
                    head, anchor, rest, self.metres, self._before_rest, len(self.line), len(self.halts)
                )
            self._anchor = None
            self._count(first)
        self._head = self._held = first

    def _count(self, spot: Spot) -> None:
        rest = self._rest
        if rest is not None and _apart_m(rest, spot) <= HALT_M:
            self._stood = spot.at
            if spot.at - rest.at >= HALT_S:
                # What a standing truck's fixes wander is not driven.
                self.metres, self._anchor = self._before_rest, rest
                while self.line and self.line[-1].at > rest.at:
                    self.line.pop()
                return
        self._drive(spot)
        if rest is None or _apart_m(rest, spot) > HALT_M:
            self._end_rest()
            self._rest, self._stood, self._before_rest = spot, spot.at, self.metres

    def _end_rest(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None and self._stood - rest.at >= HALT_S:
            self.halts.append(Halt(rest.at, self._stood, rest.lat, rest.lon))

    def _drive(self, spot: Spot) -> None:
        anchor = self._anchor
        metres = STEP_M if anchor is None else _apart_m(anchor, spot)
        if metres < STEP_M:
            return
        if anchor is not None:
            self.metres += metres
        self._anchor = spot
        self.line.append(spot)

    def state(self) -> dict[str, Any]:
        """What `of` goes on from, as plain data."""
        left = self._left
        return {
            "metres": self.metres,
            "head": _plain(self._head),
            "held": _plain(self._held),
            "anchor": _plain(self._anchor),
            "rest": _plain(self._rest),
            "stood": self._stood,
            "before_rest": self._before_rest,
            "apart": [list(spot) for spot in self._apart],
            "left": None
            if left is None
            else [*map(list, (left.head, left.anchor, left.rest)), left.metres, left.before_rest],
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Trail":
        """The trail that `state` was taken from; an empty state is a new one."""
        trail = cls()
        if not state:
            return trail
        trail.metres = state["metres"]
        trail._head, trail._held = _spot(state["head"]), _spot(state["held"])
        trail._anchor, trail._rest = _spot(state["anchor"]), _spot(state["rest"])
        trail._stood, trail._before_rest = state["stood"], state["before_rest"]
        trail._apart = [Spot(*each) for each in state["apart"]]
        if state["left"] is not None:
            head, anchor, rest, metres, before_rest = state["left"]
            trail._left = _Left(Spot(*head), Spot(*anchor), Spot(*rest), metres, before_rest, 0, 0)
        return trail


def trail_of(fixes: Iterable[Fix]) -> Trail:
    """The whole way of a trip that is over."""
    trail = Trail()
    for fix in fixes:
        trail.observe(fix)
    trail.finish()
    return trail


def _plain(spot: Spot | None) -> list[float] | None:
    """JSON knows no tuples of ours."""
    return None if spot is None else list(spot)


def _spot(stored: list[float] | None) -> Spot | None:
    return None if stored is None else Spot(*stored)


def _apart_m(a: Spot, b: Spot) -> float:
    return haversine_m(a.lat, a.lon, b.lat, b.lon)


def _reach_m(a: Spot, b: Spot) -> float:
    return FASTEST * (b.at - a.at) + SLACK_M


def _reaches(a: Spot, b: Spot) -> bool:
    return _apart_m(a, b) <= _reach_m(a, b)


def _spike(a: Spot, b: Spot, c: Spot) -> bool:
    """Whether b is a stray that could just be reached: out and back at a speed that no truck turns round at."""
    out, back = _apart_m(a, b), _apart_m(b, c)
    return (
        out > _SPIKE_SHARE * _reach_m(a, b)
        and back > _SPIKE_SHARE * _reach_m(b, c)
        and _apart_m(a, c) < _SPIKE_BACK * (out + back)
    )
