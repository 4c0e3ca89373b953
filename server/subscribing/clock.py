"""The loop behind agreements: warns, charges, grants the grace, ends pauses. Safe on any worker."""

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Generic, Protocol

from billing.acquiring import Unavailable
from dispatch.events import Event
from server.errors import UNREACHABLE
from storage.billing.subscriptions import Renewal, SubscriptionStore, W
from storage.postgres import Connection

log = logging.getLogger("desk.subscriptions")

POLL_S = 1.0
BATCH = 200
# As many charges under way as an acquirer takes at once (CloudPayments: 30 live).
AT_ONCE = 24
PUT_OFF_S = 600.0


class Charging(Protocol[W]):
    """What takes the money of a renewal."""

    async def write(self, connection: Connection, renewal: Renewal) -> W | None:
        """Writes a try down in the caller's transaction; None where nothing can be charged."""
        ...

    async def send(self, written: W) -> None:
        """Makes it, and applies what came of it. Unavailable: surely nothing was charged."""
        ...


class Telling(Protocol):
    """Who is told of events."""

    def tell(self, events: Sequence[Event]) -> None:
        """After COMMIT."""
        ...


class SubscriptionClock(Generic[W]):
    """Does what is due, as long as something is."""

    def __init__(self, store: SubscriptionStore, charging: Charging[W], notify: Telling) -> None:
        self._store = store
        self._charging = charging
        self._notify = notify
        self._free = asyncio.Semaphore(AT_ONCE)
        self.steps = 0

    async def run(self) -> None:
        """For the life of the worker."""
        while True:
            try:
                done = await self.round()
            except UNREACHABLE as error:
                log.warning("subscriptions.failed", extra={"error": repr(error)})
                done = 0
            await asyncio.sleep(0.0 if done == BATCH else POLL_S * random.uniform(0.7, 1.3))

    async def round(self) -> int:
        """Everything that is due, up to a batch; how much it was."""
        users = await self._store.waiting(BATCH)
        results = await asyncio.gather(*map(self._one, users), return_exceptions=True)
        for user, result in zip(users, results, strict=True):
            if isinstance(result, UNREACHABLE):
                raise result
            if isinstance(result, Exception):
                # One agreement that cannot be looked at must not hold up the others, nor keep the loop busy.
                log.error("subscriptions.broken", extra={"user": user}, exc_info=result)
                await self._store.put_off(user, PUT_OFF_S)
        self.steps += len(users)
        return len(users)

    async def _one(self, user: int) -> None:
        async with self._free:
            written, events = await self._store.step(user, self._charging.write)
            self._notify.tell(events)
            if written is None:
                return
            try:
                await self._charging.send(written)
            except Unavailable as error:
                log.warning("subscriptions.acquirer_down", extra={"error": repr(error)})
                await self._store.put_off(user, PUT_OFF_S)
