"""The board, and the searches that drivers keep."""

import itertools

from dispatch.board import BoardSearch
from storage.searches import SearchNote, SearchStore

from ..matrix import Cell, Row
from ..world import Person, World

_UNPAID = {"expired.own": "subscription_expired"}
_UNPAID_ALL = {"expired": "subscription_expired"}
_NAMELESS = {"logistician": "bad_request"}  # of whose driver? test_board_http.py names one
_names = itertools.count(1)


async def a_search(world: World, person: Person) -> int:
    """A saved search of a driver's."""
    note = SearchNote(f"search {next(_names)}", {}, BoardSearch())
    return (await SearchStore(world.pool).add(person.user, note)).id


def form(cell: Cell) -> dict[str, object]:
    return {"name": f"search {next(_names)}", "search": {"lat": 43.2, "lon": 76.9}}


ROWS = (
    Row("GET /api/v1/board", expect=_UNPAID | _NAMELESS),
    Row("GET /api/v1/board/facets", expect=_UNPAID | _NAMELESS),
    Row("GET /api/v1/board/clusters", query="?bbox=46,40,88,56&zoom=5", expect=_UNPAID | _NAMELESS),
    Row("GET /api/v1/board/{order}", own=World.board_load, shared=True, expect=_UNPAID_ALL | _NAMELESS),
    Row("GET /api/v1/searches", expect=_UNPAID),
    Row("POST /api/v1/searches", body=form, expect=_UNPAID),
    Row("GET /api/v1/searches/{search}", own=a_search, expect=_UNPAID_ALL),
    Row(
        "PUT /api/v1/searches/{search}",
        own=a_search,
        body=form,
        headers={"If-Match": '"1"'},
        expect=_UNPAID_ALL,
    ),
    Row("DELETE /api/v1/searches/{search}", own=a_search),
    Row("POST /api/v1/searches/{search}/viewed", own=a_search),
)
