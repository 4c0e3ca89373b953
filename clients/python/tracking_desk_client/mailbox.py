"""What waits between a socket's callbacks and an `async for`."""

from asyncio import Event
from collections import deque
from collections.abc import Iterable
from typing import Generic, Self, TypeVar

from .errors import DeskError, SessionEnded

T = TypeVar("T")


class Mailbox(Generic[T]):
    """An async iterator fed by synchronous code; ends silently, or with an error, once it is empty."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._news = Event()
        self._closed = False
        self._error: DeskError | None = None

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T, instead_of_last: bool = False) -> None:
        """Add an item, in the place of the newest unread one if asked."""
        if instead_of_last:
            self._items.pop()
        self._items.append(item)
        self._news.set()

    def last(self) -> T | None:
        """The newest unread item."""
        return self._items[-1] if self._items else None

    def replace(self, items: Iterable[T]) -> None:
        """Forget what is unread and start from `items`."""
        self._items = deque(items)
        self._news.set()

    def close(self, why: DeskError | None = None) -> None:
        """No more items will come. A session that this client closed itself is no error to its readers."""
        self._closed = True
        self._error = None if isinstance(why, SessionEnded) and why.code == 1000 else why
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                if self._error:
                    raise self._error
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()
