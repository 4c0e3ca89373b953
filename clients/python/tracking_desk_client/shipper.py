"""A shipper's side: post a load, follow it to the drop."""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self
from uuid import uuid4

import aiohttp

from .api import Api
from .backoff import Backoff
from .bidding import ShipperBids
from .chat import Chats
from .connection import Answer, Connection
from .errors import ApiError, DeskError
from .inbox import News
from .mailbox import Mailbox
from .messages import (
    AreaCells,
    AreaDensity,
    OrderChanged,
    OrderForm,
    OrderMoved,
    OrderSnapshot,
    OrderState,
    OrderUnwatch,
    OrderWatch,
    ServerMessage,
    Welcome,
)
from .viewport import Viewport

OrderNews = OrderSnapshot | OrderChanged | OrderMoved
FINAL = frozenset({"delivered", "closed", "cancelled", "expired"})
UNREAD = 1000  # events of one order that may wait for a slow reader before it is given a fresh snapshot
ASK_AGAIN_S = (0.1, 1.0)  # drawn: after a reconnect many watches are renewed at once


class _Follower:
    """One watched order: where its event sequence stands and what its reader has not seen."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.mailbox: Mailbox[OrderNews] = Mailbox()
        self.at: tuple[str, int] | None = None  # (epoch, offset); None until the snapshot is there

    def snapshot(self, message: OrderSnapshot) -> None:
        self.at = (message.epoch, message.offset)
        self.mailbox.put(message)

    def changed(self, message: OrderChanged) -> bool:
        """False when events are missing: a snapshot is needed."""
        if self.at is None or (message.epoch == self.at[0] and message.offset <= self.at[1]):
            return True  # before the snapshot, or already in it
        if (message.epoch, message.offset) != (self.at[0], self.at[1] + 1) or len(self.mailbox) >= UNREAD:
            self.at = None
            self.mailbox.replace(())
            return False
        self.at = (message.epoch, message.offset)
        self.mailbox.put(message)
        return True

    def moved(self, message: OrderMoved) -> None:
        if self.at is not None:
            self.mailbox.put(message, instead_of_last=isinstance(self.mailbox.last(), OrderMoved))


class ShipperClient:
    """One shipper: places orders over REST; follows them, haggles (`bids`) and talks (`chats`) over the socket,
    and is told what happens (`inbox`)."""

    def __init__(self, api: Api, *, app: str = "") -> None:
        self.api = api
        self.connection = Connection(api, app=app)
        self.connection.on_welcome = self._welcomed
        self.connection.on_message = self._received
        self.connection.on_end = self._ended
        self.bids = ShipperBids(self.connection, api)
        self.chats = Chats(self.connection, api)
        self.inbox = News(self.connection)
        self._followers: dict[int, _Follower] = {}
        self._cells: Viewport[AreaDensity | AreaCells] = Viewport(self.connection)

    async def __aenter__(self) -> Self:
        await self.connection.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.connection.close()
        await self.chats.close()

    async def place(self, form: OrderForm, *, key: str | None = None, timeout: float = 30.0) -> OrderState:
        """Post a load; a lost answer is asked for again under the same key, so it is posted once.

        Raises ApiError when refused; when `timeout` seconds pass, the last error: the outcome is unknown and
        the same `key` finds out.
        """
        key = key or str(uuid4())
        pause = Backoff(self.connection.random)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            try:
                return await self.api.place(form, key)
            except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                delay = pause.lost(loop.time())
                if isinstance(error, ApiError) and error.retry_after is not None:
                    delay = error.retry_after
                final = isinstance(error, ApiError) and not error.retry
                if final or loop.time() + delay >= deadline:
                    raise
            await asyncio.sleep(delay)

    async def watch(self, order: int) -> AsyncGenerator[OrderNews, None]:
        """Follow an order until it ends: a snapshot first, then what changes and where the truck is.

        Another snapshot comes whenever events may have been missed: after a reconnect, a hole in their
        numbers, or when the reader was too slow. Of truck positions only the newest waits. Raises ApiError
        when the order is not yours. One watcher an order.
        """
        if order in self._followers:
            raise ValueError(f"order {order} is being watched already")
        follower = self._followers[order] = _Follower(order)
        try:
            self._ask(follower)
            async for news in follower.mailbox:
                yield news
                status = news.state.status if isinstance(news, OrderSnapshot) else None
                if isinstance(news, OrderChanged):
                    status = news.status
                if status in FINAL:
                    return
        finally:
            del self._followers[order]
            self.connection.post(OrderUnwatch(self.connection.expect(lambda answer: None), order))

    async def watch_cells(
        self, west: float, south: float, east: float, north: float
    ) -> AsyncGenerator[list[tuple[str, int]], None]:
        """How many free trucks each coarse H3 cell of a viewport holds; replaces an earlier viewport."""
        async for picture in self._cells.watch(west, south, east, north):
            yield picture.cells

    # -- what the connection tells --------------------------------------------------------------------------

    def _welcomed(self, _: Welcome) -> None:
        for follower in self._followers.values():
            follower.at = None
            self._ask(follower)
        self._cells.ask()

    def _ended(self, why: DeskError) -> None:
        for follower in self._followers.values():
            follower.mailbox.close(why)
        self._cells.close(why)

    def _received(self, message: ServerMessage) -> None:
        match message:
            case OrderChanged():
                follower = self._followers.get(message.order)
                if follower and not follower.changed(message):
                    self._ask(follower)
            case OrderMoved():
                if follower := self._followers.get(message.order):
                    follower.moved(message)
            case AreaCells():
                self._cells.put(message)
            case _:
                self.bids.heard(message) or self.chats.heard(message) or self.inbox.heard(message)

    def _ask(self, follower: _Follower) -> None:
        if self.connection.ended:
            follower.mailbox.close(self.connection.ended)

        def answered(answer: Answer | DeskError) -> None:
            if self._followers.get(follower.order) is not follower:
                return
            if isinstance(answer, OrderSnapshot):
                follower.snapshot(answer)
            elif isinstance(answer, ApiError) and answer.retry:
                asyncio.get_running_loop().call_later(
                    self.connection.random.uniform(*ASK_AGAIN_S), self._ask, follower
                )
            elif isinstance(answer, ApiError):
                follower.mailbox.close(answer)

        if self.connection.connected:
            self.connection.post(OrderWatch(self.connection.expect(answered), follower.order))
