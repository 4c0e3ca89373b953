"""Loads of the board with what everybody may know of them: neither address nor contact leaves these statements."""

from collections.abc import Sequence

import asyncpg

from dispatch.board import BoardLoad, Poster
from dispatch.model import Money, Place, Vehicle, Window
from dispatch.payment_terms import Discipline
from geo.types import Position

from ..billing.access import entitled
from ..order_rows import load_of, seconds, terms_of
from ..postgres import Connection, Pool, lat_lon
from ..vehicle_rows import CARRIER, carrier
from ..visibility import unhidden

_COLUMNS = """
o.id, o.version, o.pickup_city, o.pickup_name, o.pickup_point, o.drop_city, o.drop_name, o.drop_point,
o.pickup_from, o.pickup_to, o.drop_from, o.drop_to, jsonb_array_length(o.stops) AS stops, o.cargo, o.kind,
o.weight_kg, o.volume_m3, o.body, o.other_bodies, o.pieces, o.length_m, o.width_m, o.height_m, o.sides,
o.temp_min_c, o.temp_max_c, o.adr, o.documents, o.distance_m, o.duration_s, o.distance_origin, o.price_amount,
o.price_currency, o.pricing, o.payment_method, o.payment_when, o.payment_days, o.prepay_percent, o.vat,
o.comment, o.created_at, o.board_at, least(o.expires_at, o.confirm_by) AS until,
coalesce(c.legal_name, u.name) AS poster, coalesce(c.state = 'verified', false) AS verified, r.rating,
coalesce(r.ratings, 0) AS ratings, o.shipper_id, coalesce(r.paid_cases, 0) AS paid_cases,
coalesce(r.paid_on_time, 0) AS paid_on_time, r.paid_late_days"""
_FROM = """JOIN users u ON u.id = o.shipper_id LEFT JOIN companies c ON c.id = o.company_id
LEFT JOIN shipper_stats r ON r.shipper_id = o.shipper_id"""

# Primary keys. What was taken since it was found is left out.
CARDS = f"""
SELECT {_COLUMNS} FROM unnest($1::bigint[]) WITH ORDINALITY AS w(id, n)
JOIN orders o ON o.id = w.id AND o.status = 'open' {_FROM} ORDER BY w.n
"""
# Primary keys. $2 to $5 as in board_detour.
DETOURS = """
SELECT b.order_id, board_detour(b.pickup_lat, b.pickup_lon, b.drop_lat, b.drop_lon, b.distance_m, $2::geometry,
    $3::float8, $4::float8, $5::float8) AS detour
FROM board b WHERE b.order_id = ANY($1::bigint[])
"""
# Primary keys. A load that is on the board, or that the driver was alerted to while waves are out for it.
ONE = f"""
SELECT {_COLUMNS} FROM orders o {_FROM}
WHERE o.id = $1 AND o.status = 'open' AND NOT o.private AND least(o.expires_at, o.confirm_by) > now()
    AND (o.board_at IS NOT NULL
        OR EXISTS (SELECT FROM search_alerts a WHERE a.driver_id = $2 AND a.order_id = o.id))
    AND {unhidden("$2::bigint", "o")}
"""
# Primary and unique keys.
VIEWER = f"""
SELECT {entitled("u.id")} AS subscribed, {CARRIER}, l.point
FROM users u
LEFT JOIN vehicles v ON v.driver_id = u.id
LEFT JOIN last_positions l ON l.driver_id = u.id
WHERE u.id = $1 AND u.role = 'driver'
"""
# Primary key. Another truck than the active one: one that the driver may make it.
TRUCK = f"SELECT {CARRIER} FROM vehicles v WHERE v.id = $1 AND v.keeper_id = $2 AND v.archived_at IS NULL"


async def loads(connection: Connection | Pool, orders: Sequence[int]) -> list[BoardLoad]:
    """The loads of these orders, in their order; without those that are gone."""
    return [load(row) for row in await connection.fetch(CARDS, orders)]


def load(row: asyncpg.Record) -> BoardLoad:
    """A load from _COLUMNS."""
    return BoardLoad(
        order=row["id"],
        version=row["version"],
        pickup=Place(row["pickup_city"], row["pickup_name"], *lat_lon(row["pickup_point"])),
        drop=Place(row["drop_city"], row["drop_name"], *lat_lon(row["drop_point"])),
        pickup_window=Window(seconds(row["pickup_from"]), seconds(row["pickup_to"])),
        drop_window=Window(seconds(row["drop_from"]), seconds(row["drop_to"])),
        stops=max(2, row["stops"]),
        load=load_of(row),
        distance_m=row["distance_m"],
        duration_s=row["duration_s"],
        estimate=row["distance_origin"] == "great-circle",
        price=Money(row["price_amount"], row["price_currency"]),
        terms=terms_of(row),
        created_at=row["created_at"].timestamp(),
        board_at=seconds(row["board_at"]),
        until=row["until"].timestamp(),
        poster=Poster(
            row["poster"],
            row["verified"],
            row["rating"],
            row["ratings"],
            row["shipper_id"],
            Discipline(row["paid_cases"], row["paid_on_time"], row["paid_late_days"]),
        ),
    )


def vehicle_of(row: asyncpg.Record | None) -> Vehicle | None:
    """A vehicle from what CARRIER selects."""
    return None if row is None or row["vehicle_id"] is None else carrier(row)


def place_of(point: bytes | None) -> Position | None:
    """A place from its column."""
    return None if point is None else Position(*lat_lon(point))
