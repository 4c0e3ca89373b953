"""Signing in, the own profile, devices and tickets."""

import itertools

from ..matrix import Cell, Row

_numbers = itertools.count(1)
_TRUCK = {"body": "tent", "capacity_kg": 20000.0, "volume_m3": 82.0}


def _a_new_phone(cell: Cell) -> dict[str, str]:
    return {"phone": f"+7705{next(_numbers):07d}"}


def _own_refresh(cell: Cell) -> dict[str, str]:
    return {"refresh": cell.person.account.get("refresh", "x" * 43)}


ROWS = (
    Row("POST /api/v1/auth/otp", body=_a_new_phone),
    Row(
        "POST /api/v1/auth/verify",
        body={"request": "00000000-0000-4000-8000-000000000000", "code": "000000"},
        expect={"*": "code_wrong"},
    ),
    Row(
        "POST /api/v1/auth/refresh",
        body=_own_refresh,
        expect={"anonymous": "unauthenticated"},
    ),
    Row("POST /api/v1/auth/sign-out"),
    Row("GET /api/v1/me"),
    Row("PUT /api/v1/me/vehicle", body=_TRUCK),
    Row("POST /api/v1/ws-ticket", body={}),
    Row("POST /api/v1/devices", body={"label": "GPS"}),
)
