"""Signing in, staying signed in, tickets and devices."""

from typing import Annotated

from msgspec import Meta

from ..messages import RowId, Seconds, ShortText, Token, Uuid
from .common import Form, Phone, UserRole, View


class OtpForm(Form, frozen=True):
    """Ask for a one-time code. `role` is that of the account made when the phone is new."""

    phone: Phone
    role: UserRole = "driver"


class OtpAsked(View, frozen=True):
    """The same answer for known and unknown numbers. The code goes by SMS (default: the server's log)."""

    request: Uuid
    expires_at: Seconds
    resend_at: Seconds


class VerifyForm(Form, frozen=True):
    """The code that came for `request`."""

    request: Uuid
    code: Annotated[str, Meta(pattern="^[0-9]{6}$", max_length=6)]


class RefreshForm(Form, frozen=True):
    """A refresh token; browsers leave it out and send the cookie."""

    refresh: Token | None = None


class SignedIn(View, frozen=True):
    """A fresh access token (15 min). `refresh` is absent for browsers, which get it as an HttpOnly cookie."""

    access: str
    access_expires_at: Seconds
    user: int
    role: str
    grade: str | None = None  # of staff
    refresh: str | None = None


class Ticket(View, frozen=True):
    """For `/ws?ticket=`: 30 s, single use."""

    ticket: str
    expires_at: Seconds


class TicketForm(Form, frozen=True):
    """A driver's device names itself so that its positions are taken."""

    device: RowId | None = None
    device_secret: Token | None = None


class DeviceForm(Form, frozen=True):
    """Register this phone or tracker."""

    label: ShortText = ""


class Device(View, frozen=True):
    """Shown once: only a hash of the secret is stored."""

    device: int
    device_secret: str
