"""A board in a real database, loads on it, and drivers who look."""

import itertools
import time
from dataclasses import replace
from typing import Any

from dispatch.board import BoardSearch, Sort, Viewer
from dispatch.model import Haul, Load, Money, NewOrder, Order, Place, Stop, Terms, Vehicle, Window
from geo.types import Position
from storage.board.store import After, BoardStore
from storage.board.upkeep import BoardUpkeep
from storage.postgres import Pool
from tests.integration.orders.market import ALMATY, ASTANA, Market

TENT = Vehicle(1, "tent", 22_000.0, 90.0)
_numbers = itertools.count(1)


class Shelf:
    """Posts loads straight to the board."""

    def __init__(self, pool: Pool, board_pool: Pool | None = None) -> None:
        self.pool = pool
        self.market = Market(pool)
        self.board = BoardStore(pool, board_pool)
        self.upkeep = BoardUpkeep(pool)
        self._shipper: int | None = None

    async def shipper(self) -> int:
        """The one that posts, unless a test names another."""
        if self._shipper is None:
            self._shipper = await self.market.shipper()
        return self._shipper

    async def post(self, *, boarded: bool = True, **changes: Any) -> Order:
        """A load from Almaty to Astana but for `changes`: fields of Load, Terms and NewOrder, `pickup`, `drop`,
        `window`, `price`, `distance_m`."""
        pickup: Place = changes.pop("pickup", ALMATY)
        drop: Place = changes.pop("drop", ASTANA)
        window = Window(*changes.pop("window", (None, None)))
        distance_m = changes.pop("distance_m", 1_220_000.0)
        price = changes.pop("price", 46_360_000)
        price = price if isinstance(price, Money) else Money(price, "KZT")
        load_fields = {k: changes.pop(k) for k in list(changes) if k in Load.__dataclass_fields__}
        term_fields = {k: changes.pop(k) for k in list(changes) if k in Terms.__dataclass_fields__}
        load = replace(Load("мука", 20_000.0, 40.0, "tent"), **load_fields)
        stops = (
            Stop("pickup", pickup, window, address="ул. Абая, 1", contact_phone="+77010000001"),
            Stop("drop", drop),
        )
        haul = Haul(pickup, drop, distance_m, distance_m / 18, "embedded", stops)
        new = NewOrder(
            changes.pop("shipper", None) or await self.shipper(), haul, load, price,
            changes.pop("valid_s", 86_400.0), Terms(**term_fields), changes.pop("company", None),
            changes.pop("private", False),
        )  # fmt: skip
        assert not changes, changes
        order = await self.market.orders.add(new)
        if boarded:
            await self.put(order)
        return order

    async def put(self, order: Order) -> None:
        """To the board, as the end of a search does."""
        await self.pool.execute(
            "UPDATE orders SET board_at = clock_timestamp(), seek_at = NULL WHERE id = $1", order.id
        )

    async def looks(self, vehicle: Vehicle | None = None, at: Position | None = None) -> Viewer:
        """A subscribed driver with this truck."""
        driver = await self.market.driver()
        return Viewer(driver, vehicle, at)

    async def ids(
        self,
        viewer: Viewer,
        search: BoardSearch | None = None,
        sort: Sort = Sort.NEWEST,
        limit: int = 100,
        after: After | None = None,
    ) -> list[int]:
        """The orders of a page."""
        page = await self.board.page(viewer, search or BoardSearch(), sort, limit, after)
        return [card.load.order for card in page.cards]

    async def pages(self, viewer: Viewer, search: BoardSearch, sort: Sort, limit: int) -> list[int]:
        """All pages, one after the other."""
        found: list[int] = []
        after = None
        while True:
            page = await self.board.page(viewer, search, sort, limit, after)
            found += [card.load.order for card in page.cards]
            after = page.next
            if after is None:
                return found


def place(lat: float, lon: float) -> Place:
    """Somewhere."""
    return Place(next(_numbers), "x", lat, lon)


def in_hours(hours: float) -> float:
    """Epoch seconds so many hours from now."""
    return time.time() + hours * 3600
