"""Saved searches over HTTP."""

import msgspec

from dispatch.board import Viewer
from dispatch.errors import Refusal
from server.protocol.rest.board import BoardFilters
from server.protocol.rest.searches import SavedSearches, SavedSearchForm, SavedSearchView
from storage.searches import SavedSearch, SearchNote

from .board import here
from .route import Call, Route, Versioned

_DRIVER = frozenset({"driver"})


async def page(call: Call[None, None]) -> SavedSearches:
    """All of the caller's, with how many loads came since each was looked at."""
    viewer = await here(call, call.caller.user, None)
    found = await call.services.searches.all(call.caller.user)
    return SavedSearches([await _view(call, viewer, each) for each in found])


async def one(call: Call[None, None]) -> Versioned:
    """One of them."""
    viewer = await here(call, call.caller.user, None)
    saved = await call.services.searches.one(call.caller.user, call.path_id("search"))
    return await _versioned(call, viewer, saved)


async def add(call: Call[SavedSearchForm, None]) -> Versioned:
    """Keeps a search."""
    note, viewer = _note(call, call.body), await here(call, call.caller.user, None)
    return await _versioned(call, viewer, await call.services.searches.add(call.caller.user, note))


async def change(call: Call[SavedSearchForm, None]) -> Versioned:
    """Edits it whole."""
    note, viewer = _note(call, call.body), await here(call, call.caller.user, None)
    search, version = call.path_id("search"), call.expected_version
    saved = await call.services.searches.change(call.caller.user, search, version, note)
    return await _versioned(call, viewer, saved)


async def remove(call: Call[None, None]) -> None:
    """Forgets it."""
    await call.services.searches.remove(call.caller.user, call.path_id("search"))


async def viewed(call: Call[None, None]) -> None:
    """The caller has looked at what it finds."""
    await call.services.searches.viewed(call.caller.user, call.path_id("search"))


def _note(call: Call[SavedSearchForm, None], form: SavedSearchForm) -> SearchNote:
    if (form.quiet_from is None) != (form.quiet_to is None):
        raise Refusal("bad_request", "{a} and {b} go together", a="quiet_from", b="quiet_to").at("quiet_to")
    if form.search.vehicle is not None:
        raise Refusal("bad_request", "a saved search follows the active vehicle").at("search.vehicle")
    quiet = None
    if form.quiet_from is not None and form.quiet_to is not None:
        quiet = (form.quiet_from, form.quiet_to)
    return SearchNote(
        name=form.name,
        given=msgspec.to_builtins(form.search),
        search=call.services.board_searches.search(form.search, None),
        fits=form.search.fits,
        active=form.active,
        notify=form.notify,
        quiet=quiet,
    )


async def _versioned(call: Call[object, None], viewer: Viewer, saved: SavedSearch) -> Versioned:
    return Versioned(await _view(call, viewer, saved), saved.version)


async def _view(call: Call[object, None], viewer: Viewer, saved: SavedSearch) -> SavedSearchView:
    given = msgspec.convert(saved.given, BoardFilters)
    search = call.services.board_searches.search(given, viewer.vehicle)
    fresh = await call.services.board.fresh(viewer, search, saved.viewed_at)
    quiet = saved.quiet or (None, None)
    return SavedSearchView(
        saved_search=saved.id,
        name=saved.name,
        search=given,
        active=saved.active,
        notify=saved.notify,
        quiet_from=quiet[0],
        quiet_to=quiet[1],
        version=saved.version,
        created_at=saved.created_at,
        viewed_at=saved.viewed_at,
        fresh=fresh.count,
        fresh_exact=fresh.exact,
    )


_PATH = "/api/v1/searches"
_NAMED = ("subscription_expired", "place_unknown", "area_invalid", "search_exists")
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        _PATH,
        page,
        "Saved searches",
        "board",
        response=SavedSearches,
        roles=_DRIVER,
        errors=("subscription_expired", "search_too_heavy"),
        cost=5,
    ),
    Route(
        "POST",
        _PATH,
        add,
        "Save a search",
        "board",
        request=SavedSearchForm,
        response=SavedSearchView,
        status=201,
        roles=_DRIVER,
        errors=(*_NAMED, "limit_reached"),
        location="/api/v1/searches/{saved_search}",
    ),
    Route(
        "GET",
        f"{_PATH}/{{search}}",
        one,
        "A saved search",
        "board",
        response=SavedSearchView,
        roles=_DRIVER,
        errors=("subscription_expired", "not_found"),
    ),
    Route(
        "PUT",
        f"{_PATH}/{{search}}",
        change,
        "Edit a saved search",
        "board",
        request=SavedSearchForm,
        response=SavedSearchView,
        roles=_DRIVER,
        errors=(*_NAMED, "not_found"),
        headers=("If-Match",),
    ),
    Route(
        "DELETE",
        f"{_PATH}/{{search}}",
        remove,
        "Forget a saved search",
        "board",
        status=204,
        roles=_DRIVER,
        errors=("not_found",),
    ),
    Route(
        "POST",
        f"{_PATH}/{{search}}/viewed",
        viewed,
        "What a saved search finds was looked at",
        "board",
        status=204,
        roles=_DRIVER,
        errors=("not_found",),
    ),
)
