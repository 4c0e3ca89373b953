"""proof of delivery, and incidents

Revision ID: 0016
Revises: 0015
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "proof_demands",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kinds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("code", sa.String(4), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_proof_demands_order_id_orders")),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_proof_demands_set_by_users")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_proof_demands")),
    )
    op.create_table(
        "proofs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("strokes", postgresql.JSONB(), nullable=True),
        sa.Column("signed_by", sa.String(120), server_default="", nullable=False),
        sa.Column("note", sa.String(200), server_default="", nullable=False),
        sa.Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('photo', 'signature', 'code')", name=op.f("ck_proofs_kind")),
        sa.CheckConstraint(
            "(kind = 'photo') = (file_id IS NOT NULL) AND (kind = 'signature') = (strokes IS NOT NULL)",
            name=op.f("ck_proofs_content"),
        ),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_proofs_file_id_files")),
        sa.ForeignKeyConstraint(["given_by"], ["users.id"], name=op.f("fk_proofs_given_by_users")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_proofs_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
        sa.UniqueConstraint("file_id", name=op.f("uq_proofs_file_id")),
    )
    op.create_index(op.f("ix_proofs_order_id_id"), "proofs", ["order_id", "id"])
    op.create_index(
        "uq_proofs_once",
        "proofs",
        ["order_id", "kind"],
        unique=True,
        postgresql_where=sa.text("kind <> 'photo'"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("note", sa.String(1000), server_default="", nullable=False),
        sa.Column("delay_s", sa.Integer(), nullable=True),
        sa.Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_incidents_order_id_orders")),
        sa.ForeignKeyConstraint(["reported_by"], ["users.id"], name=op.f("fk_incidents_reported_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_order_id_id"), "incidents", ["order_id", "id"])
    op.create_table(
        "incident_files",
        sa.Column("incident_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_incident_files_file_id_files")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_files_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("incident_id", "file_id", name=op.f("pk_incident_files")),
        sa.UniqueConstraint("file_id", name=op.f("uq_incident_files_file_id")),
    )


def downgrade() -> None:
    for table in ("incident_files", "incidents", "proofs", "proof_demands"):
        op.drop_table(table)
