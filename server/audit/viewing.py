"""Every look of staff at where people are is written down, before it is granted.

Looks are conflated: one row for a member of staff, a stretch of the map (or a driver) and five minutes, with the
viewport and how many trucks it held; the next row tells how often it was looked at meanwhile. A look that goes on,
such as an open map, is written down again every five minutes. A look that cannot be written down is refused.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from geo.cells import cell_of, to_text
from storage.postgres import Pool, Unreachable, transaction
from storage.staff import record

log = logging.getLogger("desk.viewing")

WINDOW_S = 300.0
AGAIN_S = 60.0
MAX_KNOWN = 10_000  # looks in memory; beyond it the oldest are forgotten, and written down again

# A viewport so many degrees wide is one of a grid of cells about a tenth of it: a nudge of the map is the same
# look, another town or another zoom is another.
_RES_OF_SPAN = ((40.0, 0), (15.0, 1), (6.0, 2), (2.0, 3), (0.8, 4), (0.3, 5), (0.1, 6))
_FINEST = 7


class Viewport(NamedTuple):
    """Degrees; `west` > `east` goes over the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    @property
    def stretch(self) -> str:
        """The cell of the grid that stands for it."""
        width = self.east - self.west if self.east >= self.west else (self.east - self.west) % 360.0
        span = max(width, self.north - self.south)
        res = next((res for least, res in _RES_OF_SPAN if span >= least), _FINEST)
        lon = (self.west + width / 2 + 180.0) % 360.0 - 180.0
        return to_text(cell_of((self.south + self.north) / 2, lon, res))


class _Look:
    __slots__ = ("repeats", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.repeats = 0


class Viewing:
    """What staff have looked at from this worker, lately."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._looks: dict[tuple[int, str, str], _Look] = {}  # oldest first

    async def area(self, staff: int, viewport: Viewport, trucks: Callable[[], int]) -> None:
        """A map of trucks is about to be shown. `trucks` counts them, if the look is new."""
        await self._look(
            staff,
            "map.view",
            viewport.stretch,
            (None,),
            lambda: {
                **{side: f"{degrees:.4f}" for side, degrees in viewport._asdict().items()},
                "trucks": str(trucks()),
            },
        )

    async def truck(self, staff: int, driver: int | None, order: int) -> None:
        """The truck of an order is about to be shown; its driver may still be to come."""
        await self._look(staff, "truck.view", f"{order} {driver}", (driver,), lambda: {"order": str(order)})

    async def chat(self, staff: int, people: Sequence[int], order: int) -> None:
        """The conversation of an order is about to be shown: a row for each of its two sides."""
        await self._look(staff, "chat.view", str(order), people, lambda: {"order": str(order)})

    async def deliveries(self, staff: int, user: int, offer: int | None) -> None:
        """How a user was told of everything, or of one offer, is about to be shown."""
        detail = {} if offer is None else {"offer": str(offer)}
        await self._look(staff, "deliveries.view", f"{user} {offer}", (user,), lambda: dict(detail))

    async def track(self, staff: int, driver: int, detail: dict[str, str]) -> None:
        """Where a driver was between two moments is about to be shown; every one of these is a row."""
        async with transaction(self._pool) as connection:
            await record(connection, staff, "track.view", driver, "", detail)

    async def _look(
        self,
        staff: int,
        what: str,
        where: str,
        users: Sequence[int | None],
        detail: Callable[[], dict[str, str]],
    ) -> None:
        key, now = (staff, what, where), self._clock()
        known = self._looks.get(key)
        if known is not None and now < known.until:
            known.repeats += 1
            return
        told = detail()
        if known is not None and known.repeats:
            told["repeats"] = str(known.repeats)
        # In its place before the row is written: two at the same moment are one look ...
        self._looks.pop(key, None)
        look = self._looks[key] = _Look(now + WINDOW_S)
        while len(self._looks) > MAX_KNOWN:
            del self._looks[next(iter(self._looks))]
        try:
            async with transaction(self._pool) as connection:
                for user in users:
                    await record(connection, staff, what, user, "", told)
        except BaseException:
            # ... and one that was not written down is none.
            if self._looks.get(key) is look:
                del self._looks[key]
            raise

    async def run(self, going_on: Callable[[], list[tuple[int, Viewport, Callable[[], int]]]]) -> None:
        """For ever: open maps, as (staff, viewport, how many trucks), are looked at all the time."""
        while True:
            await asyncio.sleep(AGAIN_S)
            try:
                for staff, viewport, trucks in going_on():
                    await self.area(staff, viewport, trucks)
            except Unreachable as error:
                log.warning("viewing.put_off", extra={"error": repr(error)})
