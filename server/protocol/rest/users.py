"""Accounts as staff see and change them, and what staff did."""

from typing import Annotated

from msgspec import Meta

from ..messages import STORABLE, RowId, Seconds
from .common import Form, Grade, Role, View

Reason = Annotated[
    str, Meta(min_length=3, max_length=500, pattern=STORABLE, description="Kept with what was done.")
]


class UsersQuery(Form, frozen=True):
    """`q` is a part of a name, a part of a number, or an id."""

    q: Annotated[str, Meta(max_length=100, pattern=STORABLE)] = ""
    role: Role | None = None
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class UserView(View, frozen=True):
    """An account. The number is masked for staff that may not see numbers."""

    user: int
    phone: str
    role: str
    grade: str | None
    name: str
    locale: str
    blocked: bool
    created_at: Seconds
    second_factor: bool


class Users(View, frozen=True):
    """One page, newest first."""

    users: list[UserView]
    next: int | None = None


class RoleForm(Form, frozen=True):
    """What the account is to be. `grade` belongs to role admin and to no other."""

    role: Role
    reason: Reason
    grade: Grade | None = None


class ReasonForm(Form, frozen=True):
    """Why."""

    reason: Reason


class StaffAction(View, frozen=True):
    """One line of what staff did: who, what, to whom, why; of a change of rights what they were and are."""

    action: int
    at: Seconds
    staff: int
    what: str
    user: int | None
    reason: str
    before: str | None = None
    after: str | None = None


class ActionsQuery(Form, frozen=True):
    """`user`: only what was done to this account."""

    user: RowId | None = None
    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class StaffActions(View, frozen=True):
    """One page, newest first."""

    actions: list[StaffAction]
    next: int | None = None
