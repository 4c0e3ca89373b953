"""API keys of a company: its owners make and revoke them."""

import time

from dispatch.errors import Refusal
from server.protocol.rest.integrations import ApiKeyForm, ApiKeyMade, ApiKeys, ApiKeyView
from storage.api_keys import ApiKey

from .route import Call, Route

_SHIPPER = frozenset({"shipper"})


async def listed(call: Call[None, None]) -> ApiKeys:
    """Every key of the caller's company."""
    company = await call.services.api_keys.company_of_owner(call.caller.user)
    return ApiKeys([_view(key) for key in await call.services.api_keys.of(company)])


async def make(call: Call[ApiKeyForm, None]) -> ApiKeyMade:
    """A key that acts as the caller, for as long as the caller is in the company."""
    form, caller = call.body, call.caller
    if form.expires_at is not None and form.expires_at <= time.time():
        raise Refusal("bad_request", "expires_at lies in the past").at("expires_at")
    keys = call.services.api_keys
    company = await keys.company_of_owner(caller.user)
    scopes = sorted(set(form.scopes))
    key, secret = await keys.add(company, caller.user, form.name, scopes, form.expires_at)
    return ApiKeyMade(key=key.id, secret=secret, view=_view(key))


async def revoke(call: Call[None, None]) -> None:
    """Ends a key at once."""
    company = await call.services.api_keys.company_of_owner(call.caller.user)
    await call.services.api_keys.revoke(company, call.path_id("key"))


def _view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        key=key.id,
        name=key.name,
        hint=key.hint,
        scopes=list(key.scopes),
        made_by=key.user,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/company/keys",
        listed,
        "The company's API keys",
        "integrations",
        response=ApiKeys,
        roles=_SHIPPER,
        errors=("company_required", "forbidden"),
    ),
    Route(
        "POST",
        "/api/v1/company/keys",
        make,
        "Make an API key",
        "integrations",
        request=ApiKeyForm,
        response=ApiKeyMade,
        status=201,
        roles=_SHIPPER,
        errors=("company_required", "forbidden", "limit_reached"),
    ),
    Route(
        "DELETE",
        "/api/v1/company/keys/{key}",
        revoke,
        "Revoke an API key",
        "integrations",
        status=204,
        roles=_SHIPPER,
        errors=("company_required", "forbidden"),
    ),
)
