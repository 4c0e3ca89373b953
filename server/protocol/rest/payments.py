"""What a user pays: checkout, invoices, saved cards."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import Money, RowId
from .common import Form, View
from .plans import CurrencyCode, PlanCode

InvoiceId = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\s\S])", max_length=36)
]
InvoiceState = Literal["created", "pending", "paid", "failed", "expired", "partly_refunded", "refunded"]
InvoicePurpose = Literal["subscription", "renewal", "upgrade"]
Outcome = Literal["page", "paid", "declined", "unknown"]


class CheckoutForm(Form, frozen=True):
    """Pays for a plan: by a saved card, else on the acquirer's page, which may keep the card for renewals."""

    plan: PlanCode
    currency: CurrencyCode | None = None
    card: RowId | None = None
    save_card: bool = True


class Checkout(View, frozen=True):
    """What came of it. `page`: go to `url` and pay there; `unknown`: the acquirer has not answered yet, look at
    the invoice in a minute. `credit` of the running period was taken off the price."""

    invoice: str
    outcome: Outcome
    url: str | None
    credit: int


class InvoiceView(View, frozen=True):
    """An invoice. `provider` takes the money; it is over at `expires_at` unless paid."""

    invoice: str
    state: InvoiceState
    purpose: InvoicePurpose
    plan: str
    name: str
    days: int
    amount: Money
    provider: str
    created_at: float
    expires_at: float
    changed_at: float


class Invoices(View, frozen=True):
    """Newest first; `next` goes into `before`."""

    invoices: list[InvoiceView]
    next: str | None


class InvoicesQuery(Form, frozen=True):
    """A page."""

    before: InvoiceId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class CardView(View, frozen=True):
    """A card that may be charged again: the acquirer keeps it, we know what you know it by."""

    card: int
    last_four: str
    brand: str
    expires: str | None
    provider: str
    created_at: float


class Cards(View, frozen=True):
    """Your cards, newest first."""

    cards: list[CardView]
