"""Who is signed in, the truck, and where to push."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Seconds, ShortText, Uuid
from .common import Body, BodyVolumeM3, Form, Lang, Mailbox, Name, View, WeightKg
from .signin import SixDigits


class VehicleForm(Form, frozen=True):
    """The driver's truck."""

    body: Body
    capacity_kg: WeightKg
    volume_m3: BodyVolumeM3
    plate: Annotated[str, Meta(max_length=16, pattern=STORABLE)] = ""


class Profile(View, frozen=True):
    """Who is signed in. `vehicle` is the truck that a driver drives; `company_role` is owner or manager."""

    user: int
    phone: str
    role: str
    name: str
    locale: str
    vehicle: VehicleForm | None = None
    paid_until: float | None = None
    on_duty: bool | None = None
    grade: str | None = None
    company: int | None = None
    company_role: str | None = None


class SettingsView(View, frozen=True):
    """What a user says of themselves. `email` is proven by a code: `PUT /me/email`."""

    name: str
    email: str | None
    locale: str
    time_zone: str
    version: int


class SettingsPatch(Form, frozen=True):
    """What is left out stays; "" clears a text. Number, mail and role are not changed here."""

    name: Name | None = None
    locale: Lang | None = None
    time_zone: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*(?![\s\S])",
                max_length=64,
                description="IANA name.",
            ),
        ]
        | None
    ) = None


class EmailForm(Form, frozen=True):
    """An address where the user reads mails."""

    email: Mailbox


class EmailAsked(View, frozen=True):
    """A code is on its way to the address."""

    request: Uuid
    expires_at: Seconds
    resend_at: Seconds


class EmailProofForm(Form, frozen=True):
    """The code that came by mail for `request`."""

    request: Uuid
    code: SixDigits


class PushEndpointForm(Form, frozen=True):
    """Where to push: a Web Push subscription, a Firebase installation id, or a legacy FCM token."""

    kind: Literal["webpush", "fid", "token"]
    address: Annotated[str, Meta(min_length=1, max_length=1000, pattern=STORABLE)]
    p256dh: ShortText = ""
    auth: ShortText = ""
    locale: (
        Annotated[Lang, Meta(description="Of the texts; without it, the language of the request.")] | None
    ) = None


class PushEndpoint(View, frozen=True):
    """A stored endpoint."""

    endpoint: int


class PushKey(View, frozen=True):
    """The VAPID public key for `pushManager.subscribe`, absent when Web Push is off."""

    key: str | None
