"""Signing in, staying signed in, second factors, tickets and devices."""

from typing import Annotated

from msgspec import Meta

from ..messages import STORABLE, RowId, Seconds, ShortText, Token, Uuid
from .common import Form, Phone, UserRole, View

SixDigits = Annotated[str, Meta(pattern="^[0-9]{6}$", max_length=6)]
FactorCode = Annotated[
    str,
    Meta(
        max_length=20,
        pattern=r"^[0-9A-Za-z -]{6,20}(?![\s\S])",
        description="Six digits of an authenticator app, or a recovery code.",
    ),
]


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
    """The code that came for `request`. `identity` is the token of a Google or Apple account that waits for a
    phone: an account made by this sign-in gets it. `referral`: the code of a link that brought a new user here;
    one that is none is passed over. An app that was registered as a device before also sends that."""

    request: Uuid
    code: SixDigits
    identity: Token | None = None
    referral: Annotated[str, Meta(max_length=40, pattern=STORABLE)] = ""
    device: RowId | None = None
    device_secret: Token | None = None


class RefreshForm(Form, frozen=True):
    """A refresh token; browsers leave it out and send the cookie."""

    refresh: Token | None = None


class SignedIn(View, frozen=True):
    """A fresh access token (15 min). `refresh` is absent for browsers, which get it as an HttpOnly cookie.

    `referred`: whether the code that was sent is known to have brought this new account. `linked`: the Google or
    Apple account that waited belongs to this new account now. False when the phone had an account already: link
    it there. `recovery_codes` come once, when a second factor comes in force.
    """

    access: str
    access_expires_at: Seconds
    user: int
    role: str
    grade: str | None = None  # of staff
    refresh: str | None = None
    linked: bool | None = None
    recovery_codes: list[str] | None = None
    referred: bool | None = None


class FactorAsked(View, frozen=True):
    """Half signed in: staff show a second factor. Without one yet, `secret` and `otpauth` (the QR code) are there
    to set up an authenticator app with, whose first code answers the challenge."""

    challenge: str
    expires_at: Seconds
    enrol: bool
    secret: str | None = None
    otpauth: str | None = None


class FactorForm(Form, frozen=True):
    """The answer to a challenge."""

    challenge: Token
    code: FactorCode


class StepUpForm(Form, frozen=True):
    """The second factor again, before something dangerous."""

    code: FactorCode


class SteppedUp(View, frozen=True):
    """A new access token; for five minutes it opens the routes that want a fresh second factor."""

    access: str
    access_expires_at: Seconds


class FactorStatus(View, frozen=True):
    """Since when a second factor is in force, and how many recovery codes are left."""

    since: float | None
    recovery_codes: int


class FactorSecret(View, frozen=True):
    """For an authenticator app; in force once its first code has come."""

    secret: str
    otpauth: str


class RecoveryCodes(View, frozen=True):
    """For a sheet of paper: each is good once, instead of a code of the app. Shown this once."""

    codes: list[str]


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
