"""One line about the run: in place on a terminal, a line every few seconds into a log. On stderr."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

LOG_EVERY_S = 2.0


@asynccontextmanager
async def progress(line: Callable[[], str], quiet: bool) -> AsyncIterator[None]:
    """Show what `line` gives for as long as the block runs."""
    if quiet:
        yield
        return
    task = asyncio.create_task(_terminal(line) if sys.stderr.isatty() else _log(line), name="progress")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        print(line(), file=sys.stderr, flush=True)


async def _terminal(line: Callable[[], str]) -> None:
    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        while True:
            live.update(Text(line()), refresh=True)
            await asyncio.sleep(0.25)


async def _log(line: Callable[[], str]) -> None:
    while True:
        print(line(), file=sys.stderr, flush=True)
        await asyncio.sleep(LOG_EVERY_S)
