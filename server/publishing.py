"""Reviews whose time has come are shown: on any worker, within a minute of it."""

from dispatch.loops import repeat
from storage.postgres import Unreachable
from storage.reviews.showing import BATCH, Publisher

POLL_S = 30.0  # a week does not end to the second


async def run(publisher: Publisher) -> None:
    """For ever: batch by batch, until nothing is due."""

    async def due() -> int:
        shown = 0
        while (now := await publisher.publish_due()) > 0:
            shown += now
            if now < BATCH:
                break
        return shown

    await repeat("publish", due, POLL_S, Unreachable)
