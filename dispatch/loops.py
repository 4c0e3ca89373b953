"""How a loop of the order path goes on: woken or by its poll, backing off while the database is away."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

log = logging.getLogger(__name__)

BACKOFF_S = (0.2, 5.0)  # first and longest pause while the database is away


async def repeat(
    name: str,
    work: Callable[[], Awaitable[int]],
    poll_s: float,
    faults: tuple[type[Exception], ...],
    wanted: asyncio.Event | None = None,
) -> None:
    """Does `work` at once when `wanted` is set, else every `poll_s`; what is not among `faults` ends it."""
    wake = asyncio.Event() if wanted is None else wanted
    longest = BACKOFF_S[1]
    backoff = BACKOFF_S[0]
    while True:
        wake.clear()  # before the work: a wish that comes during it starts the next round at once
        try:
            await work()
        except faults as fault:
            log.warning("%s.failed", name, exc_info=fault)
            await asyncio.sleep(random.uniform(0, backoff))
            backoff = min(longest, backoff * 2)
            continue
        backoff = BACKOFF_S[0]
        with suppress(TimeoutError):
            # Jitter keeps the workers' polls apart.
            async with asyncio.timeout(random.uniform(0.7, 1.0) * poll_s):
                await wake.wait()
