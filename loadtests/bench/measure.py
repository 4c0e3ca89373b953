"""Readings before and after a stretch of load, and the report made of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from .environment import Environment, StoreCost
from .openloop import Punctuality
from .processes import Served

Figures = dict[str, object]


@dataclass(slots=True)
class Cost:
    """CPU seconds and wall seconds of one stretch."""

    server_s: float = 0.0
    postgres_s: float | None = 0.0
    redis_s: float = 0.0
    wall_s: float = 0.0

    def add(self, other: "Cost") -> None:
        """Stretches of one target make one figure."""
        self.server_s += other.server_s
        self.redis_s += other.redis_s
        self.wall_s += other.wall_s
        if self.postgres_s is not None and other.postgres_s is not None:
            self.postgres_s += other.postgres_s
        else:
            self.postgres_s = None


class Stretch:
    """Reads CPU counters at the start and at `end`."""

    def __init__(self, env: Environment, server: Served, store: StoreCost) -> None:
        self._env, self._server, self._store = env, server, store
        self._server_s, self._at = server.cpu(), time.monotonic()

    @classmethod
    async def begin(cls, env: Environment, server: Served) -> "Stretch":
        """From now."""
        return cls(env, server, await env.cost())

    async def end(self) -> Cost:
        """Until now."""
        server_s, at = self._server.cpu(), time.monotonic()
        store = await self._env.cost()
        postgres_s = None
        if store.postgres is not None and self._store.postgres is not None:
            postgres_s = store.postgres - self._store.postgres
        return Cost(server_s - self._server_s, postgres_s, store.redis - self._store.redis, at - self._at)


def each_us(seconds: float | None, count: float) -> float | None:
    """Microseconds for one of `count`, None when there were none."""
    return round(seconds / count * 1e6, 2) if seconds is not None and count else None


def ratio(value: float | None, base: float | None) -> float | None:
    """value / base."""
    return round(value / base, 2) if value is not None and base else None


def verdict(faults: list[str], *kept: Punctuality) -> Figures:
    """`void` with every reason, and how well the generator kept time in its worst stretch."""
    reasons = [*faults]
    for one in kept:
        reasons += one.faults()
    worst = max(kept, key=lambda one: one.cpu_share, default=Punctuality())
    return {
        "void": bool(reasons),
        "void_reasons": sorted(set(reasons)),
        "sends": sum(one.sends for one in kept),
        "late_sends": sum(one.late + one.skipped for one in kept),
        "generator_cpu": round(worst.cpu_share, 3),
    }


class Stage:
    """Says on stderr what is going on; stdout is for the result."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
            console=self._console,
        )  # fmt: skip

    def __enter__(self) -> "Stage":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, title: str, total: float | None = None) -> Iterator["Step"]:
        """One step; `total` where its end is known."""
        task = self._progress.add_task(title, total=total)
        yield Step(self._progress, task)
        self._progress.update(task, total=total or 1, completed=total or 1)
        self._progress.stop_task(task)


class Step:
    """Moves one bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def at(self, done: float) -> None:
        """So much of the total is done."""
        self._progress.update(self._task, completed=done)
