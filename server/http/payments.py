"""What a user pays: checkout, invoices, saved cards."""

from uuid import UUID

from aiohttp import web

from billing.access import DAY_S
from billing.money import Currency
from billing.payments import FINE, AttemptState, Invoice, standing
from dispatch.errors import Refusal
from server.i18n import Lang
from server.i18n.catalogue import label
from server.pdf import Receipt
from server.protocol.rest.payments import (
    Cards,
    CardView,
    Checkout,
    CheckoutForm,
    InvoicePurpose,
    Invoices,
    InvoicesQuery,
    InvoiceView,
    Outcome,
)
from server.protocol.rest.trips import PaperQuery
from server.subscribing.till import Asked
from storage.billing.invoices import Listed

from .pdf import pdf
from .route import Call, Route
from .subscription import money

_OUTCOMES: dict[AttemptState, Outcome] = {AttemptState.DONE: "paid", AttemptState.DECLINED: "declined"}


async def checkout(call: Call[CheckoutForm, None]) -> Checkout:
    """Pays for a plan."""
    form, caller = call.body, call.caller
    currency = None if form.currency is None else Currency(form.currency)
    asked = Asked(caller.user, caller.role, form.plan, currency, form.card, form.save_card, call.lang)
    paid = await call.services.till.pay(asked)
    outcome: Outcome = "page" if paid.url is not None else _OUTCOMES.get(paid.state, "unknown")
    return Checkout(str(paid.invoice), outcome, paid.url, paid.credit)


async def invoices(call: Call[None, InvoicesQuery]) -> Invoices:
    """The caller's invoices."""
    query, before = call.query, None
    if query.before is not None:
        before = (await _own(call, UUID(query.before))).invoice.id
    found = await call.services.paying.invoices.of_user(call.caller.user, before, query.limit)
    return Invoices(
        [await _view(call, each) for each in found],
        str(found[-1].invoice.id) if len(found) == query.limit else None,
    )


async def invoice(call: Call[None, None]) -> InvoiceView:
    """One of them."""
    return await _view(call, await _own(call, call.path_uuid("invoice")))


async def check(call: Call[None, None]) -> InvoiceView:
    """Asks the acquirer: for who is back from its page before its notification."""
    own = await _own(call, call.path_uuid("invoice"))
    if own.state in ("created", "pending", "failed"):
        await call.services.paying.cashier.look(own.invoice.id)
    return await _view(call, await _own(call, own.invoice.id))


async def receipt(call: Call[None, PaperQuery]) -> web.Response:
    """The receipt of a payment as PDF. Refusal `not_found` where nothing was paid."""
    own = await _own(call, call.path_uuid("invoice"))
    services, invoice = call.services, own.invoice
    facts = await services.paying.invoices.facts(invoice.id)
    payment = next((fact for fact in facts if fact.taken and fact.verdict in FINE), None)
    if payment is None:
        raise Refusal("not_found")
    account = await services.accounts.account(invoice.user)
    settings = await services.accounts.settings(invoice.user)
    period = await services.access.of_cause(invoice.user, f"paid:{invoice.id}")
    lang = call.query.lang or call.lang
    paper = Receipt(
        lang=lang,
        zone=settings.time_zone,
        made_at=services.now(),
        number=str(invoice.id),
        seller=services.config.seller,
        payer=account.name,
        phone=account.phone,
        plan=await _name(call, invoice, lang),
        days=round(invoice.period_s / DAY_S),
        amount=(invoice.money.minor, invoice.money.currency),
        paid_at=payment.at,
        method=label(lang, "PaymentProvider", invoice.provider),
        transaction=payment.transaction,
        begins=None if period is None else period.balance.paid_to - period.entry.seconds,
        ends=None if period is None else period.balance.paid_to,
        refunded=standing(invoice, facts, [], services.now()).refunded,
    )
    return await pdf(call, paper, f"receipt-{str(invoice.id)[:8]}")


async def cards(call: Call[None, None]) -> Cards:
    """The caller's saved cards."""
    found = await call.services.paying.cards.of_user(call.caller.user)
    return Cards(
        [
            CardView(each.id, each.last_four, each.brand, each.expires, each.provider, each.created_at)
            for each in found
        ]
    )


async def forget(call: Call[None, None]) -> None:
    """Forgets a card: it cannot be charged again."""
    await call.services.paying.cards.remove(call.caller.user, call.path_id("card"))


async def _own(call: Call[object, object], number: UUID) -> Listed:
    found = await call.services.paying.invoices.one(number)
    if found.invoice.user != call.caller.user:
        raise Refusal("not_found")
    return found


async def _name(call: Call[object, object], invoice: Invoice, lang: Lang) -> str:
    """What was bought, as its version called it in this language."""
    version = await call.services.plans.one(invoice.plan, invoice.plan_version)
    return invoice.description if version is None else version.names[lang]


async def _view(call: Call[object, object], each: Listed) -> InvoiceView:
    invoice = each.invoice
    return InvoiceView(
        str(invoice.id),
        each.state.value,
        _purpose(invoice.purpose),
        invoice.plan,
        await _name(call, invoice, call.lang),
        round(invoice.period_s / DAY_S),
        money(invoice.money),
        invoice.provider,
        invoice.created_at,
        invoice.expires_at,
        each.changed_at,
    )


# What is stored came from here.
def _purpose(word: str) -> InvoicePurpose:
    return word  # type: ignore[return-value]


_USERS = frozenset({"driver", "logistician", "shipper"})
_AREA = "subscription"
ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/me/subscription/checkout",
        checkout,
        "Pay for a plan",
        _AREA,
        request=CheckoutForm,
        response=Checkout,
        status=201,
        roles=_USERS,
        errors=("not_found", "currency_unknown", "currency_refused", "plan_cheaper", "payment_unavailable"),
        keyed=False,
    ),
    Route(
        "GET",
        "/api/v1/me/invoices",
        invoices,
        "Your invoices",
        _AREA,
        query=InvoicesQuery,
        response=Invoices,
        roles=_USERS,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/me/invoices/{invoice}",
        invoice,
        "One of your invoices",
        _AREA,
        response=InvoiceView,
        roles=_USERS,
        errors=("not_found",),
    ),
    Route(
        "POST",
        "/api/v1/me/invoices/{invoice}/check",
        check,
        "Ask the acquirer whether it is paid",
        _AREA,
        response=InvoiceView,
        roles=_USERS,
        errors=("not_found", "payment_unavailable"),
        keyed=False,
        cost=5,
    ),
    Route(
        "GET",
        "/api/v1/me/invoices/{invoice}/receipt",
        receipt,
        "The receipt as PDF",
        _AREA,
        query=PaperQuery,
        roles=_USERS,
        errors=("not_found", "unavailable"),
        produces=("application/pdf",),
        cost=5,
    ),
    Route(
        "GET",
        "/api/v1/me/cards",
        cards,
        "Your saved cards",
        _AREA,
        response=Cards,
        roles=_USERS,
    ),
    Route(
        "DELETE",
        "/api/v1/me/cards/{card}",
        forget,
        "Forget a card",
        _AREA,
        status=204,
        roles=_USERS,
        errors=("not_found",),
    ),
)
