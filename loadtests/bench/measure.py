"""Readings before and after a stretch of load, and the report made of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from .environment import Environment, StoreCost
from .openloop import Punctuality
from .processes import Served, machine_cpu

Figures = dict[str, object]


@dataclass(slots=True)
class Cost:
    """CPU seconds and wall seconds of one stretch."""

    server_s: float = 0.0
    postgres_s: float | None = 0.0
    redis_s: float = 0.0
    elsewhere_s: float = 0.0  # of the whole machine, outside the server, the stores and this process
    wall_s: float = 0.0

    def add(self, other: "Cost") -> None:
        """Stretches of one target make one figure."""
        self.server_s += other.server_s
        self.redis_s += other.redis_s
        self.elsewhere_s += other.elsewhere_s
        self.wall_s += other.wall_s
        if self.postgres_s is not None and other.postgres_s is not None:
            self.postgres_s += other.postgres_s
        else:
            self.postgres_s = None


class Stretch:
    """Reads CPU counters at the start and at `end`."""

    def __init__(self, env: Environment, server: Served, store: StoreCost) -> None:
        self._env, self._server, self._store = env, server, store
        self._machine_s, self._own_s = machine_cpu(), time.process_time()
        self._server_s, self._at = server.cpu(), time.monotonic()

    @classmethod
    async def begin(cls, env: Environment, server: Served) -> "Stretch":
        """From now."""
        return cls(env, server, await env.cost())

    async def end(self) -> Cost:
        """Until now."""
        server_s, at = self._server.cpu(), time.monotonic()
        machine_s, own_s = machine_cpu() - self._machine_s, time.process_time() - self._own_s
        store = await self._env.cost()
        postgres_s = None
        if store.postgres is not None and self._store.postgres is not None:
            postgres_s = store.postgres - self._store.postgres
        redis_s = store.redis - self._store.redis
        server_s -= self._server_s
        elsewhere_s = machine_s - own_s - server_s - (postgres_s or 0) - redis_s
        return Cost(server_s, postgres_s, redis_s, max(elsewhere_s, 0.0), at - self._at)


def each_us(seconds: float | None, count: float) -> float | None:
    """Microseconds for one of `count`, None when there were none."""
    return round(seconds / count * 1e6, 2) if seconds is not None and count else None


def ratio(value: float | None, base: float | None) -> float | None:
    """value / base."""
    return round(value / base, 2) if value is not None and base else None


def verdict(faults: list[str], cost: Cost, *kept: Punctuality) -> Figures:
    """`void` with every reason, how well the generator kept time, and what else kept the cores busy.

    `other_cpu` (cores) of more than a tenth says that the times are those of a shared machine.
    """
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
        "other_cpu": round(cost.elsewhere_s / cost.wall_s, 3) if cost.wall_s else None,
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
