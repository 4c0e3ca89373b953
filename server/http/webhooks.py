"""Webhooks of a company: where its order events are told, what came of it, and once more by hand."""

import secrets

from server.gateways import outbound
from server.hooks import secret_context
from server.protocol.rest.common import PageQuery
from server.protocol.rest.integrations import (
    Deliveries,
    DeliveryQueued,
    DeliveryView,
    WebhookEdit,
    WebhookForm,
    WebhookMade,
    Webhooks,
    WebhookSecret,
    WebhookView,
)
from storage.webhooks import DeliveryLine, Webhook

from .decode import BadField
from .route import Call, Route, Versioned

_ROLES = frozenset({"shipper", "logistician"})
SECRET_PREFIX = "whsec_"


async def listed(call: Call[None, None]) -> Webhooks:
    """Every endpoint of the caller's company."""
    return Webhooks([_view(hook) for hook in await call.services.webhooks.of(await _company(call))])


async def make(call: Call[WebhookForm, None]) -> WebhookMade:
    """A new endpoint; try it with a ping."""
    await _check(call, call.body.url)
    services, secret = call.services, _secret()
    hook = await services.webhooks.add(
        await _company(call),
        call.body.url,
        sorted(set(call.body.kinds)),
        lambda id: services.hook_seal.seal(secret.encode(), secret_context(id)),
    )
    return WebhookMade(webhook=hook.id, secret=secret, view=_view(hook))


async def one(call: Call[None, None]) -> Versioned:
    """One endpoint."""
    hook = await call.services.webhooks.one(await _company(call), call.path_id("webhook"))
    return Versioned(_view(hook), hook.version)


async def edit(call: Call[WebhookEdit, None]) -> Versioned:
    """Another address, other kinds, off or on again."""
    form, version = call.body, call.expected_version
    await _check(call, form.url)
    hook = await call.services.webhooks.edit(
        await _company(call),
        call.path_id("webhook"),
        version,
        form.url,
        sorted(set(form.kinds)),
        form.enabled,
    )
    return Versioned(_view(hook), hook.version)


async def drop(call: Call[None, None]) -> None:
    """Forgets an endpoint with what is due to it."""
    await call.services.webhooks.drop(await _company(call), call.path_id("webhook"))


async def rotate(call: Call[None, None]) -> WebhookSecret:
    """A new secret; the old one signs beside it for a day."""
    hook, secret = call.path_id("webhook"), _secret()
    sealed = call.services.hook_seal.seal(secret.encode(), secret_context(hook))
    await call.services.webhooks.rotate(await _company(call), hook, sealed)
    return WebhookSecret(secret)


async def ping(call: Call[None, None]) -> DeliveryQueued:
    """Sends an event that means nothing."""
    return DeliveryQueued(await call.services.webhooks.ping(await _company(call), call.path_id("webhook")))


async def deliveries(call: Call[None, PageQuery]) -> Deliveries:
    """What was sent to an endpoint in the last thirty days, and what is due."""
    query = call.query
    page = await call.services.webhooks.page(
        await _company(call), call.path_id("webhook"), query.before, query.limit
    )
    return Deliveries([_line(line) for line in page], next=page[-1].id if len(page) == query.limit else None)


async def again(call: Call[None, None]) -> DeliveryQueued:
    """Sends an event once more, under its old id."""
    delivery = call.path_id("delivery")
    await call.services.webhooks.again(await _company(call), call.path_id("webhook"), delivery)
    return DeliveryQueued(delivery)


async def _company(call: Call[object, object]) -> int:
    return await call.services.api_keys.company_of_owner(call.caller.user)


async def _check(call: Call[object, object], url: str) -> None:
    """Asks DNS, and so before the first query. Where it leads is looked at again with every attempt."""
    if call.services.config.webhook_allow_private:
        if not url.startswith(("http://", "https://")):
            raise BadField("give a http or https address", "url")
        return
    if not outbound.acceptable(url):
        raise BadField("give an https address of the public internet", "url")
    if not await outbound.leads_outside(url):
        raise BadField("this name leads to no public address", "url")


def _secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def _view(hook: Webhook) -> WebhookView:
    why = hook.disabled_why
    return WebhookView(
        webhook=hook.id,
        url=hook.url,
        kinds=list(hook.kinds),
        enabled=hook.disabled_at is None,
        failures=hook.failures,
        created_at=hook.created_at,
        disabled_at=hook.disabled_at,
        disabled_why="failing" if why == "failing" else "gone" if why == "gone" else "owner" if why else None,
    )


def _line(line: DeliveryLine) -> DeliveryView:
    return DeliveryView(
        delivery=line.id,
        kind=line.kind,
        order=line.order,
        state=line.state,
        attempts=line.attempts,
        created_at=line.created_at,
        done_at=line.done_at,
        next_at=line.next_at,
        answer=line.answer,
        error=line.error,
    )


_REFUSALS = ("company_required", "forbidden")
_ONE = "/api/v1/company/webhooks/{webhook}"

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/company/webhooks",
        listed,
        "The company's webhooks",
        "integrations",
        response=Webhooks,
        roles=_ROLES,
        errors=_REFUSALS,
    ),
    Route(
        "POST",
        "/api/v1/company/webhooks",
        make,
        "Add a webhook",
        "integrations",
        request=WebhookForm,
        response=WebhookMade,
        status=201,
        roles=_ROLES,
        errors=(*_REFUSALS, "limit_reached"),
        location=_ONE,
    ),
    Route(
        "GET", _ONE, one, "A webhook", "integrations", response=WebhookView, roles=_ROLES, errors=_REFUSALS
    ),
    Route(
        "PUT",
        _ONE,
        edit,
        "Change a webhook, switch it off or on",
        "integrations",
        request=WebhookEdit,
        response=WebhookView,
        roles=_ROLES,
        errors=_REFUSALS,
        headers=("If-Match",),
    ),
    Route(
        "DELETE", _ONE, drop, "Remove a webhook", "integrations", status=204, roles=_ROLES, errors=_REFUSALS
    ),
    Route(
        "POST",
        _ONE + "/secret",
        rotate,
        "A new secret for a webhook",
        "integrations",
        response=WebhookSecret,
        roles=_ROLES,
        errors=_REFUSALS,
    ),
    Route(
        "POST",
        _ONE + "/ping",
        ping,
        "Try a webhook",
        "integrations",
        response=DeliveryQueued,
        status=202,
        roles=_ROLES,
        errors=_REFUSALS,
    ),
    Route(
        "GET",
        _ONE + "/deliveries",
        deliveries,
        "What was delivered to a webhook, and what was not",
        "integrations",
        query=PageQuery,
        response=Deliveries,
        roles=_ROLES,
        errors=_REFUSALS,
    ),
    Route(
        "POST",
        _ONE + "/deliveries/{delivery}/again",
        again,
        "Deliver an event once more",
        "integrations",
        response=DeliveryQueued,
        status=202,
        roles=_ROLES,
        errors=_REFUSALS,
    ),
)
