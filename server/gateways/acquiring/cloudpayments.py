"""CloudPayments (in Kazakhstan also TipTop Pay): hosted page, saved cards, refunds, look-ups.

POST of JSON under HTTP Basic; `X-Request-ID` makes a call idempotent for an hour. Refusals of its own come as HTTP
200 with `Success: false`. Documentation: developers.cloudpayments.ru. Nothing here has met the live service.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import aiohttp
import msgspec

from billing.acquiring import (
    Answer,
    Notification,
    Order,
    Redirect,
    Rejected,
    State,
    Transaction,
    Unavailable,
    Unknown,
)
from billing.money import Currency, Money
from server.gateways import http
from server.gateways.breaker import Patience
from server.gateways.meters import VendorMeters

from . import notices, transactions
from .line import Line
from .settings import CloudPaymentsAccount
from .transactions import Unreadable

log = logging.getLogger("desk.acquiring")

TIMEOUT_S = 25.0  # the service itself gives a bank five minutes; by then nobody waits and `find` tells
CONNECT_S = 3.0
MAX_ANSWER = 2 * 1024 * 1024  # a page of a list: 100 transactions of 2 KB
MAX_PAGES = 500
# A look-up shows the last operation of an invoice only. What else happened to it since money could last have been
# sent twice (reliability.md 5d: 50 minutes) is read from the list.
LOOK_BACK_S = 7_200.0
PATIENCE = Patience(failures=5, first_s=5.0, longest_s=60.0, probe_s=TIMEOUT_S)
# Pages are offered in two languages.
CULTURES = {"ru": "ru-RU", "kk": "ru-RU", "en": "en-US", "zh": "en-US"}
TOO_MANY = 429
# Refusals that say nothing about what became of the request: too slow, under way already, too early.
PERHAPS = frozenset({408, 409, 425})

_JSON = msgspec.json.Encoder(decimal_format="number")


class CloudPayments:
    """The adapter."""

    name = "cloudpayments"

    def __init__(
        self,
        account: CloudPaymentsAccount,
        *,
        meters: VendorMeters | None = None,
        clock: Callable[[], float] = time.time,
        timeout_s: float = TIMEOUT_S,
        patience: Patience = PATIENCE,
    ) -> None:
        self._account = account
        self._secret = account.secret.encode()
        self._headers = {
            "Authorization": aiohttp.encode_basic_auth(account.public_id, account.secret),
            "Content-Type": "application/json",
        }
        self._line = Line(self.name, patience, meters)
        self._clock = clock
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    @property
    def currencies(self) -> frozenset[Currency]:
        """What the contract allows."""
        return frozenset(self._account.currencies)

    async def checkout(
        self, order: Order, back: str, failed: str, *, save_card: bool, attempt: UUID
    ) -> Redirect:
        """A hosted page. Nobody pays on one whose address was lost, so a failure here is never Unknown."""
        asked = {
            **_of_order(order),
            "RequireConfirmation": False,
            "SendEmail": False,
            "Phone": order.phone,
            "CultureName": CULTURES.get(order.lang, "ru-RU"),
            "SuccessRedirectUrl": back,
            "FailRedirectUrl": failed,
            "JsonData": msgspec.json.encode({notices.ONCE: not save_card}).decode(),
        }
        answer = await self._call("/orders/create", asked, attempt)
        if not answer.success:
            raise Rejected(answer.message or "refused without a reason")
        try:
            page = transactions.page_of(answer)
        except Unreadable as error:
            raise Unavailable(f"a page that cannot be read: {error}") from None
        return Redirect(page.url, page.id)

    async def charge(self, order: Order, token: str, *, merchant: bool, attempt: UUID) -> Transaction:
        """A payment by a saved card: the payer's own doing, or ours by the schedule."""
        initiator = {"TrInitiatorCode": 0, "PaymentScheduled": 1} if merchant else {"TrInitiatorCode": 1}
        asked = {**_of_order(order), **initiator, "Token": token}
        answer = await self._call("/payments/tokens/charge", asked, attempt, moves=True)
        if answer.empty and not answer.success:
            raise Rejected(answer.message or "refused without a reason")
        try:
            deal = transactions.deal_of(answer)
            if deal.acs_url is not None:
                return transactions.waiting(
                    deal, order.money, str(order.invoice), order.account, self._clock()
                )
            made = transactions.transaction_of(deal)
        except Unreadable as error:
            raise Unknown(f"a payment that cannot be read: {error}") from None
        if made is None:
            raise Unknown("a payment in another currency than asked for")
        return made

    async def refund(self, transaction: str, money: Money, *, attempt: UUID) -> Transaction:
        """Gives money back; the answer names the refund and nothing else."""
        asked = {"TransactionId": _id(transaction), "Amount": Decimal(money.decimal())}
        answer = await self._call("/payments/refund", asked, attempt, moves=True)
        if not answer.success:
            raise Rejected(answer.message or "refused without a reason")
        try:
            id = str(transactions.deal_of(answer).transaction_id)
        except Unreadable as error:
            raise Unknown(f"a refund that cannot be read: {error}") from None
        return Transaction(id, State.REFUNDED, money, None, None, self._clock(), refunds=transaction)

    async def find(self, invoice: UUID) -> Sequence[Transaction]:
        """The last operation of an invoice, the payment that it gives back, and what the list has of the two hours
        before it."""
        last = await self._one("/v2/payments/find", {"InvoiceId": str(invoice)})
        if last is None:
            return []
        found = await self.listed(last.at - LOOK_BACK_S, last.at + 1.0)
        known = {one.id: one for one in found if one.invoice == str(invoice)} | {last.id: last}
        if last.refunds is not None and last.refunds not in known:
            payment = await self._one("/payments/get", {"TransactionId": _id(last.refunds)})
            if payment is not None:
                known[payment.id] = payment
        return sorted(known.values(), key=lambda one: (one.at, int(one.id)))

    async def listed(self, since: float, until: float) -> Sequence[Transaction]:
        """Everything of a time, by whole seconds: the service tells no finer when something was made."""
        first, end = int(since), int(until)
        known: dict[str, Transaction] = {}
        for page in range(1, MAX_PAGES + 1):
            asked = {"CreatedDateGte": _utc(first), "CreatedDateLte": _utc(end), "PageNumber": page}
            answer = await self._call("/v2/payments/list", asked)
            if not answer.success:
                raise Rejected(answer.message or "refused without a reason")
            try:
                deals = [] if answer.empty else transactions.deals_of(answer)
                made = [transactions.transaction_of(deal) for deal in deals]
            except Unreadable as error:
                raise Unavailable(f"a list that cannot be read: {error}") from None
            if not deals:
                return [one for one in known.values() if first <= one.at < end]
            known |= {one.id: one for one in made if one is not None}
        raise Rejected("more transactions than can be listed: ask for a shorter time")

    def read(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """What CloudPayments posted to us."""
        notices.verify(self._secret, headers, raw)
        return self.again(kind, headers, raw)

    def again(self, kind: str, headers: Mapping[str, str], raw: bytes) -> Sequence[Notification]:
        """The same of what was verified when it came."""
        return notices.read(kind, headers, raw, self._account.currencies[0])

    def reply(self, answer: Answer) -> tuple[int, str, bytes]:
        """Its `{"code": ..}`."""
        return notices.reply(answer)

    async def close(self) -> None:
        """Lets connections go."""
        if self._session is not None:
            await self._session.close()

    async def _one(self, path: str, asked: Mapping[str, object]) -> Transaction | None:
        """A transaction that was looked up. It comes with `Success: false` when it was declined."""
        answer = await self._call(path, asked)
        if answer.empty:
            if answer.message == "Not found":
                return None
            raise Rejected(answer.message or "refused without a reason")
        try:
            return transactions.transaction_of(transactions.deal_of(answer))
        except Unreadable as error:
            raise Unavailable(f"an answer that cannot be read: {error}") from None

    async def _call(
        self, path: str, asked: Mapping[str, object], attempt: UUID | None = None, *, moves: bool = False
    ) -> transactions.Answer:
        """One request. Where it `moves` money, what may have arrived is Unknown; else it may be sent again."""
        lost = Unknown if moves else Unavailable
        began = self._line.begin()
        try:
            status, raw, _ = await http.ask(
                self._opened(),
                "POST",
                self._account.url + path,
                body=_JSON.encode(asked),
                headers=self._headers if attempt is None else self._headers | {"X-Request-ID": str(attempt)},
                most=MAX_ANSWER,
            )
        except http.NoAnswer as error:
            self._line.end("no answer", began, sound=False)
            raise (lost if error.sent else Unavailable)(str(error)) from None
        if status == TOO_MANY:
            self._line.end("too many", began, sound=True)
            raise Unavailable("too many requests at once")
        if 400 <= status < 500 and status not in PERHAPS:
            self._line.end("refused", began, sound=True)
            log.error("acquirer.refuses", extra={"acquirer": self.name, "path": path, "status": status})
            raise Rejected(f"HTTP {status}")
        try:
            if status != 200:
                raise Unreadable(f"HTTP {status}")
            answer = transactions.answer_of(raw)
        except Unreadable as error:
            self._line.end("unreadable", began, sound=False)
            raise lost(str(error)) from None
        self._line.end("ok" if answer.success else "declined", began, sound=True)
        return answer

    def _opened(self) -> aiohttp.ClientSession:
        """The session, in the loop of the first call."""
        if self._session is None:
            self._session = http.client(self._timeout_s, connect_s=CONNECT_S, parallel=self._account.parallel)
        return self._session


def _of_order(order: Order) -> dict[str, object]:
    return {
        "Amount": Decimal(order.money.decimal()),
        "Currency": order.money.currency,
        "InvoiceId": str(order.invoice),
        "AccountId": order.account,
        "Description": order.description,
        "Email": order.email,
    }


def _id(transaction: str) -> int:
    if not (transaction.isascii() and transaction.isdigit()):
        raise Rejected("not a transaction of CloudPayments")
    return int(transaction)


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
