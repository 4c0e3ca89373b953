"""Summer hours in which heavy axles may not use the roads of a region. Data: `geo/data/README.md`."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files

# All of Kazakhstan since 1 March 2024.
_UTC_OFFSET_S = 5 * 3_600
_DAY_S = 86_400
# Nobody sets off for less than this; it also swallows the rounding of times added up.
_INSTANT_S = 1.0


@dataclass(frozen=True, slots=True)
class HeatBan:
    """From one (month, day) to another, both included, between two hours of local time, in one region.

    The order names `above_c` degrees; what the weather will be is not known here.
    """

    country: str
    region: str
    first_day: tuple[int, int]
    last_day: tuple[int, int]
    from_hour: int
    to_hour: int
    axle_kg: float
    above_c: float
    issued: int


class HeatBans:
    """The bans by region. Re-issued every year: `issued` tells which year's order these are."""

    def __init__(self, bans: Iterable[HeatBan]) -> None:
        self._bans = {(ban.country, ban.region): ban for ban in bans}

    @classmethod
    def load(cls) -> "HeatBans":
        """The bans of `geo/data/heat-bans.csv`."""
        with (files("geo") / "data" / "heat-bans.csv").open(encoding="utf-8") as table:
            return cls([_ban(row) for row in csv.DictReader(table)])

    @property
    def issued(self) -> int:
        """The year of the newest order."""
        return max((ban.issued for ban in self._bans.values()), default=0)

    def concern(self, axle_kg: float, since: float, until: float) -> bool:
        """Whether any ban may be met by such an axle between two moments, by the days of the table."""
        if until - since >= 366 * _DAY_S:
            return any(axle_kg > ban.axle_kg for ban in self._bans.values())
        days = [_local(at) for at in (since, until)]
        first, last = ((day.month, day.day) for day in days)
        turns = days[0].year != days[1].year
        return any(
            axle_kg > ban.axle_kg
            and (
                (first <= ban.last_day or ban.first_day <= last)
                if turns
                else first <= ban.last_day and ban.first_day <= last
            )
            for ban in self._bans.values()
        )

    def free_at(self, country: str, region: str, axle_kg: float, at: float) -> float:
        """The first moment from `at` on at which a truck with such a single axle may drive there."""
        hours = self._hours(country, region, axle_kg, at)
        return at if hours is None or not hours[0] - _INSTANT_S <= at < hours[1] else hours[1]

    def free_until(self, country: str, region: str, axle_kg: float, at: float) -> float | None:
        """When the next ban of the coming day begins for a truck that may drive at `at`; None: none."""
        for later in (0, _DAY_S):
            hours = self._hours(country, region, axle_kg, at + later)
            if hours is not None and hours[0] - _INSTANT_S > at:
                return hours[0]
        return None

    def _hours(self, country: str, region: str, axle_kg: float, at: float) -> tuple[float, float] | None:
        """Begin and end of the ban on the local day of `at`."""
        ban = self._bans.get((country, region))
        if ban is None or axle_kg <= ban.axle_kg:
            return None
        local = _local(at)
        if not ban.first_day <= (local.month, local.day) <= ban.last_day:
            return None
        midnight = (at + _UTC_OFFSET_S) // _DAY_S * _DAY_S - _UTC_OFFSET_S
        return midnight + ban.from_hour * 3_600, midnight + ban.to_hour * 3_600


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC) + timedelta(seconds=_UTC_OFFSET_S)


def _ban(row: dict[str, str]) -> HeatBan:
    return HeatBan(
        row["country"],
        row["admin1"],
        _day(row["from"]),
        _day(row["to"]),
        int(row["from_hour"]),
        int(row["to_hour"]),
        float(row["single_axle_t"]) * 1_000,
        float(row["above_c"]),
        int(row["issued"]),
    )


def _day(text: str) -> tuple[int, int]:
    month, _, day = text.partition("-")
    return int(month), int(day)
