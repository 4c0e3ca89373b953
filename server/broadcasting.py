"""The loop that brings broadcasts to the outbox, slice by slice. Safe on any worker, and on several at once."""

import asyncio
import logging
import random

from storage.content.broadcasts import BroadcastStore
from storage.postgres import Unreachable

log = logging.getLogger("desk.broadcasting")

LOOK_S = 1.0  # for what was queued at another worker
REST_S = 0.05  # between two slices: requests go first


class Broadcasting:
    """Sends what is queued."""

    def __init__(self, store: BroadcastStore) -> None:
        self._store = store

    async def run(self) -> None:
        """For ever."""
        while True:
            pause = LOOK_S * (0.5 + random.random())
            try:
                if await self.once():
                    pause = REST_S
            except Unreachable as error:
                log.warning("broadcast.put_off", extra={"error": repr(error)})
            await asyncio.sleep(pause)

    async def once(self) -> bool:
        """One slice; whether there was one."""
        step = await self._store.step()
        if step is None:
            return False
        if step.done:
            log.info("broadcast.done", extra={"broadcast": step.broadcast})
        return True
