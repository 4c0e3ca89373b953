"""Every row, area by area: each module of this folder is an area; the websocket frames stand in `sockets`."""

from importlib import import_module
from pathlib import Path

from ..matrix import Frame, Row
from . import sockets

_MODULES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem != "sockets")
AREAS = tuple(import_module(f".{name}", __package__) for name in _MODULES)
ROWS: dict[str, Row] = {row.route: row for area in AREAS for row in area.ROWS}
FRAMES: dict[str, Frame] = {frame.type: frame for frame in sockets.FRAMES}

if len(ROWS) != sum(len(area.ROWS) for area in AREAS):
    raise ValueError("a route has two rows")
