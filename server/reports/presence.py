"""Minute by minute, how many people this worker holds: what the report of drivers online is made of."""

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from server.errors import UNREACHABLE
from storage.reports.store import ReportStore

if TYPE_CHECKING:
    from server.services import Services

log = logging.getLogger("desk.reports")

MINUTE_S = 60.0


class Presence:
    """A loop of a worker."""

    def __init__(self, reports: ReportStore, worker: int) -> None:
        self._reports = reports
        self._worker = worker

    async def run(self, services: "Services") -> None:
        """For the life of the worker."""
        await asyncio.sleep(random.uniform(0.0, MINUTE_S / 4))
        while True:
            try:
                await self.sample(services)
            except UNREACHABLE as error:
                log.warning("presence.failed", extra={"error": repr(error)})
            await asyncio.sleep(MINUTE_S)

    async def sample(self, services: "Services") -> None:
        """Writes down who is here now."""
        drivers = services.hub.people("driver")
        busy = sum(services.live.busy(driver) for driver in drivers)
        shippers = len(services.hub.people("shipper"))
        await self._reports.sample(self._worker, len(drivers), busy, shippers)
