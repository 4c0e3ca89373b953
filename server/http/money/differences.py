"""Where an acquirer's list and ours differ."""

from server.http.route import Call, Route
from server.protocol.rest.acquirers import (
    ComparedView,
    DifferenceKind,
    Differences,
    DifferencesQuery,
    DifferenceView,
    NoteForm,
)
from server.protocol.rest.plans import CurrencyCode
from storage.billing.reconciling import DifferenceRow

from .staff import AREA, MOVE, SEE, STAFF


async def page(call: Call[None, DifferencesQuery]) -> Differences:
    """One page of differences, and how far each list was compared."""
    store, query = call.services.paying.reconciliations, call.query
    found = await store.page(query.before, query.limit, only_open=not query.all)
    return Differences(
        [_view(each) for each in found],
        [
            ComparedView(each.provider, each.upto, each.ran_at, each.listed, each.differences)
            for each in await store.marks()
        ],
        found[-1].id if len(found) == query.limit else None,
    )


async def settle(call: Call[NoteForm, None]) -> None:
    """Somebody has cleared one up."""
    await call.services.paying.reconciliations.settle(
        call.caller.user, call.path_id("difference"), call.body.note
    )


def _view(each: DifferenceRow) -> DifferenceView:
    return DifferenceView(
        each.id,
        each.provider,
        _kind(each.kind),
        each.transaction,
        _currency(each.currency),
        each.ours,
        each.theirs,
        each.healed,
        each.found_at,
        each.settled_at,
        each.settled_by,
        each.note,
    )


# What is stored came from here.
def _kind(word: str) -> DifferenceKind:
    return word  # type: ignore[return-value]


def _currency(word: str) -> CurrencyCode:
    return word  # type: ignore[return-value]


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/money/differences",
        page,
        "Differences to the lists of acquirers",
        AREA,
        query=DifferencesQuery,
        response=Differences,
        roles=STAFF,
        grades=SEE,
    ),
    Route(
        "POST",
        "/api/v1/admin/money/differences/{difference}/settle",
        settle,
        "Settle a difference",
        AREA,
        request=NoteForm,
        status=204,
        roles=STAFF,
        grades=MOVE,
        errors=("not_found",),
    ),
)
