"""Play recorded tracks through real websockets, with operators watching.

Times: `--speed X` squeezes only the schedule of sending. The recorded times keep the trace's own spacing and are
shifted as a whole so that the trace ends when the replay ends: at the beginning points are up to a trace's length
old, none is ever in the future, and every speed that the desk derives is the true one.

The schedule is an open loop: a point leaves when its time has come, whether or not earlier ones were acknowledged.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice

from tracking_desk_client import DriverClient, Fix, OperatorClient
from tracking_desk_client.messages import AreaMoved, Rejection, Truck

from .accounts import Accounts, Troupe, pool
from .ledger import Ledger
from .progress import progress
from .traces import Sample, Trace

LEAD_S = 1.0
CONNECT_WITHIN_S = 60.0
CONNECTING = 64  # sockets that are opened at the same time
ACK_WITHIN_S = 120.0  # without any progress, at the end
SETTLE_S = 0.5  # for watchers to see the last points
REMEMBERED = 16  # sends of one driver that a watcher's frame may still refer to


@dataclass(slots=True)
class Watched:
    """What operators saw: frames, trucks in them, seconds from send to sight where that could be matched."""

    snapshots: int = 0
    frames: int = 0
    deliveries: int = 0
    delays: list[float] = field(default_factory=list)

    def milliseconds(self, share: float, newest: int | None = None) -> float | None:
        """The delay that `share` of the sightings (or of the `newest` so many) stayed within."""
        if not self.delays:
            return None
        ordered = sorted(self.delays[-newest:] if newest else self.delays)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    def line(self) -> dict[str, object]:
        """For the result."""
        return {
            "watch_snapshots": self.snapshots,
            "watch_frames": self.frames,
            "watch_deliveries": self.deliveries,
            "watch_p50_ms": self.milliseconds(0.5),
            "watch_p95_ms": self.milliseconds(0.95),
        }


class Sightings:
    """Matches what watchers see with when it was sent: both ends are in this process, so one clock serves.

    Each watcher's first sight of a position counts. Snapshots do not: they hold positions of any age.
    """

    def __init__(self) -> None:
        self.watched = Watched()
        self._sent: dict[int, deque[tuple[float, float]]] = {}

    def sent(self, driver: int, at: float) -> None:
        """A driver's fix recorded at `at` is being sent now."""
        self._sent.setdefault(driver, deque(maxlen=REMEMBERED)).append((at, time.monotonic()))

    def seen(self, trucks: Sequence[Truck], before: dict[int, float]) -> None:
        """A watcher was shown these trucks; `before` is what it had: driver -> time of the newest position."""
        now = time.monotonic()
        self.watched.frames += 1
        self.watched.deliveries += len(trucks)
        for truck in trucks:
            if truck.at <= before.get(truck.driver, 0.0):
                continue
            before[truck.driver] = truck.at
            for at, when in self._sent.get(truck.driver, ()):
                if abs(at - truck.at) < 1e-4:
                    self.watched.delays.append(now - when)
                    break


def recorded_at(sample: Sample, trace_end: float, replay_end: float) -> float:
    """When the sample is said to have been recorded, epoch seconds to the millisecond (see above)."""
    return round(replay_end - (trace_end - sample.t), 3)


def schedule(trace: Trace, speed: float) -> list[tuple[float, str, Sample]]:
    """(seconds after the start, vehicle, sample) in the order of sending."""
    events = [
        (sample.t / speed, vehicle, sample) for vehicle, track in trace.vehicles.items() for sample in track
    ]
    events.sort(key=lambda event: event[0])
    return events


class Replay:
    """One run of a trace."""

    def __init__(self, trace: Trace, accounts: Accounts, speed: float, ledger: Ledger) -> None:
        accounts.need(len(trace.vehicles))
        self.trace = trace
        self.speed = speed
        self.ledger = ledger
        self.sightings = Sightings()
        self.latest_s = 0.0  # how far the schedule of sending fell behind at worst
        self.seconds = 0.0
        self._accounts = accounts
        self._drivers: dict[str, DriverClient] = {}
        self._users: dict[str, tuple[int, int]] = {}  # vehicle -> (user, device)

    async def run(self, watchers: int, quiet: bool = False) -> None:
        """Connect everybody, send everything, wait until all is acknowledged.

        Raises DeskError when a client's session ends, TimeoutError when nobody could connect or acks stopped.
        """
        async with AsyncExitStack() as stack:
            troupe = Troupe(self._accounts, await stack.enter_async_context(pool()))
            admins = islice(cycle(self._accounts.admins), watchers if self._accounts.admins else 0)
            watching = [
                asyncio.create_task(self._watch(await stack.enter_async_context(troupe.operator(admin))))
                for admin in admins
            ]
            try:
                await stack.enter_async_context(progress(self._line, quiet))
                await self._connect(troupe, stack)
                began = time.monotonic()
                await self._send()
                await self._drain()
                self.seconds = time.monotonic() - began
                await asyncio.sleep(SETTLE_S)
                for task in watching:
                    if task.done():
                        task.result()  # a watcher that was turned away is no watcher
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    async def _connect(self, troupe: Troupe, stack: AsyncExitStack) -> None:
        gate = asyncio.Semaphore(CONNECTING)

        async def join(driver: DriverClient) -> None:
            async with gate:
                await stack.enter_async_context(driver)
                await driver.connection.wait_connected()

        accounts = iter(self._accounts.drivers)
        for vehicle in self.trace.vehicles:
            account = next(accounts)
            driver = self._drivers[vehicle] = troupe.driver(account)
            self._users[vehicle] = (account.user, account.device)
            driver.on_acked = self._acked(account.device)
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S), asyncio.TaskGroup() as tasks:
                for vehicle, driver in self._drivers.items():
                    tasks.create_task(join(driver), name=f"join-{vehicle}")
        except TimeoutError as error:
            raise TimeoutError(f"not all vehicles came online within {CONNECT_WITHIN_S:.0f} s") from error

    def _acked(self, device: int) -> Callable[[str, int, Sequence[Rejection]], None]:
        def acked(stream: str, upto: int, rejected: Sequence[Rejection]) -> None:
            self.ledger.acked(device, stream, upto, [(one.seq, one.reason) for one in rejected])

        return acked

    async def _send(self) -> None:
        start, start_wall = time.monotonic() + LEAD_S, time.time() + LEAD_S
        end_wall = start_wall + self.trace.duration / self.speed
        for number, (after, vehicle, sample) in enumerate(schedule(self.trace, self.speed)):
            wait = start + after - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            elif number % 200 == 0:
                await asyncio.sleep(0)  # behind schedule: sockets must still be served
            self.latest_s = max(self.latest_s, -wait)
            at = recorded_at(sample, self.trace.duration, end_wall)
            await self._report(vehicle, Fix(at, sample.lat, sample.lon, sample.speed, sample.heading))

    async def _report(self, vehicle: str, fix: Fix) -> None:
        driver, (user, device) = self._drivers[vehicle], self._users[vehicle]
        if driver.connection.ended:
            raise driver.connection.ended
        self.sightings.sent(user, fix.at)
        points = await driver.report(fix)
        # Nothing has left yet: the socket's writer runs when this task waits next.
        self.ledger.sent(device, driver.queue.stream, [(p.seq, p.at, p.lat, p.lon) for p in points])

    async def _drain(self) -> None:
        left, since = -1, time.monotonic()
        while now_left := sum(len(driver.queue) for driver in self._drivers.values()):
            if now_left != left:
                left, since = now_left, time.monotonic()
            ended = [d.connection.ended for d in self._drivers.values() if d.connection.ended]
            if ended:
                raise ended[0]
            if time.monotonic() - since > ACK_WITHIN_S:
                raise TimeoutError(f"{left} points were not acknowledged within {ACK_WITHIN_S:.0f} s")
            await asyncio.sleep(0.1)

    async def _watch(self, operator: OperatorClient) -> None:
        before: dict[int, float] = {}
        async for news in operator.watch_area(*self.trace.box()):
            if isinstance(news, AreaMoved):
                self.sightings.seen(news.trucks, before)
            else:
                self.sightings.watched.snapshots += 1
                before.update((truck.driver, truck.at) for truck in news.trucks)

    def _line(self) -> str:
        online = sum(driver.connection.connected for driver in self._drivers.values())
        watched = self.sightings.watched
        return (
            f"vehicles online {online}/{len(self.trace.vehicles)}"
            f"  sent {self.ledger.points_sent}/{self.trace.count}"
            f"  acked {self.ledger.points_acked}  seen {watched.deliveries}"
            f" (p95 {watched.milliseconds(0.95, newest=2000) or '-'} ms)"
        )
