"""`python -m server seed`: a made-up market for demonstrations and load tests, with a bar for each step."""

import json
import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from storage.postgres import connect_pool
from storage.seed import Seeder, Wanted

from .config import Config


class Bars:
    """One bar a step; without a terminal a line when a step is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}

    def tell(self, what: str, done: int, total: int) -> None:
        """Where the step stands."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
            self._began[what] = time.monotonic()
        self._progress.update(self._tasks[what], completed=done, total=total)
        if done >= total and not self._progress.console.is_terminal:
            seconds = time.monotonic() - self._began[what]
            self._progress.console.print(f"  {what}: {total} in {seconds:.1f} s", highlight=False)


async def seed(config: Config, wanted: Wanted, *, force: bool) -> None:
    """Makes the market and prints what it made as one line of JSON. NotEmpty as `Seeder.seed` says."""
    began = time.monotonic()
    async with _SeederOpen(config) as seeder:
        await seeder.seed(wanted, time.time(), force=force)
    made = {"orders": wanted.orders, "drivers": wanted.drivers, "searches": wanted.searches}
    print(json.dumps({**made, "seconds": round(time.monotonic() - began, 1)}), flush=True)


async def clear(config: Config) -> None:
    """Removes every seed and prints how many orders went."""
    began = time.monotonic()
    async with _SeederOpen(config) as seeder:
        removed = await seeder.clear()
    print(json.dumps({"removed": removed, "seconds": round(time.monotonic() - began, 1)}), flush=True)


class _SeederOpen:
    """A seeder with its pool and its bars, for one command."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._progress = Progress(
            TextColumn("  {task.description:24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )

    async def __aenter__(self) -> Seeder:
        self._pool = await connect_pool(self._config.postgres, name="seed", size=2)
        self._progress.start()
        gazetteer = Gazetteer.load()
        return Seeder(self._pool, gazetteer, RoadGraph.load(gazetteer), Bars(self._progress).tell)

    async def __aexit__(self, *_: object) -> None:
        self._progress.stop()
        await self._pool.close()
