"""The loop behind the stream: follows trips, settles those that are over, tells what came of it."""

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from server.errors import UNREACHABLE
from storage.trips.following import BATCH, TripFollower
from storage.trips.settling import TripSettler

if TYPE_CHECKING:
    from server.notify import Notify

log = logging.getLogger("desk.trips")

POLL_S = 2.0
SETTLED_A_ROUND = 5  # so that a wave of deliveries does not hold the trips up that are under way


class TripWatch:
    """Follows as long as there is something due, then waits a little."""

    def __init__(self, follower: TripFollower, settler: TripSettler, notify: "Notify") -> None:
        self._follower = follower
        self._settler = settler
        self._notify = notify
        self.looks = 0
        self.settled = 0
        self.lag_s = 0.0

    async def run(self) -> None:
        """For the life of the worker."""
        while True:
            try:
                busy = await self.round()
            except UNREACHABLE as error:
                log.warning("trips.failed", extra={"error": repr(error)})
                busy = False
            await asyncio.sleep(0.0 if busy else POLL_S * random.uniform(0.7, 1.3))

    async def round(self) -> bool:
        """One look and some settlements; whether more is due already."""
        looked, events = await self._follower.look()
        self._notify.tell(events)
        self.looks += looked
        self.lag_s = self._follower.lag_s
        settled = 0
        while settled < SETTLED_A_ROUND and await self._settler.settle():
            settled += 1
        self.settled += settled
        return looked == BATCH or settled == SETTLED_A_ROUND
