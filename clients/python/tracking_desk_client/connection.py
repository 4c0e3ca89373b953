"""One websocket kept alive: hello, commands with answers, token renewal, reconnecting with full jitter."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from types import TracebackType
from typing import Protocol, Self

import aiohttp
import msgpack

from .api import Api
from .backoff import Backoff
from .errors import ApiError, DeskError, Disconnected, SessionEnded
from .messages import (
    PROTOCOL_VERSION,
    SUBPROTOCOL_MSGPACK,
    AreaDensity,
    AreaSnapshot,
    Assigned,
    AuthRenew,
    BidStands,
    ChatStored,
    Close,
    Drain,
    Error,
    Hello,
    Ok,
    OrderSnapshot,
    ServerMessage,
    UnknownMessage,
    Welcome,
    may_reconnect,
    parse,
)

log = logging.getLogger("tracking_desk_client")

MAX_FRAME = 16 * 1024 * 1024  # an area snapshot of the whole country
WELCOME_WITHIN_S = 10.0
RENEW_BEFORE_S = 60.0
ANSWER_WITHIN_S = 15.0
CLOSE_WITHIN_S = 2.0
SILENT_HEARTBEATS = 2.5  # missed server pings after which the connection is taken for dead

Answer = OrderSnapshot | AreaSnapshot | AreaDensity | Assigned | BidStands | ChatStored | None


class Outgoing(Protocol):
    """A client message: anything that knows its wire form."""

    def to_wire(self) -> dict[str, object]:
        """Plain data for the encoder."""
        ...


class Connection:
    """Keeps one websocket to the desk open until it is closed or the server says not to come back.

    The callbacks are set by the client that owns the connection; they run on the event loop in the order in
    which frames arrive and must not block: `on_welcome` after each (re)connect, `on_message` for every server
    message that is not an answer, `on_lost` when the socket went, `on_end` when it will not come back.
    """

    def __init__(
        self,
        api: Api,
        *,
        device: tuple[int, str] | None = None,
        app: str = "",
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.api = api
        self.on_welcome: Callable[[Welcome], None] = lambda welcome: None
        self.on_message: Callable[[ServerMessage], None] = lambda message: None
        self.on_lost: Callable[[], None] = lambda: None
        self.on_end: Callable[[DeskError], None] = lambda why: None
        self.welcome: Welcome | None = None
        self.clock_offset = 0.0  # server's clock minus ours, seconds
        self.connects = 0
        self.random = random or Random()
        self._device = device
        self._app = app
        self._sleep = sleep
        self._backoff = Backoff(self.random)
        self._up = asyncio.Event()
        self._outbox: deque[bytes] = deque()
        self._outgoing = asyncio.Event()
        self._next_id = 0
        self._answers: dict[int, Callable[[Answer | DeskError], None]] = {}
        self._tasks: list[asyncio.Task[None]] = []  # of the present socket, besides the reader
        self._task: asyncio.Task[None] | None = None
        self._over: DeskError | None = None
        self._token_expired = False

    # -- life -----------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="desk-connection")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the socket and stop; whoever waits gets SessionEnded. Idempotent."""
        if self._task:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._end(SessionEnded(1000, "closed by this client"))

    @property
    def connected(self) -> bool:
        """Whether the server has said welcome on the present socket."""
        return self._over is None and self._up.is_set()

    @property
    def ended(self) -> DeskError | None:
        """Why this connection will not come back, None while it lives."""
        return self._over

    async def wait_connected(self) -> None:
        """Return once the server said welcome; raises what ended the session if it never will."""
        await self._up.wait()
        if self._over:
            raise self._over

    # -- talking --------------------------------------------------------------------------------------------

    def post(self, message: Outgoing) -> bool:
        """Queue a message for the present socket; False, and nothing queued, when there is none.

        What is queued when the socket goes is dropped: the owner says it again after the next welcome.
        """
        if not self.connected:
            return False
        self._outbox.append(msgpack.packb(message.to_wire()))
        self._outgoing.set()
        return True

    def expect(self, answered: Callable[[Answer | DeskError], None]) -> int:
        """A command id whose answer goes to `answered`, in the order in which frames arrive."""
        self._next_id += 1
        self._answers[self._next_id] = answered
        return self._next_id

    async def command(self, build: Callable[[int], Outgoing], timeout: float = ANSWER_WITHIN_S) -> Answer:
        """Send one command on the present socket and wait for its answer.

        `build` gets the command id. Raises ApiError when refused, Disconnected when the socket went first.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answered(answer: Answer | DeskError) -> None:
            if future.done():
                return
            if isinstance(answer, DeskError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        id = self.expect(answered)
        try:
            if not self.post(build(id)):
                raise Disconnected("not connected")
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError as error:
            raise Disconnected(f"no answer within {timeout:.0f} s") from error
        finally:
            self._answers.pop(id, None)

    async def call(self, build: Callable[[int], Outgoing], timeout: float = 30.0) -> Answer:
        """Like `command`, but tried again after a lost connection or a refusal that may pass.

        Only for commands that may be carried out twice. Raises the last error after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        pause = Backoff(self.random)
        while True:
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self.wait_connected()
                return await self.command(build, min(deadline - time.monotonic(), ANSWER_WITHIN_S))
            except TimeoutError as error:
                raise Disconnected(f"not connected within {timeout:.0f} s") from error
            except (Disconnected, ApiError) as error:
                delay = pause.lost(time.monotonic())
                final = isinstance(error, ApiError) and not error.retry
                if self._over and not final:
                    raise self._over from error
                if final or time.monotonic() + delay >= deadline:
                    raise
                await asyncio.sleep(delay)

    # -- the life of connections, one after the other -------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._connect()
            except SessionEnded as over:
                self._end(over)
                return
            except ApiError as refused:
                if not refused.retry:
                    self._end(refused)
                    return
                if refused.retry_after is not None:
                    self._backoff.asked_to_wait(refused.retry_after)
                log.info("not connected: %s", refused)
            except (aiohttp.ClientError, OSError, TimeoutError, Disconnected) as error:
                log.info("not connected: %s", str(error) or type(error).__name__)
            except Exception as broken:
                log.exception("fault in the client")
                self._end(DeskError(f"fault in the client: {broken!r}"))
                return
            await self._sleep(self._backoff.lost(time.monotonic()))

    async def _connect(self) -> None:
        """One connection from handshake to loss; raises what says whether it was the last."""
        token = await self.api.access(RENEW_BEFORE_S)
        session = await self.api.session()
        try:
            async with session.ws_connect(
                self.api.socket_url,
                protocols=(SUBPROTOCOL_MSGPACK,),
                max_msg_size=MAX_FRAME,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN_S),
            ) as ws:
                device, secret = self._device or (None, None)
                hello = Hello(PROTOCOL_VERSION, token, device, secret, self._app, self.api.language)
                await ws.send_bytes(msgpack.packb(hello.to_wire()))
                try:
                    await self._receive(ws)
                finally:
                    self._lost()
                code = ws.close_code or 1006
        except aiohttp.WSServerHandshakeError as error:
            raise _handshake_refused(error) from error
        log.info("closed with %d", code)
        if may_reconnect(code):
            return
        if code == Close.UNAUTHENTICATED and self._token_expired:
            # Our idea of the token's age was wrong (a stored token, a wrong clock): come with a fresh one.
            self._token_expired = False
            await self.api.refresh()
            return
        raise SessionEnded(code, _MEANING.get(code, "do not reconnect"))

    async def _receive(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Read until the socket closes or falls silent; server pings count as sound."""
        silence = WELCOME_WITHIN_S
        while True:
            frame = await ws.receive(silence)
            if frame.type is not aiohttp.WSMsgType.BINARY:
                return
            try:
                message = parse(msgpack.unpackb(frame.data))
            except UnknownMessage:
                continue  # of a server newer than this client
            except ValueError as error:
                raise Disconnected(f"a broken frame: {error}") from error
            match message:
                case Welcome():
                    silence = message.heartbeat_s * SILENT_HEARTBEATS
                    self._greeted(ws, message)
                case Ok():
                    self._answer(message.id, message.result)
                case Error(id=int() as id):
                    refusal = ApiError(message.code, message.retry, message.message, path=message.path)
                    self._answer(id, refusal)
                case Drain():
                    self._backoff.asked_to_wait(message.retry_after)
                case Error(code="token_expired"):
                    self._token_expired = True
                case _:
                    self.on_message(message)

    def _greeted(self, ws: aiohttp.ClientWebSocketResponse, welcome: Welcome) -> None:
        self.welcome = welcome
        self.connects += 1
        self.clock_offset = welcome.server_time - time.time()
        self._token_expired = False
        self._backoff.connected(time.monotonic())
        self._up.set()
        self._tasks = [
            asyncio.create_task(self._write(ws), name="desk-write"),
            asyncio.create_task(self._renew(), name="desk-renew"),
        ]
        self.on_welcome(welcome)

    async def _write(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """The only writer of a greeted socket: frames leave in the order in which they were posted."""
        try:
            while True:
                await self._outgoing.wait()
                while self._outbox:
                    await ws.send_bytes(self._outbox.popleft())
                self._outgoing.clear()
        except (aiohttp.ClientError, ConnectionError) as error:
            log.info("could not write: %s", error)  # the reader sees the end of the socket

    async def _renew(self) -> None:
        """Hand the socket a fresh token a minute before the old one ends, as long as the socket lives."""
        while True:
            await asyncio.sleep(max(1.0, self.api.token_left() - RENEW_BEFORE_S))
            try:
                token = await self.api.access(RENEW_BEFORE_S + 1)
                await self.command(partial(_renewal, token))
            except (ApiError, Disconnected, aiohttp.ClientError, OSError) as error:
                log.info("token not renewed: %s", error)
                await asyncio.sleep(self.random.uniform(1, 5))

    def _lost(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._outbox.clear()
        self._outgoing.clear()
        if self._up.is_set():
            self._up.clear()
            self.on_lost()
        answers, self._answers = self._answers, {}
        for answered in answers.values():
            answered(Disconnected("the connection was lost before the answer"))

    def _answer(self, id: int, answer: Answer | DeskError) -> None:
        answered = self._answers.pop(id, None)
        if answered:
            answered(answer)

    def _end(self, why: DeskError) -> None:
        if self._over is None:
            self._over = why
            self._up.set()  # wakes whoever waits for a connection that will not come
            self.on_end(why)


def _renewal(token: str, id: int) -> AuthRenew:
    return AuthRenew(id, token)


_MEANING = {
    Close.BAD_FRAME.value: "frames were not of this protocol",
    Close.UNAUTHENTICATED.value: "not signed in, or the session has ended: sign in again",
    Close.FORBIDDEN.value: "this account may not connect",
    Close.REPLACED.value: "this device has connected elsewhere",
    Close.TOO_OLD.value: "this client is too old: update it",
}


def _handshake_refused(error: aiohttp.WSServerHandshakeError) -> DeskError:
    after = error.headers.get("Retry-After") if error.headers else None
    wait = float(after) if after and after.replace(".", "", 1).isdigit() else None
    if error.status in (401, 403):
        code = Close.UNAUTHENTICATED if error.status == 401 else Close.FORBIDDEN
        return SessionEnded(code, "refused at the door")
    return ApiError("unavailable", True, f"handshake answered {error.status}", retry_after=wait)
