"""The people of a company and the invitations that make them so."""

from dispatch.errors import Refusal
from server.phone import e164
from server.protocol.rest.companies import (
    CompanyInvitation,
    CompanyInvitationForm,
    CompanyInvitations,
    JoinForm,
    MemberForm,
    Members,
    MemberView,
)
from storage.members import Invitation

from .companies import MEMBERS
from .route import Call, Route

_INVITED = frozenset({"driver", "logistician", "shipper"})


async def members(call: Call[None, None]) -> Members:
    """Everybody in the caller's company, the founder first."""
    found = await call.services.members.members(call.caller.user)
    if not found:
        raise Refusal("company_required")
    return Members(
        [MemberView(each.user, each.name, each.phone, each.role, each.joined_at) for each in found]
    )


async def set_role(call: Call[MemberForm, None]) -> None:
    """Makes a member owner or manager."""
    await call.services.members.set_role(call.caller.user, call.path_id("member"), call.body.role)


async def remove(call: Call[None, None]) -> None:
    """Removes a member, or leaves."""
    await call.services.members.remove(call.caller.user, call.path_id("member"))


async def invite(call: Call[CompanyInvitationForm, None]) -> CompanyInvitation:
    """Invites by phone; the answer is the same whether or not the number has an account."""
    phone = e164(call.body.phone)
    return _view(await call.services.members.invite(call.caller.user, phone, call.body.joins))


async def sent(call: Call[None, None]) -> CompanyInvitations:
    """Open invitations of the caller's company."""
    return CompanyInvitations([_view(each) for each in await call.services.members.sent(call.caller.user)])


async def withdraw(call: Call[None, None]) -> None:
    """Takes an invitation back."""
    await call.services.members.withdraw(call.caller.user, call.path_id("invitation"))


async def received(call: Call[None, None]) -> CompanyInvitations:
    """Open invitations to the caller's number."""
    return CompanyInvitations(
        [_view(each) for each in await call.services.members.received(call.caller.user)]
    )


async def accept(call: Call[JoinForm, None]) -> None:
    """Joins the company or its fleet."""
    await call.services.members.accept(
        call.caller.user, call.path_id("invitation"), shares_position=call.body.share_position
    )


async def decline(call: Call[None, None]) -> None:
    """Says no."""
    await call.services.members.decline(call.caller.user, call.path_id("invitation"))


def _view(invitation: Invitation) -> CompanyInvitation:
    return CompanyInvitation(
        invitation=invitation.id,
        company=invitation.company,
        legal_name=invitation.legal_name,
        phone=invitation.phone,
        joins=invitation.joins,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/company/members",
        members,
        "Everybody in the company",
        "companies",
        response=Members,
        roles=MEMBERS,
        errors=("company_required",),
    ),
    Route(
        "PUT",
        "/api/v1/company/members/{member}",
        set_role,
        "Make a member owner or manager",
        "companies",
        request=MemberForm,
        status=204,
        roles=MEMBERS,
        errors=("company_required", "owner_needed"),
    ),
    Route(
        "DELETE",
        "/api/v1/company/members/{member}",
        remove,
        "Remove a member, or leave",
        "companies",
        status=204,
        roles=MEMBERS,
        errors=("company_required", "owner_needed"),
    ),
    Route(
        "POST",
        "/api/v1/company/invitations",
        invite,
        "Invite a member or a driver",
        "companies",
        request=CompanyInvitationForm,
        response=CompanyInvitation,
        status=201,
        roles=MEMBERS,
        errors=("company_required", "phone_invalid", "limit_reached"),
    ),
    Route(
        "GET",
        "/api/v1/company/invitations",
        sent,
        "Open invitations of the company",
        "companies",
        response=CompanyInvitations,
        roles=MEMBERS,
    ),
    Route(
        "DELETE",
        "/api/v1/company/invitations/{invitation}",
        withdraw,
        "Take an invitation back",
        "companies",
        status=204,
        roles=MEMBERS,
    ),
    Route(
        "GET",
        "/api/v1/invitations",
        received,
        "Own open invitations",
        "companies",
        response=CompanyInvitations,
        roles=_INVITED,
    ),
    Route(
        "POST",
        "/api/v1/invitations/{invitation}/accept",
        accept,
        "Accept an invitation",
        "companies",
        request=JoinForm,
        status=204,
        roles=_INVITED,
        errors=("company_member", "fleet_member"),
    ),
    Route(
        "POST",
        "/api/v1/invitations/{invitation}/decline",
        decline,
        "Decline an invitation",
        "companies",
        status=204,
        roles=_INVITED,
    ),
)
