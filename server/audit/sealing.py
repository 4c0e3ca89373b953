"""The loop that seals what staff did, and keeps a head of the chain outside the database."""

import asyncio
import logging
import random
import time

from dispatch.audit import Anchor
from storage.audit.anchors import Anchors
from storage.audit.seals import BATCH, SealStore
from storage.postgres import Unreachable

log = logging.getLogger("desk.audit")

LOOK_S = 1.0  # a row is in the chain so long after its COMMIT
KEEP_S = 60.0  # heads that are newer than this may be cut off unnoticed


class Sealer:
    """One a worker; PostgreSQL lets one of them seal at a time."""

    def __init__(self, seals: SealStore, anchors: Anchors) -> None:
        self._seals = seals
        self._anchors = anchors
        self._head: Anchor | None = None
        self._kept: Anchor | None = None
        self._kept_at = 0.0

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                while await self.look(time.time()):
                    pass
            except Unreachable as error:
                log.warning("audit.put_off", extra={"error": repr(error)})
            await asyncio.sleep(LOOK_S * random.uniform(0.8, 1.0))

    async def look(self, now: float) -> bool:
        """Seals what is there and keeps the head if it is time; whether there may be more."""
        sealed = await self._seals.seal()
        if sealed is not None:
            if self._head is not None and sealed.head.number <= self._head.number:
                # Somebody has cut the chain under our hands, or restored a backup.
                log.error("audit.head_went_back", extra={"was": self._head.number, "is": sealed.head.number})
            self._head = sealed.head
        if self._head is not None and self._head != self._kept and now - self._kept_at >= KEEP_S:
            await self._keep(self._head, now)
        return sealed is not None and sealed.rows == BATCH

    async def _keep(self, head: Anchor, now: float) -> None:
        self._kept_at = now
        try:
            await asyncio.to_thread(self._anchors.keep, head, now)
        except OSError as error:  # rows are sealed all the same
            log.error("audit.head_not_kept", extra={"error": repr(error)})
            return
        self._kept = head
        log.info("audit.head", extra={"number": head.number, "hash": head.hash.hex()})
