"""Who is shown where a driver is, noted in memory and written down in batches: no look waits for the database.

One row for a viewer, an order and five minutes, whatever the worker; a socket that stays open is a look a minute.
The looks of staff have their own log besides, which is written before the look (server/audit/viewing.py).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from storage.postgres import Unreachable
from storage.sharing.views import SLOT_S, LinkLook, Look, Tally, ViewStore

if TYPE_CHECKING:
    from server.auth import Principal

log = logging.getLogger("desk.viewers")

WRITE_S = 2.0
AGAIN_S = 60.0
MAX_WAITING = 50_000  # rows in memory while PostgreSQL is away; beyond it the oldest are dropped and counted

KINDS = {"shipper": "shipper", "logistician": "fleet", "admin": "staff"}
K = TypeVar("K", bound=tuple[object, ...])
Watching = Callable[[], Iterable[tuple["Principal", int, int]]]


class ViewerLog:
    """What this worker has shown and not written down yet."""

    def __init__(self, store: ViewStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._looks: dict[Look, Tally] = {}
        self._by_link: dict[LinkLook, Tally] = {}
        self.dropped = 0

    def saw(self, who: "Principal", driver: int, order: int | None) -> None:
        """Somebody who is signed in was shown where the driver is. A driver who sees himself is nobody."""
        kind, viewer = KINDS.get(who.role), who.user
        if who.viewing is not None:  # staff who look as the user are staff
            kind, viewer = "staff", who.viewing.staff
        if kind is not None:
            now = self._clock()
            look = Look(_slot(now), driver, kind, order or 0, viewer, 0)
            self._count(self._looks, look, now, who.grade)

    def by_link(self, link: int, order: int, driver: int | None, network: str, agent: str) -> None:
        """A stranger looked at a public page; `driver` is whom they were shown, if anybody."""
        now = self._clock()
        self._count(self._by_link, LinkLook(_slot(now), link, network, agent), now)
        if driver is not None:
            self._count(self._looks, Look(_slot(now), driver, "link", order, 0, link), now)

    def _count(self, waiting: dict[K, Tally], key: K, now: float, grade: str | None = None) -> None:
        tally = waiting.get(key)
        if tally is None:
            while len(waiting) >= MAX_WAITING:
                del waiting[next(iter(waiting))]
                self.dropped += 1
            waiting[key] = Tally(now, now, grade=grade)
            return
        tally.last = now
        tally.looks += 1
        tally.grade = grade or tally.grade

    async def write(self) -> None:
        """Writes down what waits. Raises postgres.Unreachable, and then everything still waits."""
        looks, self._looks = self._looks, {}
        by_link, self._by_link = self._by_link, {}
        if not looks and not by_link:
            return
        try:
            await self._store.add(looks, by_link)
        except BaseException:
            self._looks = _joined(looks, self._looks)
            self._by_link = _joined(by_link, self._by_link)
            raise

    async def run(self, watching: Watching) -> None:
        """For ever, and once more at the end. `watching` tells what open sockets show: (who, driver, order)."""
        again_at = time.monotonic() + AGAIN_S
        try:
            while True:
                await asyncio.sleep(WRITE_S)
                if time.monotonic() >= again_at:
                    again_at = time.monotonic() + AGAIN_S
                    for who, driver, order in watching():
                        self.saw(who, driver, order)
                await self._try()
        finally:
            await self._try()

    async def _try(self) -> None:
        try:
            await self.write()
        except Unreachable as error:
            log.warning("viewers.put_off", extra={"error": repr(error)})


def _slot(now: float) -> int:
    return int(now // SLOT_S)


def _joined(old: dict[K, Tally], new: dict[K, Tally]) -> dict[K, Tally]:
    for key, tally in new.items():
        known = old.get(key)
        if known is None:
            old[key] = tally
        else:
            known.last = max(known.last, tally.last)
            known.looks += tally.looks
            known.grade = tally.grade or known.grade
    return old
