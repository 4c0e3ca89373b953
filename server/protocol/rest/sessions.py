"""Where one is signed in, and the phone number of the account."""

from typing import Literal

from ..messages import Seconds, Uuid
from .common import Form, Phone, View
from .signin import SixDigits


class SessionView(View, frozen=True):
    """One sign-in. `program` says what it looks like, `network` roughly where from: never a whole address."""

    session: str
    method: str  # otp | link | google | apple
    program: str
    network: str
    created_at: Seconds
    used_at: Seconds
    current: bool


class Sessions(View, frozen=True):
    """Every live sign-in of the caller, the last used first."""

    sessions: list[SessionView]


class EndSessionsForm(Form, frozen=True):
    """`others` leaves the caller signed in; `all` does not."""

    scope: Literal["others", "all"] = "others"


class SessionsEnded(View, frozen=True):
    """How many ended."""

    ended: int


class NewPhoneForm(Form, frozen=True):
    """The number to move the account to; a code is sent to it."""

    phone: Phone


class PhoneChangeForm(Form, frozen=True):
    """The code that came to the new number."""

    request: Uuid
    code: SixDigits


class PhoneChanged(View, frozen=True):
    """The account's number from now on, and how many other sign-ins ended with the change."""

    phone: str
    ended: int
