"""Named loops with an owner and an end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

log = logging.getLogger("desk.background")

ASK_AGAIN_S = 0.5


@asynccontextmanager
async def running(**loops: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Runs loops while the block runs. A loop that breaks ends its siblings and the block, loudly."""
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(loop, name=name) for name, loop in loops.items()}
        try:
            yield
        finally:
            await _end(tasks)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancels until they have ended: a subscriber of redis-py has been seen to swallow a cancellation."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=ASK_AGAIN_S)
        if pending:
            log.info("loops.asked_again", extra={"loops": sorted(task.get_name() for task in pending)})
