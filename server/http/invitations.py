"""Drivers asked by name over HTTP: who is near, whom to ask, what came of it."""

import secrets

from dispatch.errors import Refusal
from dispatch.invitations import Invitation
from geo.coarse import band_m
from server import views
from server.phone import e164
from server.protocol.rest.invitations import (
    Candidate,
    Candidates,
    CandidatesQuery,
    CodeView,
    Invitations,
    InvitationView,
    InviteContactForm,
    InviteForm,
)
from storage.invitations import Asked

from .comparing import ROAD_M_S
from .parties import party_of
from .route import Call, Route

NEARBY = 200  # of the live index; most fall to body, duty and subscription
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read for another


async def candidates(call: Call[None, CandidatesQuery]) -> Candidates:
    """Drivers near the pickup who could take the load, and the reasons of their rank; never where they are."""
    services = call.services
    await services.habits.read("candidates", call.caller.user)
    order = await services.invitations.open_order(await party_of(call), call.path_id("order"))
    pickup, policy = order.haul.pickup, services.policy
    near = services.live.near(pickup.lat, pickup.lon, NEARBY, policy.candidates_radius_m)
    # Ranked by what may be said: the score must not tell what the distance does not.
    seen = [(driver, float(band_m(metres)), age_s) for driver, metres, age_s in near]
    found = await services.invitations.candidates(order, seen)
    return Candidates(
        [
            Candidate(
                bidder=views.bidder_card(bidder),
                deadhead_m=round(entry.candidate.deadhead_m),
                eta_s=round(entry.candidate.deadhead_m / ROAD_M_S),
                score=round(entry.score, 2),
                reasons={name: round(value, 2) for name, value in entry.reasons.items()},
            )
            for entry, bidder in found[: call.query.limit]
        ]
    )


async def invite(call: Call[InviteForm, None]) -> Invitations:
    """Offers the load to these drivers; their phones ring at once."""
    form = call.body
    done = await call.services.invitations.invite(
        await party_of(call), call.path_id("order"), form.drivers, form.valid_s, form.note
    )
    return Invitations([_view(entry) for entry in call.services.notify.told(done)])


async def invite_contact(call: Call[InviteContactForm, None]) -> InvitationView:
    """Asks a known driver. The answer is the same whether or not anybody has this phone or code."""
    form = call.body
    if (form.phone is None) == (form.code is None):
        raise Refusal("bad_request", "either phone or code").at("phone")
    asked = (
        Asked(code=form.code.upper().replace("-", "")) if form.code else Asked(phone=e164(form.phone or ""))
    )
    return _view(
        await call.services.invitations.invite_contact(
            await party_of(call), call.path_id("order"), asked, form.valid_s, form.note
        )
    )


async def invited(call: Call[None, None]) -> Invitations:
    """Everybody who was asked to take this load."""
    found = await call.services.invitations.of_order(await party_of(call), call.path_id("order"))
    return Invitations([_view(entry) for entry in found])


async def withdraw(call: Call[None, None]) -> None:
    """Takes an invitation back."""
    events = await call.services.invitations.withdraw(
        await party_of(call), call.path_id("order"), call.path_id("invitation")
    )
    call.services.notify.tell(events)


async def code(call: Call[None, None]) -> CodeView:
    """The driver's own code, made when it is first asked for."""
    return CodeView(await call.services.invitations.code(call.caller.user, fresh_code()))


async def renew_code(call: Call[None, None]) -> CodeView:
    """Another code: the old one reaches nobody any more."""
    return CodeView(await call.services.invitations.code(call.caller.user, fresh_code(), renew=True))


def fresh_code() -> str:
    """Eight letters and digits that nobody can guess."""
    return "".join(secrets.choice(LETTERS) for _ in range(8))


def _view(entry: Invitation) -> InvitationView:
    return InvitationView(
        invitation=entry.id,
        order=entry.order,
        status=entry.status.value,
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        driver=entry.driver,
        phone=entry.phone,
        code=entry.code,
        note=entry.note,
        reason=entry.reason,
    )


_SHIPPER = frozenset({"shipper"})
_DRIVER = frozenset({"driver"})
_ASKS = ("not_found", "order_closed", "invitations_too_many", "busy")

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/orders/{order}/candidates",
        candidates,
        "Drivers nearby who could take a load",
        "invitations",
        query=CandidatesQuery,
        response=Candidates,
        roles=_SHIPPER,
        errors=("not_found", "order_closed", "cooling_down"),
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/invitations",
        invited,
        "Drivers asked by name",
        "invitations",
        response=Invitations,
        roles=frozenset({"shipper", "admin"}),
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/invitations",
        invite,
        "Ask drivers by name",
        "invitations",
        request=InviteForm,
        response=Invitations,
        status=201,
        roles=_SHIPPER,
        errors=_ASKS,
        scope="bids:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/invitations/by-contact",
        invite_contact,
        "Ask a known driver by phone or code",
        "invitations",
        request=InviteContactForm,
        response=InvitationView,
        status=202,
        roles=_SHIPPER,
        errors=(*_ASKS, "phone_invalid"),
        scope="bids:write",
    ),
    Route(
        "DELETE",
        "/api/v1/orders/{order}/invitations/{invitation}",
        withdraw,
        "Take an invitation back",
        "invitations",
        status=204,
        roles=_SHIPPER,
        errors=("not_found", "busy"),
        scope="bids:write",
    ),
    Route(
        "GET",
        "/api/v1/me/code",
        code,
        "The code by which shippers ask for you",
        "invitations",
        response=CodeView,
        roles=_DRIVER,
    ),
    Route(
        "POST",
        "/api/v1/me/code",
        renew_code,
        "Another code",
        "invitations",
        response=CodeView,
        status=201,
        roles=_DRIVER,
    ),
)
