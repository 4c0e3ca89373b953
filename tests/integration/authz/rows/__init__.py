"""Every row, area by area."""

from ..matrix import Frame, Row
from . import accounts, admin, identity, integrations, offers, orders, places, push, sockets, texts

AREAS = (identity, accounts, push, places, orders, offers, admin, texts, integrations)
ROWS: dict[str, Row] = {row.route: row for area in AREAS for row in area.ROWS}
FRAMES: dict[str, Frame] = {frame.type: frame for frame in sockets.FRAMES}

# Two rows for one route would hide each other.
assert len(ROWS) == sum(len(area.ROWS) for area in AREAS)
