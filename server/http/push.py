"""Where the signed-in user can be pushed to."""

from dispatch.errors import Refusal
from server.gateways.outbound import acceptable
from server.gateways.webpush import public_key_of, usable_keys
from server.protocol.rest.account import PushEndpoint, PushEndpointForm, PushKey

from .route import Call, Route


async def key(call: Call[None, None]) -> PushKey:
    """The key for `pushManager.subscribe`."""
    private = call.services.config.vapid_private_key
    return PushKey(key=public_key_of(private) if private else None)


async def put(call: Call[PushEndpointForm, None]) -> PushEndpoint:
    """Stores an endpoint; an address that was another user's is theirs no more."""
    form = call.body
    keys = {}
    if form.kind == "webpush":
        if not acceptable(form.address):
            raise Refusal("bad_request", "address must be an https URL of a public push service").at(
                "address"
            )
        if not usable_keys(form.p256dh, form.auth):
            raise Refusal("bad_request", "p256dh and auth must be those of the subscription, base64url").at(
                "p256dh"
            )
        keys = {"p256dh": form.p256dh, "auth": form.auth}
    caller = call.caller.user
    endpoint = await call.services.accounts.put_endpoint(
        caller, form.kind, form.address, keys, form.locale or call.lang
    )
    return PushEndpoint(endpoint=endpoint)


async def drop(call: Call[None, None]) -> None:
    """Forgets an endpoint: on sign-out, or when the browser ends the subscription."""
    await call.services.accounts.drop_endpoint(call.caller.user, call.path_id("endpoint"))


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/push/key", key, "The Web Push key", "push", response=PushKey),
    Route(
        "POST",
        "/api/v1/push/endpoints",
        put,
        "Store a push endpoint",
        "push",
        request=PushEndpointForm,
        response=PushEndpoint,
        status=201,
        errors=("bad_request",),
    ),
    Route(
        "DELETE",
        "/api/v1/push/endpoints/{endpoint}",
        drop,
        "Forget a push endpoint",
        "push",
        status=204,
        errors=("not_found",),
    ),
)
