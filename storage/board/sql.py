"""The statements of the board, put together from the conditions that a search uses.

Two ways lead to a page. Where much suits, the board is *walked* in the order that is wanted (ix_board_newest,
ix_board_per_km, ix_board_pickup_date) and the first rows that suit fill the page. Where little suits, walking
would pass by most of the board, so everything in the wanted places is *gathered* through ix_board_area alone and
sorted. Nobody knows beforehand which it is: a walk is tried for as many rows as gathering would be worth, and
when the page is not full by then, all is gathered. Both read the same conditions, so either answer is whole.

`board_areas` names the places: few thousand (area, bodies), each with the rectangle around its pickups and how
many loads it had lately. The text of a statement depends only on which conditions there are; values are
parameters. Sessions plan each execution anew (server setting of the board's pool), as a search round Almaty and
one round Zhezkazgan have nothing in common but their text.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from ..visibility import unhidden
from .filters import ALWAYS, CONDITIONS

# Reading an index costs a third of reading a row: with fewer loads than this a walk cannot win.
WALK_FROM = 15_000
WALK_AT_LEAST, WALK_SHARE = 5_000, 6  # rows, and the least part of what would be gathered
COUNT_TO = 1_000  # counted exactly; more are estimated
FRESH_AMONG, FRESH_TO = 5_000, 100
# Drops are looked up in the index when they are few; above that they are compared row by row.
DROPS_BY_INDEX_M = 150_000.0


class Shape(NamedTuple):
    """Which parameters a statement has: names of values in the order of `$1, $2 ...`."""

    names: tuple[str, ...]
    conditions: tuple[int, ...]  # indices into CONDITIONS
    zoned: bool
    dropped: bool
    drops_by_index: bool = False

    def at(self, name: str, kind: str) -> str:
        """The parameter of a value."""
        return f"${self.names.index(name) + 1}::{kind}"


@cache
def used(names: tuple[str, ...]) -> tuple[int, ...]:
    """The conditions whose values are all there."""
    given = set(names)
    return tuple(number for number, each in enumerate(CONDITIONS) if given.issuperset(each.values))


def where(shape: Shape, *, bounds: bool = True) -> str:
    """All conditions over a row `b`, the cheap ones first; `bounds` adds rectangles that they imply."""
    parts = []
    if bounds and shape.zoned:
        parts.append(_within(shape, "pickup", "zone"))
    if bounds and shape.dropped:
        parts.append(_within(shape, "drop", "drop_zone"))
    for number in shape.conditions:
        condition = CONDITIONS[number]
        parts.append(condition.sql.format(**{n: shape.at(n, kind) for n, kind in condition.values.items()}))
    return " AND ".join([*parts, ALWAYS, unhidden(shape.at("driver", "bigint"), "b")])


def lists(shape: Shape) -> str:
    """`lists`: the (area, bodies) that may hold what is wanted. ix_board_areas_extent where there is a zone."""
    parts = []
    if shape.zoned:
        zone = shape.at("zone", "geometry")
        parts.append(f"a.extent && {zone} AND ST_Intersects(a.extent, {zone})")
    parts += [
        f"a.bodies & {shape.at(name, 'int')} <> 0"
        for name in ("wanted_bodies", "truck_bodies")
        if name in shape.names
    ]
    text = f"lists AS MATERIALIZED (SELECT * FROM board_areas a WHERE {' AND '.join(parts) or 'true'})"
    if shape.dropped:
        zone = shape.at("drop_zone", "geometry")
        text += (
            ", drops AS MATERIALIZED (SELECT d.area, d.loads FROM board_drops d"
            f" WHERE d.extent && {zone} AND ST_Intersects(d.extent, {zone}))"
        )
    return text


def hint(shape: Shape) -> str:
    """`hint(loads)`: about how many loads would be read of these lists, as far as was counted lately."""
    share = ""
    if shape.drops_by_index:
        share = (
            " * (SELECT coalesce(sum(loads), 0) FROM drops) / greatest(1, (SELECT loads FROM board_counts))"
        )
    return f"hint AS MATERIALIZED (SELECT coalesce(sum(loads), 0){share} AS loads FROM lists)"


def gather(shape: Shape, columns: str, *, more: str = "true", source: str = "lists") -> str:
    """FROM ...: every load of the lists that suits, as `g`. ix_board_area alone when `columns` are all in it.

    OFFSET 0 keeps the planner from seeing through: it would take an index in the order of the page and walk.
    """
    drops = " AND b.drop_area = ANY (ARRAY(SELECT area FROM drops))" if shape.drops_by_index else ""
    return (
        f"{source} AS l CROSS JOIN LATERAL (SELECT {columns} FROM board b WHERE b.pickup_area = l.area"
        f" AND b.bodies = l.bodies{drops} AND {more} AND {where(shape)} OFFSET 0) AS g"
    )


@cache
def page(shape: Shape, key: str, direction: str, after: bool) -> str:
    """A page in the order of a column of an index: `key` DESC or ASC, then the id likewise."""
    order = f"{{0}}{key} {direction}, {{0}}order_id {direction}"
    behind = "true"
    if after:
        kind = "real" if key == "per_km" else "timestamptz"
        sign = "<" if direction == "DESC" else ">"
        behind = (
            f"(b.{key}, b.order_id) {sign} ({shape.at('after_key', kind)}, {shape.at('after_id', 'bigint')})"
        )
    limit = shape.at("limit", "int")
    walk = f"(SELECT * FROM board b WHERE {behind} ORDER BY {order.format('b.')} LIMIT (SELECT rows FROM stretch))"
    return f"""
WITH {lists(shape)}, {hint(shape)}, stretch AS MATERIALIZED (
    SELECT CASE WHEN loads > {WALK_FROM} THEN greatest({WALK_AT_LEAST}, loads / {WALK_SHARE}) ELSE 0 END::bigint
        AS rows FROM hint
), walked AS MATERIALIZED (
    SELECT order_id, {key} AS key FROM {walk} AS b WHERE {where(shape)} LIMIT {limit}
), gathered AS MATERIALIZED (
    SELECT g.order_id, g.key FROM {gather(shape, f"b.order_id, b.{key} AS key", more=behind)}
    WHERE (SELECT count(*) FROM walked) < {limit}
    ORDER BY g.key {direction}, g.order_id {direction} LIMIT {limit}
)
SELECT order_id, key FROM walked WHERE (SELECT count(*) FROM walked) >= {limit}
UNION ALL SELECT order_id, key FROM gathered
"""


@cache
def count(shape: Shape) -> str:
    """How many suit, up to one more than is counted."""
    return f"WITH {lists(shape)} SELECT count(*) FROM (SELECT FROM {gather(shape, '')} LIMIT {COUNT_TO + 1}) AS n"


@cache
def fresh(shape: Shape) -> str:
    """How many loads came since a moment (`came`, the newest of them only) and how many of these suit."""
    return f"""
WITH came AS MATERIALIZED (
    SELECT * FROM board b WHERE b.at > {shape.at("since", "timestamptz")}
    ORDER BY b.at DESC, b.order_id DESC LIMIT {FRESH_AMONG}
)
SELECT (SELECT count(*) FROM came) AS came,
    (SELECT count(*) FROM (SELECT FROM came AS b WHERE {where(shape)} LIMIT {FRESH_TO}) AS n) AS suit
"""


@cache
def sampled(shape: Shape, columns: str) -> str:
    """FROM ...: what suits of a share of the board's pages, always the same ones, as `g`."""
    share = shape.at("percent", "real")
    return f"(SELECT {columns} FROM board b TABLESAMPLE SYSTEM ({share}) REPEATABLE (1) WHERE {where(shape)}) AS g"


def shape_of(names: Sequence[str], *, zoned: bool, dropped: bool, drops_by_index: bool = False) -> Shape:
    """The shape of a search's statements."""
    given = tuple(names)
    return Shape(given, used(given), zoned, dropped, drops_by_index)


def _within(shape: Shape, end: str, zone: str) -> str:
    west, south, east, north = (
        shape.at(f"{zone}_{side}", "int") for side in ("west", "south", "east", "north")
    )
    return f"b.{end}_lat BETWEEN {south} AND {north} AND b.{end}_lon BETWEEN {west} AND {east}"
