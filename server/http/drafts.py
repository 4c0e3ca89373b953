"""Loads that are not posted yet over HTTP: begun, saved field by field, published; and copies of old orders."""

from dispatch.asked import Draft, content_of, with_windows, without_times
from dispatch.dictionaries import Words
from dispatch.errors import Refusal
from dispatch.model import Window
from dispatch.rights import Right, grades
from server.errors import problem_of
from server.forms import form_of, said_in
from server.protocol.messages import OrderState
from server.protocol.rest.common import PageQuery
from server.protocol.rest.drafts import CopyForm, DraftPage, DraftView, Lack, PublishForm
from server.protocol.rest.orders import OrderEdit
from storage.order_reads import NO_LIMIT

from .orders import RULES, SHIPPER
from .parties import party_of, state
from .route import Call, Route, Versioned


async def begin(call: Call[OrderEdit, None]) -> Versioned:
    """A new draft, with whatever is known of the load."""
    party = await party_of(call)
    content = {name: value for name, value in said_in(call.body).items() if value is not None}
    draft = await call.services.drafts.add(party.user, min(party.companies, default=None), content)
    return await draft_answer(call, draft)


async def page(call: Call[None, PageQuery]) -> DraftPage:
    """The caller's drafts, newest first."""
    query = call.query
    party = await party_of(call)
    before = NO_LIMIT if query.before is None else query.before
    found = await call.services.drafts.page(party, before, query.limit)
    words = await call.services.words.now()
    return DraftPage(
        drafts=[draft_view(call, draft, words) for draft in found],
        next=found[-1].order if len(found) == query.limit else None,
    )


async def read(call: Call[None, None]) -> Versioned:
    """One draft, and what it lacks."""
    draft = await call.services.drafts.draft(await party_of(call), call.path_id("order"))
    return await draft_answer(call, draft)


async def save(call: Call[OrderEdit, None]) -> Versioned:
    """Saves the fields that are said."""
    draft = await call.services.drafts.save(
        await party_of(call), call.path_id("order"), call.expected_version, said_in(call.body)
    )
    return await draft_answer(call, draft)


async def discard(call: Call[None, None]) -> None:
    """It will not be posted."""
    await call.services.drafts.discard(await party_of(call), call.path_id("order"))


async def publish(call: Call[PublishForm, None]) -> Versioned:
    """Posts the draft under its own number."""
    party = await party_of(call)
    order = await call.services.poster.publish(
        party, call.path_id("order"), call.expected_version, allow_duplicate=call.body.allow_duplicate
    )
    return Versioned(state(call, order, party), order.version)


async def copy(call: Call[CopyForm, None]) -> Versioned:
    """A draft like an order of before, at other times."""
    party = await party_of(call)
    order = await call.services.orders.visible_to(party, call.path_id("order"))
    content = content_of(order)
    windows = [Window(each.window_from, each.window_to) for each in call.body.windows]
    had = [
        number for number, stop in enumerate(content["stops"]) if {"window_from", "window_to"} & stop.keys()
    ]
    if windows and len(windows) != len(content["stops"]):
        raise Refusal("window_invalid", "say one for each of {n} stops", n=len(content["stops"])).at(
            "windows"
        )
    for number in had:
        if not windows or windows[number] == Window():
            raise Refusal("window_invalid", "a copy needs times of its own").at(f"windows[{number}]")
    content = with_windows(content, windows) if windows else without_times(content)
    company = min(party.companies, default=None)
    draft = await call.services.drafts.add(party.user, company, content, {"copy_of": order.id})
    return await draft_answer(call, draft)


def draft_view(call: Call[object, object], draft: Draft, words: Words) -> DraftView:
    """A draft as its shipper sees it, with everything that it lacks in the reader's language."""
    return DraftView(
        draft.order,
        draft.version,
        draft.saved_at,
        form_of(draft.content),
        [
            Lack(refusal.path or "", refusal.code, problem_of(refusal, lang=call.lang).detail)
            for refusal in call.services.poster.missing(draft.content, words)
        ],
    )


async def draft_answer(call: Call[object, object], draft: Draft) -> Versioned:
    """The same as an answer that can be edited."""
    words = await call.services.words.now()
    return Versioned(draft_view(call, draft, words), draft.version)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/drafts",
        begin,
        "Begin a load without posting it",
        "drafts",
        request=OrderEdit,
        response=DraftView,
        status=201,
        roles=SHIPPER,
        errors=("limit_reached", "phone_invalid"),
        location="/api/v1/orders/drafts/{order}",
        scope="orders:write",
    ),
    Route(
        "GET",
        "/api/v1/orders/drafts",
        page,
        "Drafts, newest first",
        "drafts",
        query=PageQuery,
        response=DraftPage,
        roles=SHIPPER,
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/drafts/{order}",
        read,
        "A draft and what it lacks",
        "drafts",
        response=DraftView,
        roles=SHIPPER,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "PATCH",
        "/api/v1/orders/drafts/{order}",
        save,
        "Save some fields of a draft",
        "drafts",
        request=OrderEdit,
        response=DraftView,
        roles=SHIPPER,
        errors=("not_found", "transition_forbidden", "phone_invalid"),
        headers=("If-Match",),
        scope="orders:write",
    ),
    Route(
        "DELETE",
        "/api/v1/orders/drafts/{order}",
        discard,
        "Discard a draft",
        "drafts",
        status=204,
        roles=frozenset({"shipper", "admin"}),
        grades=grades(Right.MEND_ORDERS),
        errors=("not_found", "transition_forbidden"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/drafts/{order}/publish",
        publish,
        "Post a draft",
        "drafts",
        request=PublishForm,
        response=OrderState,
        roles=SHIPPER,
        errors=(*RULES, "not_found", "transition_forbidden", "order_duplicate"),
        headers=("If-Match",),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/copy",
        copy,
        "A draft like an order of before",
        "drafts",
        request=CopyForm,
        response=DraftView,
        status=201,
        roles=SHIPPER,
        errors=("not_found", "window_invalid", "limit_reached"),
        location="/api/v1/orders/drafts/{order}",
        scope="orders:write",
    ),
)
