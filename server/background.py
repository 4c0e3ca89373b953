"""Named loops with an owner and an end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def running(**loops: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Runs loops while the block runs. A loop that breaks ends its siblings and the block, loudly."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop, name=name) for name, loop in loops.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
