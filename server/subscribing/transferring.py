"""A plan paid by transfer: an invoice at the user's price, what to write on the payment, and its slips."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.ledger import TRANSFER
from billing.money import Currency, Money
from dispatch.errors import Refusal
from server.i18n import Lang, say
from server.paying.bank import BankDetails
from server.paying.cashier import new_invoice
from storage.billing.invoice_search import reference_of
from storage.billing.invoices import InvoiceStore, Listed
from storage.billing.slips import Slip, SlipStore
from storage.billing.subscriptions import SubscriptionStore

from .paying import FIRST, bill_of
from .selling import Selling

LIVES_S = 7 * 86_400.0
AGAIN_S = 2 * 86_400.0  # an invoice that lives so long is shown again instead of a second one


@dataclass(frozen=True, slots=True)
class Transfer:
    """An invoice that is paid by transfer, with the slips that were sent for it."""

    listed: Listed
    slips: Sequence[Slip]

    @property
    def reference(self) -> str:
        """What the payer writes down, and finance looks for."""
        return reference_of(self.listed.invoice.id)


class Transferring:
    """For users; what finance does with it is `storage.billing.slips`."""

    def __init__(
        self,
        bank: BankDetails,
        selling: Selling,
        subscriptions: SubscriptionStore,
        invoices: InvoiceStore,
        slips: SlipStore,
    ) -> None:
        self.bank = bank
        self._selling = selling
        self._subscriptions = subscriptions
        self._invoices = invoices
        self._slips = slips

    async def invoice(
        self, user: int, role: str, lang: Lang, plan: str, currency: Currency | None
    ) -> Transfer:
        """An invoice for a period of a plan; one that is open already is shown again. The period follows whatever
        runs when the money is there. Refusals `payment_unavailable` where no transfers are taken, `not_found`,
        `currency_unknown`, `currency_refused`."""
        if not self.bank.recipient:
            raise Refusal("payment_unavailable", "transfers are not set up here")
        at = await self._subscriptions.standing(user)
        sale = await self._selling.sale(user, role, plan, currency, at)
        money = sale.money
        if not self.bank.takes(money.currency):
            raise Refusal("currency_refused").at("currency")
        found = await self._slips.open(user, plan, money.minor, money.currency, AGAIN_S)
        if found is None:
            bill = bill_of(user, sale, TRANSFER, FIRST, lang, lives_s=LIVES_S)
            added = await self._invoices.add(new_invoice(bill))
            found = await self._invoices.one(added.id)
        return await self._with_slips(found)

    async def mine(self, user: int, limit: int) -> list[Transfer]:
        """The newest of a user."""
        return [await self._with_slips(each) for each in await self._slips.mine(user, limit)]

    async def one(self, user: int, invoice: UUID) -> Transfer:
        """One of a user's. Refusal `not_found`."""
        found = await self._invoices.one(invoice)
        if found.invoice.user != user or found.invoice.provider != TRANSFER:
            raise Refusal("not_found")
        return await self._with_slips(found)

    async def _with_slips(self, listed: Listed) -> Transfer:
        return Transfer(listed, await self._slips.of_invoice(listed.invoice.id))


def steps(lang: Lang, money: Money, reference: str, bank: BankDetails) -> list[str]:
    """What the payer does, one after the other."""
    amount = (money.minor, money.currency.value)
    by_kaspi = bool(bank.kaspi) and money.currency is Currency.KZT
    if money.currency not in bank.accounts:
        way = say(lang, "Pay exactly {amount:money} by the Kaspi link.", amount=amount)
    elif by_kaspi:
        way = say(
            lang,
            "Transfer exactly {amount:money} to the account below, or pay by the Kaspi link.",
            amount=amount,
        )
    else:
        way = say(lang, "Transfer exactly {amount:money} to the account below.", amount=amount)
    return [
        way,
        say(lang, "Write {reference} as the purpose of the payment.", reference=reference),
        say(lang, "Send us a photo or the PDF of the payment slip."),
        say(lang, "We look within one working day; your subscription begins when the money is there."),
    ]
