"""Points that the server has not yet acknowledged, bounded, and on disk when a path is given."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .errors import QueueError
from .journal import Journal, new_stream
from .messages import Point

CAPACITY = 50_000
MAX_AGE_S = 7 * 86400.0
FORGET_EVERY = 500  # acknowledged points that may lie on disk before a write of their own removes them


@dataclass(frozen=True, slots=True)
class Fix:
    """One GPS fix: `at` epoch seconds UTC, degrees WGS-84, `speed` m/s, `heading` degrees, `accuracy` metres.

    Raises ValueError for a time or a place that cannot be, since the server would refuse the frame again and
    again and the queue would stand still. A speed, heading or accuracy that cannot be (phones say -1 for
    unknown) is taken as unknown.
    """

    at: float
    lat: float
    lon: float
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None

    def __post_init__(self) -> None:
        # Written so that NaN fails every test.
        if not (0 <= self.at <= 1e11 and -90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"not a fix: at {self.at}, lat {self.lat}, lon {self.lon}")
        for name, highest in (("speed", 500.0), ("heading", 360.0), ("accuracy", 1e8)):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= highest:
                object.__setattr__(self, name, None)


def thin(points: Sequence[Point]) -> list[int]:
    """Sequence numbers to give up so that at most about half of `points` stay, evenly spaced in time.

    The time span is cut into half as many equal steps as there are points and the first point of each step
    stays: a stretch that was thinned before keeps what it has, a dense one loses most.
    """
    first = min(point.at for point in points)
    step = (max(point.at for point in points) - first) / (len(points) // 2) or 1.0
    kept: set[int] = set()
    dropped: list[int] = []
    for point in points:
        slot = int((point.at - first) / step)
        if slot in kept:
            dropped.append(point.seq)
        kept.add(slot)
    return dropped


class PointQueue:
    """Sequence numbers for new points, and all points still to be acknowledged in their order.

    With `path` every point is durable (see journal) before `append` returns; a queue opened on the same file
    goes on with the same stream. Without a path nothing touches a disk: for simulated fleets. Beyond
    `capacity` points the older half is thinned in time, and points older than `max_age_s` are given up, since
    the server would not take them; the holes are told to it by `position.gap`. One event loop only.
    """

    def __init__(
        self, path: Path | str | None = None, *, capacity: int = CAPACITY, max_age_s: float = MAX_AGE_S
    ) -> None:
        if capacity < 4:
            raise ValueError("capacity must be at least 4 points")
        self.capacity = capacity
        self.max_age_s = max_age_s
        self.thinned = 0  # points given up since the queue was opened
        self._journal = Journal(Path(path)) if path is not None else None
        self._thread = ThreadPoolExecutor(1, "points") if self._journal else None
        self._points = self._journal.load() if self._journal else []
        self._head = 0  # self._points[: self._head] are acknowledged and await a compaction
        self._owner = self._journal.owner if self._journal else ""
        self.stream = self._journal.stream if self._journal else new_stream()
        self._next_seq = self._journal.next_seq if self._journal else 1
        self.acked = self._points[0].seq - 1 if self._points else self._next_seq - 1
        self._unwritten: list[Point] = []
        self._dropped: list[int] = []
        self._on_disk_upto = self.acked
        self._writing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._points) - self._head

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def last_seq(self) -> int:
        """The highest sequence number given out, 0 for none."""
        return self._next_seq - 1

    def claim(self, owner: str) -> None:
        """Bind the queue to one device; raises QueueError when it holds another device's points.

        One driver's track must never be sent under the name of the next who signs in on the same phone.
        """
        if self._owner and self._owner != owner:
            raise QueueError(f"the queue holds points of device {self._owner}, not of {owner}")
        if self._owner != owner:
            self._owner = owner
            if self._journal:
                self._journal.claim(owner)

    async def append(self, fixes: Sequence[Fix]) -> list[Point]:
        """Number the fixes and keep them; when this returns they are durable and may be sent.

        Raises sqlite3.Error when the disk refuses them; they stay in memory and go with the next append.
        """
        if len(self._unwritten) >= self.capacity:
            raise QueueError("the disk does not take points and the queue is full")
        points = [
            Point(seq, fix.at, fix.lat, fix.lon, fix.speed, fix.heading, fix.accuracy)
            for seq, fix in enumerate(fixes, self._next_seq)
        ]
        self._next_seq += len(points)
        if self._thread is None:
            self._keep(points)
            return points
        self._unwritten += points
        # A caller that is cancelled must not leave points on disk that memory does not know of.
        await asyncio.shield(asyncio.create_task(self._write(), name="point-queue-write"))
        return points

    def drop_upto(self, seq: int) -> int:
        """Forget all points up to `seq`; how many there were."""
        if seq <= self.acked:
            return 0
        self.acked = seq
        head = bisect_right(self._points, seq, lo=self._head, key=lambda point: point.seq)
        dropped, self._head = head - self._head, head
        if self._head > len(self._points) // 2:
            del self._points[: self._head]
            self._head = 0
        return dropped

    def after(self, seq: int, limit: int) -> list[Point]:
        """At most `limit` points that follow `seq`, in order."""
        start = bisect_right(self._points, seq, lo=self._head, key=lambda point: point.seq)
        return self._points[start : start + limit]

    def newest(self) -> Point | None:
        """The point numbered last."""
        return self._points[-1] if len(self) else None

    @property
    def wants_to_forget(self) -> bool:
        """Whether enough acknowledged points lie on disk for a write of their own."""
        return self._thread is not None and self.acked - self._on_disk_upto >= FORGET_EVERY

    async def forget(self) -> None:
        """Take acknowledged points off the disk; without it the next append does."""
        await self._write()

    async def restart(self) -> str:
        """Begin a new stream with the points at hand, numbered from 1; returns its id.

        For a queue file that is older than what the server has from its stream (a restored backup): going on
        would give used numbers to new points, and the server would take those for repetitions.
        """
        async with self._writing:
            stream = new_stream()
            points = [
                Point(seq, p.at, p.lat, p.lon, p.speed, p.heading, p.accuracy)
                for seq, p in enumerate(self._points[self._head :] + self._unwritten, 1)
            ]
            self._unwritten, self._dropped = [], []
            self._points, self._head, self._next_seq = points, 0, len(points) + 1
            self.stream, self.acked, self._on_disk_upto = stream, 0, 0
            if self._journal and self._thread:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._thread, self._journal.restart, stream, points)
            return stream

    async def close(self) -> None:
        """Write what is left and close the file. Idempotent."""
        if self._journal and self._thread:
            try:
                await self._write(force=True)
            finally:
                thread, self._thread = self._thread, None
                thread.shutdown()
                self._journal.close()

    async def _write(self, force: bool = False) -> None:
        """Group commit: whoever comes first writes for all that came while the disk was busy."""
        async with self._writing:
            if self._thread is None or self._journal is None:
                return
            forget = self.acked
            if not (self._unwritten or force or self.wants_to_forget):
                return
            points, self._unwritten = self._unwritten, []
            dropped, self._dropped = self._dropped, []
            try:
                await asyncio.get_running_loop().run_in_executor(
                    self._thread, self._journal.write, points, forget, dropped
                )
            except BaseException:
                # A full disk: every append that waits must fail in its turn, and none lose its points.
                self._unwritten[:0] = points
                self._dropped[:0] = dropped
                raise
            self._on_disk_upto = forget
            self._keep(points)

    def _keep(self, points: list[Point]) -> None:
        self._points += points
        if len(self):
            # Three points must agree on what time it is: one wild clock reading may not empty the queue.
            oldest = min(point.at for point in self._points[-3:]) - self.max_age_s
            while self._head < len(self._points) and self._points[self._head].at < oldest:
                self._dropped.append(self._points[self._head].seq)
                self._head += 1
                self.thinned += 1
        while len(self) > self.capacity:
            half = self._head + len(self) // 2
            older = self._points[self._head : half]
            dropped = thin(older)
            gone = set(dropped)
            self._points[self._head : half] = [point for point in older if point.seq not in gone]
            self._dropped += dropped
            self.thinned += len(dropped)
