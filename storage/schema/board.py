"""The board as it is searched, saved searches, and what is known of shippers.

`board` is a projection: a trigger on `orders` (migration 0008) puts a load there when it becomes open to every
driver, follows its edits, and takes it away when it is gone, in the transaction of whoever wrote the order. Rows
are short and hold only what a search asks, in forms that cost little to compare:

- coordinates as whole 1e-7 degrees, and as a cell of a grid of a quarter degree (`pickup_area`, `drop_area`);
- words as bits (storage.board.words): `bodies` that were asked for, `sides` it must be loaded from, the class of
  dangerous goods `adr`, `terms` of the price;
- what a load leaves unsaid as the value that stands in no truck's way: 0 metres, endless degrees, 1970 to 9999.
"""

from geoalchemy2 import Geometry
from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from .columns import at, id_column, metadata, ref


def _must(name: str, kind: type) -> Column[object]:
    return Column(name, kind, nullable=False)


board = Table(
    "board",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    at("at"),  # since when on the board
    at("until"),  # until when it is good: it expires, or its shipper has not confirmed it again
    _must("version", Integer),
    _must("shipper_id", BigInteger),
    Column("company_id", BigInteger),
    Column("hidden_from", ARRAY(BigInteger), nullable=False),
    _must("pickup_area", Integer),
    _must("drop_area", Integer),
    _must("pickup_lat", Integer),
    _must("pickup_lon", Integer),
    _must("drop_lat", Integer),
    _must("drop_lon", Integer),
    Column("pickup_cell", BigInteger),  # H3, resolution 7; null until the next look of storage.board.upkeep
    at("pickup_from"),
    at("pickup_to"),
    Column("kind", Text, nullable=False),
    _must("bodies", Integer),
    _must("sides", Integer),
    _must("adr", Integer),
    _must("terms", Integer),
    _must("prepay", SmallInteger),
    _must("weight_kg", REAL),
    _must("volume_m3", REAL),
    _must("length_m", REAL),
    _must("width_m", REAL),
    _must("height_m", REAL),
    _must("temp_min", REAL),
    _must("temp_max", REAL),
    _must("distance_m", REAL),
    _must("duration_s", REAL),
    _must("price", BigInteger),  # tiyn; 0 for other currencies, which are not compared
    _must("per_km", REAL),  # the same by road kilometre
    # The three orders in which a crowded part of the board is walked.
    Index("ix_board_newest", text("at DESC"), text("order_id DESC")),
    Index("ix_board_per_km", text("per_km DESC"), text("order_id DESC")),
    Index("ix_board_pickup_date", "pickup_from", "order_id"),
    # From a place outwards (migration 0012).
    Index(
        "ix_board_globe",
        text("board_globe(pickup_lat, pickup_lon, order_id)"),
        postgresql_using="gist",
    ),
    # Everything that a filter reads, by place and body: a sparse part is read whole and never touches the rows.
    Index(
        "ix_board_area",
        "pickup_area",
        "bodies",
        "drop_area",
        postgresql_include=[
            "weight_kg", "volume_m3", "adr", "until", "pickup_lat", "pickup_lon", "drop_lat", "drop_lon", "per_km",
            "price", "pickup_from", "pickup_to", "at", "order_id", "pickup_cell", "terms", "prepay", "length_m",
            "width_m", "height_m", "sides", "temp_min", "temp_max", "distance_m", "duration_s", "shipper_id",
            "company_id", "kind", "hidden_from",
        ],
    ),
    Index("ix_board_uncelled", "order_id", postgresql_where=text("pickup_cell IS NULL")),
    # Loads come and go all day; index-only scans need pages that vacuum has seen.
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_insert_scale_factor": "0.02",
        "autovacuum_analyze_scale_factor": "0.02",
    },
)  # fmt: skip

# Which (area, bodies) the board has ever had, around which pickups. A search reads these lists, then the loads of
# the ones it wants. `loads` is a hint of minutes ago: it decides how to look, never what is found.
board_areas = Table(
    "board_areas",
    metadata,
    _must("area", Integer),
    _must("bodies", Integer),
    Column("extent", Geometry("GEOMETRY", 4326, spatial_index=False), nullable=False),
    Column("loads", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("area", "bodies"),
    Index("ix_board_areas_extent", "extent", postgresql_using="gist"),
)
board_drops = Table(
    "board_drops",
    metadata,
    Column("area", Integer, primary_key=True, autoincrement=False),
    Column("extent", Geometry("GEOMETRY", 4326, spatial_index=False), nullable=False),
    Column("loads", Integer, nullable=False, server_default="0"),
    Index("ix_board_drops_extent", "extent", postgresql_using="gist"),
)

# The map of the whole board, counted every few seconds: H3 cells of resolutions 2 to 7 by their pickups.
board_cells = Table(
    "board_cells",
    metadata,
    _must("res", SmallInteger),
    _must("cell", BigInteger),
    _must("lat", Float),  # the middle of the loads, degrees
    _must("lon", Float),
    _must("loads", Integer),
    _must("price_sum", BigInteger),
    _must("price_min", BigInteger),
    _must("price_max", BigInteger),
    PrimaryKeyConstraint("res", "cell"),
    Index(None, "res", "lat", "lon"),
)
board_counts = Table(
    "board_counts",
    metadata,
    Column("id", Boolean, primary_key=True, server_default=text("true")),
    at("at"),
    _must("seconds", Float),  # how long the counting took
    _must("loads", Integer),
    CheckConstraint("id", name="one"),
)

# What reviews come to, and how the shipper pays (storage/remittance/record.py). Without a row he is unrated.
shipper_stats = Table(
    "shipper_stats",
    metadata,
    Column("shipper_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("rating", REAL),
    Column("ratings", Integer, nullable=False, server_default="0"),
    Column("paid_cases", Integer, nullable=False, server_default="0"),
    Column("paid_on_time", Integer, nullable=False, server_default="0"),
    Column("paid_late_days", REAL),
    at("paid_counted_at", nullable=True),
    Index(
        "ix_shipper_stats_counted", "paid_counted_at", postgresql_where=text("paid_counted_at IS NOT NULL")
    ),
    CheckConstraint("rating BETWEEN 0 AND 5", name="rating"),
    CheckConstraint("paid_on_time BETWEEN 0 AND paid_cases", name="paid"),
)

# A search as its driver gave it (`given`), and the same in columns that a new order is compared with: those of
# storage.board.filters, null where the search does not ask. The truck's part is kept by a trigger on vehicles.
saved_searches = Table(
    "saved_searches",
    metadata,
    id_column(),
    ref("driver_id", "users.id"),
    Column("name", String(80), nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("notify", Boolean, nullable=False, server_default=text("true")),
    Column("quiet_from", SmallInteger),  # minutes of the day in Kazakhstan (UTC+5): no pushes between them
    Column("quiet_to", SmallInteger),
    Column("version", Integer, nullable=False, server_default="1"),
    at("created_at", now=True),
    at("viewed_at", now=True),
    Column("given", JSONB, nullable=False),
    # Rectangles and outlines that hold every pickup and every drop asked for; the whole earth where none is.
    Column("zone", Geometry("GEOMETRY", 4326, spatial_index=False), nullable=False),
    Column("drop_zone", Geometry("GEOMETRY", 4326, spatial_index=False), nullable=False),
    Column("from_lat", Float),
    Column("from_lon", Float),
    Column("from_radius_m", Float),
    Column("to_lat", Float),
    Column("to_lon", Float),
    Column("to_radius_m", Float),
    Column("box_west", Integer),  # 1e-7 degrees
    Column("box_south", Integer),
    Column("box_east", Integer),
    Column("box_north", Integer),
    Column("polygon", Geometry("GEOMETRY", 4326, spatial_index=False)),
    Column("line", Geometry("LINESTRINGM", dimension=3, spatial_index=False)),  # geo.plane
    Column("line_lat", Float),
    Column("line_lon", Float),
    Column("line_reach_m", Float),
    Column("max_detour_m", Float),
    Column("wanted_bodies", Integer),
    Column("kinds", ARRAY(Text)),
    Column("weight_min_kg", REAL),
    Column("weight_max_kg", REAL),
    Column("volume_max_m3", REAL),
    Column("price_min", BigInteger),
    Column("per_km_min", REAL),
    Column("pickup_after", DateTime(timezone=True)),
    Column("pickup_before", DateTime(timezone=True)),
    Column("dangerous", Boolean),
    Column("pricings", Integer),
    Column("methods", Integer),
    Column("whens", Integer),
    Column("vat", Boolean),
    Column("prepay_min", SmallInteger),
    Column("rating_min", REAL),
    Column("paid_min", Float),
    # What the driver's active truck takes, when the search is for loads that fit it.
    Column("fits", Boolean, nullable=False, server_default=text("true")),
    Column("truck_bodies", Integer),
    Column("truck_kg", REAL),
    Column("truck_m3", REAL),
    Column("truck_length_m", REAL),
    Column("truck_width_m", REAL),
    Column("truck_height_m", REAL),
    Column("truck_sides", Integer),
    Column("truck_adr", Integer),
    Column("truck_temp_min", REAL),
    Column("truck_temp_max", REAL),
    UniqueConstraint("driver_id", "name"),
    Index(
        "ix_saved_searches_zones",
        "zone",
        "drop_zone",
        postgresql_using="gist",
        postgresql_where=text("active"),
    ),
    CheckConstraint("num_nulls(quiet_from, quiet_to) <> 1", name="quiet"),
    CheckConstraint("quiet_from BETWEEN 0 AND 1439 AND quiet_to BETWEEN 0 AND 1439", name="minutes"),
)

# One row a driver and order that an alert was written for. The primary key is the promise: told once, however
# many searches match and however often the order is edited; the index counts the last hour's.
search_alerts = Table(
    "search_alerts",
    metadata,
    _must("driver_id", BigInteger),
    _must("order_id", BigInteger),
    Column("search_id", BigInteger, ForeignKey("saved_searches.id", ondelete="SET NULL")),
    at("at", now=True),
    PrimaryKeyConstraint("driver_id", "order_id"),
    Index(None, "driver_id", "at"),
    Index(None, "search_id"),
    Index("ix_search_alerts_at", "at", postgresql_using="brin"),
)
