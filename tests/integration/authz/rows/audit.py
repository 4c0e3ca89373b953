"""The audit log, views of accounts, tracks and reports."""

from ..matrix import Row

ROWS = (
    Row("GET /api/v1/admin/audit"),
    Row("GET /api/v1/admin/audit/verification"),
)
