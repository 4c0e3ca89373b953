"""Where a user pays: which plan, what of the running period counts, and by the acquirer's page or a saved card."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from billing.acquiring import Acquirer
from billing.money import Currency
from billing.payments import AttemptState
from billing.subscription import State, credit
from dispatch.errors import Refusal
from server.i18n import Lang
from server.paying.cashier import PAGE_LIVES_S, Cashier, Payer
from storage.billing.cards import CardStore
from storage.billing.subscriptions import Standing, SubscriptionStore

from .paying import FIRST, UPGRADE, bill_of
from .selling import Sale, Selling

RUNNING = frozenset({State.ACTIVE, State.CANCELLED})


class Asked(NamedTuple):
    """What a user wants to pay for. `card`: one that was saved, else the acquirer's page takes one."""

    user: int
    role: str
    plan: str
    currency: Currency | None
    card: int | None
    save_card: bool
    lang: Lang


class Paid(NamedTuple):
    """What came of it: the invoice, and the page to go to; without one the card was charged, as `state` says.
    `credit` minor units were paid before."""

    invoice: UUID
    url: str | None
    credit: int
    state: AttemptState


class Till:
    """Checkout of plans. `acquirers` in order: the first takes new payments."""

    def __init__(
        self,
        selling: Selling,
        store: SubscriptionStore,
        cashier: Cashier,
        cards: CardStore,
        acquirers: Mapping[str, Acquirer],
        public_url: str,
    ) -> None:
        self._selling = selling
        self._store = store
        self._cashier = cashier
        self._cards = cards
        self._acquirers = acquirers
        self._back = f"{public_url}/subscription"

    async def pay(self, asked: Asked) -> Paid:
        """A new invoice on its way to be paid. Refusals `not_found`, `currency_unknown`, `plan_cheaper`,
        `payment_unavailable`, `currency_refused`."""
        at = await self._store.standing(asked.user)
        sale = await self._selling.sale(asked.user, asked.role, asked.plan, asked.currency, at)
        worth = await self._worth(at, sale)
        purpose = FIRST if worth is None else UPGRADE
        payer = Payer(phone=at.phone)
        provider = await self._provider(asked)
        bill = bill_of(
            asked.user, sale, provider, purpose, asked.lang, lives_s=PAGE_LIVES_S, credit=worth or 0
        )
        if asked.card is None:
            made = await self._cashier.checkout(
                bill,
                payer,
                f"{self._back}?paid=1",
                f"{self._back}?paid=0",
                save_card=asked.save_card,
            )
            return Paid(made.invoice.id, made.page.url, worth or 0, AttemptState.DONE)
        invoice = await self._cashier.bill(bill)
        charged = await self._cashier.charge_saved(invoice.id, asked.card, merchant=False, payer=payer)
        if charged.state in (AttemptState.UNAVAILABLE, AttemptState.REJECTED):
            raise Refusal("payment_unavailable")
        return Paid(invoice.id, None, worth or 0, charged.state)

    async def _worth(self, at: Standing, sale: Sale) -> int | None:
        """What the rest of a running period of another plan is worth, minor units; None where the new period
        simply follows. Refusal `plan_cheaper` for a plan that the rest would pay for."""
        other = at.held is not None and at.held.plan != sale.version.plan
        if not other or at.state not in RUNNING:
            return None
        last = await self._store.last_paid(at.user)
        if last is None or last.money.currency is not sale.money.currency:
            return None  # staff or loyalty gave it, or it was paid in another money
        worth, _ = credit(at.access, last.money, last.period_s, at.now)
        if worth.minor >= sale.money.minor:
            raise Refusal("plan_cheaper").at("plan")
        return worth.minor

    async def _provider(self, asked: Asked) -> str:
        if asked.card is not None:
            card, _ = await self._cards.opened(asked.card)
            if card.user != asked.user:
                raise Refusal("not_found").at("card")
            return card.provider
        first = next(iter(self._acquirers), None)
        if first is None:
            raise Refusal("payment_unavailable")
        return first
