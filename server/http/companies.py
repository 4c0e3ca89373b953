"""A company: who it says it is, who works in it, who is invited; and staff's word on it."""

import logging
from typing import Any

import msgspec

from dispatch import registers
from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.payment_views import record_view
from server.phone import dialled
from server.protocol.rest.companies import (
    Companies,
    CompanyCard,
    CompanyDecision,
    CompanyForm,
    CompanyPatch,
    CompanyQuery,
    OwnCompany,
)
from storage.companies import Card, Company

from .route import Call, Route, Versioned

log = logging.getLogger("desk.companies")

MEMBERS = frozenset({"shipper", "logistician"})


async def add(call: Call[CompanyForm, None]) -> Versioned:
    """A company with the caller as its owner."""
    fields = _clean(msgspec.structs.asdict(call.body))
    fields["bin"] = _number(call.body.country, call.body.bin)
    return _versioned(await call.services.companies.add(call.caller.user, Card(**fields)))


async def own(call: Call[None, None]) -> Versioned:
    """The caller's company."""
    return _versioned(await call.services.companies.own(call.caller.user))


async def edit(call: Call[CompanyPatch, None]) -> Versioned:
    """Changes what the form may change."""
    given = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not None}
    changes, version = _clean(given), call.expected_version
    if changes.keys() & {"bin", "country"}:
        now = (await call.services.companies.own(call.caller.user)).card
        changes["bin"] = _number(changes.get("country", now.country), changes.get("bin", now.bin))
    return _versioned(await call.services.companies.edit(call.caller.user, version, changes))


async def ask_verification(call: Call[None, None]) -> Versioned:
    """Puts the company into the staff's queue."""
    return _versioned(await call.services.companies.ask_verification(call.caller.user))


async def card(call: Call[None, None]) -> CompanyCard:
    """What anybody may know of a company."""
    company = await call.services.companies.company(call.path_id("company"))
    rating = await call.services.reputations.of_company(company.id)
    payments = await call.services.payment_records.of_company(company.id)
    return CompanyCard(
        company=company.id,
        legal_name=company.card.legal_name,
        country=company.card.country,
        verified=company.state == "verified",
        since=company.created_at,
        rating=None if rating.mean is None else round(rating.mean, 2),
        hauls=rating.count,
        payments=record_view(payments),
    )


async def page(call: Call[None, CompanyQuery]) -> Companies:
    """Companies, newest first; those that wait for a decision oldest first when `state` is pending."""
    query = call.query
    found = await call.services.companies.page(query.state, query.before, query.limit)
    return Companies(
        companies=[own_company(company) for company in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def any_one(call: Call[None, None]) -> Versioned:
    """One company, for staff."""
    return _versioned(await call.services.companies.company(call.path_id("company")))


async def decide(call: Call[CompanyDecision, None]) -> Versioned:
    """Verifies or rejects what staff has read."""
    company, version, decision = call.path_id("company"), call.expected_version, call.body
    if decision.verified == (decision.reason is not None):
        raise Refusal("bad_request", "a rejection says why, a verification does not").at("reason")
    decided = await call.services.companies.decide(
        call.caller.user, company, version, verified=decision.verified, reason=decision.reason
    )
    log.info("company.decided", extra={"company": company, "state": decided.state})
    return _versioned(decided)


def own_company(company: Company) -> OwnCompany:
    """A company as its members and staff see it."""
    return OwnCompany(
        company=company.id,
        state=company.state,
        reason=company.reason,
        role=company.role,
        since=company.created_at,
        version=company.version,
        **{name: getattr(company.card, name) for name in Card.__dataclass_fields__},
    )


def _versioned(company: Company) -> Versioned:
    return Versioned(own_company(company), company.version)


def _number(country: str, text: str) -> str:
    number = registers.business_number(country, text)
    if number is None:
        raise Refusal("bin_invalid")
    return number


# Any: the fields of a form, of the types that it declares.
def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    """Numbers and mails in the form that is stored; what was cleared is null."""
    if fields.get("contact_phone") is not None:
        fields["contact_phone"] = dialled(fields["contact_phone"]) if fields["contact_phone"] else None
    if "contact_email" in fields:
        fields["contact_email"] = fields["contact_email"] or None
    return fields


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/company",
        add,
        "Register a company",
        "companies",
        request=CompanyForm,
        response=OwnCompany,
        status=201,
        roles=MEMBERS,
        errors=("bin_invalid", "phone_invalid", "company_member"),
        location="/api/v1/companies/{company}",
    ),
    Route(
        "GET",
        "/api/v1/company",
        own,
        "The own company",
        "companies",
        response=OwnCompany,
        roles=MEMBERS,
        errors=("company_required",),
    ),
    Route(
        "PATCH",
        "/api/v1/company",
        edit,
        "Change the company",
        "companies",
        request=CompanyPatch,
        response=OwnCompany,
        roles=MEMBERS,
        headers=("If-Match",),
        errors=("company_required", "bin_invalid", "phone_invalid"),
    ),
    Route(
        "POST",
        "/api/v1/company/verification",
        ask_verification,
        "Ask for verification",
        "companies",
        response=OwnCompany,
        roles=MEMBERS,
        errors=("company_required",),
    ),
    Route("GET", "/api/v1/companies/{company}", card, "A company", "companies", response=CompanyCard),
    Route(
        "GET",
        "/api/v1/admin/companies",
        page,
        "All companies",
        "admin",
        query=CompanyQuery,
        response=Companies,
        roles=frozenset({"admin"}),
        grades=grades(Right.SEE_DOCUMENTS),
    ),
    Route(
        "GET",
        "/api/v1/admin/companies/{company}",
        any_one,
        "A company, for staff",
        "admin",
        response=OwnCompany,
        roles=frozenset({"admin"}),
        grades=grades(Right.SEE_DOCUMENTS),
    ),
    Route(
        "PUT",
        "/api/v1/admin/companies/{company}/verification",
        decide,
        "Verify or reject a company",
        "admin",
        request=CompanyDecision,
        response=OwnCompany,
        roles=frozenset({"admin"}),
        grades=grades(Right.JUDGE_DOCUMENTS),
        headers=("If-Match",),
        errors=("company_taken",),
    ),
)
