"""signing in: logisticians and grades of staff

Revision ID: 0004
Revises: 0003
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLES = "role IN ('driver', 'logistician', 'shipper', 'admin')"
OLD_ROLES = "role IN ('driver', 'shipper', 'admin')"
GRADES = "grade IS NULL OR role = 'admin' AND grade IN ('support', 'moderator', 'finance', 'superadmin')"


def upgrade() -> None:
    op.add_column("users", sa.Column("grade", sa.String(length=16), nullable=True))
    op.execute(
        "UPDATE users SET grade = 'superadmin' WHERE role = 'admin'"
    )  # until now they could do everything
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.create_check_constraint(op.f("ck_users_role"), "users", ROLES)
    op.create_check_constraint(op.f("ck_users_grade"), "users", GRADES)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_grade"), "users")
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.execute("UPDATE users SET role = 'driver' WHERE role = 'logistician'")
    op.create_check_constraint(op.f("ck_users_role"), "users", OLD_ROLES)
    op.drop_column("users", "grade")
