"""Between subscriptions and money: what a payment means for access, and how a renewal is paid for."""

from typing import NamedTuple
from uuid import UUID

from billing.acquiring import Advice, Unavailable
from billing.money import Money
from billing.payments import AttemptState, Invoice
from dispatch.errors import Refusal
from server.paying.cashier import Bill, Cashier, Payer
from storage.billing import subscriptions
from storage.billing.bonuses import reward_inviter
from storage.billing.cards import CardStore, SavedCard
from storage.billing.subscriptions import Bought, Renewal
from storage.postgres import Connection
from storage.referrals import invitees

from .clock import Telling
from .selling import Sale, renewed

RENEWAL, FIRST, UPGRADE = "renewal", "subscription", "upgrade"
# An outcome that is not known by then is looked for by hand; the next try is another invoice.
RENEWAL_LIVES_S = 7_200.0


class Consequences:
    """What payments mean for access: storage.billing.consequences, called in the transaction of the booking."""

    def __init__(self, notify: Telling) -> None:
        self._notify = notify

    async def paid(self, connection: Connection, invoice: Invoice, card: int | None, at: float) -> None:
        """The period begins, or goes on."""
        bought = Bought(
            invoice.user,
            invoice.id,
            invoice.plan,
            invoice.region,
            invoice.money,
            invoice.period_s,
            invoice.purpose == UPGRADE,
            card,
        )
        self._notify.tell(await subscriptions.paid(connection, bought))
        if (inviter := await invitees.paid(connection, invoice.user)) is not None:
            self._notify.tell(await reward_inviter(connection, inviter))

    async def refunded(
        self, connection: Connection, invoice: Invoice, minor: int, total: int, at: float
    ) -> None:
        """So much of it goes."""
        part = minor / invoice.money.minor
        self._notify.tell(await subscriptions.refunded(connection, invoice.user, invoice.id, part, total))
        if total < invoice.money.minor:
            return
        if (inviter := await invitees.refunded(connection, invoice.user)) is not None:
            self._notify.tell(await reward_inviter(connection, inviter))

    async def not_taken(
        self, connection: Connection, invoice: Invoice, state: AttemptState, advice: Advice | None, at: float
    ) -> None:
        """A renewal that was declined counts as a try, one that could not be made does not."""
        if state is AttemptState.DECLINED:
            never = advice is Advice.NEVER
            await subscriptions.failed(connection, invoice.user, invoice.id, never=never)
        else:
            await subscriptions.released(connection, invoice.user, invoice.id)


class Written(NamedTuple):
    """A renewal that is written down: what it is to pay, the attempt, and by which card."""

    invoice: Invoice
    attempt: UUID
    token: str
    payer: Payer


class Renewals:
    """Charges what the clock finds due: Charging of `clock`."""

    def __init__(self, cashier: Cashier, cards: CardStore) -> None:
        self._cashier = cashier
        self._cards = cards

    async def write(self, connection: Connection, renewal: Renewal) -> Written | None:
        """Invoice and attempt, at what the plan costs this user now. None where it is sold in that money no more,
        and where the card is gone."""
        at = renewal.standing
        sale = await renewed(connection, at, renewal.plan)
        card = None if at.held is None or at.held.card is None else await self._card(connection, at.held.card)
        if sale is None or card is None:
            return None
        saved, token = card
        bill = bill_of(at.user, sale, saved.provider, RENEWAL, at.lang, lives_s=RENEWAL_LIVES_S)
        invoice, attempt = await self._cashier.written(connection, bill, saved, merchant=True)
        return Written(invoice, attempt, token, Payer(phone=at.phone))

    async def send(self, written: Written) -> None:
        """One try. Unavailable: surely nothing was charged, and it costs no try. What came of it is applied with
        it; what is not known yet is looked for by the loop of payments."""
        charged = await self._cashier.charge(
            written.invoice, written.attempt, written.token, merchant=True, payer=written.payer
        )
        if charged.state in (AttemptState.UNAVAILABLE, AttemptState.REJECTED):
            raise Unavailable(charged.reason)

    async def _card(self, connection: Connection, card: int) -> tuple[SavedCard, str] | None:
        try:
            return await self._cards.opened(card, connection)
        except Refusal:  # its owner has removed it
            return None


def bill_of(
    user: int, sale: Sale, provider: str, purpose: str, lang: str, *, lives_s: float, credit: int = 0
) -> Bill:
    """What one period of a plan costs; `credit` minor units of it are paid already."""
    version = sale.version
    return Bill(
        user,
        provider,
        Money(sale.money.minor - credit, sale.money.currency),
        purpose,
        version.plan,
        version.version,
        sale.region,
        version.period_s,
        version.names.get(lang, version.names["ru"]),
        lang,
        lives_s,
    )
