"""What staff set and every request needs: held by each worker, read again when it has changed.

Whoever changes it tells the own worker and, over the bus, the others (`Notify.stale`); what the bus loses is read
again after a minute. There is no loop: the first who needs it afterwards reads it. Readers do not wait for each
other, for one may hold a connection of the pool that another needs.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from storage.postgres import Unreachable

log = logging.getLogger("desk.held")

KEEP_S = 60.0
AGAIN_S = 5.0  # after a read that failed, while there is something to go on with

T = TypeVar("T")


class Held(Generic[T]):
    """One value out of the database. Its `name` is that of the message of the bus."""

    def __init__(
        self, name: str, load: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._load = load
        self._clock = clock
        self._value: T | None = None
        self._until = 0.0
        self._told = 0

    def stale(self) -> None:
        """It has changed."""
        self._told += 1
        self._until = 0.0

    async def now(self) -> T:
        """The value. What cannot be read anew stays as it was, for a while; the first read must succeed."""
        value = self._value
        if value is not None and self._clock() < self._until:
            return value
        told = self._told
        try:
            fresh = await self._load()
        except Unreachable as error:
            if value is None:
                raise
            log.warning("held.old", extra={"what": self.name, "error": repr(error)})
            self._until = self._clock() + AGAIN_S
            return value
        if told == self._told:  # else it has changed while it was read: the next one reads again
            self._value, self._until = fresh, self._clock() + KEEP_S
        return fresh
