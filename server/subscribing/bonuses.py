"""The job of loyalty: the month for a high rating, and what became a fact of those who were brought without a
payment. Every hour, safe on any worker."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from dispatch.events import Event
from server.errors import UNREACHABLE
from server.subscribing.clock import Telling
from storage.billing.bonuses import BonusStore

log = logging.getLogger("desk.bonuses")

EVERY_S = 3_600.0


class Bonuses:
    """Looks through the drivers who are rated well, and through those who bring others."""

    def __init__(self, store: BonusStore, notify: Telling) -> None:
        self._store = store
        self._notify = notify

    async def run(self) -> None:
        """For the life of the worker; not all workers of a desk at once."""
        while True:
            await asyncio.sleep(EVERY_S * random.uniform(0.5, 1.0))
            try:
                changed = await self.round()
            except UNREACHABLE as error:
                log.warning("bonuses.failed", extra={"error": repr(error)})
                continue
            if changed:
                log.info("bonuses.given", extra={"users": changed})

    async def round(self) -> int:
        """Everybody once; how many were given something, or lost it."""
        worth = await self._store.terms()
        changed, last = 0, 0
        while drivers := await self._store.well_rated(last, worth):
            changed += await self._each(drivers, self._store.reward_rating)
            last = drivers[-1]
        last = 0
        while inviters := await self._store.inviters(last):
            changed += await self._each(inviters, self._store.reward_inviter)
            last = inviters[-1]
        return changed

    async def _each(self, users: Sequence[int], reward: Callable[[int], Awaitable[list[Event]]]) -> int:
        changed = 0
        for user in users:
            events = await reward(user)
            self._notify.tell(events)
            changed += bool(events)
        return changed
