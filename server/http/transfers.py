"""A user pays a plan by transfer: the invoice with where to pay, and the slips that show it."""

from billing.access import DAY_S
from billing.money import Currency
from server.protocol.rest.transfers import (
    OwnSlip,
    PayTo,
    SlipForm,
    TransferForm,
    Transfers,
    TransferView,
)
from server.subscribing.transferring import Transfer, steps

from .route import Call, Route
from .subscription import money

MOST = 20


async def begin(call: Call[TransferForm, None]) -> TransferView:
    """An invoice that is paid by transfer."""
    form, caller = call.body, call.caller
    currency = None if form.currency is None else Currency(form.currency)
    made = await call.services.transferring.invoice(caller.user, caller.role, call.lang, form.plan, currency)
    return _view(call, made)


async def mine(call: Call[None, None]) -> Transfers:
    """The caller's newest."""
    found = await call.services.transferring.mine(call.caller.user, MOST)
    return Transfers([_view(call, each) for each in found])


async def one(call: Call[None, None]) -> TransferView:
    """One of them."""
    return _view(call, await call.services.transferring.one(call.caller.user, call.path_uuid("invoice")))


async def send(call: Call[SlipForm, None]) -> TransferView:
    """Shows a slip."""
    user, invoice = call.caller.user, call.path_uuid("invoice")
    await call.services.finance.slips.send(user, invoice, call.body.file)
    return _view(call, await call.services.transferring.one(user, invoice))


def _view(call: Call[object, object], made: Transfer) -> TransferView:
    invoice, bank = made.listed.invoice, call.services.transferring.bank
    currency = invoice.money.currency
    return TransferView(
        str(invoice.id),
        made.reference,
        made.listed.state.value,
        invoice.plan,
        invoice.description,
        round(invoice.period_s / DAY_S),
        money(invoice.money),
        PayTo(
            bank.recipient,
            bank.bin,
            bank.accounts.get(currency),
            bank.bic,
            bank.codes,
            bank.kaspi if bank.kaspi and currency is Currency.KZT else None,
        ),
        steps(call.lang, invoice.money, made.reference, bank),
        [
            OwnSlip(each.id, each.file, each.state, each.sent_at, each.decided_at, each.reason)
            for each in made.slips
        ],
        invoice.created_at,
        invoice.expires_at,
    )


_USERS = frozenset({"driver", "logistician", "shipper"})
_AREA = "subscription"
ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/me/subscription/transfer",
        begin,
        "Pay for a plan by transfer",
        _AREA,
        request=TransferForm,
        response=TransferView,
        status=201,
        roles=_USERS,
        errors=("not_found", "currency_unknown", "currency_refused", "payment_unavailable"),
        location="/api/v1/me/transfers/{invoice}",
    ),
    Route("GET", "/api/v1/me/transfers", mine, "Your transfers", _AREA, response=Transfers, roles=_USERS),
    Route(
        "GET",
        "/api/v1/me/transfers/{invoice}",
        one,
        "One of your transfers",
        _AREA,
        response=TransferView,
        roles=_USERS,
        errors=("not_found",),
    ),
    Route(
        "POST",
        "/api/v1/me/transfers/{invoice}/slips",
        send,
        "Show the slip of a transfer",
        _AREA,
        request=SlipForm,
        response=TransferView,
        status=201,
        roles=_USERS,
        errors=("not_found", "invoice_closed", "payment_under_way", "limit_reached", "file_held"),
        location="/api/v1/me/transfers/{invoice}",
    ),
)
