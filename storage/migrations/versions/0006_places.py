"""saved places, fuel prices, history by lane

Revision ID: 0006
Revises: 0005
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import geoalchemy2
import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "saved_places",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=300), server_default="", nullable=False),
        sa.Column(
            "point",
            geoalchemy2.types.Geometry(
                geometry_type="POINT", srid=4326, dimension=2, spatial_index=False, nullable=False
            ),
            nullable=False,
        ),
        sa.Column("city_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("contact_phone", sa.String(length=16), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_places_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_places")),
    )
    op.create_index(op.f("ix_saved_places_user_id"), "saved_places", ["user_id"])
    op.create_table(
        "fuel_prices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=16), server_default="", nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_fuel_prices_amount")),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_fuel_prices_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fuel_prices")),
        sa.UniqueConstraint(
            "country", "region", "valid_from", name=op.f("uq_fuel_prices_country_region_valid_from")
        ),
    )
    op.create_index(
        "ix_orders_lane",
        "orders",
        ["pickup_city", "drop_city", "ended_at"],
        postgresql_where=sa.text("status IN ('delivered', 'closed')"),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_lane", table_name="orders")
    op.drop_table("fuel_prices")
    op.drop_index(op.f("ix_saved_places_user_id"), table_name="saved_places")
    op.drop_table("saved_places")
