"""A user's subscription: what there is, the free days, renewals, pauses."""

from billing.money import Currency
from billing.money import Money as Amount
from billing.subscription import Step, due
from server.protocol.messages import Money
from server.protocol.rest.plans import (
    AccessEntries,
    AccessQuery,
    CurrencyCode,
    PauseForm,
    PlanOffer,
    Plans,
    PlansQuery,
    RenewalForm,
    SubscriptionNow,
    TrialForm,
)
from server.subscribing.selling import Sale
from storage.billing.subscriptions import Standing

from .plans import entries
from .route import Call, Route, Versioned


async def plans(call: Call[None, PlansQuery]) -> Plans:
    """What may be subscribed to, at the caller's prices."""
    user, role = call.caller.user, call.caller.role
    sales = await call.services.selling.offers(user, role, _wanted(call.query.currency))
    offers = [_offer(call, sale) for sale in sales]
    return Plans(offers, trial=not await call.services.subscriptions.had_trial(user))


async def now(call: Call[None, None]) -> Versioned:
    """Where it stands."""
    return await _told(call, await call.services.subscriptions.standing(call.caller.user))


async def trial(call: Call[TrialForm, None]) -> Versioned:
    """Begins the free days."""
    services, user, form = call.services, call.caller.user, call.body
    at = await services.subscriptions.standing(user)
    sale = await services.selling.sale(user, call.caller.role, form.plan, _wanted(form.currency), at)
    events = await services.subscriptions.start_trial(user, form.plan, sale.region, sale.money.currency)
    services.notify.tell(events)
    return await _told(call, await services.subscriptions.standing(user))


async def renewal(call: Call[RenewalForm, None]) -> Versioned:
    """Says what is renewed, whether, and by which card."""
    form = call.body
    at = await call.services.subscriptions.choose(
        call.caller.user, call.expected_version, renews=form.renews, card=form.card, plan=form.plan
    )
    return await _told(call, at)


async def pause(call: Call[PauseForm, None]) -> Versioned:
    """Stops the clock of what was paid."""
    at = call.services.notify.told(await call.services.subscriptions.pause(call.caller.user, call.body.days))
    return await _told(call, at)


async def resume(call: Call[None, None]) -> Versioned:
    """Lets it run again."""
    at = call.services.notify.told(await call.services.subscriptions.resume(call.caller.user))
    return await _told(call, at)


async def history(call: Call[None, AccessQuery]) -> AccessEntries:
    """The caller's ledger of access."""
    return await entries(call, call.caller.user)


async def _told(call: Call[object, object], at: Standing) -> Versioned:
    held, access = at.held, at.access
    sale = await call.services.selling.renewal(at)
    next_ = None if held is None or sale is None else due(held, access, sale.version.grace_days)
    view = SubscriptionNow(
        version=at.version,
        state=at.state.value,
        entitled=access.entitled(at.now),
        plan=None if held is None else held.plan,
        name=None if sale is None else sale.version.names[call.lang],
        renews=held is not None and held.renews,
        price=None if sale is None else money(sale.money),
        locked=sale is not None and sale.locked,
        card=None if held is None else held.card,
        paid_to=access.paid_to or None,
        until=access.until or None,
        left_s=access.left_s,
        paused_until=None if held is None else held.paused_until,
        next_charge_at=next_.at if next_ is not None and next_.step is Step.CHARGE else None,
        failures=0 if held is None else held.failures,
    )
    # Never 304: the state changes by the clock too.
    return Versioned(view, at.version, whole=False)


def _offer(call: Call[object, object], sale: Sale) -> PlanOffer:
    version = sale.version
    return PlanOffer(
        version.plan,
        version.version,
        version.names[call.lang],
        version.days,
        version.trial_days,
        money(sale.money),
        money(sale.regular) if sale.locked else None,
        [each.value for each in version.currencies(sale.region)],
    )


def money(amount: Amount) -> Money:
    """As clients see it."""
    return Money(amount.minor, amount.currency)


def _wanted(code: CurrencyCode | None) -> Currency | None:
    return None if code is None else Currency(code)


_USERS = frozenset({"driver", "logistician", "shipper"})
_AREA = "subscription"
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/plans",
        plans,
        "Plans, at your prices",
        _AREA,
        query=PlansQuery,
        response=Plans,
        roles=_USERS,
    ),
    Route(
        "GET",
        "/api/v1/me/subscription",
        now,
        "Where your subscription stands",
        _AREA,
        response=SubscriptionNow,
        roles=_USERS,
    ),
    Route(
        "POST",
        "/api/v1/me/subscription/trial",
        trial,
        "Begin the free days of a plan",
        _AREA,
        request=TrialForm,
        response=SubscriptionNow,
        roles=_USERS,
        errors=("not_found", "trial_used", "currency_unknown"),
    ),
    Route(
        "PUT",
        "/api/v1/me/subscription",
        renewal,
        "Say what is renewed, and how",
        _AREA,
        request=RenewalForm,
        response=SubscriptionNow,
        roles=_USERS,
        headers=("If-Match",),
        errors=("not_found", "currency_unknown"),
    ),
    Route(
        "POST",
        "/api/v1/me/subscription/pause",
        pause,
        "Let what was paid wait",
        _AREA,
        request=PauseForm,
        response=SubscriptionNow,
        roles=_USERS,
        errors=("not_found", "pause_refused"),
    ),
    Route(
        "POST",
        "/api/v1/me/subscription/resume",
        resume,
        "End the pause",
        _AREA,
        response=SubscriptionNow,
        roles=_USERS,
        errors=("not_found", "pause_refused"),
    ),
    Route(
        "GET",
        "/api/v1/me/subscription/entries",
        history,
        "What your access came of",
        _AREA,
        query=AccessQuery,
        response=AccessEntries,
        roles=_USERS,
    ),
)
