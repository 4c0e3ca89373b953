"""accounts: companies, fleets, several vehicles a driver, files, documents, exports, erasures

Revision ID: 0005
Revises: 0004
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


VEHICLE_CHECKS = {
    "driver": "driver_id IS NULL OR driver_id = keeper_id",
    "owner": "keeper_id IS NOT NULL OR company_id IS NOT NULL",
    "archived": "archived_at IS NULL OR driver_id IS NULL",
    "temperature": "temp_min_c <= temp_max_c",
}
# As dispatch.registers.plate writes them.
ONE_FORM = """
UPDATE vehicles SET plate = regexp_replace(
    translate(upper(plate), 'АВЕКМНОРСТУХІ', 'ABEKMHOPCTYXI'), '[^[:alnum:]]', '', 'g')
"""
# A number on two trucks is the first one's; the other driver types it again.
ONE_OWNER = """
UPDATE vehicles v SET plate = '' WHERE plate <> ''
    AND EXISTS (SELECT FROM vehicles w WHERE w.plate = v.plate AND w.id < v.id)
"""
# Until the code before this migration is gone: its trucks are their drivers' own. A later migration takes it away.
OLD_CODE = """
CREATE FUNCTION vehicles_keeper() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.keeper_id := NEW.driver_id;
    RETURN NEW;
END $$
"""
OLD_CODE_RUNS = """
CREATE TRIGGER vehicles_keeper BEFORE INSERT ON vehicles FOR EACH ROW
    WHEN (NEW.keeper_id IS NULL AND NEW.company_id IS NULL) EXECUTE FUNCTION vehicles_keeper()
"""
# Going back: a driver with loads gets a truck like that of the last one, if there is none at hand; all loads then
# point at the one that is left.
ONE_EACH = """
INSERT INTO vehicles (driver_id, plate, body, capacity_kg, volume_m3)
SELECT DISTINCT ON (a.driver_id) a.driver_id, '', v.body, v.capacity_kg, v.volume_m3
FROM assignments a JOIN vehicles v ON v.id = a.vehicle_id
WHERE NOT EXISTS (SELECT FROM vehicles w WHERE w.driver_id = a.driver_id)
ORDER BY a.driver_id, a.order_id DESC
"""
ALL_LOADS = """
UPDATE assignments a SET vehicle_id = w.id FROM vehicles w, vehicles v
WHERE w.driver_id = a.driver_id AND v.id = a.vehicle_id AND v.driver_id IS NULL
"""


def upgrade() -> None:
    op.create_table(
        "companies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("legal_name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("bin", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=300), server_default="", nullable=False),
        sa.Column("vat_payer", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("contact_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("contact_phone", sa.String(length=16), nullable=True),
        sa.Column("contact_email", sa.String(length=254), nullable=True),
        sa.Column("state", sa.String(length=12), server_default="unverified", nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('unverified', 'pending', 'verified', 'rejected')", name=op.f("ck_companies_state")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_companies_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
    )
    op.create_index(
        "ix_companies_pending",
        "companies",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "uq_companies_verified",
        "companies",
        ["country", "bin"],
        unique=True,
        postgresql_where=sa.text("state = 'verified'"),
    )
    op.create_table(
        "data_exports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="due", nullable=False),
        sa.Column("progress", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("name", sa.String(length=32), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'running', 'ready', 'failed', 'expired')", name=op.f("ck_data_exports_state")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_data_exports_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_exports")),
        sa.UniqueConstraint("name", name=op.f("uq_data_exports_name")),
    )
    op.create_index(
        "ix_data_exports_open",
        "data_exports",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state IN ('due', 'running')"),
    )
    op.create_index(op.f("ix_data_exports_user_id_id"), "data_exports", ["user_id", "id"], unique=False)
    op.create_index(
        "uq_data_exports_open",
        "data_exports",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('due', 'running')"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="pending", nullable=False),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'cancelled', 'done')", name=op.f("ck_erasures_state")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_erasures_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(
        "ix_erasures_due", "erasures", ["due_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "uq_erasures_pending",
        "erasures",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "files",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=True),
        sa.Column("mime", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_files_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("name", name=op.f("uq_files_name")),
    )
    op.create_index(op.f("ix_files_owner_id"), "files", ["owner_id"], unique=False)
    op.create_index(
        "ix_files_unheld", "files", ["created_at"], unique=False, postgresql_where=sa.text("purpose IS NULL")
    )
    op.create_table(
        "company_members",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'manager')", name=op.f("ck_company_members_role")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_company_members_company_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_company_members_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_company_members")),
    )
    op.create_index(op.f("ix_company_members_company_id"), "company_members", ["company_id"], unique=False)
    for table in ("api_keys", "webhooks"):  # made by 0003, before there were companies
        op.create_foreign_key(f"fk_{table}_company_id", table, "companies", ["company_id"], ["id"])
    op.create_table(
        "fleet_drivers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("shares_position", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_fleet_drivers_company_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_fleet_drivers_driver_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fleet_drivers")),
    )
    op.create_index(
        "ix_fleet_drivers_company",
        "fleet_drivers",
        ["company_id", "driver_id"],
        unique=False,
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_index(
        "uq_fleet_drivers_driver",
        "fleet_drivers",
        ["driver_id"],
        unique=True,
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("joins", sa.String(length=8), nullable=False),
        sa.Column("invited_by", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="pending", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("joins IN ('owner', 'manager', 'driver')", name=op.f("ck_invitations_joins")),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_invitations_state")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_invitations_company_id")),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index(
        "ix_invitations_phone",
        "invitations",
        ["phone"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "uq_invitations_pending",
        "invitations",
        ["company_id", "phone"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=True),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("number", sa.String(length=60), server_default="", nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=10), server_default="pending", nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("reviewed_by", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_days", sa.SmallInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'approved', 'rejected')", name=op.f("ck_documents_state")),
        sa.CheckConstraint("issued_at < expires_at", name=op.f("ck_documents_dates")),
        sa.CheckConstraint("vehicle_id IS NULL OR company_id IS NULL", name=op.f("ck_documents_subject")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_documents_company_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_documents_file_id")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["users.id"], name=op.f("fk_documents_reviewed_by")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_documents_user_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"], name=op.f("fk_documents_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("file_id", name=op.f("uq_documents_file_id")),
    )
    op.create_index(
        op.f("ix_documents_company_id"),
        "documents",
        ["company_id"],
        unique=False,
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.create_index(
        "ix_documents_expiry",
        "documents",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'rejected'"),
    )
    op.create_index(
        "ix_documents_pending",
        "documents",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(op.f("ix_documents_user_id"), "documents", ["user_id"], unique=False)
    op.create_index(
        op.f("ix_documents_vehicle_id"),
        "documents",
        ["vehicle_id"],
        unique=False,
        postgresql_where=sa.text("vehicle_id IS NOT NULL"),
    )
    op.add_column("users", sa.Column("email", sa.String(length=254), nullable=True))
    op.add_column(
        "users", sa.Column("time_zone", sa.String(length=64), server_default="Asia/Almaty", nullable=False)
    )
    op.add_column("users", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("vehicles", sa.Column("keeper_id", sa.BigInteger(), nullable=True))
    op.add_column("vehicles", sa.Column("company_id", sa.BigInteger(), nullable=True))
    op.add_column("vehicles", sa.Column("country", sa.String(length=2), server_default="KZ", nullable=False))
    op.add_column(
        "vehicles", sa.Column("trailer_plate", sa.String(length=16), server_default="", nullable=False)
    )
    op.add_column("vehicles", sa.Column("length_m", sa.Float(), nullable=True))
    op.add_column("vehicles", sa.Column("width_m", sa.Float(), nullable=True))
    op.add_column("vehicles", sa.Column("height_m", sa.Float(), nullable=True))
    op.add_column(
        "vehicles",
        sa.Column(
            "sides", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
    )
    op.add_column(
        "vehicles",
        sa.Column("adr", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    )
    op.add_column("vehicles", sa.Column("temp_min_c", sa.Float(), nullable=True))
    op.add_column("vehicles", sa.Column("temp_max_c", sa.Float(), nullable=True))
    op.add_column("vehicles", sa.Column("axles", sa.SmallInteger(), nullable=True))
    op.add_column("vehicles", sa.Column("fuel_l_100km", sa.Float(), nullable=True))
    op.add_column("vehicles", sa.Column("year", sa.SmallInteger(), nullable=True))
    op.add_column("vehicles", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column(
        "vehicles",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("vehicles", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("vehicles", "driver_id", existing_type=sa.BIGINT(), nullable=True)
    op.execute("UPDATE vehicles SET keeper_id = driver_id")
    op.execute(ONE_FORM)
    op.execute(ONE_OWNER)
    for name, condition in VEHICLE_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_vehicles_{name}"), "vehicles", condition)
    op.execute(OLD_CODE)
    op.execute(OLD_CODE_RUNS)
    op.create_index(
        op.f("ix_vehicles_company_id"),
        "vehicles",
        ["company_id"],
        unique=False,
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_vehicles_keeper_id"),
        "vehicles",
        ["keeper_id"],
        unique=False,
        postgresql_where=sa.text("keeper_id IS NOT NULL"),
    )
    op.create_index(
        "uq_vehicles_plate",
        "vehicles",
        ["country", "plate"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL AND plate <> ''"),
    )
    op.create_foreign_key(op.f("fk_vehicles_company_id"), "vehicles", "companies", ["company_id"], ["id"])
    op.create_foreign_key(op.f("fk_vehicles_keeper_id"), "vehicles", "users", ["keeper_id"], ["id"])


def downgrade() -> None:
    for table in ("api_keys", "webhooks"):
        op.drop_constraint(f"fk_{table}_company_id", table, type_="foreignkey")
    op.drop_index(
        op.f("ix_documents_vehicle_id"),
        table_name="documents",
        postgresql_where=sa.text("vehicle_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_documents_user_id"), table_name="documents")
    op.drop_index(
        "ix_documents_pending", table_name="documents", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_index(
        "ix_documents_expiry", table_name="documents", postgresql_where=sa.text("state <> 'rejected'")
    )
    op.drop_index(
        op.f("ix_documents_company_id"),
        table_name="documents",
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.drop_table("documents")
    op.drop_constraint(op.f("fk_vehicles_keeper_id"), "vehicles", type_="foreignkey")
    op.drop_constraint(op.f("fk_vehicles_company_id"), "vehicles", type_="foreignkey")
    op.drop_index(
        "uq_vehicles_plate",
        table_name="vehicles",
        postgresql_where=sa.text("archived_at IS NULL AND plate <> ''"),
    )
    op.drop_index(
        op.f("ix_vehicles_keeper_id"),
        table_name="vehicles",
        postgresql_where=sa.text("keeper_id IS NOT NULL"),
    )
    op.drop_index(
        op.f("ix_vehicles_company_id"),
        table_name="vehicles",
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    # The old schema knows one truck a driver and no other.
    op.execute("DROP TRIGGER vehicles_keeper ON vehicles")
    op.execute("DROP FUNCTION vehicles_keeper")
    for name in VEHICLE_CHECKS:
        op.drop_constraint(op.f(f"ck_vehicles_{name}"), "vehicles")
    op.execute(ONE_EACH)
    op.execute(ALL_LOADS)
    op.execute("DELETE FROM vehicles WHERE driver_id IS NULL")
    op.alter_column("vehicles", "driver_id", existing_type=sa.BIGINT(), nullable=False)
    op.drop_column("vehicles", "archived_at")
    op.drop_column("vehicles", "created_at")
    op.drop_column("vehicles", "version")
    op.drop_column("vehicles", "year")
    op.drop_column("vehicles", "fuel_l_100km")
    op.drop_column("vehicles", "axles")
    op.drop_column("vehicles", "temp_max_c")
    op.drop_column("vehicles", "temp_min_c")
    op.drop_column("vehicles", "adr")
    op.drop_column("vehicles", "sides")
    op.drop_column("vehicles", "height_m")
    op.drop_column("vehicles", "width_m")
    op.drop_column("vehicles", "length_m")
    op.drop_column("vehicles", "trailer_plate")
    op.drop_column("vehicles", "country")
    op.drop_column("vehicles", "company_id")
    op.drop_column("vehicles", "keeper_id")
    op.drop_column("users", "erased_at")
    op.drop_column("users", "version")
    op.drop_column("users", "time_zone")
    op.drop_column("users", "email")
    op.drop_index(
        "uq_invitations_pending", table_name="invitations", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_index(
        "ix_invitations_phone", table_name="invitations", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_table("invitations")
    op.drop_index(
        "uq_fleet_drivers_driver", table_name="fleet_drivers", postgresql_where=sa.text("left_at IS NULL")
    )
    op.drop_index(
        "ix_fleet_drivers_company", table_name="fleet_drivers", postgresql_where=sa.text("left_at IS NULL")
    )
    op.drop_table("fleet_drivers")
    op.drop_index(op.f("ix_company_members_company_id"), table_name="company_members")
    op.drop_table("company_members")
    op.drop_index("ix_files_unheld", table_name="files", postgresql_where=sa.text("purpose IS NULL"))
    op.drop_index(op.f("ix_files_owner_id"), table_name="files")
    op.drop_table("files")
    op.drop_index("uq_erasures_pending", table_name="erasures", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("ix_erasures_due", table_name="erasures", postgresql_where=sa.text("state = 'pending'"))
    op.drop_table("erasures")
    op.drop_index(
        "uq_data_exports_open",
        table_name="data_exports",
        postgresql_where=sa.text("state IN ('due', 'running')"),
    )
    op.drop_index(op.f("ix_data_exports_user_id_id"), table_name="data_exports")
    op.drop_index(
        "ix_data_exports_open",
        table_name="data_exports",
        postgresql_where=sa.text("state IN ('due', 'running')"),
    )
    op.drop_table("data_exports")
    op.drop_index(
        "uq_companies_verified", table_name="companies", postgresql_where=sa.text("state = 'verified'")
    )
    op.drop_index(
        "ix_companies_pending", table_name="companies", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_table("companies")
