"""The part of the REST API that is about finding a load: the board, its map, saved searches."""

from .calls import Calls, made_from
from .messages import (
    Board,
    BoardCard,
    BoardClusterQuery,
    BoardClusters,
    BoardFacetQuery,
    BoardFacets,
    BoardLoadQuery,
    BoardQuery,
    SavedSearches,
    SavedSearchForm,
    SavedSearchView,
)

_BOARD = "/api/v1/board"
_SEARCHES = "/api/v1/searches"


class BoardCalls(Calls):
    """One method a route. A logistician names the driver for whom he looks in the query."""

    async def board(self, query: BoardQuery | None = None) -> Board:
        """Loads open to every subscribed driver; the next page is asked for with `after` = its `next`."""
        wire = (query or BoardQuery()).to_wire()
        return Board.from_wire(await self._call("GET", _BOARD, query=wire))

    async def board_load(self, order: int, driver: int | None = None) -> BoardCard:
        """One load of the board, or one that you were alerted to."""
        wire = BoardLoadQuery(driver).to_wire()
        return BoardCard.from_wire(await self._call("GET", f"{_BOARD}/{order}", query=wire))

    async def board_facets(self, query: BoardFacetQuery | None = None) -> BoardFacets:
        """How the loads of a search divide."""
        wire = (query or BoardFacetQuery()).to_wire()
        return BoardFacets.from_wire(await self._call("GET", f"{_BOARD}/facets", query=wire))

    async def board_clusters(self, query: BoardClusterQuery) -> BoardClusters:
        """A window of the map (`bbox`): cells of loads, or the loads where they are few."""
        return BoardClusters.from_wire(await self._call("GET", f"{_BOARD}/clusters", query=query.to_wire()))

    async def saved_searches(self) -> SavedSearches:
        """Your saved searches with how many loads are new in each."""
        return SavedSearches.from_wire(await self._call("GET", _SEARCHES))

    async def saved_search(self, search: int) -> SavedSearchView:
        """One of them."""
        return SavedSearchView.from_wire(await self._call("GET", f"{_SEARCHES}/{search}"))

    async def save_search(self, form: SavedSearchForm) -> SavedSearchView:
        """Be told of new loads that suit; `search_exists` when the name is taken."""
        return SavedSearchView.from_wire(await self._call("POST", _SEARCHES, form.to_wire()))

    async def change_search(self, search: int, version: int, form: SavedSearchForm) -> SavedSearchView:
        """Edit the version you have read."""
        wire = await self._call("PUT", f"{_SEARCHES}/{search}", form.to_wire(), headers=made_from(version))
        return SavedSearchView.from_wire(wire)

    async def forget_search(self, search: int) -> None:
        """Remove it."""
        await self._call("DELETE", f"{_SEARCHES}/{search}")

    async def search_viewed(self, search: int) -> None:
        """Its loads were looked at: new ones are counted from now."""
        await self._call("POST", f"{_SEARCHES}/{search}/viewed")
