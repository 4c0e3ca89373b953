"""Plans, a user's subscription, and until when who may work."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import STORABLE, Money, RowId, Seconds
from .common import Country, Form, View
from .tariffs import StaffNote

PlanCode = Annotated[str, Meta(pattern=r"^[a-z]+(-[a-z0-9]+)+(?![\s\S])", max_length=32)]
CurrencyCode = Literal["KZT", "RUB", "USD", "CNY"]
PlanRole = Literal["driver", "logistician", "shipper"]
SubscriptionState = Literal["none", "trial", "active", "past_due", "paused", "cancelled", "expired"]
EntryWord = Literal["trial", "paid", "bonus", "staff", "grace", "taken_back", "paused", "resumed"]
PlanName = Annotated[str, Meta(min_length=1, max_length=80, pattern=STORABLE)]


class PlansQuery(Form, frozen=True):
    """In which currency prices are wanted; else in that of the user's country."""

    currency: CurrencyCode | None = None


class PlanOffer(View, frozen=True):
    """A plan as it is sold to you. `price` is yours; `regular` what others pay now, where yours was locked."""

    plan: str
    version: int
    name: str
    days: int
    trial_days: int
    price: Money
    regular: Money | None
    currencies: list[CurrencyCode]


class Plans(View, frozen=True):
    """What you may subscribe to; `trial`: whether the free days are still to be had."""

    plans: list[PlanOffer]
    trial: bool


class TrialForm(Form, frozen=True):
    """Begins the free days of a plan."""

    plan: PlanCode
    currency: CurrencyCode | None = None


class RenewalForm(Form, frozen=True):
    """What is renewed, whether, and by which saved card; from the next renewal on."""

    plan: PlanCode
    renews: bool
    card: RowId | None = None


class PauseForm(Form, frozen=True):
    """For how many days what was paid waits: a week to two months."""

    days: Annotated[int, Meta(ge=7, le=60)]


class SubscriptionNow(View, frozen=True):
    """Where your subscription stands. What was paid ends at `paid_to`, access at `until` (later within the grace).
    `price` is what the next renewal costs, `next_charge_at` when it is taken from the card; `left_s` waits while
    paused. `version` is the ETag, 0 before the first agreement."""

    version: int
    state: SubscriptionState
    entitled: bool
    plan: str | None
    name: str | None
    renews: bool
    price: Money | None
    locked: bool
    card: int | None
    paid_to: float | None
    until: float | None
    left_s: float | None
    paused_until: float | None
    next_charge_at: float | None
    failures: int


class AccessEntry(View, frozen=True):
    """A line of the ledger of access, and the end that it led to. `cause` is what it came of."""

    seq: int
    kind: EntryWord
    at: float
    seconds: float
    set_to: float | None
    cause: str
    until: float
    left_s: float | None


class AccessEntries(View, frozen=True):
    """Newest first; `next` goes into `before`."""

    entries: list[AccessEntry]
    next: int | None


class AccessQuery(Form, frozen=True):
    """A page."""

    before: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class PlanPrice(Form, frozen=True):
    """What a period costs users of a country, or of all that have no price of their own; minor units."""

    currency: CurrencyCode
    amount: Annotated[int, Meta(ge=100, le=10**10)]
    country: Country | None = None


class PlanNames(Form, frozen=True):
    """What the plan is called."""

    ru: PlanName
    kk: PlanName
    en: PlanName
    zh: PlanName


class PlanForm(Form, frozen=True):
    """The next version of a plan, whole. It counts from `valid_from` on (default: now), for renewals too; prices
    that users have locked stay theirs."""

    role: PlanRole
    days: Annotated[int, Meta(ge=1, le=731)]
    prices: Annotated[list[PlanPrice], Meta(min_length=1, max_length=100)]
    names: PlanNames
    trial_days: Annotated[int, Meta(ge=0, le=90)] = 0
    grace_days: Annotated[int, Meta(ge=0, le=30)] = 7
    on_sale: bool = True
    valid_from: Seconds | None = None
    note: StaffNote = ""


class PlanView(View, frozen=True):
    """A version of a plan; `set_by` null: it came with the product."""

    plan: str
    version: int
    role: PlanRole
    days: int
    trial_days: int
    grace_days: int
    prices: list[PlanPrice]
    names: PlanNames
    on_sale: bool
    valid_from: float
    note: str
    set_by: int | None
    set_at: float


class PlanVersions(View, frozen=True):
    """Versions, newest first; `next` goes into `before`."""

    versions: list[PlanView]
    next: int | None


class PlanList(View, frozen=True):
    """Of each plan what counts now and what is planned."""

    plans: list[PlanView] = field(default_factory=list)
