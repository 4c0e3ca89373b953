"""A local CloudPayments: its wire, its checks, and a script of what goes wrong with the next answers.

Written from the documentation, not from the adapter: bodies are read and made here with nothing of ours.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus, urlencode
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestServer

from billing.acquiring import Kind, Redirect
from billing.money import Currency, Money
from server.gateways.acquiring.cloudpayments import CloudPayments
from server.gateways.acquiring.settings import CloudPaymentsAccount
from server.gateways.breaker import Patience

from .contract import Bench, Fault, Saved, Signed

PUBLIC_ID, SECRET = "pk_0123456789abcdef", "0123456789abcdef-not-a-secret"
PAGE = 3  # transactions a page; the real one has 100
AT_ONCE = 5
Row = dict[str, Any]


def mac(text: str, secret: str = SECRET) -> str:
    """As the documentation says."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def signed(kind: str, raw: str, secret: str = SECRET, content_type: str | None = None) -> Signed:
    """A notification with both headers."""
    headers = {
        "content-type": content_type or "application/x-www-form-urlencoded; charset=utf-8",
        "content-hmac": mac(raw, secret),
        "x-content-hmac": mac(raw if content_type else unquote_plus(raw), secret),
    }
    return Signed(kind, headers, raw.encode())


@dataclass
class FakeCloudPayments:
    """`asked`: path, body and X-Request-ID of every request that got in."""

    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, Row, str | None]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what a real one would have refused
    rows: list[Row] = field(default_factory=list)
    orders: dict[str, Row] = field(default_factory=dict)
    tokens: dict[str, tuple[str, Saved]] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    declines: dict[Saved, tuple[int, str]] = field(
        default_factory=lambda: {Saved.POOR: (5051, "InsufficientFunds"), Saved.STOLEN: (5043, "StolenCard")}
    )
    three_ds: bool = False
    bank_s: float = 0.0  # how long a request takes
    notes_as_json: bool = False
    at_once: int = 0
    most_at_once: int = 0

    def app(self) -> web.Application:
        """Everything is POST."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._answer)
        return app

    # -- what the contract asks of a fake ------------------------------------------------------------------

    def script(self, *faults: Fault) -> None:
        self.faults = list(faults)

    async def saved_card(self, account: str, like: Saved) -> str:
        token = f"tk_{len(self.tokens):032x}"
        self.tokens[token] = (account, like)
        return token

    async def pay(self, redirect: Redirect) -> Sequence[Signed]:
        order = self.orders[redirect.reference]
        token = await self.saved_card(order["AccountId"], Saved.GOOD)
        row = self._transaction(order, token)
        row["JsonData"] = order.get("JsonData")
        return [self._note("check", row), self._note("pay", row)]

    async def told(self, kind: Kind, transaction: str) -> Signed:
        return self._note(kind, next(row for row in self.rows if row["TransactionId"] == int(transaction)))

    def forged(self, one: Signed) -> Signed:
        return signed(one.kind, one.raw.decode(), "another-secret")

    def garbled(self, one: Signed) -> Signed:
        return signed(one.kind, "TransactionId=none&Amount=much&Currency=KZT&DateTime=yesterday")

    async def taken(self, invoice: UUID) -> Sequence[Money]:
        return self._sums(invoice, 0)

    async def given_back(self, invoice: UUID) -> Sequence[Money]:
        return self._sums(invoice, 1)

    def _sums(self, invoice: UUID, kind: int) -> list[Money]:
        return [
            Money(int(row["Amount"] * 100), Currency(row["Currency"]))
            for row in self.rows
            if row["InvoiceId"] == str(invoice) and row["Type"] == kind and row["Status"] == "Completed"
        ]

    # -- the wire -------------------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._served(request)
        finally:
            self.at_once -= 1

    async def _served(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.DENIED or not self._knows(request):
            return web.Response(status=401)
        if fault is Fault.TOO_MANY or self.at_once > AT_ONCE:
            return web.Response(status=429, text="Too many requests")
        if fault is Fault.DOWN_BEFORE:
            return web.Response(status=503, text="<html>maintenance</html>")
        if fault is Fault.CUT_BEFORE:
            return self._cut(request)
        raw = await request.read()
        await asyncio.sleep(self.bank_s)
        text = self._result(request, raw)
        match fault:
            case Fault.DOWN_AFTER:
                return web.Response(status=500, text="<html>fault</html>")
            case Fault.CUT_AFTER:
                return self._cut(request)
            case Fault.HANG_AFTER:
                await asyncio.sleep(3600)
            case Fault.GARBAGE_AFTER:
                return web.Response(text=text[: len(text) // 2], content_type="application/json")
        return web.Response(text=text, content_type="application/json")

    def _knows(self, request: web.Request) -> bool:
        wanted = "Basic " + base64.b64encode(f"{PUBLIC_ID}:{SECRET}".encode()).decode()
        return request.headers.get("Authorization") == wanted

    def _cut(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _result(self, request: web.Request, raw: bytes) -> str:
        """The answer, kept under the X-Request-ID."""
        if request.content_type != "application/json":
            self.wrong.append(f"content type {request.content_type}")
        asked = json.loads(raw, parse_float=Decimal)
        name = request.headers.get("X-Request-ID")
        self.asked.append((request.path, asked, name))
        if name is not None:
            UUID(name)
            if name in self.results:
                return self.results[name]
        text = json.dumps(self._handled(request.path, asked), default=float)
        if name is not None:
            self.results[name] = text
        return text

    def _handled(self, path: str, asked: Row) -> Row:
        problem = self._problem(path, asked)
        if problem:
            self.wrong.append(f"{path}: {problem}")
            return {"Success": False, "Message": problem}
        match path:
            case "/orders/create":
                return self._order(asked)
            case "/payments/tokens/charge":
                return self._charge(asked)
            case "/payments/refund":
                return self._refund(asked)
            case "/payments/get":
                return self._shown(
                    [row for row in self.rows if row["TransactionId"] == asked["TransactionId"]]
                )
            case "/v2/payments/find":
                return self._shown([row for row in self.rows if row["InvoiceId"] == asked["InvoiceId"]])
            case "/v2/payments/list":
                return self._list(asked)
        return {"Success": False, "Message": f"no method {path}"}

    def _problem(self, path: str, asked: Row) -> str:
        """What the real one says to a request that lacks something."""
        if "Amount" in asked:
            amount = asked["Amount"]
            if not isinstance(amount, Decimal | int) or isinstance(amount, bool):
                return "Amount is a number"
            if amount <= 0 or Decimal(amount) != Decimal(amount).quantize(Decimal("0.01")):
                return "Amount has two decimals"
        if "TransactionId" in asked and (
            not isinstance(asked["TransactionId"], int) or isinstance(asked["TransactionId"], bool)
        ):
            return "TransactionId is a number"
        needed = {
            "/orders/create": ("Amount", "Currency", "Description", "InvoiceId", "AccountId"),
            "/payments/tokens/charge": ("Amount", "AccountId", "Token", "TrInitiatorCode"),
            "/payments/refund": ("TransactionId", "Amount"),
            "/payments/get": ("TransactionId",),
            "/v2/payments/find": ("InvoiceId",),
            "/v2/payments/list": ("CreatedDateGte", "CreatedDateLte", "PageNumber"),
        }
        for name in needed.get(path, ()):
            if asked.get(name) is None:
                return f"{name} is required"
        if asked.get("TrInitiatorCode") == 0 and asked.get("PaymentScheduled") not in (0, 1):
            return "PaymentScheduled goes with TrInitiatorCode 0"
        return ""

    def _order(self, asked: Row) -> Row:
        id = f"f{len(self.orders):015x}"
        self.orders[id] = asked
        model = {"Id": id, "Number": len(self.orders), "Url": f"https://orders.cloudpayments.kz/d/{id}"}
        return {"Success": True, "Message": None, "Model": {**model, "StatusCode": 0, "Status": "Created"}}

    def _charge(self, asked: Row) -> Row:
        account, like = self.tokens.get(asked["Token"], ("", Saved.GOOD))
        if account != asked["AccountId"]:
            return {"Success": False, "Message": "Card token is not found"}
        if self.three_ds:
            model = {"TransactionId": 900_000_001, "PaReq": "eJx", "AcsUrl": "https://acs.example/pay"}
            return {"Success": False, "Message": None, "Model": model}
        row = self._transaction(asked, asked["Token"], *self.declines.get(like, (0, "Approved")))
        return {"Success": row["Status"] == "Completed", "Message": None, "Model": row}

    def _transaction(self, asked: Row, token: str, code: int = 0, reason: str = "Approved") -> Row:
        made = datetime.now(UTC)
        row = {
            "TransactionId": 2_891_583_633 + len(self.rows),  # above what 32 bits hold
            "Amount": asked["Amount"],
            "Currency": asked["Currency"],
            "InvoiceId": asked.get("InvoiceId"),
            "AccountId": asked["AccountId"],
            "Description": asked.get("Description"),
            "CreatedDateIso": made.strftime("%Y-%m-%dT%H:%M:%S"),
            "CreatedDate": f"/Date({int(made.timestamp() * 1000)})/",
            "TestMode": True,
            "CardFirstSix": "424242",
            "CardLastFour": "4242",
            "CardExpDate": "12/30",
            "CardType": "Visa",
            "Status": "Declined" if code else "Completed",
            "StatusCode": 5 if code else 3,
            "Reason": reason,
            "ReasonCode": code,
            "Type": 0,
            "Token": token,
            "OriginalTransactionId": None,
            "JsonData": None,
        }
        self.rows.append(row)
        return row

    def _refund(self, asked: Row) -> Row:
        payment = next((row for row in self.rows if row["TransactionId"] == asked["TransactionId"]), None)
        if payment is None or payment["Type"] != 0:
            return {"Success": False, "Message": "Transaction is not found"}
        gone = sum(
            row["Amount"] for row in self.rows if row["OriginalTransactionId"] == asked["TransactionId"]
        )
        if gone + asked["Amount"] > payment["Amount"]:
            return {"Success": False, "Message": "Refund amount exceeds payment amount"}
        row = self._transaction({**payment, "Amount": asked["Amount"]}, "")
        row |= {"Type": 1, "OriginalTransactionId": asked["TransactionId"], "Token": None}
        return {"Success": True, "Message": None, "Model": {"TransactionId": row["TransactionId"]}}

    def _shown(self, rows: list[Row]) -> Row:
        """The last one; `Success` says how it went."""
        if not rows:
            return {"Success": False, "Message": "Not found"}
        return {"Success": rows[-1]["Status"] == "Completed", "Message": None, "Model": rows[-1]}

    def _list(self, asked: Row) -> Row:
        first, last = (datetime.fromisoformat(asked[name]) for name in ("CreatedDateGte", "CreatedDateLte"))
        within = [
            row
            for row in self.rows
            if first <= datetime.fromisoformat(row["CreatedDateIso"]).replace(tzinfo=UTC) <= last
        ]
        page = within[(asked["PageNumber"] - 1) * PAGE :][:PAGE]
        return {"Success": True, "Message": None, "Model": page}

    # -- what it posts to us --------------------------------------------------------------------------------

    def _note(self, kind: str, row: Row) -> Signed:
        at = row["CreatedDateIso"].replace("T", " ")
        fields: Row = {
            "TransactionId": row["TransactionId"],
            "Amount": f"{row['Amount']:.2f}",
            "DateTime": at,
        }
        fields |= {"InvoiceId": row["InvoiceId"], "AccountId": row["AccountId"], "Email": ""}
        if kind == "refund":
            fields |= {"PaymentTransactionId": row["OriginalTransactionId"], "OperationType": "Refund"}
        else:
            fields |= {
                "Currency": row["Currency"],
                "PaymentAmount": fields["Amount"],
                "PaymentCurrency": row["Currency"],
                "OperationType": "Payment",
                "CardFirstSix": "424242",
                "CardLastFour": "4242",
                "CardType": "Visa",
                "CardExpDate": "12/30",
                "Name": "ИВАН ПЕТРОВ+",
                "TestMode": 1,
                "Description": row["Description"],
                "Data": row["JsonData"],
            }
        if kind == "fail":
            fields |= {"ReasonCode": row["ReasonCode"], "Reason": row["Reason"]}
        elif kind != "refund":
            fields["Status"] = "Completed"
        if kind == "pay":
            fields |= {"GatewayName": "Test", "AuthCode": "A1B2C3", "Token": row["Token"], "TotalFee": "0.00"}
        fields = {name: value for name, value in fields.items() if value is not None}
        if self.notes_as_json:
            return signed(kind, json.dumps(fields, ensure_ascii=False), content_type="application/json")
        return signed(kind, urlencode(fields))


@asynccontextmanager
async def opened(
    fake: FakeCloudPayments | None = None,
    *,
    timeout_s: float = 0.5,
    patience: Patience = Patience(failures=100),  # noqa: B008 - a frozen value
    **more: Any,
) -> AsyncIterator[Bench]:
    """The adapter with the fake behind it. `more`: settings of the account."""
    fake = fake or FakeCloudPayments()
    server = TestServer(fake.app())
    await server.start_server(shutdown_timeout=0.1)
    account = CloudPaymentsAccount(PUBLIC_ID, SECRET, f"http://127.0.0.1:{server.port}", **more)
    acquirer = CloudPayments(account, timeout_s=timeout_s, patience=patience)
    try:
        yield Bench(acquirer, fake)
        # Whatever the real one would have refused, the adapter must not have asked.
        assert fake.wrong == []
    finally:
        await acquirer.close()
        await server.close()
