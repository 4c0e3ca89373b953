"""Open-loop HTTP: requests leave at their intended times, each timed from then to the last byte."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from math import inf

import aiohttp

from .histogram import Histogram

TIMEOUT_S = 10.0
CONNECTIONS = 128


@dataclass(slots=True)
class Answers:
    """What came back."""

    since: float = inf  # requests meant for [since, until) (time.monotonic) are timed
    until: float = inf
    lag: Histogram = field(default_factory=Histogram)
    statuses: Counter[str] = field(default_factory=Counter)

    def timed(self, intended: float) -> bool:
        """Whether this request belongs to the figures."""
        return self.since <= intended < self.until


class Tasks:
    """Tasks that nobody awaits one by one: they are kept, counted when they fail, and ended together."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.failures: Counter[str] = Counter()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Runs it in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures[type(error).__name__] += 1

    async def finish(self, within_s: float) -> None:
        """Waits for all, ends those that take longer."""
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=within_s)
            self.failures["unfinished"] += len(late)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.failures = +self.failures  # drops the zeros


def client(url: str) -> aiohttp.ClientSession:
    """A pooled client; its pool is wide enough not to queue what the server should be seen to queue."""
    return aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
    )


async def get(
    session: aiohttp.ClientSession,
    path: str,
    token: str,
    intended: float,
    answers: Answers,
    judge: Callable[[bytes], str],
) -> None:
    """One GET; `judge` names what a 200 body is, for the count."""
    try:
        async with session.get(path, headers={"Authorization": f"Bearer {token}"}) as answer:
            body = await answer.read()
            outcome = judge(body) if answer.status == 200 else str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome = type(error).__name__
    if answers.timed(intended):
        answers.lag.record(time.monotonic() - intended)
        answers.statuses[outcome] += 1
