"""The life of one websocket, top to bottom: accept, greet, receive, answer, write, close."""

import asyncio
import logging
import secrets
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from dispatch.errors import Refusal
from geo.types import Reason
from server.auth import Principal
from server.errors import refusal_of
from server.i18n import Lang, say, told
from server.log import CONNECTION, PRINCIPAL
from server.protocol.codec import BadFrame
from server.protocol.codes import CLOSE_MEANING, ERRORS, Close
from server.protocol.messages import (
    Drain,
    Error,
    Ok,
    PositionAck,
    Rejection,
    ServerMessage,
    Welcome,
)
from storage.positions import Mark

from . import frames
from .transport import PeerGone, Socket

if TYPE_CHECKING:
    from server.services import Services

    from .hub import Area

log = logging.getLogger("desk.ws")

MAX_BAD_FRAMES = 5  # then the peer does not speak our protocol
MAX_OVER_CREDIT = 50  # refused reports in a row, then 4029
MAX_COMMANDS = 8  # at once in one session; more is `rate_limited`
# Nobody who reads falls so far behind: positions pause at the first limit, the connection ends at the second.
BEHIND_BYTES = 64 * 1024
SLOW_BYTES = 256 * 1024
SLOW_S = 10.0


class Session:
    """One signed-in websocket. Everything that sends is synchronous and never waits for the peer."""

    __slots__ = (
        "__weakref__",
        "area",
        "bad_frames",
        "behind_since",
        "codec",
        "commands",
        "device",
        "expires_at",
        "heard",
        "id",
        "lang",
        "mark",
        "over_credit",
        "principal",
        "services",
        "socket",
        "talking",
        "watched",
    )

    def __init__(
        self,
        socket: Socket,
        principal: Principal,
        device: int | None,
        services: "Services",
        lang: Lang,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.socket = socket
        self.codec = socket.codec
        self.principal = principal
        self.device = device
        self.lang = lang
        self.services = services
        self.expires_at = principal.expires_at
        self.heard = asyncio.get_running_loop().time()
        self.mark: Mark | None = None
        self.commands: set[asyncio.Task[None]] | None = None  # made with the first command
        self.watched: set[int] | None = None  # orders
        self.talking: asyncio.Lock | None = None  # made with the first message of a conversation
        self.area: Area | None = None
        self.behind_since: float | None = None
        self.bad_frames = 0
        self.over_credit = 0

    # -- the connection, in order ---------------------------------------------------------------------------

    async def run(self) -> None:
        """From the welcome to the last frame; returns when the peer is gone."""
        CONNECTION.set(self.id)
        PRINCIPAL.set(self.principal.user)
        services = self.services
        slot = services.wheel.add(self)
        services.hub.join(self)
        try:
            self.greet()
            await self._open()
            await self._receive()
        except PeerGone:
            pass
        finally:
            services.wheel.remove(self, slot)
            services.hub.leave(self)
            if self.mark is not None:
                services.positions.close(self.mark, self)
            self.socket.end()
            if self.commands:
                # An accept that is being decided is decided; only its answer has nobody to go to.
                await asyncio.wait(self.commands, timeout=5)
            log.info("ws.closed", extra={"code": self.socket.close_code})

    def greet(self) -> None:
        """First frame: who you are and the rules of this connection."""
        services = self.services
        principal = self.principal
        log.info("ws.open", extra={"role": principal.role, "address": self.socket.address})
        self.send(
            Welcome(
                version=1,
                min_version=1,
                session=self.id,
                user=principal.user,
                role=principal.role,
                heartbeat_s=services.wheel.PERIOD_S,
                server_time=time.time(),
            )
        )

    async def _open(self) -> None:
        """A driver gets every live offer again: what was made while the phone was away, or never arrived."""
        if self.principal.role != "driver" or self.principal.viewing is not None:
            return
        try:
            await self.services.welcome_driver(self)
        except self.services.unreachable:
            # The map and the stream go on without PostgreSQL; the offers come with the outbox.
            log.warning("ws.offers_unknown")

    async def _receive(self) -> None:
        """The only await of the hot path is the receive itself."""
        from .handlers import HANDLERS, VIEWED  # here, because handlers name Session in their signatures

        handlers = HANDLERS if self.principal.viewing is None else VIEWED
        receive = self.socket.receive
        decode = self.codec.decode
        clock = asyncio.get_running_loop().time
        while True:
            frame = await receive()
            self.heard = clock()
            if not frame:
                continue
            try:
                message = decode(frame)
            except BadFrame as error:
                self._bad_frame(error)
                continue
            handlers[type(message)](self, message)

    def _bad_frame(self, error: BadFrame) -> None:
        self.services.counts.bad_frames += 1
        self.bad_frames += 1
        self.refuse(error, path=error.path)
        if self.bad_frames >= MAX_BAD_FRAMES:
            self.close(Close.BAD_FRAME)

    # -- commands -------------------------------------------------------------------------------------------

    def carry_out(self, command_id: int | None, work: Coroutine[object, object, Ok | None]) -> None:
        """Runs a command beside the stream of positions, and gives it exactly one `ok` or `error`.

        A message without id (stream.resume) answers for itself; its refusal is an `error` without id.
        """
        if self.commands is None:
            self.commands = set()
        if len(self.commands) >= MAX_COMMANDS:
            work.close()
            self.refuse(Refusal("rate_limited"), command_id=command_id)
            return
        task = asyncio.get_running_loop().create_task(
            self._answer(command_id, work), name=f"command {self.id}"
        )
        self.commands.add(task)  # owned here: ended with the session, see run()
        task.add_done_callback(self.commands.discard)

    async def _answer(self, command_id: int | None, work: Coroutine[object, object, Ok | None]) -> None:
        try:
            answer = await work
        except Exception as error:
            self.refuse(refusal_of(error, log), command_id=command_id)
        else:
            if command_id is not None:
                self.send(answer or Ok(id=command_id))

    # -- writing --------------------------------------------------------------------------------------------

    def send(self, message: ServerMessage) -> None:
        """An answer or an event: goes out now, in order, and is never dropped while the socket lives."""
        self.write(frames.message(message, self.codec))

    def write(self, ready: bytes) -> None:
        """A ready frame that must not be dropped. A peer that does not read loses its connection instead."""
        self.socket.write(ready)
        if self.socket.unsent > SLOW_BYTES:
            self.services.counts.slow_closed += 1
            self.close(Close.SLOW)

    def write_latest(self, ready: bytes) -> bool:
        """A frame of positions, which a peer that is behind does without: False, and it gets a snapshot later."""
        socket = self.socket
        if socket.unsent > BEHIND_BYTES:
            self.services.counts.ticks_skipped += 1
            now = asyncio.get_running_loop().time()
            if self.behind_since is None:
                self.behind_since = now
            elif now - self.behind_since > SLOW_S:
                self.services.counts.slow_closed += 1
                self.close(Close.SLOW)
            return False
        self.behind_since = None
        socket.write(ready)
        return True

    def refuse(self, refusal: Refusal, *, command_id: int | None = None, path: str | None = None) -> None:
        """An `error` frame with its sentence in the reader's language."""
        self.services.counts.refused(refusal.code)
        self.send(error_message(refusal, self.lang, command_id, path))

    def acknowledge(self, mark: Mark, rejected: list[tuple[int, Reason]]) -> None:
        """Called after COMMIT."""
        self.send(
            PositionAck(
                stream=mark.stream,
                upto=mark.committed,
                credit=self.services.positions.credit(),
                rejected=[Rejection(seq, reason.name.lower()) for seq, reason in rejected],
            )
        )

    def ping(self) -> None:
        """Asks a quiet peer for a sign of life."""
        self.socket.write(frames.PING)
        if self.expires_at < time.time():
            self.close(Close.UNAUTHENTICATED)

    def silent(self) -> None:
        """Nothing was heard for too long."""
        self.close(Close.SILENT)

    def drain(self, retry_after: float) -> None:
        """The server is going down: come back after so many seconds."""
        self.send(Drain(retry_after=retry_after))
        self.close(Close.DRAIN)

    def close(self, code: Close) -> None:
        """Ends the connection with a code that says whether to come back."""
        self.services.counts.closed(code)
        self.socket.close(code, say(self.lang, CLOSE_MEANING[code]))


def error_message(
    refusal: Refusal, lang: Lang, command_id: int | None = None, path: str | None = None
) -> Error:
    """A refusal as the wire tells it, its sentence in this language."""
    spec = ERRORS[refusal.code]
    message = told(lang, refusal) or say(lang, spec.title)
    return Error(code=spec.code, message=message, retry=spec.retry, id=command_id, path=path or refusal.path)
