"""What a search can ask of a load, each condition written once and read in both directions.

A search of the board puts its values into the conditions it uses and compares them with many rows of `board`; a
new order is one row `b` that is compared with many rows of `saved_searches`, whose columns are named as the values
here. The text is the same, so an alert cannot differ from what the board shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.board import BoardSearch, Circle
from dispatch.model import Vehicle
from dispatch.payment_terms import ENOUGH
from geo.distance import EARTH_RADIUS_M

from ..order_rows import moment
from .geometry import measured_line
from .words import ADR, BODIES, SIDES, TERMS, UNKNOWN_ADR, UNKNOWN_SIDE, bits, carried_by

E7 = 1e7


@dataclass(frozen=True, slots=True)
class Condition:
    """`sql` over a row `b` of board, with `{value}` for each of `values` (name -> PostgreSQL type)."""

    values: Mapping[str, str]
    sql: str


def _circle(end: str, prefix: str) -> Condition:
    lat, lon, radius = (f"{prefix}_{name}" for name in ("lat", "lon", "radius_m"))
    # Haversine: PostGIS' own is priced by the planner, and paid, many times higher.
    return Condition(
        dict.fromkeys((lat, lon, radius), "float8"),
        f"power(sind((b.{end}_lat / 1e7::float8 - {{{lat}}}) / 2), 2) + cosd({{{lat}}})"
        f" * cosd(b.{end}_lat / 1e7::float8) * power(sind((b.{end}_lon / 1e7::float8 - {{{lon}}}) / 2), 2)"
        f" <= power(sin(least({{{radius}}} / {2 * EARTH_RADIUS_M}, pi() / 2)), 2)",
    )


def _one(name: str, kind: str, sql: str) -> Condition:
    return Condition({name: kind}, sql.replace("?", f"{{{name}}}"))


# PostgreSQL looks at conditions of one price in this order: what decides most often, and what costs least, first.
CONDITIONS = (
    _one("wanted_bodies", "int", "b.bodies & ? <> 0"),
    _one("truck_bodies", "int", "b.bodies & ? <> 0"),
    _one("truck_kg", "real", "b.weight_kg <= ?"),
    _one("truck_m3", "real", "b.volume_m3 <= ?"),
    _one("truck_adr", "int", "b.adr & ~? = 0"),
    _one("weight_min_kg", "real", "b.weight_kg >= ?"),
    _one("weight_max_kg", "real", "b.weight_kg <= ?"),
    _one("volume_max_m3", "real", "b.volume_m3 <= ?"),
    _one("price_min", "bigint", "b.price >= ?"),
    _one("per_km_min", "real", "b.per_km >= ?"),
    _one("pickup_after", "timestamptz", "b.pickup_to >= ?"),
    _one("pickup_before", "timestamptz", "b.pickup_from <= ?"),
    _one("pricings", "int", "b.terms & ? <> 0"),
    _one("methods", "int", "b.terms & ? <> 0"),
    _one("whens", "int", "b.terms & ? <> 0"),
    _one("vat", "bool", f"(b.terms & {bits(('vat',), TERMS)} <> 0) = ?"),
    _one("prepay_min", "smallint", "b.prepay >= ?"),
    _one("dangerous", "bool", "(b.adr <> 0) = ?"),
    _one("kinds", "text[]", "b.kind = ANY (?)"),
    _one("truck_length_m", "real", "b.length_m <= ?"),
    _one("truck_width_m", "real", "b.width_m <= ?"),
    _one("truck_height_m", "real", "b.height_m <= ?"),
    _one("truck_sides", "int", "b.sides & ~? = 0"),
    _one("truck_temp_min", "real", "b.temp_max >= ?"),
    _one("truck_temp_max", "real", "b.temp_min <= ?"),
    Condition(
        dict.fromkeys(("box_west", "box_south", "box_east", "box_north"), "int"),
        "b.pickup_lat BETWEEN {box_south} AND {box_north} AND CASE WHEN {box_west} <= {box_east}"
        " THEN b.pickup_lon BETWEEN {box_west} AND {box_east}"
        " ELSE b.pickup_lon >= {box_west} OR b.pickup_lon <= {box_east} END",
    ),
    _circle("pickup", "from"),
    _circle("drop", "to"),
    _one(
        "polygon",
        "geometry",
        "ST_Intersects(?, ST_SetSRID(ST_MakePoint(b.pickup_lon / 1e7, b.pickup_lat / 1e7), 4326))",
    ),
    Condition(
        {
            "line": "geometry",
            "line_lat": "float8",
            "line_lon": "float8",
            "line_reach_m": "float8",
            "max_detour_m": "float8",
        },
        "board_detour(b.pickup_lat, b.pickup_lon, b.drop_lat, b.drop_lon, b.distance_m, {line}, {line_lat},"
        " {line_lon}, {line_reach_m}) <= {max_detour_m}",
    ),
    _one(
        "rating_min",
        "real",
        "coalesce((SELECT r.rating >= ? FROM shipper_stats r WHERE r.shipper_id = b.shipper_id), false)",
    ),
    _one(
        "paid_min",
        "float8",
        # A share as it is read, 0.8 of 5, is no exact number.
        "coalesce((SELECT r.paid_on_time + 1e-6 >= ? * r.paid_cases FROM shipper_stats r"
        f" WHERE r.shipper_id = b.shipper_id AND r.paid_cases >= {ENOUGH}), false)",
    ),
)
# What every search asks: the load is still good.
ALWAYS = "b.until > now()"
# Names of all values, as the columns of saved_searches.
NAMES = tuple(name for condition in CONDITIONS for name in condition.values)

Values = dict[str, object]


def values_of(search: BoardSearch) -> Values:
    """The values that this search puts into conditions; what it does not ask is left out."""
    box, corridor = search.box, search.corridor
    given: Values = {
        **_of_circle(search.near, "from"),
        **_of_circle(search.to, "to"),
        "wanted_bodies": bits(search.bodies, BODIES) if search.bodies else None,
        "kinds": list(search.kinds) or None,
        "weight_min_kg": search.weight_min_kg,
        "weight_max_kg": search.weight_max_kg,
        "volume_max_m3": search.volume_max_m3,
        "price_min": search.price_min,
        "per_km_min": search.per_km_min,
        "pickup_after": moment(search.pickup_after),
        "pickup_before": moment(search.pickup_before),
        "dangerous": search.dangerous,
        "pricings": bits(search.pricings, TERMS) or None,
        "methods": bits(search.methods, TERMS) or None,
        "whens": bits(search.whens, TERMS) or None,
        "vat": search.vat,
        "prepay_min": search.prepay_min,
        "rating_min": search.rating_min,
        "paid_min": search.paid_min,
    }
    if search.polygon is not None:
        given["polygon"] = search.polygon.wkb
    if box is not None:
        given |= {f"box_{side}": round(value * E7) for side, value in box._asdict().items()}
    if corridor is not None:
        given |= {
            "line": measured_line(corridor.route.points),
            "line_lat": corridor.route.centre.lat,
            "line_lon": corridor.route.centre.lon,
            "line_reach_m": corridor.route.reach_m,
            "max_detour_m": corridor.max_detour_m,
        }
    if search.vehicle is not None:
        given |= of_vehicle(search.vehicle)
    return {name: value for name, value in given.items() if value is not None}


def of_vehicle(vehicle: Vehicle) -> Values:
    """What a truck asks of a load: the same as `dispatch.matching.fits`."""
    anyhow = not vehicle.sides or "full" in vehicle.sides
    return {
        "truck_bodies": carried_by(vehicle.body),
        "truck_kg": vehicle.capacity_kg,
        "truck_m3": vehicle.volume_m3,
        "truck_length_m": vehicle.length_m,
        "truck_width_m": vehicle.width_m,
        "truck_height_m": vehicle.height_m,
        "truck_sides": None if anyhow else bits(vehicle.sides, SIDES, UNKNOWN_SIDE),
        "truck_adr": bits(vehicle.adr, ADR, UNKNOWN_ADR),
        "truck_temp_min": vehicle.temp_min_c,
        "truck_temp_max": vehicle.temp_max_c,
    }


def matches_saved(saved: str = "s") -> str:
    """The conditions with the columns of a row of saved_searches as their values: true where one is not asked."""
    parts = []
    for condition in CONDITIONS:
        first = next(iter(condition.values))
        text = condition.sql.format(**{name: f"{saved}.{name}" for name in condition.values})
        parts.append(f"({saved}.{first} IS NULL OR ({text}))")
    return " AND ".join(parts)


def _of_circle(circle: Circle | None, prefix: str) -> Values:
    if circle is None:
        return {}
    return {
        f"{prefix}_lat": circle.lat,
        f"{prefix}_lon": circle.lon,
        f"{prefix}_radius_m": circle.radius_m,
    }
