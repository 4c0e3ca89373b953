"""Searches of the board that a driver keeps, and is told of new loads by."""

from typing import Annotated

from msgspec import Meta

from ..messages import STORABLE, RowId
from .board import BoardFilters
from .common import Form, View

Minute = Annotated[int, Meta(ge=0, le=1439, description="Minutes since midnight where the driver lives.")]


class SavedSearchForm(Form, frozen=True):
    """A search to keep. `active` ones are compared with every new load; `notify`: be told of loads that suit, by
    socket, and by push but between `quiet_from` and `quiet_to`. `search.fits` follows your active vehicle."""

    name: Annotated[str, Meta(min_length=1, max_length=80, pattern=STORABLE)]
    search: BoardFilters
    active: bool = True
    notify: bool = True
    quiet_from: Minute | None = None
    quiet_to: Minute | None = None


class SavedSearchView(View, frozen=True):
    """A kept search. `fresh`: loads that came since it was looked at last and suit; more than that when
    `fresh_exact` is false."""

    saved_search: RowId
    name: str
    search: BoardFilters
    active: bool
    notify: bool
    quiet_from: int | None
    quiet_to: int | None
    version: int
    created_at: float
    viewed_at: float
    fresh: int
    fresh_exact: bool


class SavedSearches(View, frozen=True):
    """All of them, the oldest first."""

    searches: list[SavedSearchView]
