"""What operators see and set."""

from ..messages import Seconds
from .common import Form, View
from .tariffs import StaffNote


class SubscriptionForm(Form, frozen=True):
    """Sets until when a driver's subscription is paid."""

    paid_until: Seconds
    note: StaffNote = ""


class DriverView(View, frozen=True):
    """A driver as operators see them."""

    driver: int
    phone: str
    name: str
    body: str | None
    paid_until: float | None
    on_duty: bool


class Drivers(View, frozen=True):
    """One page, newest first."""

    drivers: list[DriverView]
    next: int | None = None
