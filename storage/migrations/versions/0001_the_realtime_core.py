"""the realtime core

Revision ID: 0001
Revises:
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.create_table(
        "accepts",
        sa.Column("accept_id", sa.UUID(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("accept_id", name=op.f("pk_accepts")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_geospatial_table(
        "last_positions",
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "point",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("speed", sa.REAL(), nullable=True),
        sa.Column("heading", sa.REAL(), nullable=True),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_last_positions")),
        postgresql_with={"fillfactor": "60"},
    )
    op.create_table(
        "otp_requests",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("code_hmac", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("ip", sa.String(length=45), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_otp_requests")),
    )
    op.create_index(op.f("ix_otp_requests_ip_created_at"), "otp_requests", ["ip", "created_at"], unique=False)
    op.create_index(
        op.f("ix_otp_requests_phone_created_at"), "otp_requests", ["phone", "created_at"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="due", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'sent', 'cancelled', 'dead', 'expired')", name=op.f("ck_outbox_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_dedupe_key")),
    )
    op.create_index(
        "ix_outbox_due", "outbox", ["due_at"], unique=False, postgresql_where=sa.text("state = 'due'")
    )
    op.create_table(
        "poison_points",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.Float(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("flag", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "seq", name=op.f("pk_poison_points")),
    )
    op.create_geospatial_table(
        "positions",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "point",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("speed", sa.REAL(), nullable=True),
        sa.Column("heading", sa.REAL(), nullable=True),
        sa.Column("accuracy", sa.REAL(), nullable=True),
        sa.Column("flag", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "recorded_at", "stream_id", "seq", name=op.f("pk_positions")),
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.create_index(
        "ix_positions_received_at", "positions", ["received_at"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("locale", sa.String(length=8), server_default="ru", nullable=False),
        sa.Column("blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('driver', 'shipper', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("phone", name=op.f("uq_users_phone")),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(length=120), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_devices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_user_id"), "devices", ["user_id"], unique=False)
    op.create_table(
        "driver_states",
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("on_duty", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("rating", sa.Float(), server_default="5", nullable=False),
        sa.Column("last_offer_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_driver_states_driver_id")),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_driver_states")),
    )
    op.create_geospatial_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shipper_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pickup_city", sa.BigInteger(), nullable=False),
        sa.Column("pickup_name", sa.String(length=120), nullable=False),
        sa.Column(
            "pickup_point",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("drop_city", sa.BigInteger(), nullable=False),
        sa.Column("drop_name", sa.String(length=120), nullable=False),
        sa.Column(
            "drop_point",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("cargo", sa.String(length=200), nullable=False),
        sa.Column("weight_kg", sa.Float(), nullable=False),
        sa.Column("volume_m3", sa.Float(), nullable=False),
        sa.Column("body", sa.String(length=16), nullable=False),
        sa.Column("distance_m", sa.Float(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("distance_origin", sa.String(length=16), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wave", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("seek_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("board_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("weight_kg > 0 AND volume_m3 >= 0", name=op.f("ck_orders_size")),
        sa.ForeignKeyConstraint(["shipper_id"], ["users.id"], name=op.f("fk_orders_shipper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index(
        "ix_orders_board_newest",
        "orders",
        [sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'open' AND board_at IS NOT NULL"),
    )
    op.create_geospatial_index(
        "ix_orders_board_pickup",
        "orders",
        ["pickup_point"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("status = 'open' AND board_at IS NOT NULL"),
        postgresql_ops={},
    )
    op.create_index(
        "ix_orders_expiry",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_orders_seek", "orders", ["seek_at"], unique=False, postgresql_where=sa.text("seek_at IS NOT NULL")
    )
    op.create_index(op.f("ix_orders_shipper_id_id"), "orders", ["shipper_id", "id"], unique=False)
    op.create_table(
        "push_endpoints",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "keys",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("locale", sa.String(length=8), server_default="ru", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('webpush', 'fid', 'token')", name=op.f("ck_push_endpoints_kind")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_push_endpoints_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_endpoints")),
        sa.UniqueConstraint("address", name=op.f("uq_push_endpoints_address")),
    )
    op.create_index(op.f("ix_push_endpoints_user_id"), "push_endpoints", ["user_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.String(length=45), server_default="", nullable=False),
        sa.Column("user_agent", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoke_reason", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(
        "ix_sessions_revoked",
        "sessions",
        ["revoked_at"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("paid_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_subscriptions_driver_id")),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_subscriptions")),
    )
    op.create_table(
        "vehicles",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("plate", sa.String(length=16), server_default="", nullable=False),
        sa.Column("body", sa.String(length=16), nullable=False),
        sa.Column("capacity_kg", sa.Float(), nullable=False),
        sa.Column("volume_m3", sa.Float(), nullable=False),
        sa.CheckConstraint("capacity_kg > 0 AND volume_m3 > 0", name=op.f("ck_vehicles_size")),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_vehicles_driver_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicles")),
        sa.UniqueConstraint("driver_id", name=op.f("uq_vehicles_driver_id")),
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("wave", sa.SmallInteger(), nullable=False),
        sa.Column("deadhead_m", sa.Float(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_offers_driver_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_offers_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
    )
    op.create_index(
        "ix_offers_driver_live",
        "offers",
        ["driver_id"],
        unique=False,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_index(
        "ix_offers_due", "offers", ["expires_at"], unique=False, postgresql_where=sa.text("status = 'live'")
    )
    op.create_index(op.f("ix_offers_order_id"), "offers", ["order_id"], unique=False)
    op.create_index(
        "uq_offers_accepted",
        "offers",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status = 'accepted'"),
    )
    op.create_index(
        "uq_offers_live",
        "offers",
        ["order_id", "driver_id"],
        unique=True,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_table(
        "order_events",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id")),
        sa.PrimaryKeyConstraint("order_id", "seq", name=op.f("pk_order_events")),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False)
    op.create_table(
        "streams",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.String(length=16), nullable=False),
        sa.Column("upto", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_streams_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_streams")),
        sa.UniqueConstraint("device_id", "stream", name=op.f("uq_streams_device_id_stream")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "assignments",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_assignments_driver_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_assignments_offer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_assignments_order_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_assignments_vehicle_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_assignments")),
    )
    op.create_index(
        op.f("ix_assignments_driver_id_order_id"), "assignments", ["driver_id", "order_id"], unique=False
    )
    op.create_index(
        "uq_assignments_driver",
        "assignments",
        ["driver_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_assignments_driver", table_name="assignments", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index(op.f("ix_assignments_driver_id_order_id"), table_name="assignments")
    op.drop_table("assignments")
    op.drop_table("streams")
    op.drop_index(op.f("ix_refresh_tokens_session_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_table("order_events")
    op.drop_index("uq_offers_live", table_name="offers", postgresql_where=sa.text("status = 'live'"))
    op.drop_index("uq_offers_accepted", table_name="offers", postgresql_where=sa.text("status = 'accepted'"))
    op.drop_index(op.f("ix_offers_order_id"), table_name="offers")
    op.drop_index("ix_offers_due", table_name="offers", postgresql_where=sa.text("status = 'live'"))
    op.drop_index("ix_offers_driver_live", table_name="offers", postgresql_where=sa.text("status = 'live'"))
    op.drop_table("offers")
    op.drop_table("vehicles")
    op.drop_table("subscriptions")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_index(
        "ix_sessions_revoked", table_name="sessions", postgresql_where=sa.text("revoked_at IS NOT NULL")
    )
    op.drop_table("sessions")
    op.drop_index(op.f("ix_push_endpoints_user_id"), table_name="push_endpoints")
    op.drop_table("push_endpoints")
    op.drop_index(op.f("ix_orders_shipper_id_id"), table_name="orders")
    op.drop_index("ix_orders_seek", table_name="orders", postgresql_where=sa.text("seek_at IS NOT NULL"))
    op.drop_index("ix_orders_expiry", table_name="orders", postgresql_where=sa.text("status = 'open'"))
    op.drop_geospatial_index(
        "ix_orders_board_pickup",
        table_name="orders",
        postgresql_using="gist",
        postgresql_where=sa.text("status = 'open' AND board_at IS NOT NULL"),
        column_name="pickup_point",
    )
    op.drop_index(
        "ix_orders_board_newest",
        table_name="orders",
        postgresql_where=sa.text("status = 'open' AND board_at IS NOT NULL"),
    )
    op.drop_geospatial_table("orders")
    op.drop_table("driver_states")
    op.drop_index(op.f("ix_devices_user_id"), table_name="devices")
    op.drop_table("devices")
    op.drop_table("users")
    op.drop_index("ix_positions_received_at", table_name="positions", postgresql_using="brin")
    op.drop_geospatial_table("positions")
    op.drop_table("poison_points")
    op.drop_index("ix_outbox_due", table_name="outbox", postgresql_where=sa.text("state = 'due'"))
    op.drop_table("outbox")
    op.drop_index(op.f("ix_otp_requests_phone_created_at"), table_name="otp_requests")
    op.drop_index(op.f("ix_otp_requests_ip_created_at"), table_name="otp_requests")
    op.drop_table("otp_requests")
    op.drop_geospatial_table("last_positions")
    op.drop_table("idempotency_keys")
    op.drop_table("accepts")
