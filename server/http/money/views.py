"""Rows of the money as finance is shown them."""

from billing.access import DAY_S
from billing.money import Currency
from billing.money import Money as Minor
from server.http.subscription import money
from server.protocol.messages import Money
from server.protocol.rest.finance import (
    AttemptView,
    BookingView,
    MoneyInvoice,
    NoticeSource,
    NoticeVerdict,
    NoticeView,
    PostingView,
    RefundView,
)
from server.protocol.rest.payments import InvoicePurpose
from server.protocol.rest.transfers import SlipView
from storage.billing.attempts import AttemptRow
from storage.billing.invoice_search import reference_of
from storage.billing.invoices import Listed
from storage.billing.ledger import Line
from storage.billing.notice_log import Logged
from storage.billing.refunds import Refund
from storage.billing.slips import Queued


def invoice(each: Listed) -> MoneyInvoice:
    """An invoice."""
    found = each.invoice
    return MoneyInvoice(
        str(found.id),
        reference_of(found.id),
        found.user,
        each.state.value,
        _purpose(found.purpose),
        found.plan,
        found.plan_version,
        found.description,
        round(found.period_s / DAY_S),
        money(found.money),
        found.provider,
        found.created_at,
        found.expires_at,
        each.changed_at,
    )


def attempt(each: AttemptRow) -> AttemptView:
    """A try of ours."""
    return AttemptView(
        str(each.id),
        each.kind,
        each.state.value,
        each.reference,
        each.reason,
        each.advice,
        each.looks,
        each.created_at,
        each.done_at,
    )


def notice(each: Logged) -> NoticeView:
    """A message."""
    said = each.notice
    return NoticeView(
        said.id,
        said.provider,
        said.kind,
        _source(said.source),
        _verdict(said.verdict),
        said.answer,
        None if said.invoice is None else str(said.invoice),
        said.transaction,
        said.payment,
        said.state,
        None
        if said.minor is None or said.currency is None
        else money(Minor(said.minor, Currency(said.currency))),
        said.account,
        said.named_invoice,
        said.reason,
        said.happened_at,
        said.received_at,
        each.open,
        each.settled_by,
        each.note,
        each.settled_at,
        each.has_body,
    )


def booking(each: Line) -> BookingView:
    """A transaction of the books."""
    made = each.booking
    return BookingView(
        each.id,
        each.at,
        made.act.value,
        made.key,
        money(made.money),
        None if made.invoice is None else str(made.invoice),
        made.user,
        made.provider,
        made.transaction,
        [PostingView(posting.account, money(posting.money)) for posting in made.postings],
    )


def refund(each: Refund) -> RefundView:
    """Money that is to go back."""
    return RefundView(
        str(each.id),
        str(each.invoice),
        each.provider,
        each.payment,
        money(each.money),
        each.cause,
        each.state,
        each.requested_by,
        each.approved_by,
        each.reason,
        each.reference,
        each.error,
        each.created_at,
        each.sent_at,
        each.done_at,
    )


def slip(each: Queued) -> SlipView:
    """A payment slip."""
    sent = each.slip
    return SlipView(
        sent.id,
        str(sent.invoice),
        reference_of(sent.invoice),
        sent.user,
        each.plan,
        Money(each.minor, each.currency),
        sent.state,
        sent.file is not None,
        sent.sent_at,
        sent.decided_at,
        sent.decided_by,
        sent.reason,
    )


# What is stored came from here.
def _purpose(word: str) -> InvoicePurpose:
    return word  # type: ignore[return-value]


def _source(word: str) -> NoticeSource:
    return word  # type: ignore[return-value]


def _verdict(word: str) -> NoticeVerdict:
    return word  # type: ignore[return-value]
