"""The product as a user sees it, for staff; and for users, when staff looked at them."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import RowId, Seconds
from .common import Form, UserRole, View

Looked = Literal["account", "truck", "track", "chat", "deliveries"]


class AccountView(View, frozen=True):
    """A view that was opened: its token reads as this user until `expires_at` and does nothing else. The rest is
    for the banner above the page."""

    view: int
    access: str
    expires_at: Seconds
    user: int
    role: UserRole
    name: str
    phone: str
    blocked: bool


class LooksQuery(Form, frozen=True):
    """A page of one's own."""

    before: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class LookView(View, frozen=True):
    """Staff looked at the account, at the truck of an order, or at where the driver had been."""

    look: int
    at: Seconds
    what: Looked


class Looks(View, frozen=True):
    """One page, newest first."""

    looks: list[LookView]
    next: int | None = None
