"""`./desk seed`: a market of made-up loads, with a bar that says how far it is and how long it takes."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from storage.postgres import Pool, connect_pool
from storage.seed import TIMEOUT_S, NotEmpty, Seeder, Wanted

from .config import Config

QUIET_EVERY_S = 5.0  # between lines where nobody watches a bar


async def seed(config: Config, wanted: Wanted, *, force: bool) -> int:
    """Fills the database; 1 when it has what must not be mixed with seeds."""
    began = time.monotonic()
    with Shown() as shown:
        pool = await _pool(config)
        try:
            await _seeder(pool, shown).seed(wanted, time.time(), force=force)
        except NotEmpty as error:
            print(f"seed: {error}", file=sys.stderr)
            return 1
        finally:
            await pool.close()
    seconds = time.monotonic() - began
    print(f"{wanted.orders} loads on the board in {seconds:.0f} s", file=sys.stderr)
    return 0


async def clear(config: Config) -> int:
    """Removes the seeds."""
    with Shown() as shown:
        pool = await _pool(config)
        try:
            orders = await _seeder(pool, shown).clear()
        finally:
            await pool.close()
    print(f"{orders} orders removed", file=sys.stderr)
    return 0


async def _pool(config: Config) -> Pool:
    return await connect_pool(config.postgres, name="seed", size=2, statement_timeout_s=TIMEOUT_S)


def _seeder(pool: Pool, shown: "Shown") -> Seeder:
    gazetteer = Gazetteer.load()
    return Seeder(pool, gazetteer, RoadGraph.load(gazetteer), shown.tell)


class Shown:
    """Bars on a terminal, a line every few seconds elsewhere."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars: Progress | None = None
        if console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=console,
            )
        self._tasks: dict[str, tuple[TaskID, float]] = {}
        self._told_at = 0.0

    def __enter__(self) -> "Shown":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """Moves the bar of `what`; its first call makes it."""
        now = time.monotonic()
        if self._bars is None:
            if done == total or now - self._told_at >= QUIET_EVERY_S:
                self._told_at = now
                print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)
            return
        if what not in self._tasks:
            self._tasks[what] = (self._bars.add_task(what, total=total, rate=""), now)
        task, began = self._tasks[what]
        rate = f"{done / (now - began):,.0f}/s" if now - began > 0.5 and total > 100 else ""
        self._bars.update(task, completed=done, total=total, rate=rate)
