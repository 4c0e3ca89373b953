"""trips: what the stream of positions says of an order on its way

Revision ID: 0015
Revises: 0014
Deploy: before  # the old code runs on the new schema: the trigger makes rows that it never reads
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography, Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Every way of winning a load writes an assignment; none of them can forget its trip.
BEGIN = """
CREATE FUNCTION trips_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trips (order_id, driver_id, started_at, look_at)
    VALUES (NEW.order_id, NEW.driver_id, NEW.assigned_at, NEW.assigned_at) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
ON_ASSIGNMENT = """
CREATE TRIGGER assignments_trips AFTER INSERT ON assignments FOR EACH ROW EXECUTE FUNCTION trips_begin()
"""
# What is on its way now; hauls that are over have no trip.
UNDER_WAY = """
INSERT INTO trips (order_id, driver_id, started_at, look_at)
SELECT order_id, driver_id, assigned_at, now() FROM assignments WHERE ended_at IS NULL
"""


def upgrade() -> None:
    op.create_table(
        "trips",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("followed_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metres", sa.Float(), server_default="0", nullable=False),
        sa.Column("empty_metres", sa.Float(), nullable=True),
        sa.Column("trail", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("eta", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("eta_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delay_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told_delay_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("suggested", sa.String(16), nullable=True),
        sa.Column("dismissed", sa.String(16), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_trips_driver_id_users")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_trips_order_id_orders")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_trips")),
    )
    op.create_index(op.f("ix_trips_driver_id_order_id"), "trips", ["driver_id", "order_id"])
    op.create_index("ix_trips_look", "trips", ["look_at"], postgresql_where=sa.text("look_at IS NOT NULL"))
    op.create_table(
        "trip_stops",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("fence", Geography("POINT", 4326, spatial_index=False), nullable=False),
        sa.Column("radius_m", sa.REAL(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inside_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outside_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["trips.order_id"], name=op.f("fk_trip_stops_order_id_trips")),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_trip_stops")),
    )
    op.create_table(
        "trip_halts",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["trips.order_id"], name=op.f("fk_trip_halts_order_id_trips")),
        sa.PrimaryKeyConstraint("order_id", "since", name=op.f("pk_trip_halts")),
    )
    op.create_table(
        "trip_tracks",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line", Geometry("LINESTRINGM", 4326, dimension=3, spatial_index=False), nullable=False),
        sa.Column("cells", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["trips.order_id"], name=op.f("fk_trip_tracks_order_id_trips")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_trip_tracks")),
    )
    op.create_index("ix_trip_tracks_line", "trip_tracks", ["line"], postgresql_using="gist")
    op.execute(BEGIN)
    op.execute(ON_ASSIGNMENT)
    op.execute(UNDER_WAY)


def downgrade() -> None:
    op.execute("DROP TRIGGER assignments_trips ON assignments")
    op.execute("DROP FUNCTION trips_begin")
    for table in ("trip_tracks", "trip_halts", "trip_stops", "trips"):
        op.drop_table(table)
