"""Every row, area by area."""

from ..matrix import Frame, Row
from . import admin, identity, integrations, offers, orders, places, push, signing_in, sockets, texts

AREAS = (identity, signing_in, push, places, orders, offers, admin, texts, integrations)
ROWS: dict[str, Row] = {row.route: row for area in AREAS for row in area.ROWS}
FRAMES: dict[str, Frame] = {frame.type: frame for frame in sockets.FRAMES}

# Two rows for one route would hide each other.
assert len(ROWS) == sum(len(area.ROWS) for area in AREAS)
