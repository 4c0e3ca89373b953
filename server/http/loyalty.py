"""Who brought whom over HTTP: the link and its QR code, how far they are, and what staff say of it."""

import io
import time

import msgspec
import segno
from aiohttp import web

from billing.access import DAY_S
from billing.loyalty import earned, progress
from dispatch.rights import Right, grades
from server.protocol.rest.loyalty import (
    BonusesView,
    BonusView,
    InviteeView,
    LoyaltyForm,
    LoyaltyQuery,
    LoyaltyVersions,
    LoyaltyView,
    RatingLack,
    ReferralCaseQuery,
    ReferralCases,
    ReferralCaseView,
    ReferralDecision,
    ReferralPage,
    ReferralProgress,
    ReferralsQuery,
    ReferralsView,
    ReferralView,
)
from storage.referrals.invitees import Invitee
from storage.referrals.judging import ReferralCase
from storage.referrals.terms import LoyaltyTerms

from .route import Call, Route, Versioned

SVG = "image/svg+xml"
COUNTS = {"standing": True, "held": None, "refused": False}

# -- who brings others --------------------------------------------------------------------------------------


async def referral(call: Call[None, None]) -> ReferralView:
    """The caller's code, made the first time it is asked for."""
    code = await call.services.referrals.code(call.caller.user)
    return ReferralView(code, _link(call, code))


async def picture(call: Call[None, None]) -> web.Response:
    """The link as a QR code, for a page or a sticker on a cabin."""
    link = _link(call, await call.services.referrals.code(call.caller.user))
    drawn = io.BytesIO()
    # Level M: a sixth of the code may be dirty.
    segno.make_qr(link, error="m").save(drawn, kind="svg", scale=8, border=4, svgns=True, light="#fff")
    return web.Response(body=drawn.getvalue(), content_type=SVG)


async def invitation(call: Call[None, None]) -> ReferralPage:
    """What the page of a referral link shows."""
    return ReferralPage(*await call.services.referrals.page(call.request.match_info["code"]))


async def invitees(call: Call[None, ReferralsQuery]) -> ReferralsView:
    """Whom the caller has brought."""
    services, user, query = call.services, call.caller.user, call.query
    found = await services.invitees.page(user, query.before, query.limit)
    facts, terms = await services.invitees.facts(user), await services.loyalty_terms.all()
    of_referrals, now = [each.of_referrals for each in terms], services.now()
    far = progress(facts, of_referrals, now)
    grants = earned(facts, of_referrals, now)
    return ReferralsView(
        ReferralProgress(
            call.caller.role == "driver",
            far.threshold,
            terms[-1].referral_days,
            far.counting,
            far.missing,
            sum(grant.taken_back_at is None for grant in grants),
        ),
        [_invitee(each) for each in found],
        found[-1].id if len(found) == query.limit else None,
    )


async def bonuses(call: Call[None, None]) -> BonusesView:
    """What loyalty has given the caller, and what is missing for the next."""
    store, user = call.services.bonuses, call.caller.user
    given = [
        BonusView(each.kind, each.at, round(each.seconds / DAY_S), each.back)
        for each in await store.given(user)
    ]
    missing = None
    if call.caller.role == "driver":
        missing = [
            RatingLack(each.lack.value, each.has, each.needs) for each in (await store.rating(user)).missing
        ]
    return BonusesView(given, missing, (await store.terms()).rating_days)


# -- staff --------------------------------------------------------------------------------------------------


async def queue(call: Call[None, ReferralCaseQuery]) -> ReferralCases:
    """Sign-ups that may be nobody new, oldest first."""
    query = call.query
    found = await call.services.referral_judges.page(query.state, query.after or 0, query.limit)
    return ReferralCases([_case(each) for each in found], found[-1].id if len(found) == query.limit else None)


async def decide(call: Call[ReferralDecision, None]) -> ReferralCaseView:
    """It counts, or it never will."""
    form = call.body
    return _case(
        await call.services.referral_judges.decide(
            call.caller.user, call.path_id("referral"), stands=form.verdict == "approve", words=form.note
        )
    )


async def terms(call: Call[None, None]) -> Versioned:
    """What loyalty is worth now."""
    found = (await call.services.loyalty_terms.all())[-1]
    return Versioned(_terms(found), found.version)


async def put_terms(call: Call[LoyaltyForm, None]) -> Versioned:
    """Sets the next version."""
    new = LoyaltyTerms(**msgspec.structs.asdict(call.body))
    added = await call.services.loyalty_terms.add(call.caller.user, call.expected_version, new)
    return Versioned(_terms(added), added.version)


async def versions(call: Call[None, LoyaltyQuery]) -> LoyaltyVersions:
    """What loyalty was worth."""
    query = call.query
    found = await call.services.loyalty_terms.versions(query.before, query.limit)
    return LoyaltyVersions(
        [_terms(each) for each in found], found[-1].version if len(found) == query.limit else None
    )


def _link(call: Call[None, None], code: str) -> str:
    return f"{call.services.config.public_url}/r/{code}"


def _invitee(one: Invitee) -> InviteeView:
    step = "subscribed" if one.paying else "confirmed" if one.confirmed else "registered"
    day = time.strftime("%Y-%m-%d", time.gmtime(one.at))
    told = {
        "name": f"{one.initial}…",
        "role": one.role,
        "day": day,
        "step": step,
        "counts": COUNTS[one.state],
    }
    return msgspec.convert(told, InviteeView)


def _case(case: ReferralCase) -> ReferralCaseView:
    told = case._asdict()
    return msgspec.convert({**told, "referral": told.pop("id")}, ReferralCaseView)


def _terms(found: LoyaltyTerms) -> LoyaltyView:
    return msgspec.convert(found, LoyaltyView, from_attributes=True)


_PARTIES = frozenset({"shipper", "driver", "logistician"})
_STAFF = frozenset({"admin"})
_JUDGES = grades(Right.JUDGE_REFERRALS)
_SET = grades(Right.SET_LOYALTY)

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/me/referral",
        referral,
        "The link by which others are brought",
        "loyalty",
        response=ReferralView,
        roles=_PARTIES,
    ),
    Route(
        "GET",
        "/api/v1/me/referral/qr",
        picture,
        "The link as a QR code",
        "loyalty",
        roles=_PARTIES,
        produces=(SVG,),
        viewable=False,
    ),
    Route(
        "GET",
        "/api/v1/me/referrals",
        invitees,
        "Whom the caller has brought, and how far that is",
        "loyalty",
        query=ReferralsQuery,
        response=ReferralsView,
        roles=_PARTIES,
    ),
    Route(
        "GET",
        "/api/v1/me/bonuses",
        bonuses,
        "Free days that loyalty gives, and what is missing for them",
        "loyalty",
        response=BonusesView,
        roles=_PARTIES,
    ),
    Route(
        "GET",
        "/api/v1/referrals/{code}",
        invitation,
        "Who invites by this code",
        "loyalty",
        response=ReferralPage,
        roles=None,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/admin/referrals",
        queue,
        "Sign-ups by a code that somebody should look at",
        "admin",
        query=ReferralCaseQuery,
        response=ReferralCases,
        roles=_STAFF,
        grades=_JUDGES,
    ),
    Route(
        "POST",
        "/api/v1/admin/referrals/{referral}/decide",
        decide,
        "Say whether a sign-up by a code counts",
        "admin",
        request=ReferralDecision,
        response=ReferralCaseView,
        roles=_STAFF,
        grades=_JUDGES,
        errors=("not_found", "case_closed"),
    ),
    Route(
        "GET",
        "/api/v1/admin/loyalty",
        terms,
        "What loyalty is worth",
        "admin",
        response=LoyaltyView,
        roles=_STAFF,
    ),
    Route(
        "PUT",
        "/api/v1/admin/loyalty",
        put_terms,
        "Set what loyalty is worth from now on",
        "admin",
        request=LoyaltyForm,
        response=LoyaltyView,
        roles=_STAFF,
        grades=_SET,
        headers=("If-Match",),
    ),
    Route(
        "GET",
        "/api/v1/admin/loyalty/versions",
        versions,
        "What loyalty was worth",
        "admin",
        query=LoyaltyQuery,
        response=LoyaltyVersions,
        roles=_STAFF,
    ),
)
