"""Stripe: hosted Checkout pages, saved cards, refunds and webhooks, by the official package (the extra `stripe`).

Written from its documentation and proven against a local fake that speaks its wire: Stripe opens no accounts for
companies of Kazakhstan, so it is for operators who are registered elsewhere.
"""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import aiohttp
import msgspec

from billing.acquiring import (
    Answer,
    Forged,
    Malformed,
    Notification,
    Order,
    Redirect,
    Rejected,
    State,
    Transaction,
)
from billing.money import Currency, Money
from server.gateways.breaker import Patience
from server.gateways.http import client
from server.gateways.meters import VendorMeters

from .line import Line
from .settings import StripeAccount
from .stripe_events import said
from .stripe_faults import declined, fault_of
from .stripe_objects import (
    Charge,
    Intent,
    Page,
    Refund,
    Unreadable,
    converted,
    in_our_money,
    of_intent,
    of_refund,
    oldest_first,
    payments,
)

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")
S = TypeVar("S", bound="stripe.StripeObject")

EVENTS = "events"  # the one address of its webhooks: /hooks/acquirers/stripe/events
SIGNATURE = "stripe-signature"
TIMEOUT_S = 10.0
CONNECT_S = 3.0
PARALLEL = 20  # connections of this worker; Stripe takes 100 requests a second, 25 of a test key
PATIENCE = Patience(failures=5, first_s=5.0, longest_s=60.0, probe_s=TIMEOUT_S)
TOLERANCE_S = 300  # age of a signature, by Stripe's own default
PAGE = 100  # objects of a list at once, the most that Stripe gives
MOST = 20_000  # of one list: it would take a minute
# The search knows a charge "in under 1 minute", and later during an outage of theirs; the list knows it at once.
UNINDEXED_S = 900.0
LOCALES = {"ru": "ru", "kk": "ru", "en": "en", "zh": "zh"}  # Checkout does not speak Kazakh


class Stripe:
    """The adapter."""

    name = "stripe"

    def __init__(
        self,
        account: StripeAccount,
        *,
        meters: VendorMeters | None = None,
        timeout_s: float = TIMEOUT_S,
        patience: Patience = PATIENCE,
    ) -> None:
        # 0.3 s and 30 MB on disk: paid only by those who take money through Stripe.
        import stripe

        self._lib = stripe
        self._account = account
        self._test = "_test_" in account.key
        self._line = Line(self.name, patience, meters)
        self._session = client(timeout_s, connect_s=CONNECT_S, parallel=PARALLEL)
        # The library would try again by itself, and then "too many requests" could hide a first try that was
        # carried out. Whoever calls us tries again, under the same key.
        self._api = stripe.StripeClient(
            account.key,
            base_addresses={"api": account.url},
            http_client=stripe.AIOHTTPClient(timeout=None, session=self._session),
            max_network_retries=0,
        )

    @property
    def currencies(self) -> frozenset[Currency]:
        """What the operator sells in through it."""
        return frozenset(self._account.currencies)

    async def checkout(
        self, order: Order, back: str, failed: str, *, save_card: bool, attempt: UUID
    ) -> Redirect:
        """A Checkout page for cards. A card that is to be saved gets a customer of Stripe's. Nobody pays on a page
        whose address was lost, so a failure here is never Unknown."""
        about = _about(order)
        params: stripe.params.checkout.SessionCreateParams = {
            "mode": "payment",
            "allowed_payment_method_types": ["card"],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.money.currency.lower(),
                        "unit_amount": order.money.minor,
                        "product_data": {"name": order.description},
                    },
                }
            ],
            "success_url": back,
            "cancel_url": failed,
            "client_reference_id": str(order.invoice),
            "metadata": about,
            "payment_intent_data": {"metadata": about, "description": order.description},
            "adaptive_pricing": {"enabled": False},  # or the payer's bank chooses another currency and amount
            "locale": LOCALES[order.lang],
        }
        if order.email is not None:
            params["customer_email"] = order.email
        if save_card:
            params["customer_creation"] = "always"
            params["payment_intent_data"]["setup_future_usage"] = "off_session"
        with self._judged():
            made = await self._api.v1.checkout.sessions.create_async(
                params, {"idempotency_key": str(attempt)}
            )
            page = _read(made, Page)
        if page.url is None:
            raise Rejected(f"{page.id} has no address")
        return Redirect(page.url, page.id)

    async def charge(self, order: Order, token: str, *, merchant: bool, attempt: UUID) -> Transaction:
        """Takes money from a saved card. Where the bank wants to see the payer it is declined: the payer pays on a
        page then."""
        customer, _, method = token.partition(":")
        if not customer or not method:
            raise Rejected("not a card of Stripe's")
        params: stripe.params.PaymentIntentCreateParams = {
            "amount": order.money.minor,
            "currency": order.money.currency.lower(),
            "customer": customer,
            "payment_method": method,
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "description": order.description,
            "metadata": _about(order),
            "expand": ["latest_charge"],
        }
        if merchant:
            params["off_session"] = True
        else:
            params["error_on_requires_action"] = True
        with self._judged(moves=True):
            try:
                made = await self._api.v1.payment_intents.create_async(
                    params, {"idempotency_key": str(attempt)}
                )
            except self._lib.CardError as error:
                return of_intent(declined(error))
            return of_intent(_read(made, Intent))

    async def refund(self, transaction: str, money: Money, *, attempt: UUID) -> Transaction:
        """Gives a part or all of a payment back. Pending where the bank takes its time: an event tells the end."""
        with self._judged(moves=True):
            made = await self._api.v1.refunds.create_async(
                {"payment_intent": transaction, "amount": money.minor, "expand": ["charge"]},
                {"idempotency_key": str(attempt)},
            )
            back = of_refund(_read(made, Refund), test=self._test)
        if back.state is State.CANCELLED:
            raise Rejected(f"{back.id} {back.reason or 'failed'}")
        return back

    async def find(self, invoice: UUID) -> Sequence[Transaction]:
        """The payments of an invoice, and what was given back of them: of old ones by the search, of young ones by
        the list."""
        charges, wanted = self._api.v1.charges, str(invoice)
        since = math.floor(time.time() - UNINDEXED_S)
        with self._judged():
            young = await _all(await charges.list_async({"created": {"gte": since}, "limit": PAGE}), Charge)
            old = await _all(
                await charges.search_async({"query": f"metadata['invoice']:'{wanted}'", "limit": PAGE}),
                Charge,
            )
            known = {
                charge.id: charge
                for charge in (*old, *young)
                if charge.told("invoice") == wanted and in_our_money(charge)
            }
            made = payments(known.values())
            for payment in [one for one in made if one.state is State.PAID]:
                refunds = await self._api.v1.refunds.list_async(
                    {"payment_intent": payment.id, "limit": PAGE, "expand": ["data.charge"]}
                )
                made += [of_refund(refund, test=self._test) for refund in await _all(refunds, Refund)]
        return oldest_first(made)

    async def listed(self, since: float, until: float) -> Sequence[Transaction]:
        """Payments by when they were tried, refunds by when they were made. What is in a currency that we do not
        sell in is not ours: it is told to a person, and left out."""
        created: stripe.params.ChargeListParamsCreated = {"gte": math.ceil(since), "lt": math.ceil(until)}
        with self._judged():
            charges = await _all(
                await self._api.v1.charges.list_async({"created": created, "limit": PAGE}), Charge
            )
            refunds = await _all(
                await self._api.v1.refunds.list_async(
                    {"created": {**created}, "limit": PAGE, "expand": ["data.charge"]}
                ),
                Refund,
            )
        made = payments(charge for charge in charges if in_our_money(charge))
        made += [of_refund(refund, test=self._test) for refund in refunds if in_our_money(refund)]
        return oldest_first(made)

    def read(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """What an event says. A signature is good for five minutes; Stripe signs anew what it sends again."""
        try:
            self._lib.WebhookSignature.verify_header(
                raw, headers.get(SIGNATURE), self._account.webhook_secret, TOLERANCE_S
            )
        except (self._lib.SignatureVerificationError, UnicodeDecodeError, TypeError):
            # The last two for bytes that are no text, in the body and in the header.
            raise Forged("no signature, an old one, or one that was made with another key") from None
        if kind != EVENTS:
            raise Malformed(f"no kind of notification: {kind[:20]!r}")
        return self.again(kind, headers, raw)

    def again(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """What an event says whose signature was right when it came; the event itself tells its kind."""
        try:
            return said(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Malformed(str(error)[:200]) from None

    def reply(self, answer: Answer) -> tuple[int, str, bytes]:
        """200, whatever we think of it: everything else is sent again for three days. Stripe asks no leave."""
        return 200, "application/json", b"{}"

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    @contextlib.contextmanager
    def _judged(self, *, moves: bool = False) -> Iterator[None]:
        """Around calls: turns what the library raises into what a caller must know. Where money `moves`, what may
        have arrived is Unknown; anything else may be asked again."""
        began = self._line.begin()
        try:
            yield
        except Rejected:
            self._line.end("refused", began, sound=True)
            raise
        except (self._lib.StripeError, aiohttp.ClientError, TimeoutError, OSError, Unreadable) as error:
            # The ones in the middle: the library reads an answer's body outside of what it catches.
            fault = fault_of(error, self._lib, moves=moves)
            self._line.end(fault.outcome, began, sound=fault.sound)
            raise fault.means from None
        self._line.end("ok", began, sound=True)


def _about(order: Order) -> dict[str, str]:
    """What a payment carries of us through everything that Stripe makes of it."""
    return {"invoice": str(order.invoice), "account": order.account}


def _read(answer: "stripe.StripeObject", kind: type[T]) -> T:
    return converted(answer.to_dict(), kind)


async def _all(page: "stripe.ListObject[S] | stripe.SearchResultObject[S]", kind: type[T]) -> list[T]:
    """A list to its end."""
    found: list[T] = []
    async for one in page.auto_paging_iter():
        if len(found) == MOST:
            raise Rejected(f"a list of more than {MOST}: ask for a shorter time")
        found.append(_read(one, kind))
    return found
