"""Websocket lanes on picows: one listener object a connection, thousands a process."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from .wire import Codec, Message

PORTS_PER_SOURCE = 25_000  # of the 28,232 ephemeral ports of one (source, destination) pair
CONNECT_TOGETHER = 128
GREETING_S = 20.0
_numbers = itertools.count(1)  # of commands: unique among all lanes, so an answer never meets the wrong one


class LaneLost(Exception):
    """A connection was refused or ended before the bench was over."""


@dataclass(slots=True)
class Health:
    """What went wrong on the lanes of one target."""

    errors: Counter[str] = field(default_factory=Counter)  # error codes
    closes: Counter[int] = field(default_factory=Counter)  # close codes of connections that we did not end

    def faults(self) -> list[str]:
        """Connections lost while measuring."""
        return [f"{count} connections were closed with {code}" for code, count in self.closes.items()]


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the file that `python -m server provision` writes."""

    user: int
    access: str
    device: int | None = None
    device_secret: str | None = None
    body: str = "tent"
    capacity_kg: float = 20_000

    @classmethod
    def read(cls, line: dict[str, Any]) -> "Account":
        """From its JSON object; fields that only people need are left out."""
        return cls(**{name: line[name] for name in cls.__slots__ if name in line})


class Lane(WSListener):
    """One connection: says hello, resolves `command` answers, gives events to `on_event`."""

    __slots__ = ("_answers", "_leaving", "account", "codec", "greeted", "health", "transport")

    def __init__(self, account: Account, codec: Codec, health: Health) -> None:
        super().__init__()
        self.account = account
        self.codec = codec
        self.health = health
        self.transport: WSTransport | None = None
        self.greeted: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._leaving = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done: say who we are."""
        self.transport = transport
        self.send(
            {
                "type": "hello",
                "version": 1,
                "token": self.account.access,
                "app": "bench",
                **({"device": self.account.device, "device_secret": self.account.device_secret}
                   if self.account.device else {}),
            }
        )  # fmt: skip

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Every frame but pings, which picows answers itself."""
        kind = frame.msg_type
        if kind is WSMsgType.BINARY or kind is WSMsgType.TEXT:
            self.on_message(self.codec.decode(frame.get_payload_as_bytes()))
        elif kind is WSMsgType.CLOSE:
            if not self._leaving:
                self.health.closes[int(_code(frame))] += 1
                self._leaving = True
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Nobody waits for ever for an answer that cannot come."""
        if not self._leaving:
            self.health.closes[1006] += 1
        lost = LaneLost(f"the connection of user {self.account.user} ended")
        for waiting in (self.greeted, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(lost)
                waiting.exception()  # retrieved: a lane that is not awaited must not warn

    def on_message(self, message: Message) -> None:
        """Answers to commands and the greeting; subclasses look first for what comes often."""
        kind = message["type"]
        if kind == "ok" or kind == "error":
            if kind == "error":
                self.health.errors[message["code"]] += 1
            answer = self._answers.pop(message.get("id", -1), None)
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif kind == "welcome":
            self.greeted.set_result(message)
        else:
            self.on_event(kind, message)

    def on_event(self, kind: str, message: Message) -> None:
        """An event of the server; nothing by default."""

    def send(self, message: Message) -> None:
        """One frame, now."""
        if self.transport is not None and not self.transport.is_disconnected:
            self.transport.send(self.codec.kind, self.codec.encode(message))

    async def command(self, kind: str, **fields: object) -> Message:
        """Sends a command and waits for its `ok` or `error`."""
        number = next(_numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.send({"type": kind, "id": number, **fields})
        return await asyncio.wait_for(answer, GREETING_S)

    async def begin(self) -> None:
        """What this lane does once it is greeted."""
        await asyncio.wait_for(asyncio.shield(self.greeted), GREETING_S)

    def leave(self) -> None:
        """Ends the connection from our side."""
        self._leaving = True
        if self.transport is not None and not self.transport.is_disconnected:
            self.transport.send_close(WSCloseCode.OK)
            self.transport.disconnect()


def _code(frame: WSFrame) -> int:
    try:
        return int.from_bytes(frame.get_payload_as_bytes()[:2], "big") or 1005
    except ValueError:
        return 1005


def sources(connections: int) -> list[str]:
    """Enough loopback addresses for so many outgoing connections to one port."""
    return [f"127.0.0.{1 + number}" for number in range(-(-connections // PORTS_PER_SOURCE) or 1)]


async def connect(
    lanes: Sequence[Lane],
    url: str,
    *,
    tell: Callable[[int], object] = lambda _: None,
    taken: int = 0,
) -> float:
    """Opens every lane, a bounded number at a time; returns how long that took, in seconds.

    `taken` connections to the same port are open already. `tell` gets the number of lanes done so far.
    """
    started = time.monotonic()
    addresses = sources(taken + len(lanes))
    queue = iter(enumerate(lanes, taken))
    done = 0

    async def worker() -> None:
        nonlocal done
        for number, lane in queue:
            await ws_connect(
                lambda lane=lane: lane,
                url,
                extra_headers={"Sec-WebSocket-Protocol": lane.codec.subprotocol},
                websocket_handshake_timeout=GREETING_S,
                read_buffer_init_size=2048,
                local_addr=(addresses[number % len(addresses)], 0),
            )
            await lane.begin()
            done += 1
            tell(done)

    await together(worker() for _ in range(min(CONNECT_TOGETHER, len(lanes))))
    return time.monotonic() - started


async def together(work: Iterable[Awaitable[None]]) -> None:
    """Runs all; the first failure ends the others and is the one that is told."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        for finished in asyncio.as_completed(tasks):
            await finished
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def leave(lanes: Iterable[Lane]) -> None:
    """Ends all lanes; a moment for the closing handshakes."""
    for count, lane in enumerate(lanes):
        lane.leave()
        if count % 200 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0.2)
