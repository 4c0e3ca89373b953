"""Habits that detectors have flagged for the staff."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import ShortText
from .common import Form, View

FlagKind = Literal[
    "fast_accepts", "many_wins", "many_cancels", "only_declines", "board_scraped", "candidates_scraped"
]


class FlagsQuery(Form, frozen=True):
    """How many, the latest first."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class FlagView(View, frozen=True):
    """An open flag: who, what, how often; `counts` of the day are those of the last time."""

    flag: int
    user: int
    role: str
    name: str
    kind: FlagKind
    count: int
    counts: dict[str, int]
    first_at: float
    last_at: float
    paused_until: float | None = None


class Flags(View, frozen=True):
    """The latest first."""

    flags: list[FlagView]


class ClearFlagForm(Form, frozen=True):
    """What came of it; `lift` ends the user's pause at once."""

    note: ShortText = ""
    lift: bool = False
