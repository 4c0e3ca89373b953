"""Disputes over HTTP: opened, answered, withdrawn by the sides of a haul, decided by staff."""

from collections.abc import Sequence

import msgspec

from dispatch.disputes import Complaint, Decision, DisputeOutcome, DisputeState, speaks_for
from dispatch.model import Order
from dispatch.rights import Right, grades
from server import views
from server.protocol.messages import OrderState
from server.protocol.rest.disputes import (
    DecideForm,
    DisputeCase,
    DisputeCases,
    DisputeForm,
    DisputeQuery,
    DisputeSaid,
    DisputeSayForm,
    DisputeView,
)
from storage.disputes.rows import Dispute, Said

from .orders import ANYBODY
from .parties import party_to, state
from .route import Call, Route


async def open_(call: Call[DisputeForm, None]) -> OrderState:
    """Something is wrong with a haul that is under way or just over: staff decide."""
    number, form = call.path_id("order"), call.body
    party = await party_to(call, number)
    complaint = Complaint(form.code, form.note, form.amount, tuple(form.files))
    return state(call, await call.services.dispatcher.dispute(party, number, complaint), party)


async def one(call: Call[None, None]) -> DisputeView:
    """The newest dispute of a haul, with all that was said."""
    number = call.path_id("order")
    party = await party_to(call, number)
    order, dispute, said = await call.services.disputes.of_order(party, number)
    return _view(order, dispute, said, speaks_for(order, party))


async def answer(call: Call[DisputeSayForm, None]) -> DisputeView:
    """What the other side says to it."""
    return await _say(call, answers=True)


async def message(call: Call[DisputeSayForm, None]) -> DisputeView:
    """One more word, or evidence."""
    return await _say(call, answers=False)


async def withdraw(call: Call[None, None]) -> OrderState:
    """It is taken back: the haul goes on where it stood."""
    number = call.path_id("order")
    party = await party_to(call, number)
    done = await call.services.disputes.withdraw(party, number)
    return state(call, call.services.notify.told(done), party)


# -- staff --------------------------------------------------------------------------------------------------


async def queue(call: Call[None, DisputeQuery]) -> DisputeCases:
    """Disputes to decide, oldest first; or those that have ended."""
    query = call.query
    found = await call.services.dispute_judges.page(query.state, query.after or 0, query.limit)
    return DisputeCases(
        [_case(dispute, [], order) for dispute, order in found],
        found[-1][0].id if len(found) == query.limit else None,
    )


async def whole(call: Call[None, None]) -> DisputeCase:
    """One dispute with all that was said."""
    return _case(*await call.services.dispute_judges.one(call.path_id("dispute")))


async def claim(call: Call[None, None]) -> DisputeCase:
    """Others leave it alone for a while."""
    dispute = call.path_id("dispute")
    await call.services.dispute_judges.claim(call.caller.user, dispute)
    return _case(*await call.services.dispute_judges.one(dispute))


async def unclaim(call: Call[None, None]) -> None:
    """Somebody else may have it."""
    await call.services.dispute_judges.unclaim(call.caller.user, call.path_id("dispute"))


async def decide(call: Call[DecideForm, None]) -> DisputeCase:
    """The end of it: the order moves on."""
    dispute, form = call.path_id("dispute"), call.body
    decision = Decision(DisputeOutcome(form.outcome), form.text, form.amount, form.cancels)
    done = await call.services.dispute_judges.decide(call.caller.user, dispute, decision)
    call.services.notify.told(done)
    return _case(*await call.services.dispute_judges.one(dispute))


# -- views --------------------------------------------------------------------------------------------------


async def _say(call: Call[DisputeSayForm, None], *, answers: bool) -> DisputeView:
    number, form, disputes = call.path_id("order"), call.body, call.services.disputes
    party = await party_to(call, number)
    say = disputes.answer if answers else disputes.message
    done = await say(party, number, form.text, tuple(form.files))
    dispute, said = call.services.notify.told(done)
    order = await call.services.orders.visible_to(party, number)
    return _view(order, dispute, said, speaks_for(order, party))


def _view(order: Order, dispute: Dispute, said: Sequence[Said], side: str) -> DisputeView:
    stands = dispute.state is DisputeState.OPEN
    across = side not in (dispute.side, "staff")
    told = {name: getattr(dispute, name) for name in DisputeView.__struct_fields__ if hasattr(dispute, name)}
    return msgspec.convert(
        told
        | {
            "dispute": dispute.id,
            "currency": order.price.currency,
            "taken": dispute.claimed_by is not None,
            "messages": [
                DisputeSaid(
                    each.id,
                    each.side,
                    each.author if side == "staff" or each.side != "staff" else None,
                    each.kind,
                    each.text,
                    list(each.files),
                    each.at,
                )
                for each in said
            ],
            "may_answer": stands and across and dispute.answered_at is None,
            "may_withdraw": stands and side == dispute.side,
        },
        DisputeView,
    )


def _case(dispute: Dispute, said: Sequence[Said], order: Order) -> DisputeCase:
    return DisputeCase(
        dispute=_view(order, dispute, said, "staff"),
        order=views.order_state(order, None),
        claimed_by=dispute.claimed_by,
        claimed_at=dispute.claimed_at,
        decided_by=dispute.decided_by,
        was=dispute.was.value,
    )


_STAFF = frozenset({"admin"})
_JUDGES = grades(Right.MEND_ORDERS)
_SAID = ("not_found", "forbidden", "dispute_closed", "limit_reached", "busy")
_DECIDED = ("not_found", "case_claimed", "case_closed", "busy")

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/{order}/dispute",
        open_,
        "Say that something is wrong with a haul",
        "disputes",
        request=DisputeForm,
        response=OrderState,
        roles=ANYBODY,
        grades=_JUDGES,
        errors=("not_found", "transition_forbidden", "limit_reached", "busy"),
        scope="orders:write",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/dispute",
        one,
        "The newest dispute of a haul",
        "disputes",
        response=DisputeView,
        roles=ANYBODY,
        grades=_JUDGES,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/dispute/answer",
        answer,
        "Answer to a dispute, once",
        "disputes",
        request=DisputeSayForm,
        response=DisputeView,
        roles=frozenset({"shipper", "driver", "logistician"}),
        errors=(*_SAID, "dispute_answered"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/dispute/messages",
        message,
        "One more word on a dispute, or evidence",
        "disputes",
        request=DisputeSayForm,
        response=DisputeView,
        roles=ANYBODY,
        grades=_JUDGES,
        errors=_SAID,
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/dispute/withdraw",
        withdraw,
        "Take a dispute back: the haul goes on",
        "disputes",
        response=OrderState,
        roles=ANYBODY,
        grades=_JUDGES,
        errors=("not_found", "forbidden", "dispute_closed", "busy"),
        scope="orders:write",
    ),
    Route(
        "GET",
        "/api/v1/admin/disputes",
        queue,
        "Disputes to decide",
        "disputes",
        query=DisputeQuery,
        response=DisputeCases,
        roles=_STAFF,
        grades=_JUDGES,
    ),
    Route(
        "GET",
        "/api/v1/admin/disputes/{dispute}",
        whole,
        "A dispute with all that was said",
        "disputes",
        response=DisputeCase,
        roles=_STAFF,
        grades=_JUDGES,
        errors=("not_found",),
    ),
    Route(
        "POST",
        "/api/v1/admin/disputes/{dispute}/claim",
        claim,
        "Take a dispute",
        "disputes",
        response=DisputeCase,
        roles=_STAFF,
        grades=_JUDGES,
        errors=_DECIDED,
    ),
    Route(
        "DELETE",
        "/api/v1/admin/disputes/{dispute}/claim",
        unclaim,
        "Leave a dispute to others",
        "disputes",
        status=204,
        roles=_STAFF,
        grades=_JUDGES,
        errors=("not_found", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/admin/disputes/{dispute}/decide",
        decide,
        "Decide a dispute",
        "disputes",
        request=DecideForm,
        response=DisputeCase,
        roles=_STAFF,
        grades=_JUDGES,
        errors=(*_DECIDED, "reason_invalid"),
    ),
)
