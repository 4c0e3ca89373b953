"""What drivers have asked to share less of, in memory at every worker: whoever sends a position looks here.

Told by the bus at once; read again from PostgreSQL every few seconds, so that a message that the bus lost costs
seconds and no more. The same loop ends pauses whose time is over.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from dispatch.events import Event
from dispatch.sharing import EVERYTHING, Sharing, paused
from storage.live import LiveIndex
from storage.postgres import Unreachable
from storage.sharing.pauses import PauseStore
from storage.sharing.settings import SharingStore

log = logging.getLogger("desk.sharing")

LOOK_S = 1.0
READ_EVERY = 5  # looks
RESUMED_AT_ONCE = 100  # orders a look


class SharingBook:
    """Drivers who do not share everything; everybody else is not in it."""

    def __init__(
        self,
        store: SharingStore,
        pauses: PauseStore,
        live: LiveIndex,
        tell: Callable[[Sequence[Event]], object],
    ) -> None:
        self._store = store
        self._pauses = pauses
        self._live = live
        self._tell = tell
        self._known: dict[int, Sharing] = {}

    def of(self, driver: int) -> Sharing:
        """The driver's rules."""
        return self._known.get(driver, EVERYTHING)

    def put(self, driver: int, sharing: Sharing, now: float) -> None:
        """From now on these hold, here."""
        if sharing == EVERYTHING:
            self._known.pop(driver, None)
        else:
            self._known[driver] = sharing
        if paused(sharing, now):
            self._live.hide(driver)
        else:
            self._live.unhide(driver, now)

    async def load(self, now: float) -> None:
        """Everybody's rules, before the worker shows anything."""
        for driver, sharing in await self._store.all():
            self.put(driver, sharing, now)

    async def run(self) -> None:
        """For ever: pauses end, and what the bus lost is read again."""
        looks, read_at = 0, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            looks += 1
            now = time.time()
            for driver in list(self._live.hidden):
                if not paused(self.of(driver), now):
                    self._live.unhide(driver, now)
            try:
                self._tell(await self._pauses.resume_due(RESUMED_AT_ONCE))
                if looks % READ_EVERY == 0:
                    began = time.monotonic()
                    for driver, sharing in await self._store.changed(began - read_at):
                        self.put(driver, sharing, now)
                    read_at = began
            except Unreachable as error:
                log.warning("sharing.put_off", extra={"error": repr(error)})
