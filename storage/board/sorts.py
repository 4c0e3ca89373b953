"""The two orders that depend on where the truck stands: nearest pickup, profit an hour.

*Nearest* goes by the straight line through the globe, which orders as the great circle does and has an index
(ix_board_globe; migration 0012 on the millimetres that tell loads at one point apart). Where there are many
loads that is walked, from the truck outwards; what is equally far comes from it in no order, so a page counts
only when the walk went on behind its last load. Otherwise lists of areas (storage.board.sql) are read from the
nearest on, until the page is full with loads that no unread list can undercut: exact however far it has to go.

*Profit* reads the nearest lists that together had PROFIT_AMONG loads, and orders what suits among these: a load
beyond is out of the running. Its terms are those of dispatch.trip_cost, with the time under way from a table
(dispatch.board.ProfitTerms).
"""

from functools import cache

from dispatch.trip_cost import DEADHEAD_DETOUR
from geo.distance import EARTH_RADIUS_M

from .sql import Shape, gather, hint, lists, where

# So many loads are read in the order of ix_board_globe in 6 to 8 ms; of fewer all are read sooner.
WALK_FROM, WALK = 5_000, 2_000
SPARE = 10  # rows behind the page, for loads that are as far as its last
# Loads of the nearest lists in each round of a search; a round reads again what the one before has read.
ROUNDS = (16_000, 128_000, 2**31 - 1)
PROFIT_AMONG = 6_000

# Metres to a row's pickup; a list is as near as the nearest point of its rectangle.
_AWAY = (
    f"{2 * EARTH_RADIUS_M} * asin(least(1, sqrt(power(sind((b.pickup_lat / 1e7::float8 - {{lat}}) / 2), 2)"
    " + cosd({lat}) * cosd(b.pickup_lat / 1e7::float8)"
    " * power(sind((b.pickup_lon / 1e7::float8 - {lon}) / 2), 2))))"
)


def _near_lists(shape: Shape) -> str:
    """`near`: the lists with their least distance, and how many loads lie in nearer ones."""
    point = f"ST_SetSRID(ST_MakePoint({shape.at('lon', 'float8')}, {shape.at('lat', 'float8')}), 4326)"
    # The rectangles have a margin of ten metres, more than a sphere's and a spheroid's sides differ in them.
    metres = f"ST_Distance(l.extent::geography, {point}::geography, false)"
    return (
        f"{lists(shape)}, measured AS MATERIALIZED (SELECT l.area, l.bodies, greatest(l.loads, 1) AS loads,"
        f" {metres} * 0.999 - 30 AS away FROM lists l), near AS MATERIALIZED (SELECT *,"
        " sum(loads) OVER (ORDER BY away, area, bodies) - loads AS before FROM measured)"
    )


def _crowded_lists(shape: Shape) -> str:
    """`near` without a place: the lists with most loads first."""
    return (
        f"{lists(shape)}, near AS MATERIALIZED (SELECT l.area, l.bodies,"
        " sum(greatest(loads, 1)) OVER (ORDER BY loads DESC, area, bodies) - greatest(loads, 1) AS before"
        " FROM lists l)"
    )


def away(shape: Shape) -> str:
    """Metres from the parameters `lat` and `lon` to the pickup of a row `b`, by great circle."""
    return _AWAY.format(lat=shape.at("lat", "float8"), lon=shape.at("lon", "float8"))


def _chord(shape: Shape) -> str:
    """Metres through the globe from the parameters `lat` and `lon` to the pickup of a row `b`, in every statement
    as the index has it: keys of cursors are compared to the last bit."""
    lat, lon = shape.at("lat", "float8"), shape.at("lon", "float8")
    here = f"board_globe(round({lat} * 1e7)::int, round({lon} * 1e7)::int, 0)"
    return f"board_globe(b.pickup_lat, b.pickup_lon, b.order_id) <-> {here}"


def _behind(shape: Shape, after: bool, row: str, sign: str) -> str:
    if not after:
        return "true"
    key, order = shape.at("after_key", "float8"), shape.at("after_id", "bigint")
    return f"({row}.key, {row}.order_id) {sign} ({key}, {order})"


@cache
def nearest_walked(shape: Shape, after: bool) -> str:
    """The nearest pickups from the index: order_id, key. Nothing where few loads are."""
    key = _chord(shape)
    return f"""
WITH {lists(shape)}, {hint(shape)}
SELECT order_id, key FROM (
    SELECT *, {key} AS key FROM board b ORDER BY {key}
    LIMIT (SELECT CASE WHEN loads > {WALK_FROM} THEN {WALK} ELSE 0 END FROM hint)
) AS b WHERE {where(shape)} AND {_behind(shape, after, "b", ">")}
ORDER BY key LIMIT {shape.at("limit", "int")} + {SPARE}
"""


@cache
def nearest(shape: Shape, after: bool) -> str:
    """The nearest pickups of the lists in reach of the round (parameter `among`): order_id, key, and `bound`,
    the key from which on a list was not read; rows beyond it are left out."""
    rows = gather(
        shape,
        f"b.order_id, {_chord(shape)} AS key",
        source=f"(SELECT * FROM near WHERE before < {shape.at('among', 'bigint')})",
    )
    across = 2 * EARTH_RADIUS_M
    return f"""
WITH {_near_lists(shape)}, unread AS MATERIALIZED (
    SELECT {across} * sin(least(min(away) / {across}, pi() / 2)) AS bound
    FROM near WHERE before >= {shape.at("among", "bigint")}
), found AS MATERIALIZED (
    SELECT g.order_id, g.key FROM {rows}
    WHERE {_behind(shape, after, "g", ">")} AND g.key < coalesce((SELECT bound FROM unread), 'Infinity')
    ORDER BY g.key, g.order_id LIMIT {shape.at("limit", "int")}
)
SELECT f.order_id, f.key, u.bound FROM unread u LEFT JOIN found f ON true ORDER BY f.key, f.order_id
"""


@cache
def profit(shape: Shape, after: bool) -> str:
    """The best paid hours among the nearest loads: order_id and key in tiyn an hour. Without a place to start from
    there is no empty run, and the crowded lists come first."""
    placed = "lat" in shape.names
    metres = away(shape) if placed else "0"
    given = {
        name: shape.at(name, "float8")
        for name in ("terms_capacity", "terms_empty", "terms_laden", "terms_speed")
    }
    seconds = shape.at("terms_seconds", "float8[]")
    road = f"(b.distance_m + {DEADHEAD_DETOUR} * {metres})"
    burnt = (
        f"{given['terms_empty']} * {road}"
        f" + {given['terms_laden']} * least(1, b.weight_kg / {given['terms_capacity']}) * b.distance_m"
    )
    step = f"least(array_length({seconds}, 1), 1 + floor({road} / {given['terms_speed']} / 1800)::int)"
    key = f"(b.price - ({burnt})) / (({seconds})[{step}] / 3600)"
    rows = gather(
        shape,
        f"b.order_id, {key} AS key",
        more="b.price > 0",
        source=f"(SELECT * FROM near WHERE before < {PROFIT_AMONG})",
    )
    near = _near_lists(shape) if placed else _crowded_lists(shape)
    return f"""
WITH {near}
SELECT g.order_id, g.key FROM {rows} WHERE {_behind(shape, after, "g", "<")}
ORDER BY g.key DESC, g.order_id DESC LIMIT {shape.at("limit", "int")}
"""
