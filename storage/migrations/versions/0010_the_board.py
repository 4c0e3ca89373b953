"""the board: a projection of the open orders for searching, saved searches

Revision ID: 0010
Revises: 0009
Deploy: before  # the old code runs on the new schema; its board reads all orders, which is slow and right
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# One bit a word, by its place in the vocabulary; words that are not in it have none. Tests compare the vocabularies
# below with storage.board.words.
BITS = """
CREATE FUNCTION board_bits(words text[], vocabulary text[], unknown int) RETURNS int
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    mask int := 0;
    word text;
BEGIN
    FOREACH word IN ARRAY words LOOP
        mask := mask | coalesce(1 << array_position(vocabulary, word) - 1, unknown);
    END LOOP;
    RETURN mask;
END $$
"""
# Dangerous goods of a class that we do not know are a class of their own: no truck is taken to be allowed them.
ADR = """
CREATE FUNCTION board_adr(classes text[]) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT board_bits(classes, ARRAY['1', '2.1', '2.2', '2.3', '3', '4.1', '4.2', '4.3', '5.1', '5.2', '6.1', '6.2',
        '7', '8', '9'], 32768)
$$
"""
SIDES = """
CREATE FUNCTION board_sides(sides text[]) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT board_bits(sides, ARRAY['rear', 'side', 'top', 'full'], 16)
$$
"""
AREA = """
CREATE FUNCTION board_area(lat int, lon int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((lat::bigint + 900000000) / 2500000 * 1440 + (lon::bigint + 1800000000) / 2500000)::int
$$
"""
# An order as the board holds it, whether it is there yet or not. One row; SETOF, so that PostgreSQL writes it out in
# the statement around it: a function that it calls costs ten times as much.
ROW = """
CREATE FUNCTION board_row(o orders) RETURNS SETOF board LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT o.id, o.board_at, least(o.expires_at, o.confirm_by), o.version, o.shipper_id, o.company_id,
        o.hidden_from, board_area(p.lat, p.lon), board_area(d.lat, d.lon), p.lat, p.lon, d.lat, d.lon,
        o.pickup_cell, coalesce(o.pickup_from, 'epoch'), coalesce(o.pickup_to, '9999-01-01Z'), o.kind::text,
        coalesce(1 << array_position(v.bodies, o.body::text) - 1, 0)
            | CASE WHEN o.other_bodies = '{}' THEN 0 ELSE board_bits(o.other_bodies, v.bodies, 0) END,
        CASE WHEN o.sides = '{}' THEN 0 ELSE board_sides(o.sides) END,
        CASE WHEN o.adr IS NULL THEN 0 ELSE board_adr(ARRAY[o.adr::text]) END,
        coalesce(1 << array_position(v.terms, o.pricing::text) - 1, 0)
            | coalesce(1 << array_position(v.terms, o.payment_method::text) - 1, 0)
            | coalesce(1 << array_position(v.terms, o.payment_when::text) - 1, 0)
            | CASE WHEN o.vat THEN 512 ELSE 1024 END,
        o.prepay_percent, o.weight_kg::real, o.volume_m3::real, coalesce(o.length_m, 0)::real,
        coalesce(o.width_m, 0)::real, coalesce(o.height_m, 0)::real, coalesce(o.temp_min_c, '-Infinity')::real,
        coalesce(o.temp_max_c, 'Infinity')::real, o.distance_m::real, o.duration_s::real, t.price,
        (t.price / greatest(o.distance_m / 1000, 0.001))::real
    FROM (SELECT round(ST_Y(o.pickup_point) * 1e7)::int, round(ST_X(o.pickup_point) * 1e7)::int) AS p(lat, lon),
        (SELECT round(ST_Y(o.drop_point) * 1e7)::int, round(ST_X(o.drop_point) * 1e7)::int) AS d(lat, lon),
        (SELECT CASE WHEN o.price_currency = 'KZT' THEN o.price_amount ELSE 0 END) AS t(price),
        (SELECT ARRAY['tent', 'reefer', 'isotherm', 'flatbed', 'container', 'tipper', 'tank', 'lowboy', 'van'],
            ARRAY['fixed', 'negotiable', 'bids', 'transfer', 'cash', 'card', 'on_loading', 'on_delivery',
                'deferred']) AS v(bodies, terms)
$$
"""
# In the transaction of whoever writes the order: no statement can forget the board. The lists of areas only grow;
# each is locked only by the load that is its first, or that lies outside what it has had so far.
KEEP = """
CREATE FUNCTION board_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row board;
    pickup geometry;
    drop geometry;
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM board WHERE order_id = OLD.id;
        RETURN NULL;
    END IF;
    IF NEW.status <> 'open' OR NEW.board_at IS NULL OR NEW.private THEN
        DELETE FROM board WHERE order_id = NEW.id;
        RETURN NULL;
    END IF;
    SELECT * INTO row FROM board_row(NEW);
    -- Ten metres around: what an index rounds a place to stays inside.
    pickup := ST_Expand(ST_SetSRID(ST_MakePoint(row.pickup_lon / 1e7, row.pickup_lat / 1e7), 4326), 1e-4);
    drop := ST_Expand(ST_SetSRID(ST_MakePoint(row.drop_lon / 1e7, row.drop_lat / 1e7), 4326), 1e-4);
    IF NOT EXISTS (SELECT FROM board_areas a WHERE a.area = row.pickup_area AND a.bodies = row.bodies
            AND ST_Covers(a.extent, pickup)) THEN
        INSERT INTO board_areas AS a (area, bodies, extent) VALUES (row.pickup_area, row.bodies, pickup)
        ON CONFLICT (area, bodies) DO UPDATE SET extent = ST_Envelope(ST_Collect(a.extent, excluded.extent));
    END IF;
    IF NOT EXISTS (SELECT FROM board_drops a WHERE a.area = row.drop_area AND ST_Covers(a.extent, drop)) THEN
        INSERT INTO board_drops AS a (area, extent) VALUES (row.drop_area, drop)
        ON CONFLICT (area) DO UPDATE SET extent = ST_Envelope(ST_Collect(a.extent, excluded.extent));
    END IF;
    DELETE FROM board b WHERE b.order_id = NEW.id AND b IS DISTINCT FROM row;
    INSERT INTO board VALUES (row.*) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
# A pickup that was moved by who does not know of cells: the next look of storage.board.upkeep finds the new one.
UNCELL = """
CREATE FUNCTION orders_uncell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.pickup_cell := NULL;
    RETURN NEW;
END $$
"""
TRIGGERS = (
    """
CREATE TRIGGER orders_uncell BEFORE UPDATE OF pickup_point ON orders FOR EACH ROW
WHEN (NOT NEW.pickup_point ~= OLD.pickup_point AND NEW.pickup_cell IS NOT DISTINCT FROM OLD.pickup_cell)
EXECUTE FUNCTION orders_uncell()
""",
    """
CREATE TRIGGER orders_board_placed AFTER INSERT ON orders FOR EACH ROW
WHEN (NEW.status = 'open' AND NEW.board_at IS NOT NULL) EXECUTE FUNCTION board_keep()
""",
    """
CREATE TRIGGER orders_board_changed AFTER UPDATE ON orders FOR EACH ROW
WHEN ((OLD.status = 'open' AND OLD.board_at IS NOT NULL) OR (NEW.status = 'open' AND NEW.board_at IS NOT NULL))
EXECUTE FUNCTION board_keep()
""",
    """
CREATE TRIGGER orders_board_gone AFTER DELETE ON orders FOR EACH ROW
WHEN (OLD.status = 'open' AND OLD.board_at IS NOT NULL) EXECUTE FUNCTION board_keep()
""",
    """
CREATE TRIGGER vehicles_searches AFTER INSERT OR UPDATE ON vehicles FOR EACH ROW
EXECUTE FUNCTION vehicles_searches()
""",
)
# geo.plane in SQL: metres east and north of (lat0, lon0), azimuthal equidistant.
PLANE = """
CREATE FUNCTION board_plane(lat int, lon int, lat0 float8, lon0 float8) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    phi0 float8 := radians(lat0);
    phi float8 := radians(lat / 1e7);
    turn float8 := radians(lon / 1e7 - lon0);
    arc float8 := acos(least(1, greatest(-1, sin(phi0) * sin(phi) + cos(phi0) * cos(phi) * cos(turn))));
    scale float8 := 6371008.8 * CASE WHEN arc > 1e-9 THEN arc / sin(arc) ELSE 1 END;
BEGIN
    RETURN ST_MakePoint(scale * cos(phi) * sin(turn),
        scale * (cos(phi0) * sin(phi) - sin(phi0) * cos(phi) * cos(turn)));
END $$
"""
# What a load adds to a driver's route, in metres of road: off the line to the pickup, the haul, back to the line,
# less the part of the route that need not be driven. Null for a load that does not lie along it.
DETOUR = """
CREATE FUNCTION board_detour(pickup_lat int, pickup_lon int, drop_lat int, drop_lon int, haul_m real,
    line geometry, lat0 float8, lon0 float8, reach_m float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS $$
DECLARE
    here geometry := board_plane(pickup_lat, pickup_lon, lat0, lon0);
    there geometry;
    off_here float8 := ST_Distance(line, here);
    off_there float8;
    along float8;
BEGIN
    IF off_here > reach_m THEN
        RETURN NULL;
    END IF;
    there := board_plane(drop_lat, drop_lon, lat0, lon0);
    off_there := ST_Distance(line, there);
    IF off_there > reach_m THEN
        RETURN NULL;
    END IF;
    along := ST_InterpolatePoint(line, there) - ST_InterpolatePoint(line, here);
    IF along <= 0 THEN
        RETURN NULL;
    END IF;
    RETURN greatest(0, 1.17 * (off_here + off_there) + haul_m - along);
END $$
"""
# What a driver's active truck takes, into his saved searches. By way of JSON, so that columns which a truck may or
# may not have (metres inside, sides, classes, temperatures) are no matter.
REFIT = """
CREATE FUNCTION saved_searches_refit(driver bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    truck jsonb := (SELECT to_jsonb(v) FROM vehicles v WHERE v.driver_id = driver);
    sides text[] := ARRAY(SELECT jsonb_array_elements_text(coalesce(truck->'sides', '[]')));
    classes text[] := ARRAY(SELECT jsonb_array_elements_text(coalesce(truck->'adr', '[]')));
BEGIN
    UPDATE saved_searches s SET
        truck_bodies = t.bodies, truck_kg = t.kg, truck_m3 = t.m3, truck_length_m = t.length,
        truck_width_m = t.width, truck_height_m = t.height, truck_sides = t.sides, truck_adr = t.adr,
        truck_temp_min = t.temp_min, truck_temp_max = t.temp_max
    FROM (SELECT w.id,
            CASE w.body WHEN 'tent' THEN 257 WHEN 'reefer' THEN 263 WHEN 'isotherm' THEN 261
                WHEN 'flatbed' THEN 24 WHEN 'container' THEN 16 WHEN 'tipper' THEN 32 WHEN 'tank' THEN 64
                WHEN 'lowboy' THEN 136 WHEN 'van' THEN 257 END AS bodies,
            (w.truck->>'capacity_kg')::real AS kg, (w.truck->>'volume_m3')::real AS m3,
            (w.truck->>'length_m')::real AS length, (w.truck->>'width_m')::real AS width,
            (w.truck->>'height_m')::real AS height,
            CASE WHEN w.truck IS NOT NULL AND sides <> '{}' AND NOT 'full' = ANY (sides)
                THEN board_sides(sides) END AS sides,
            CASE WHEN w.truck IS NOT NULL THEN board_adr(classes) END AS adr,
            (w.truck->>'temp_min_c')::real AS temp_min, (w.truck->>'temp_max_c')::real AS temp_max
        FROM (SELECT x.id, CASE WHEN x.fits THEN truck END AS truck, CASE WHEN x.fits THEN truck->>'body' END AS body
            FROM saved_searches x WHERE x.driver_id = driver) w
    ) t
    WHERE s.id = t.id AND (s.truck_bodies, s.truck_kg, s.truck_m3, s.truck_length_m, s.truck_width_m,
        s.truck_height_m, s.truck_sides, s.truck_adr, s.truck_temp_min, s.truck_temp_max)
        IS DISTINCT FROM (t.bodies, t.kg, t.m3, t.length, t.width, t.height, t.sides, t.adr, t.temp_min, t.temp_max);
END $$
"""
VEHICLES = """
CREATE FUNCTION vehicles_searches() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.driver_id IS NOT NULL AND OLD.driver_id IS DISTINCT FROM NEW.driver_id THEN
        PERFORM saved_searches_refit(OLD.driver_id);
    END IF;
    IF NEW.driver_id IS NOT NULL THEN
        PERFORM saved_searches_refit(NEW.driver_id);
    END IF;
    RETURN NULL;
END $$
"""
FUNCTIONS = (BITS, ADR, SIDES, AREA, ROW, KEEP, UNCELL, PLANE, DETOUR, REFIT, VEHICLES)
# What is on the board when this runs.
FILL = (
    """
INSERT INTO board SELECT r.* FROM orders o CROSS JOIN LATERAL board_row(o) r
WHERE o.status = 'open' AND o.board_at IS NOT NULL AND NOT o.private
""",
    """
INSERT INTO board_areas (area, bodies, extent, loads)
SELECT pickup_area, bodies,
    ST_Expand(ST_SetSRID(ST_Extent(ST_MakePoint(pickup_lon / 1e7, pickup_lat / 1e7))::geometry, 4326), 1e-4), count(*)
FROM board GROUP BY pickup_area, bodies
""",
    """
INSERT INTO board_drops (area, extent, loads)
SELECT drop_area,
    ST_Expand(ST_SetSRID(ST_Extent(ST_MakePoint(drop_lon / 1e7, drop_lat / 1e7))::geometry, 4326), 1e-4), count(*)
FROM board GROUP BY drop_area
""",
)


def upgrade() -> None:
    op.create_table(
        "board",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shipper_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("hidden_from", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("pickup_area", sa.Integer(), nullable=False),
        sa.Column("drop_area", sa.Integer(), nullable=False),
        sa.Column("pickup_lat", sa.Integer(), nullable=False),
        sa.Column("pickup_lon", sa.Integer(), nullable=False),
        sa.Column("drop_lat", sa.Integer(), nullable=False),
        sa.Column("drop_lon", sa.Integer(), nullable=False),
        sa.Column("pickup_cell", sa.BigInteger(), nullable=True),
        sa.Column("pickup_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pickup_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bodies", sa.Integer(), nullable=False),
        sa.Column("sides", sa.Integer(), nullable=False),
        sa.Column("adr", sa.Integer(), nullable=False),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("prepay", sa.SmallInteger(), nullable=False),
        sa.Column("weight_kg", sa.REAL(), nullable=False),
        sa.Column("volume_m3", sa.REAL(), nullable=False),
        sa.Column("length_m", sa.REAL(), nullable=False),
        sa.Column("width_m", sa.REAL(), nullable=False),
        sa.Column("height_m", sa.REAL(), nullable=False),
        sa.Column("temp_min", sa.REAL(), nullable=False),
        sa.Column("temp_max", sa.REAL(), nullable=False),
        sa.Column("distance_m", sa.REAL(), nullable=False),
        sa.Column("duration_s", sa.REAL(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("per_km", sa.REAL(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_board")),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_vacuum_insert_scale_factor": "0.02",
            "autovacuum_analyze_scale_factor": "0.02",
        },
    )
    op.create_index(
        "ix_board_area",
        "board",
        ["pickup_area", "bodies", "drop_area"],
        unique=False,
        postgresql_include=[
            "weight_kg",
            "volume_m3",
            "adr",
            "until",
            "pickup_lat",
            "pickup_lon",
            "drop_lat",
            "drop_lon",
            "per_km",
            "price",
            "pickup_from",
            "pickup_to",
            "at",
            "order_id",
            "pickup_cell",
            "terms",
            "prepay",
            "length_m",
            "width_m",
            "height_m",
            "sides",
            "temp_min",
            "temp_max",
            "distance_m",
            "duration_s",
            "shipper_id",
            "company_id",
            "kind",
            "hidden_from",
        ],
    )
    op.create_index(
        "ix_board_newest",
        "board",
        [sa.literal_column("at DESC"), sa.literal_column("order_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_board_per_km",
        "board",
        [sa.literal_column("per_km DESC"), sa.literal_column("order_id DESC")],
        unique=False,
    )
    op.create_index("ix_board_pickup_date", "board", ["pickup_from", "order_id"], unique=False)
    op.create_index(
        "ix_board_uncelled",
        "board",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("pickup_cell IS NULL"),
    )
    op.create_geospatial_table(
        "board_areas",
        sa.Column("area", sa.Integer(), nullable=False),
        sa.Column("bodies", sa.Integer(), nullable=False),
        sa.Column(
            "extent",
            Geometry(
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("loads", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("area", "bodies", name=op.f("pk_board_areas")),
    )
    op.create_geospatial_index(
        "ix_board_areas_extent", "board_areas", ["extent"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "board_cells",
        sa.Column("res", sa.SmallInteger(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("loads", sa.Integer(), nullable=False),
        sa.Column("price_sum", sa.BigInteger(), nullable=False),
        sa.Column("price_min", sa.BigInteger(), nullable=False),
        sa.Column("price_max", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("res", "cell", name=op.f("pk_board_cells")),
    )
    op.create_index(op.f("ix_board_cells_res_lat_lon"), "board_cells", ["res", "lat", "lon"], unique=False)
    op.create_table(
        "board_counts",
        sa.Column("id", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("loads", sa.Integer(), nullable=False),
        sa.CheckConstraint("id", name=op.f("ck_board_counts_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_counts")),
    )
    op.create_geospatial_table(
        "board_drops",
        sa.Column("area", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "extent",
            Geometry(
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("loads", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_board_drops")),
    )
    op.create_geospatial_index(
        "ix_board_drops_extent", "board_drops", ["extent"], unique=False, postgresql_using="gist"
    )
    op.create_geospatial_table(
        "saved_searches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("notify", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("quiet_from", sa.SmallInteger(), nullable=True),
        sa.Column("quiet_to", sa.SmallInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("viewed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("given", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "zone",
            Geometry(
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "drop_zone",
            Geometry(
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("from_lat", sa.Float(), nullable=True),
        sa.Column("from_lon", sa.Float(), nullable=True),
        sa.Column("from_radius_m", sa.Float(), nullable=True),
        sa.Column("to_lat", sa.Float(), nullable=True),
        sa.Column("to_lon", sa.Float(), nullable=True),
        sa.Column("to_radius_m", sa.Float(), nullable=True),
        sa.Column("box_west", sa.Integer(), nullable=True),
        sa.Column("box_south", sa.Integer(), nullable=True),
        sa.Column("box_east", sa.Integer(), nullable=True),
        sa.Column("box_north", sa.Integer(), nullable=True),
        sa.Column(
            "polygon",
            Geometry(
                srid=4326, dimension=2, spatial_index=False, from_text="ST_GeomFromEWKT", name="geometry"
            ),
            nullable=True,
        ),
        sa.Column(
            "line",
            Geometry(
                geometry_type="LINESTRINGM",
                dimension=3,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("line_lat", sa.Float(), nullable=True),
        sa.Column("line_lon", sa.Float(), nullable=True),
        sa.Column("line_reach_m", sa.Float(), nullable=True),
        sa.Column("max_detour_m", sa.Float(), nullable=True),
        sa.Column("wanted_bodies", sa.Integer(), nullable=True),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("weight_min_kg", sa.REAL(), nullable=True),
        sa.Column("weight_max_kg", sa.REAL(), nullable=True),
        sa.Column("volume_max_m3", sa.REAL(), nullable=True),
        sa.Column("price_min", sa.BigInteger(), nullable=True),
        sa.Column("per_km_min", sa.REAL(), nullable=True),
        sa.Column("pickup_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pickup_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dangerous", sa.Boolean(), nullable=True),
        sa.Column("pricings", sa.Integer(), nullable=True),
        sa.Column("methods", sa.Integer(), nullable=True),
        sa.Column("whens", sa.Integer(), nullable=True),
        sa.Column("vat", sa.Boolean(), nullable=True),
        sa.Column("prepay_min", sa.SmallInteger(), nullable=True),
        sa.Column("rating_min", sa.REAL(), nullable=True),
        sa.Column("fits", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("truck_bodies", sa.Integer(), nullable=True),
        sa.Column("truck_kg", sa.REAL(), nullable=True),
        sa.Column("truck_m3", sa.REAL(), nullable=True),
        sa.Column("truck_length_m", sa.REAL(), nullable=True),
        sa.Column("truck_width_m", sa.REAL(), nullable=True),
        sa.Column("truck_height_m", sa.REAL(), nullable=True),
        sa.Column("truck_sides", sa.Integer(), nullable=True),
        sa.Column("truck_adr", sa.Integer(), nullable=True),
        sa.Column("truck_temp_min", sa.REAL(), nullable=True),
        sa.Column("truck_temp_max", sa.REAL(), nullable=True),
        sa.CheckConstraint("num_nulls(quiet_from, quiet_to) <> 1", name=op.f("ck_saved_searches_quiet")),
        sa.CheckConstraint(
            "quiet_from BETWEEN 0 AND 1439 AND quiet_to BETWEEN 0 AND 1439",
            name=op.f("ck_saved_searches_minutes"),
        ),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_saved_searches_driver_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint("driver_id", "name", name=op.f("uq_saved_searches_driver_id_name")),
    )
    op.create_index(
        "ix_saved_searches_zones",
        "saved_searches",
        ["zone", "drop_zone"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "shipper_stats",
        sa.Column("shipper_id", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.REAL(), nullable=True),
        sa.Column("ratings", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("rating BETWEEN 0 AND 5", name=op.f("ck_shipper_stats_rating")),
        sa.ForeignKeyConstraint(["shipper_id"], ["users.id"], name=op.f("fk_shipper_stats_shipper_id")),
        sa.PrimaryKeyConstraint("shipper_id", name=op.f("pk_shipper_stats")),
    )
    op.create_table(
        "search_alerts",
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("search_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id"], ["saved_searches.id"], name=op.f("fk_search_alerts_search_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("driver_id", "order_id", name=op.f("pk_search_alerts")),
    )
    op.create_index("ix_search_alerts_at", "search_alerts", ["at"], unique=False, postgresql_using="brin")
    op.create_index(op.f("ix_search_alerts_driver_id_at"), "search_alerts", ["driver_id", "at"], unique=False)
    op.create_index(op.f("ix_search_alerts_search_id"), "search_alerts", ["search_id"], unique=False)
    op.add_column("orders", sa.Column("pickup_cell", sa.BigInteger(), nullable=True))
    op.add_column("orders", sa.Column("matched_version", sa.Integer(), server_default="0", nullable=False))
    op.drop_index(
        op.f("ix_orders_board_newest"),
        table_name="orders",
        postgresql_where="(((status)::text = 'open'::text) AND (board_at IS NOT NULL))",
    )
    op.drop_geospatial_index(
        op.f("ix_orders_board_pickup"),
        table_name="orders",
        postgresql_using="gist",
        postgresql_where="(((status)::text = 'open'::text) AND (board_at IS NOT NULL))",
        column_name="pickup_point",
    )
    for statement in (*FUNCTIONS, *FILL, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for name in ("orders_uncell", "orders_board_placed", "orders_board_changed", "orders_board_gone"):
        op.execute(f"DROP TRIGGER {name} ON orders")
    op.execute("DROP TRIGGER vehicles_searches ON vehicles")
    for name in ("vehicles_searches", "saved_searches_refit", "board_detour", "board_plane", "orders_uncell"):
        op.execute(f"DROP FUNCTION {name}")
    for name in ("board_keep", "board_row", "board_area", "board_sides", "board_adr", "board_bits"):
        op.execute(f"DROP FUNCTION {name}")
    op.create_geospatial_index(
        op.f("ix_orders_board_pickup"),
        "orders",
        ["pickup_point"],
        unique=False,
        postgresql_using="gist",
        postgresql_where="(((status)::text = 'open'::text) AND (board_at IS NOT NULL))",
    )
    op.create_index(
        op.f("ix_orders_board_newest"),
        "orders",
        [sa.literal_column("id DESC")],
        unique=False,
        postgresql_where="(((status)::text = 'open'::text) AND (board_at IS NOT NULL))",
    )
    op.drop_column("orders", "matched_version")
    op.drop_column("orders", "pickup_cell")
    op.drop_index(op.f("ix_search_alerts_search_id"), table_name="search_alerts")
    op.drop_index(op.f("ix_search_alerts_driver_id_at"), table_name="search_alerts")
    op.drop_index("ix_search_alerts_at", table_name="search_alerts", postgresql_using="brin")
    op.drop_table("search_alerts")
    op.drop_table("shipper_stats")
    op.drop_index(
        "ix_saved_searches_zones",
        table_name="saved_searches",
        postgresql_using="gist",
        postgresql_where=sa.text("active"),
    )
    op.drop_geospatial_table("saved_searches")
    op.drop_geospatial_index(
        "ix_board_drops_extent", table_name="board_drops", postgresql_using="gist", column_name="extent"
    )
    op.drop_geospatial_table("board_drops")
    op.drop_table("board_counts")
    op.drop_index(op.f("ix_board_cells_res_lat_lon"), table_name="board_cells")
    op.drop_table("board_cells")
    op.drop_geospatial_index(
        "ix_board_areas_extent", table_name="board_areas", postgresql_using="gist", column_name="extent"
    )
    op.drop_geospatial_table("board_areas")
    op.drop_index("ix_board_uncelled", table_name="board", postgresql_where=sa.text("pickup_cell IS NULL"))
    op.drop_index("ix_board_pickup_date", table_name="board")
    op.drop_index("ix_board_per_km", table_name="board")
    op.drop_index("ix_board_newest", table_name="board")
    op.drop_index(
        "ix_board_area",
        table_name="board",
        postgresql_include=[
            "weight_kg",
            "volume_m3",
            "adr",
            "until",
            "pickup_lat",
            "pickup_lon",
            "drop_lat",
            "drop_lon",
            "per_km",
            "price",
            "pickup_from",
            "pickup_to",
            "at",
            "order_id",
            "pickup_cell",
            "terms",
            "prepay",
            "length_m",
            "width_m",
            "height_m",
            "sides",
            "temp_min",
            "temp_max",
            "distance_m",
            "duration_s",
            "shipper_id",
            "company_id",
            "kind",
            "hidden_from",
        ],
    )
    op.drop_table("board")
