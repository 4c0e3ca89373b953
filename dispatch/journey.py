"""How long a truck is under way: driving, rest by law, borders, loading, and hours closed by heat.

The rules are AETR's without its exceptions; Kazakhstan checks 9 h at the wheel a day and 45 min after each 4.5 h
by tachograph (el.kz 130940, news.ati.su 118148). A driver is taken as rested at the start. Chance is an argument:
the same question always has the same answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf
from statistics import NormalDist
from typing import NamedTuple, Protocol

HOUR = 3_600.0
_EPS = 1e-6

# The spread of whole-day driving paces, as the sigma of a lognormal around the router's figure, and the shape of
# border waits (exponential): assumptions. CAREC tells means only, and of queues that they reach two days.
PACE_SIGMA = 0.12
_PACES, _QUEUES = 7, 5
EARLY, LATE = 0.1, 0.9


class Drive(NamedTuple):
    """Seconds at the wheel inside one region."""

    seconds: float
    country: str
    region: str


class Queue(NamedTuple):
    """Mean seconds at a border. The driver can sleep in it, so a long one counts as rest (an assumption)."""

    seconds: float


class Service(NamedTuple):
    """Seconds of loading or unloading: work, and no break, unless it lasts as long as a night."""

    seconds: float


Step = Drive | Queue | Service


class Bans(Protocol):
    """Hours in which an axle may not drive in a region: `geo.heat.HeatBans`."""

    def concern(self, axle_kg: float, since: float, until: float) -> bool:
        """Whether there is any for such an axle between two moments: most of the year there is none."""
        ...

    def free_at(self, country: str, region: str, axle_kg: float, at: float) -> float:
        """The first moment from `at` on at which it may."""
        ...

    def free_until(self, country: str, region: str, axle_kg: float, at: float) -> float | None:
        """When it may no longer."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds: at the wheel before a break, a day and a week; the break, the nights; the length of a duty."""

    before_break: float
    break_: float
    a_day: float
    night: float
    duty: float
    a_week: float
    week_night: float = 45 * HOUR


SINGLE = Rules(4.5 * HOUR, 0.75 * HOUR, 9 * HOUR, 11 * HOUR, 13 * HOUR, 56 * HOUR)
# Two drivers: one rests beside the other, so nobody stops for a break; 9 h of night within 30 h.
PAIR = Rules(inf, 0.75 * HOUR, 18 * HOUR, 9 * HOUR, 21 * HOUR, 112 * HOUR)


def rules_of(crew: int) -> Rules:
    """The rules for so many drivers."""
    return PAIR if crew > 1 else SINGLE


@dataclass(frozen=True, slots=True)
class Journey:
    """When it ends, and where its seconds went; they add up to the whole."""

    depart_at: float
    arrive_at: float
    driving_s: float
    rest_s: float
    border_s: float
    service_s: float
    heat_s: float

    @property
    def seconds(self) -> float:
        """From departure to arrival."""
        return self.arrive_at - self.depart_at


class _Driver:
    """The clock and what the tachograph has counted."""

    def __init__(self, rules: Rules, now: float) -> None:
        self.rules = rules
        self.now = now
        self.since_break = self.today = self.week = 0.0
        self.duty_ends = now + rules.duty
        self.driving = self.rest = self.heat = 0.0

    def room(self) -> float:
        """Seconds that may still be driven before a stop."""
        rules = self.rules
        return min(
            rules.before_break - self.since_break,
            rules.a_day - self.today,
            rules.a_week - self.week,
            self.duty_ends - self.now,
        )

    def go(self, seconds: float) -> None:
        self.now += seconds
        self.driving += seconds
        self.since_break += seconds
        self.today += seconds
        self.week += seconds

    def rest_by_law(self) -> None:
        """The stop that the rules ask for now."""
        rules = self.rules
        if rules.a_week - self.week <= _EPS:
            length = rules.week_night
        elif rules.a_day - self.today <= _EPS or self.duty_ends - self.now <= _EPS:
            length = rules.night
        else:
            length = rules.break_
        self.rest += length
        self.stand(length)

    def stand(self, seconds: float) -> None:
        """Time without work: long enough, it is the break or the night."""
        rules = self.rules
        self.now += seconds
        if seconds >= rules.week_night:
            self.week = 0.0
        if seconds >= rules.night:
            self.today = self.since_break = 0.0
            self.duty_ends = self.now + rules.duty
        elif seconds >= rules.break_:
            self.since_break = 0.0

    def work(self, seconds: float) -> None:
        """Loading: a whole night of waiting for it is a night all the same."""
        if seconds >= self.rules.night:
            self.stand(seconds)
        else:
            self.now += seconds


def travel(
    steps: Iterable[Step],
    depart_at: float,
    rules: Rules = SINGLE,
    *,
    axle_kg: float = 0.0,
    bans: Bans | None = None,
    pace: float = 1.0,
    queue: float = 1.0,
) -> Journey:
    """The journey with driving times multiplied by `pace` and border waits by `queue`."""
    driver = _Driver(rules, depart_at)
    border = service = 0.0
    for step in steps:
        if isinstance(step, Drive):
            _drive(driver, step, step.seconds * pace, axle_kg, bans)
        elif isinstance(step, Queue):
            border += step.seconds * queue
            driver.stand(step.seconds * queue)
        else:
            service += step.seconds
            driver.work(step.seconds)
    return Journey(depart_at, driver.now, driver.driving, driver.rest, border, service, driver.heat)


def _drive(driver: _Driver, step: Drive, left: float, axle_kg: float, bans: Bans | None) -> None:
    while left > _EPS:
        may = driver.room()
        if bans is not None:
            free = bans.free_at(step.country, step.region, axle_kg, driver.now)
            if free > driver.now:
                driver.heat += free - driver.now
                driver.stand(free - driver.now)
                continue
            until = bans.free_until(step.country, step.region, axle_kg, driver.now)
            may = may if until is None else min(may, until - driver.now)
        if may <= _EPS:
            driver.rest_by_law()
            continue
        part = min(left, may)
        driver.go(part)
        left -= part


@dataclass(frozen=True, slots=True)
class Eta:
    """Nine of ten journeys arrive after `early_at`, nine of ten before `late_at`; `typical` is one with the mean
    pace and mean waits."""

    early_at: float
    typical: Journey
    late_at: float


def arrival(
    steps: Sequence[Step],
    depart_at: float,
    rules: Rules = SINGLE,
    *,
    axle_kg: float = 0.0,
    bans: Bans | None = None,
) -> Eta:
    """The arrival window out of equally likely journeys: seven paces, times five lengths of queues at borders.

    Whether a heat ban will be in force depends on the weather. The early end is of cool days, the late one of hot.
    """
    typical = travel(steps, depart_at, rules, axle_kg=axle_kg, bans=bans)
    borders = sum(isinstance(step, Queue) for step in steps)
    queues = _queues(borders) if borders else (1.0,)
    chances = [(pace, queue) for pace in _paces() for queue in queues]

    def arrivals(bans: Bans | None) -> list[float]:
        return sorted(
            travel(steps, depart_at, rules, axle_kg=axle_kg, bans=bans, pace=pace, queue=queue).arrive_at
            for pace, queue in chances
        )

    hot = arrivals(bans)
    cool = hot if bans is None else arrivals(None)
    return Eta(
        early_at=min(_quantile(cool, EARLY), typical.arrive_at),
        typical=typical,
        late_at=max(_quantile(hot, LATE), typical.arrive_at),
    )


@cache
def _paces() -> tuple[float, ...]:
    """Equally likely factors of the driving time."""
    normal = NormalDist(0.0, PACE_SIGMA)
    return tuple(exp(normal.inv_cdf((number + 0.5) / _PACES)) for number in range(_PACES))


@cache
def _queues(borders: int) -> tuple[float, ...]:
    """Equally likely factors of the sum of so many waits: exponential each, so Erlang together."""
    return tuple(_erlang((number + 0.5) / _QUEUES, borders) / borders for number in range(_QUEUES))


def _erlang(chance: float, shape: int) -> float:
    low, high = 0.0, 20.0 * shape
    for _ in range(60):
        middle = (low + high) / 2
        term = total = 1.0
        for k in range(1, shape):
            term *= middle / k
            total += term
        if 1.0 - exp(-middle) * total < chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Between order statistics, linearly."""
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)
