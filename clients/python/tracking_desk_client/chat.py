"""Conversations over the socket: each message once, in order, also over a lost connection."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from uuid import uuid4

import aiohttp

from .api import Api
from .connection import Connection
from .errors import DeskError
from .messages import (
    ChatEntry,
    ChatMarked,
    ChatMessage,
    ChatPhrase,
    ChatQuery,
    ChatRead,
    ChatSend,
    ChatStored,
    ServerMessage,
)

log = logging.getLogger("tracking_desk_client")


class Chats:
    """What is said about your orders. `on_message(entry)` hears each message of a conversation once and in order,
    from the first that comes on, also your own; `on_read(mark)` hears how far somebody has read.

    `heard_upto` is how far each conversation was heard: set it from what you have stored, and nothing is missed.
    """

    def __init__(self, connection: Connection, api: Api) -> None:
        self.connection = connection
        self.api = api
        self.heard_upto: dict[int, int] = {}
        self.on_message: Callable[[ChatEntry], None] = lambda entry: None
        self.on_read: Callable[[ChatMarked], None] = lambda mark: None
        self._filling: dict[int, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """No more is read of what was missed."""
        tasks = list(self._filling.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def send(
        self,
        order: int,
        text: str = "",
        *,
        phrase: ChatPhrase | None = None,
        attachments: Sequence[int] = (),
        message_id: str | None = None,
        timeout: float = 30.0,
    ) -> ChatEntry:
        """Say something; returns when the desk has stored it.

        Tried again over a lost connection under the same id, so it is stored once. `Disconnected` means that the
        outcome is unknown: the same `message_id` finds out.
        """
        key = message_id or str(uuid4())
        answer = await self.connection.call(
            lambda id: ChatSend(id, order, key, text, phrase, list(attachments)), timeout
        )
        if not isinstance(answer, ChatStored):
            raise DeskError(f"a message was answered by {answer!r}")
        return answer.message

    async def read(self, order: int, upto: int) -> None:
        """Everything up to this number is on the screen; the other side is told, and no push goes out."""
        await self.connection.call(lambda id: ChatRead(id, order, upto))

    async def catch_up(self, order: int) -> None:
        """Reads what was said since `heard_upto`: after a reconnect, and by itself when a number is missing."""
        while True:
            page = await self.api.chat(order, ChatQuery(after=self.heard_upto.get(order, 0)))
            for entry in page.messages:
                self._next(entry)
            if not page.more:
                return

    def heard(self, message: ServerMessage) -> bool:
        """Takes news of a conversation; False for any other message."""
        if isinstance(message, ChatMarked):
            self.on_read(message)
            return True
        if not isinstance(message, ChatMessage):
            return False
        entry = message.message
        known = self.heard_upto.setdefault(entry.order, entry.seq - 1)
        if entry.seq > known + 1:
            self._fill(entry.order)
        else:
            self._next(entry)
        return True

    def _next(self, entry: ChatEntry) -> None:
        if entry.seq == self.heard_upto.get(entry.order, 0) + 1:
            self.heard_upto[entry.order] = entry.seq
            self.on_message(entry)

    def _fill(self, order: int) -> None:
        running = self._filling.get(order)
        if running is None or running.done():
            self._filling[order] = asyncio.get_running_loop().create_task(self._catch_up(order))

    async def _catch_up(self, order: int) -> None:
        try:
            await self.catch_up(order)
        except (DeskError, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("messages of order %s are missing until the next one: %r", order, error)
