"""A local Stripe: the routes that the adapter calls, form bodies, idempotency keys, lists, a search whose index is
late, signed events; and a script of what goes wrong. As documented at docs.stripe.com/api."""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

from billing.acquiring import Kind, Redirect
from billing.money import Currency, Money
from server.gateways.acquiring.settings import StripeAccount
from server.gateways.acquiring.stripe import Stripe
from server.gateways.breaker import Patience

from .contract import Bench, Fault, Saved, Signed

KEY, SECRET = "sk_test_not-a-key", "whsec_not-a-secret"
ANOTHER = "whsec_another"
PATIENT = Patience(failures=1000)
# Parameters of API version 2026-10-28; anything else is refused, as Stripe does.
KNOWN = {
    "/v1/checkout/sessions": {
        "mode", "allowed_payment_method_types", "line_items", "success_url", "cancel_url", "client_reference_id",
        "metadata", "payment_intent_data", "adaptive_pricing", "locale", "customer_email", "customer_creation",
    },
    "/v1/payment_intents": {
        "amount", "currency", "customer", "payment_method", "allowed_payment_method_types", "confirm",
        "off_session", "error_on_requires_action", "description", "metadata", "expand",
    },
    "/v1/refunds": {"payment_intent", "amount", "expand", "created", "limit", "starting_after"},
    "/v1/charges": {"created", "limit", "starting_after"},
    "/v1/charges/search": {"query", "limit", "page"},
}  # fmt: skip
DECLINES: dict[str, str] = {Saved.POOR: "insufficient_funds", Saved.STOLEN: "stolen_card"}

Fields = dict[str, Any]  # JSON of Stripe's


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, kind: str, **more: object) -> None:
        super().__init__(kind)
        self.status = status
        self.body = {"error": {"type": kind, "message": "scripted", **more}}


@dataclass
class Asked:
    """One request."""

    path: str
    params: Fields
    key: str | None


@dataclass
class FakeStripe:
    """A card is like one of `Saved`, or like the decline code that it meets. `advice` is what declines say too;
    `refusal` meets the next request, whatever it is."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    cards: dict[str, tuple[str, Saved | str]] = field(
        default_factory=dict
    )  # method: customer, what it is like
    charges: list[Fields] = field(default_factory=list)
    intents: dict[str, Fields] = field(default_factory=dict)
    refunds: list[Fields] = field(default_factory=list)
    pages: dict[str, Fields] = field(default_factory=dict)
    indexed: set[str] = field(default_factory=set)  # charges that the search knows
    advice: str | None = None
    refund_status: str = "succeeded"
    refusal: Refused | None = None
    _faults: list[Fault] = field(default_factory=list)
    _answers: dict[str, tuple[str, Fields, int, Fields]] = field(default_factory=dict)
    _number: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # -- what a test does to it ---------------------------------------------------------------------------------

    def script(self, *faults: Fault) -> None:
        self._faults = list(faults)

    async def saved_card(self, account: str, like: Saved | str) -> str:
        customer, method = self._id("cus"), self._id("pm")
        self.cards[method] = (customer, like)
        return f"{customer}:{method}"

    async def pay(self, redirect: Redirect) -> Sequence[Signed]:
        page = self.pages[redirect.reference]
        params = page["params"]
        customer = None
        method = self._id("pm")
        if params.get("customer_creation") == "always":
            customer = self._id("cus")
            self.cards[method] = (customer, Saved.GOOD)
        about = params["payment_intent_data"]
        intent = self._intent(page["amount_total"], page["currency"], customer, method, about["metadata"])
        charge = self._try(intent, Saved.GOOD)
        page |= {"payment_intent": intent["id"], "payment_status": "paid", "status": "complete"}
        return [
            self.event("payment_intent.created", {**intent, "status": "requires_payment_method"}),
            self.event("charge.succeeded", charge),
            self.event("payment_intent.succeeded", intent),
            self.event("checkout.session.completed", _public(page)),
        ]

    async def told(self, kind: Kind, transaction: str) -> Signed:
        if kind is Kind.REFUND:
            return self.event("refund.created", next(one for one in self.refunds if one["id"] == transaction))
        intent = self.intents[transaction]
        if kind is Kind.FAIL:
            return self.event("payment_intent.payment_failed", intent)
        assert kind is Kind.PAY, f"Stripe has no {kind}"
        return self.event("charge.succeeded", self.charge_of(transaction))

    def event(self, name: str, about: Fields) -> Signed:
        """Of this name about this object, as Stripe posts it."""
        content = {
            "id": self._id("evt"),
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "livemode": about.get("livemode", False),
            "type": name,
            "data": {"object": about},
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
        }
        return signed(json.dumps(content, indent=2, ensure_ascii=False).encode())

    def forged(self, one: Signed) -> Signed:
        return signed(one.raw, secret=ANOTHER)

    def garbled(self, one: Signed) -> Signed:
        return signed(one.raw.replace(b'"amount"', b'"amounts"'))

    async def taken(self, invoice: UUID) -> Sequence[Money]:
        return [
            _money(one) for one in self.charges if one["paid"] and one["metadata"]["invoice"] == str(invoice)
        ]

    async def given_back(self, invoice: UUID) -> Sequence[Money]:
        ours = {one["id"] for one in self.charges if one["metadata"]["invoice"] == str(invoice)}
        return [_money(one) for one in self.refunds if one["charge"] in ours]

    def charge_of(self, intent: str) -> Fields:
        return next(one for one in reversed(self.charges) if one["payment_intent"] == intent)

    # -- the wire -----------------------------------------------------------------------------------------------

    def app(self) -> web.Application:
        app = web.Application()
        for path, does in (
            ("/v1/checkout/sessions", self._make_page),
            ("/v1/payment_intents", self._make_intent),
            ("/v1/refunds", self._make_refund),
        ):
            app.router.add_post(path, self._door(does))
        for path, does in (
            ("/v1/charges", self._list_charges),
            ("/v1/charges/search", self._search),
            ("/v1/refunds", self._list_refunds),
        ):
            app.router.add_get(path, self._door(does))
        return app

    def _door(self, does: Callable[[Fields], Fields]) -> Callable[[web.Request], Any]:
        async def answer(request: web.Request) -> web.StreamResponse:
            fault = self._faults.pop(0) if self._faults else None
            pairs = list(request.query.items())
            if request.method == "POST":
                assert request.content_type == "application/x-www-form-urlencoded"
                pairs = [(name, str(value)) for name, value in (await request.post()).items()]
            params = unfolded(pairs)
            key = request.headers.get("Idempotency-Key")
            self.asked.append(Asked(request.path, params, key))
            if fault in (Fault.TOO_MANY, Fault.DENIED, Fault.DOWN_BEFORE):
                return _error(Refused(int(fault[:3]), "api_error", code=None))
            if fault is Fault.CUT_BEFORE:
                return _cut(request)
            try:
                if request.headers.get("Authorization") != f"Bearer {KEY}":
                    raise Refused(401, "invalid_request_error")
                status, body = await self._once(request.path, params, key, does)
            except Refused as refused:
                status, body = refused.status, refused.body
            if fault is Fault.CUT_AFTER:
                return _cut(request)
            if fault is Fault.HANG_AFTER:
                await asyncio.sleep(3600)
            if fault is Fault.DOWN_AFTER:
                return _error(Refused(500, "api_error"))
            if fault is Fault.GARBAGE_AFTER:
                return web.Response(text="<html>")
            return web.json_response(body, status=status, headers={"Request-Id": "req_1"})

        return answer

    async def _once(
        self, path: str, params: Fields, key: str | None, does: Callable[[Fields], Fields]
    ) -> tuple[int, Fields]:
        """Under one key one thing is done once; what began is answered again as it was, a decline too."""
        if self.refusal is not None:
            refused, self.refusal = self.refusal, None
            raise refused
        unknown = set(params) - KNOWN[path]
        if unknown:
            raise Refused(400, "invalid_request_error", code="parameter_unknown", param=min(unknown))
        if key is None:
            return 200, does(params)
        if key in self._answers:
            *asked, status, body = self._answers[key]
            if asked != [path, params]:
                raise Refused(400, "idempotency_error")
            return status, body
        try:
            status, body = 200, does(params)
        except Refused as refused:
            if refused.status != 402:
                raise  # nothing began
            status, body = refused.status, refused.body
        self._answers[key] = (path, params, status, json.loads(json.dumps(body)))
        return status, body

    def _make_page(self, params: Fields) -> Fields:
        (item,) = params["line_items"].values()
        page = {
            "id": self._id("cs_test"),
            "object": "checkout.session",
            "created": int(time.time()),
            "livemode": False,
            "mode": params["mode"],
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "client_reference_id": params["client_reference_id"],
            "metadata": params["metadata"],
            "amount_total": int(item["price_data"]["unit_amount"]) * int(item["quantity"]),
            "currency": item["price_data"]["currency"],
            "params": params,
        }
        page["url"] = f"https://checkout.stripe.com/c/pay/{page['id']}"
        self.pages[page["id"]] = page
        return _public(page)

    def _make_intent(self, params: Fields) -> Fields:
        customer, like = self.cards.get(params["payment_method"], ("", ""))
        if customer != params["customer"]:
            raise Refused(404, "invalid_request_error", code="resource_missing", param="payment_method")
        assert params["confirm"] == "true"
        intent = self._intent(
            int(params["amount"]), params["currency"], customer, params["payment_method"], params["metadata"]
        )
        charge = self._try(intent, like)
        if intent["last_payment_error"] is not None:
            raise Refused(402, "card_error", **intent["last_payment_error"], payment_intent=intent)
        wanted = "latest_charge" in params.get("expand", {}).values()
        return {**intent, "latest_charge": charge} if wanted else intent

    def _make_refund(self, params: Fields) -> Fields:
        paid = next((one for one in self.charges if one["payment_intent"] == params["payment_intent"]), None)
        if paid is None:
            raise Refused(404, "invalid_request_error", code="resource_missing", param="payment_intent")
        amount = int(params["amount"])
        if paid["amount_refunded"] == paid["amount"]:
            raise Refused(400, "invalid_request_error", code="charge_already_refunded")
        if amount > paid["amount"] - paid["amount_refunded"]:
            raise Refused(400, "invalid_request_error", param="amount")
        paid["amount_refunded"] += amount
        refund = {
            "id": self._id("re"),
            "object": "refund",
            "amount": amount,
            "charge": paid["id"],
            "created": int(time.time()),
            "currency": paid["currency"],
            "metadata": {},
            "payment_intent": paid["payment_intent"],
            "reason": None,
            "status": self.refund_status,
        }
        if self.refund_status == "failed":
            refund["failure_reason"] = "expired_or_canceled_card"
        self.refunds.append(refund)
        wanted = "charge" in params.get("expand", {}).values()
        return {**refund, "charge": paid} if wanted else refund

    def _list_charges(self, params: Fields) -> Fields:
        return _listed("/v1/charges", self.charges, params)

    def _list_refunds(self, params: Fields) -> Fields:
        found = [
            one
            for one in self.refunds
            if params.get("payment_intent", one["payment_intent"]) == one["payment_intent"]
        ]
        page = _listed("/v1/refunds", found, params)
        if "data.charge" in params.get("expand", {}).values():
            charges = {one["id"]: one for one in self.charges}
            page["data"] = [{**one, "charge": charges[one["charge"]]} for one in page["data"]]
        return page

    def _search(self, params: Fields) -> Fields:
        wanted = re.fullmatch(r"metadata\['invoice'\]:'([0-9a-f-]+)'", params["query"])
        if wanted is None:
            raise Refused(400, "invalid_request_error", param="query")
        found = [
            one
            for one in reversed(self.charges)
            if one["id"] in self.indexed and one["metadata"].get("invoice") == wanted[1]
        ]
        return {
            "object": "search_result",
            "url": "/v1/charges/search",
            "has_more": False,
            "next_page": None,
            "data": found,
        }

    # -- objects ------------------------------------------------------------------------------------------------

    def _intent(
        self, amount: int, currency: str, customer: str | None, method: str, metadata: Fields
    ) -> Fields:
        made: Fields = {
            "id": self._id("pi"),
            "object": "payment_intent",
            "amount": amount,
            "currency": currency,
            "created": int(time.time()),
            "customer": customer,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": metadata,
            "payment_method": method,
            "status": "requires_confirmation",
        }
        self.intents[made["id"]] = made
        return made

    def _try(self, intent: Fields, like: Saved | str) -> Fields:
        decline = None if like is Saved.GOOD else DECLINES.get(like, str(like))
        charge = {
            "id": self._id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_refunded": 0,
            "captured": decline is None,
            "created": int(time.time()),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "failure_code": decline and "card_declined",
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "outcome": {"reason": decline, "advice_code": self.advice, "type": "authorized"},
            "paid": decline is None,
            "payment_intent": intent["id"],
            "payment_method": intent["payment_method"],
            "payment_method_details": {
                "type": "card",
                "card": {"brand": "visa", "exp_month": 4, "exp_year": 2031, "last4": "4242"},
            },
            "status": "failed" if decline else "succeeded",
        }
        self.charges.append(charge)
        intent["latest_charge"] = charge["id"]
        intent["status"] = "requires_payment_method" if decline else "succeeded"
        if decline:
            intent["last_payment_error"] = {"code": "card_declined", "decline_code": decline}
            if self.advice is not None:
                intent["last_payment_error"]["advice_code"] = self.advice
        return charge

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._number):08d}"


def signed(raw: bytes, *, secret: str = SECRET, at: float | None = None) -> Signed:
    """A body with the header of Stripe: HMAC-SHA256 over the time and the body, in hex."""
    moment = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), b"%d." % moment + raw, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": f"t={moment},v1={mac}"}
    return Signed("events", headers, raw)


def unfolded(pairs: Sequence[tuple[str, str]]) -> Fields:
    """`a[b][0]=c` as nested objects; lists keep their numbers as names."""
    found: Fields = {}
    for name, value in pairs:
        *outer, last = re.findall(r"[^\[\]]+", name)
        at = found
        for part in outer:
            at = at.setdefault(part, {})
        at[last] = value
    return found


def _listed(url: str, objects: Sequence[Fields], params: Fields) -> Fields:
    """A page, newest first."""
    bounds = params.get("created", {})
    found = [
        one
        for one in reversed(objects)
        if int(bounds.get("gte", 0)) <= one["created"] < int(bounds.get("lt", 2**40))
    ]
    if "starting_after" in params:
        ids = [one["id"] for one in found]
        found = found[ids.index(params["starting_after"]) + 1 :]
    limit = int(params.get("limit", 10))
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": found[:limit]}


def _public(page: Fields) -> Fields:
    return {name: value for name, value in page.items() if name != "params"}


def _money(one: Fields) -> Money:
    return Money(one["amount"], Currency(one["currency"].upper()))


def _error(refused: Refused) -> web.Response:
    return web.json_response(refused.body, status=refused.status, headers={"Request-Id": "req_1"})


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Bench]:
    """The adapter with this fake behind it."""
    fake = FakeStripe()
    runner = web.AppRunner(fake.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    acquirer = Stripe(StripeAccount(KEY, SECRET, fake.url), timeout_s=1.0, patience=PATIENT)
    try:
        yield Bench(acquirer, fake)
    finally:
        await acquirer.close()
        await runner.cleanup()
