"""Streaming trucks: lanes that send positions at their intended times and time the acknowledgements."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, inf, radians, sin
from random import Random

from picows import WSTransport

from .histogram import Histogram
from .openloop import OpenLoop, Punctuality
from .sockets import Account, Health, Lane
from .wire import Codec, Fix, Message

WALL = time.time() - time.monotonic()  # turns monotonic stamps into epoch seconds
METRES_PER_DEGREE = 111_195.0
DRAIN_S, DRAIN_LOOK_S = 10.0, 0.01


@dataclass(slots=True)
class Tally:
    """What the lanes of one target sent and were told, in points."""

    sent: int = 0
    acked: int = 0
    rejected: int = 0
    withheld: int = 0  # meant to be sent, but the server had granted no credit
    ack_lag: Histogram = field(default_factory=Histogram)  # per frame, from its intended time
    since: float = inf  # frames meant for [since, until) (time.monotonic) are timed, others only counted
    until: float = inf

    def open(self, seconds: float) -> None:
        """Times what is meant to be sent in the next `seconds`."""
        self.since = time.monotonic()
        self.until = self.since + seconds

    def faults(self) -> list[str]:
        """Points that never left are points that an open loop owed."""
        return [f"{self.withheld} points were withheld for want of credit"] if self.withheld else []


class Truck:
    """A truck that drives straight on at a steady speed from where it stood at `start`."""

    __slots__ = ("_lat", "_lon", "_start", "_vlat", "_vlon", "heading", "speed")

    def __init__(self, lat: float, lon: float, heading: float, speed: float, start: float) -> None:
        self._lat, self._lon, self._start = lat, lon, start
        self.heading, self.speed = heading, speed
        self._vlat = speed * cos(radians(heading)) / METRES_PER_DEGREE
        self._vlon = speed * sin(radians(heading)) / (METRES_PER_DEGREE * cos(radians(lat)))

    def fix(self, seq: int, at: float) -> Fix:
        """Where it is at epoch second `at`."""
        driven = at - self._start
        return (
            seq, at, self._lat + self._vlat * driven, self._lon + self._vlon * driven,
            self.speed, self.heading, 8.0,
        )  # fmt: skip


class DriverLane(Lane):
    """A driver's phone: opens a stream, reports, counts what is acknowledged."""

    __slots__ = ("_credit", "_inflight", "_resumed", "seq", "stream", "tally", "truck", "upto")

    def __init__(
        self, account: Account, codec: Codec, health: Health, tally: Tally, truck: Truck, stream: str
    ) -> None:
        super().__init__(account, codec, health)
        self.tally = tally
        self.truck = truck
        self.stream = stream
        self.seq = 0
        self.upto = 0
        self._credit = 0
        self._inflight: deque[tuple[int, float]] = deque()  # last sequence number of a frame, intended time
        self._resumed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def begin(self) -> None:
        """Greeted, then the stream is open."""
        await super().begin()
        self.send({"type": "stream.resume", "stream": self.stream, "upto": 0})
        await asyncio.wait_for(self._resumed, 20)

    def report(self, intended: float, points: int, spacing_s: float) -> None:
        """Sends a frame of `points` fixes `spacing_s` apart, the newest taken at the intended time."""
        if self.seq + points - self.upto > self._credit:
            self.tally.withheld += points
            return
        self._send_frame(intended, points, spacing_s)
        self._inflight.append((self.seq, intended))

    def _send_frame(self, intended: float, points: int, spacing_s: float) -> None:
        seq, at, fix = self.seq, intended + WALL, self.truck.fix
        self.seq = seq + points
        if points == 1:
            fixes: Sequence[Fix] = (fix(seq + 1, at),)
        else:
            fixes = [fix(seq + n, at - (points - n) * spacing_s) for n in range(1, points + 1)]
        transport = self.transport
        if transport is not None and not transport.is_disconnected:
            transport.send(self.codec.kind, self.codec.report(fixes))
            self.tally.sent += points

    def on_message(self, message: Message) -> None:
        """Acknowledgements first: they are nearly all that comes."""
        if message["type"] == "position.ack":
            self._acknowledged(message)
        else:
            super().on_message(message)

    def on_event(self, kind: str, message: Message) -> None:
        """The stream is open."""
        if kind == "stream.resumed":
            self._credit = message["credit"]
            self._resumed.set_result(None)

    def _acknowledged(self, message: Message) -> None:
        now, tally, upto = time.monotonic(), self.tally, message["upto"]
        self._credit = message["credit"]
        tally.acked += upto - self.upto
        tally.rejected += len(message.get("rejected", ()))
        self.upto = upto
        inflight = self._inflight
        while inflight and inflight[0][0] <= upto:
            intended = inflight.popleft()[1]
            if tally.since <= intended < tally.until:
                tally.ack_lag.record(now - intended)


class SilentLane(DriverLane):
    """A driver on a server that never answers: the floor."""

    __slots__ = ()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """No hello: every frame that the floor counts is a position frame."""
        self.transport = transport

    async def begin(self) -> None:
        """Nothing to wait for."""

    def report(self, intended: float, points: int, spacing_s: float) -> None:
        """Sent and forgotten: it counts as acknowledged, so that nobody waits for it."""
        self._send_frame(intended, points, spacing_s)
        self.tally.acked = self.tally.sent


class Fleet:
    """All driver lanes of one target, driven together."""

    def __init__(self, lanes: Sequence[DriverLane], tally: Tally, health: Health) -> None:
        self.lanes = lanes
        self.tally = tally
        self.health = health

    async def stream(
        self, points_per_s: float, seconds: float, random: Random, points_per_frame: int = 1
    ) -> Punctuality:
        """Sends for `seconds`, open loop."""
        loop = OpenLoop(len(self.lanes), points_per_s / points_per_frame, random)
        spacing_s = loop.period_s / points_per_frame
        lanes = self.lanes

        def send(source: int, intended: float) -> None:
            lanes[source].report(intended, points_per_frame, spacing_s)

        return await loop.run(send, seconds)

    async def drain(self) -> int:
        """Waits for the last acknowledgements; returns how many points stay without one."""
        for _ in range(int(DRAIN_S / DRAIN_LOOK_S)):
            if self.tally.acked >= self.tally.sent:
                break
            await asyncio.sleep(DRAIN_LOOK_S)
        return self.tally.sent - self.tally.acked

    def faults(self) -> list[str]:
        """Why figures of this fleet say nothing."""
        return self.tally.faults() + self.health.faults()
