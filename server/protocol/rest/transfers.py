"""Plans that are paid by transfer: the invoice with where to pay, and the slips that show it."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, Money, RowId
from .common import Form, View
from .payments import InvoiceState
from .plans import CurrencyCode, PlanCode

SlipState = Literal["waiting", "received", "turned_down"]
BankEntry = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+(?![\s\S])", description="the bank's own number")
]
Why = Annotated[str, Meta(min_length=3, max_length=500, pattern=STORABLE)]


class TransferForm(Form, frozen=True):
    """Asks for an invoice that is paid by transfer."""

    plan: PlanCode
    currency: CurrencyCode | None = None


class SlipForm(Form, frozen=True):
    """Shows an upload (`POST /api/v1/files`) as the slip of the payment: a photo or PDF."""

    file: RowId


class PayTo(View, frozen=True):
    """Where the money goes. `account` (IBAN) is null where only the Kaspi link takes this currency; `codes` are
    KBe and KNP, for banks of Kazakhstan."""

    recipient: str
    bin: str
    account: str | None
    bic: str
    codes: str
    kaspi_url: str | None


class OwnSlip(View, frozen=True):
    """A slip that you sent; `reason`: why it was turned down."""

    slip: int
    file: int | None
    state: SlipState
    sent_at: float
    decided_at: float | None
    reason: str


class TransferView(View, frozen=True):
    """An invoice that is paid by transfer. `reference` goes into the purpose of the payment, `steps` say the rest
    in your language."""

    invoice: str
    reference: str
    state: InvoiceState
    plan: str
    name: str
    days: int
    amount: Money
    pay_to: PayTo
    steps: list[str]
    slips: list[OwnSlip]
    created_at: float
    expires_at: float


class Transfers(View, frozen=True):
    """Your newest ones, at most twenty."""

    transfers: list[TransferView]


class SlipsQuery(Form, frozen=True):
    """A page of slips: those that wait from the oldest on, others from the newest."""

    state: SlipState = "waiting"
    after: RowId | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class SlipView(View, frozen=True):
    """A slip as finance sees it; `amount` is what the invoice asks for, `file` whether there is something to
    see."""

    slip: int
    invoice: str
    reference: str
    user: int
    plan: str
    amount: Money
    state: SlipState
    file: bool
    sent_at: float
    decided_at: float | None
    decided_by: int | None
    reason: str


class Slips(View, frozen=True):
    """One page; `next` goes into `after`."""

    slips: list[SlipView]
    next: int | None


class ReceivedForm(Form, frozen=True):
    """The whole amount of the invoice stands on the bank account, as this entry says. `again`: a second time,
    which goes back to the payer."""

    entry: BankEntry
    note: Annotated[str, Meta(max_length=500, pattern=STORABLE)] = ""
    again: bool = False


class TurnDownForm(Form, frozen=True):
    """Why not: the payer of a slip reads it; with a refund it is kept for the staff."""

    reason: Why
