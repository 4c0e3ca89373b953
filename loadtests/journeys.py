"""A blocking websocket for Locust journeys: gevent's green sockets under websocket-client, timings as events."""

import itertools
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import gevent
import orjson
import websocket
from gevent.event import AsyncResult

Message = dict[str, Any]  # a decoded frame: the boundary to untyped JSON
ANSWER_S = 10.0
READ_S = 60.0  # the server pings more often than that
log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class Fire(Protocol):
    """`environment.events.request.fire`."""

    def __call__(
        self,
        *,
        request_type: str,
        name: str,
        response_time: float,
        response_length: int,
        exception: Exception | None,
        context: dict[str, object],
    ) -> None: ...


class Refused(Exception):
    """The server answered a command with an error; the message is its code."""


class Timings:
    """Durations as Locust events of type WS."""

    def __init__(self, fire: Fire) -> None:
        self._fire = fire

    def tell(self, name: str, seconds: float, length: int = 0, failure: Exception | None = None) -> None:
        """One event."""
        self._fire(
            request_type="WS", name=name, response_time=seconds * 1000, response_length=length,
            exception=failure, context={},
        )  # fmt: skip


class DeskSocket:
    """One connection with `desk.v1.json`: greeted when made, then commands, and events to `on_event`."""

    def __init__(
        self,
        host: str | None,
        hello: dict[str, object],
        timings: Timings,
        on_event: Callable[[Message, int], None] = lambda _message, _length: None,
    ) -> None:
        self._timings = timings
        self._on_event = on_event
        self._answers: dict[int, AsyncResult] = {}
        self._leaving = False
        began = time.monotonic()
        try:
            address = urlsplit(host or "")
            secure = "wss" if address.scheme == "https" else "ws"
            self._socket = websocket.create_connection(
                f"{secure}://{address.netloc}/ws", subprotocols=["desk.v1.json"], timeout=READ_S
            )
            self.send({"type": "hello", "version": 1, "app": "journey", **hello})
            greeting = orjson.loads(self._socket.recv())
            if greeting["type"] != "welcome":
                raise Refused(greeting.get("code", greeting["type"]))
        except Exception as error:
            timings.tell("connect", time.monotonic() - began, failure=error)
            raise
        timings.tell("connect", time.monotonic() - began)
        self._reading = gevent.spawn(self._read)

    def send(self, message: Message) -> None:
        """One frame."""
        self._socket.send(orjson.dumps(message).decode())

    def command(self, kind: str, expected: tuple[str, ...] = (), **fields: object) -> Message | None:
        """Sends a command and waits for its answer: the message of an `ok`, None for a refusal.

        A refusal whose code is in `expected` is part of the journey (a race was lost), others are failures.
        """
        number = next(_numbers)
        answer = self._answers[number] = AsyncResult()
        began = time.monotonic()
        try:
            self.send({"type": kind, "id": number, **fields})
            message: Message = answer.get(timeout=ANSWER_S)
        except (gevent.Timeout, websocket.WebSocketException, OSError) as error:
            # gevent's timeout is no Exception, and Locust would not count it as a failure
            self._timings.tell(kind, time.monotonic() - began, failure=Refused(repr(error)))
            return None
        finally:
            self._answers.pop(number, None)
        took = time.monotonic() - began
        if message["type"] == "ok":
            self._timings.tell(kind, took)
            return message
        code = message["code"]
        if code in expected:
            self._timings.tell(f"{kind} ({code})", took)
        else:
            self._timings.tell(kind, took, failure=Refused(code))
        return None

    def close(self) -> None:
        """Ends the connection."""
        self._leaving = True
        self._reading.kill()
        self._socket.close(timeout=1)

    def _read(self) -> None:
        try:
            while True:
                text = self._socket.recv()  # answers pings itself
                if not text:
                    raise ConnectionError("the server closed the connection")
                message = orjson.loads(text)
                if message["type"] in ("ok", "error") and message.get("id") in self._answers:
                    self._answers[message["id"]].set(message)
                else:
                    self._on_event(message, len(text))
        except (websocket.WebSocketException, OSError) as error:
            if not self._leaving:
                log.warning("a connection ended: %s", error)
                self._timings.tell("connection", 0.0, failure=error)
