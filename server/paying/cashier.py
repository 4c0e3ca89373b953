"""Has invoices paid: by the acquirer's page, or by a card that was saved. Every acquirer is called outside any
transaction, behind a row that says that it is about to be.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

from billing.acquiring import (
    Acquirer,
    Advice,
    Order,
    Redirect,
    Rejected,
    State,
    Transaction,
    Unavailable,
    Unknown,
)
from billing.money import Money
from billing.payments import AttemptState, Invoice, InvoiceState
from dispatch.errors import Refusal
from storage.billing import attempts, invoices
from storage.billing.attempts import AttemptStore, Ending
from storage.billing.cards import CardStore, SavedCard
from storage.billing.inbox import Inbox, Receipt
from storage.billing.invoices import InvoiceStore, NewInvoice
from storage.billing.messages import Source
from storage.postgres import Connection, Pool, Unreachable, whole
from storage.unit import in_unit

from .meters import PaymentMeters

log = logging.getLogger("desk.paying")

T = TypeVar("T")

# What an acquirer's call may raise, and a database that is away: put off, and tried again.
AWAY: tuple[type[Exception], ...] = (Unavailable, Unknown, Rejected, *Unreachable)
CALL_S = 30.0  # adapters give up sooner; one that hangs all the same is an answer that was lost
PAGE_LIVES_S = 3600.0

ENDS: Mapping[State, AttemptState] = {
    State.PAID: AttemptState.DONE,
    State.HELD: AttemptState.DONE,
    State.DECLINED: AttemptState.DECLINED,
    State.CANCELLED: AttemptState.DECLINED,
}


class Bill(NamedTuple):
    """What is to be paid, and for what: `period_s` seconds of a version of a plan. It is over after `lives_s`."""

    user: int
    provider: str
    money: Money
    purpose: str
    plan: str
    plan_version: int
    region: str
    period_s: float
    description: str
    lang: str
    lives_s: float = PAGE_LIVES_S


class Payer(NamedTuple):
    """Who pays, as far as the acquirer's receipt needs it."""

    email: str | None = None
    phone: str | None = None


NOBODY = Payer()


class Checkout(NamedTuple):
    """An invoice, and the page on which it is paid."""

    invoice: Invoice
    page: Redirect


class Charged(NamedTuple):
    """How a charge came out. UNKNOWN is looked for by the loop; UNAVAILABLE has surely taken nothing."""

    attempt: UUID
    state: AttemptState
    reason: str = ""
    advice: Advice | None = None


class Cashier:
    """Checkout and charges, whoever the acquirer."""

    def __init__(
        self,
        pool: Pool,
        acquirers: Mapping[str, Acquirer],
        invoices: InvoiceStore,
        attempts: AttemptStore,
        inbox: Inbox,
        cards: CardStore,
        meters: PaymentMeters,
    ) -> None:
        self._pool = pool
        self._acquirers = acquirers
        self._invoices = invoices
        self._attempts = attempts
        self._inbox = inbox
        self._cards = cards
        self._meters = meters

    async def bill(self, bill: Bill) -> Invoice:
        """A new invoice; joins the caller's unit. Refusals `payment_unavailable` without such an acquirer,
        `currency_refused`."""
        self._may_bill(bill)
        return await self._invoices.add(new_invoice(bill))

    async def written(
        self, connection: Connection, bill: Bill, card: SavedCard, *, merchant: bool
    ) -> tuple[Invoice, UUID]:
        """A new invoice and the attempt to charge a saved card of its payer for it, in the caller's transaction;
        `charge` sends it, and the look-ups find it where nobody does. Refusals as `bill`, `not_found` as
        `charge_saved`."""
        self._may_bill(bill)
        if (card.user, card.provider) != (bill.user, bill.provider):
            raise Refusal("not_found")
        invoice = await invoices.add(connection, new_invoice(bill), InvoiceState.PENDING)
        return invoice, await attempts.first(connection, invoice, card.id, merchant=merchant)

    async def checkout(
        self, bill: Bill, payer: Payer, back: str, failed: str, *, save_card: bool
    ) -> Checkout:
        """A page where the payer gives a card. Refusals as `bill`, and `payment_unavailable` while the acquirer is
        not there: nothing was charged, the invoice stays for the record and runs out."""
        _outside_of_a_unit()
        acquirer = self._acquirer(bill.provider)
        async with whole(self._pool):
            invoice = await self.bill(bill)
            attempt = await self._attempts.begin(invoice.id, "checkout", save_card=save_card)
        order = order_of(invoice, payer)
        try:
            page = await call(acquirer.checkout(order, back, failed, save_card=save_card, attempt=attempt))
        except (Unavailable, Unknown, Rejected) as error:
            # Also when the page was made and its address was lost: nobody can pay on a page that nobody has seen.
            state = AttemptState.REJECTED if isinstance(error, Rejected) else AttemptState.UNAVAILABLE
            await self._end(invoice.provider, "checkout", Ending(attempt, state, reason=str(error)))
            if state is AttemptState.REJECTED:
                self._meters.alert(invoice.provider, "rejected", invoice=str(invoice.id), error=str(error))
            raise Refusal("payment_unavailable") from error
        await self._end(
            invoice.provider, "checkout", Ending(attempt, AttemptState.DONE, reference=page.reference)
        )
        return Checkout(invoice, page)

    async def charge_saved(self, invoice: UUID, card: int, *, merchant: bool, payer: Payer) -> Charged:
        """Charges a saved card; `merchant`: on our schedule. Refusals `not_found` for a card that is not the
        payer's with this acquirer, those of `AttemptStore.begin`, `payment_unavailable`."""
        _outside_of_a_unit()
        found = (await self._invoices.one(invoice)).invoice
        saved, token = await self._cards.opened(card)
        if (saved.user, saved.provider) != (found.user, found.provider):
            raise Refusal("not_found")
        self._acquirer(found.provider)
        attempt = await self._attempts.begin(invoice, "charge", card=card, merchant=merchant)
        return await self.charge(found, attempt, token, merchant=merchant, payer=payer)

    async def charge(
        self,
        invoice: Invoice,
        attempt: UUID,
        token: str,
        *,
        merchant: bool,
        payer: Payer = NOBODY,
        looks: int | None = None,
    ) -> Charged:
        """Sends a charge that is written down. `looks`: it was sent before, so that nothing but the acquirer's own
        word tells what became of it."""
        acquirer, provider = self._acquirer(invoice.provider), invoice.provider
        order = order_of(invoice, payer)
        again = looks is not None
        try:
            told = await call(acquirer.charge(order, token, merchant=merchant, attempt=attempt))
        except Unavailable as error:
            if not again:
                return await self._not_taken(provider, attempt, AttemptState.UNAVAILABLE, error)
        except Rejected as error:
            self._meters.alert(provider, "rejected", invoice=str(invoice.id), error=str(error))
            if not again:
                return await self._not_taken(provider, attempt, AttemptState.REJECTED, error)
        except Unknown:
            pass
        else:
            if told.state in ENDS:
                return await self._ended(invoice, attempt, told)
            await self.learn(invoice, told, "answer")
        await self._attempts.lost(attempt, looks or 0)
        self._meters.attempted(provider, "charge", AttemptState.UNKNOWN)
        return Charged(attempt, AttemptState.UNKNOWN)

    async def look(self, invoice: UUID) -> None:
        """Asks the acquirer what it knows of an invoice, and applies that: for a payer who is back before the
        notification. Refusals `not_found`, `payment_unavailable`."""
        _outside_of_a_unit()
        found = (await self._invoices.one(invoice)).invoice
        try:
            await self.find(found)
        except (Unavailable, Unknown, Rejected) as error:
            raise Refusal("payment_unavailable") from error

    async def find(self, invoice: Invoice) -> Sequence[Transaction]:
        """The acquirer's transactions of an invoice, all of them applied. Raises what acquirers raise."""
        found = await call(self._acquirer(invoice.provider).find(invoice.id))
        for transaction in found:
            await self.learn(invoice, transaction, "found")
        return found

    async def learn(
        self, invoice: Invoice, transaction: Transaction, source: Source, ending: Ending | None = None
    ) -> Receipt | None:
        """Applies what the acquirer said of this very invoice; what it left out of its answer is known. In the
        same transaction an attempt ends, where that was its answer."""
        transaction = replace(
            transaction,
            invoice=transaction.invoice or str(invoice.id),
            account=transaction.account or invoice.account,
        )
        learnt = await self._inbox.learn(invoice.provider, transaction, source, ending)
        if learnt is None:
            return None
        self._meters.received(invoice.provider, learnt.kind, learnt.receipt)
        return learnt.receipt

    async def ended(self, provider: str, attempt: UUID, told: Transaction) -> None:
        """A charge has ended as this transaction says, which was applied."""
        await self._end(provider, "charge", ending_of(attempt, told))

    async def _ended(self, invoice: Invoice, attempt: UUID, told: Transaction) -> Charged:
        """The answer to a charge: what it means and the end of the attempt, both or neither."""
        ending = ending_of(attempt, told)
        await self.learn(invoice, told, "answer", ending)
        self._meters.attempted(invoice.provider, "charge", ending.state)
        return Charged(attempt, ending.state, ending.reason, ending.advice)

    async def _not_taken(
        self, provider: str, attempt: UUID, state: AttemptState, error: Exception
    ) -> Charged:
        await self._end(provider, "charge", Ending(attempt, state, reason=str(error)))
        return Charged(attempt, state, str(error))

    async def _end(self, provider: str, kind: str, ending: Ending) -> None:
        await self._attempts.end(ending)
        self._meters.attempted(provider, kind, ending.state)

    def _may_bill(self, bill: Bill) -> None:
        if bill.money.currency not in self._acquirer(bill.provider).currencies:
            raise Refusal("currency_refused")

    def _acquirer(self, provider: str) -> Acquirer:
        acquirer = self._acquirers.get(provider)
        if acquirer is None:
            raise Refusal("payment_unavailable")
        return acquirer


def new_invoice(bill: Bill) -> NewInvoice:
    """The invoice that a bill becomes."""
    return NewInvoice(
        uuid4(),
        bill.user,
        bill.provider,
        bill.money,
        bill.lives_s,
        bill.purpose,
        bill.plan,
        bill.plan_version,
        bill.region,
        bill.period_s,
        bill.description[:200],
        bill.lang,
    )


def ending_of(attempt: UUID, told: Transaction) -> Ending:
    """How an attempt ended, out of a transaction whose state is one of ENDS."""
    return Ending(attempt, ENDS[told.state], told.id, told.reason or "", told.advice)


def order_of(invoice: Invoice, payer: Payer = NOBODY) -> Order:
    """The invoice as acquirers take it."""
    return Order(
        invoice.id,
        invoice.account,
        invoice.money,
        invoice.description,
        invoice.lang,
        payer.email,
        payer.phone,
    )


async def call(asked: Coroutine[object, object, T]) -> T:
    """An acquirer's answer; one that does not come, and a connection that breaks past the adapter, are unknown."""
    try:
        async with asyncio.timeout(CALL_S):
            return await asked
    except (TimeoutError, OSError) as error:
        raise Unknown(repr(error)) from error


def _outside_of_a_unit() -> None:
    if in_unit():
        raise RuntimeError("an acquirer is never asked inside a transaction: the route must be keyed=False")
