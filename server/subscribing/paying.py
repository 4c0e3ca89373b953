"""Between subscriptions and money: what a payment means for access, and how a renewal is paid for."""

from collections.abc import Sequence

from billing.acquiring import Advice, Unavailable
from billing.money import Money
from billing.payments import AttemptState, Invoice
from dispatch.events import Event
from server.notify import Notify
from server.paying.cashier import Bill, Cashier, Payer
from server.phone import country
from storage.accounts import Account, AccountStore
from storage.billing import subscriptions
from storage.billing.cards import CardStore
from storage.billing.subscriptions import Bought, Renewal, SubscriptionStore
from storage.postgres import Connection, Pool, transaction, whole

from .selling import Sale, Selling

RENEWAL, FIRST, UPGRADE = "renewal", "subscription", "upgrade"
# An outcome that is not known by then is looked for by hand; the next try is another invoice.
RENEWAL_LIVES_S = 7_200.0


class Consequences:
    """What payments mean for access: storage.billing.consequences, called in the transaction of the booking."""

    def __init__(
        self, store: SubscriptionStore, accounts: AccountStore, cards: CardStore, notify: Notify
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._cards = cards
        self._notify = notify

    async def paid(self, connection: Connection, invoice: Invoice, at: float) -> None:
        """The period begins, or goes on."""
        held = (await self._store.standing(invoice.user)).held
        region = held.region if held is not None else await self._region(invoice.user)
        bought = Bought(
            invoice.user,
            invoice.id,
            invoice.plan,
            region,
            invoice.money,
            invoice.period_s,
            invoice.purpose == UPGRADE,
            await self._cards.newest(connection, invoice.user, invoice.provider),
        )
        self._notify.tell(await subscriptions.paid(connection, bought))

    async def refunded(
        self, connection: Connection, invoice: Invoice, refunded_minor: int, at: float
    ) -> None:
        """So much of it goes."""
        part = refunded_minor / invoice.money.minor
        self._notify.tell(await subscriptions.refunded(connection, invoice.user, invoice.id, part))

    async def _region(self, user: int) -> str:
        return country((await self._accounts.account(user)).phone)


class NotDue(Exception):
    """Another worker has begun this renewal."""


class Renewals:
    """Charges what the clock finds due: Charging of `clock`."""

    def __init__(
        self, pool: Pool, selling: Selling, cashier: Cashier, cards: CardStore, accounts: AccountStore,
        store: SubscriptionStore,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._selling = selling
        self._cashier = cashier
        self._cards = cards
        self._accounts = accounts
        self._store = store

    async def renew(self, renewal: Renewal) -> Sequence[Event]:
        """One try. Unavailable: surely nothing was charged, and it costs no try."""
        at = renewal.standing
        sale = await self._selling.renewal(at)
        if sale is None or at.held is None or at.held.card is None:
            await self._store.give_up(at.user)
            return ()
        account = await self._accounts.account(at.user)
        card = await self._cards.one(at.held.card)
        bill = bill_of(at.user, sale, card.provider, RENEWAL, account.locale, lives_s=RENEWAL_LIVES_S)
        try:
            async with whole(self._pool) as connection:
                invoice = await self._cashier.bill(bill)
                if not await subscriptions.began(connection, at.user, invoice.id):
                    raise NotDue
        except NotDue:
            return ()
        charged = await self._cashier.charge_saved(invoice.id, card.id, merchant=True, payer=payer(account))
        async with transaction(self._pool) as connection:
            if charged.state is AttemptState.DECLINED:
                never = charged.advice is Advice.NEVER
                await subscriptions.failed(connection, at.user, invoice.id, never=never)
            elif charged.state in (AttemptState.UNAVAILABLE, AttemptState.REJECTED):
                await subscriptions.released(connection, at.user, invoice.id)
        if charged.state in (AttemptState.UNAVAILABLE, AttemptState.REJECTED):
            raise Unavailable(charged.reason)
        # Paid: the booking has told. Unknown: the look-ups find it, and settle_charges what became of it.
        return ()


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
        version.period_s,
        version.names.get(lang, version.names["ru"]),
        lang,
        lives_s,
    )


def payer(account: Account) -> Payer:
    """Who pays: the number is what acquirers ask for; they send nothing to it."""
    return Payer(phone=account.phone)
