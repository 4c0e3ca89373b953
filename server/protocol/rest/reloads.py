"""Suggestions of a next load."""

from typing import Annotated

from msgspec import Meta

from ..messages import Money, RowId
from .board import BoardLoad
from .common import Form, View


class ReloadsQuery(Form, frozen=True):
    """Loads near the place where the present one ends, or along the way home.

    `home_city` is a city of the gazetteer; without it, where the present haul began. A logistician names the
    `driver` of the fleet.
    """

    radius_m: Annotated[float, Meta(ge=10_000, le=500_000)] = 150_000
    home_city: int | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 20
    driver: RowId | None = None


class ReloadView(View, frozen=True):
    """An open load for afterwards. `per_hour` is the profit an hour, empty run and waiting counted in.

    `homeward`: the share of the way home that it saves; negative when it leads away.
    """

    load: BoardLoad
    deadhead_m: int
    arrive_at: float
    wait_s: int
    profit: Money
    per_hour: Money
    homeward: float


class Reloads(View, frozen=True):
    """Best first. `free_at` and `free_lat`, `free_lon`: when and where the truck is predicted to be empty.

    `now`: the load may be taken at once; otherwise bid on it with `available_from` = `free_at`.
    """

    loads: list[ReloadView]
    now: bool
    free_at: float | None = None
    free_lat: float | None = None
    free_lon: float | None = None
