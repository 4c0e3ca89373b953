"""One transaction around a whole request: what stores do inside joins it, what they tell waits for its COMMIT.

Stores are written as ever, with `pool.fetch...` and `transaction(pool)`. Without an open unit these do what they
always did. Inside one they all use the unit's one connection, each as a savepoint, so that a block that raises
takes back its own work and no more. A unit belongs to the task that opened it: tasks that are started meanwhile
(a loop, a shared look-up) stand outside and use connections of their own.

The unit takes its connection when the first statement needs it, so that a handler that first asks another
company's server holds none while it waits.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from dispatch.errors import Refusal

if TYPE_CHECKING:
    Connection: TypeAlias = (
        "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
    )
    _Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
else:
    Connection = asyncpg.Connection
    _Pool = asyncpg.Pool

log = logging.getLogger("desk.unit")

Callback = Callable[[], object]
Opening = Callable[[Connection], Awaitable[None]]


class Pool(_Pool):  # type: ignore[misc]  # asyncpg ships no types
    """asyncpg's pool, whose every method joins the unit that the calling task has open."""

    def acquire(self, *, timeout: float | None = None) -> AbstractAsyncContextManager[Connection]:
        """A connection of one's own, or the unit's. Use it as `async with`, never by `await`."""
        unit = _joined(self)
        if unit is None:
            own: AbstractAsyncContextManager[Connection] = super().acquire(timeout=timeout)
            return own
        return unit.block(keep=Refusal)


class Unit:
    """The open transaction. Made by `unit` only."""

    def __init__(self, pool: Pool, stack: AsyncExitStack, opening: Opening | None) -> None:
        self.pool = pool
        self.task = asyncio.current_task()
        self.callbacks: list[Callback] = []
        self._stack = stack
        self._opening = opening
        self._connection: Connection | None = None
        self._unopened: Exception | None = None

    @property
    def began(self) -> bool:
        """Whether anything may have been written."""
        return self._connection is not None and self._unopened is None

    @asynccontextmanager
    async def block(self, keep: type[Exception] | tuple[()] = ()) -> AsyncIterator[Connection]:
        """A savepoint: an exception takes back what the block did and asked to tell, but for those of `keep`."""
        connection = await self.connection()
        said = len(self.callbacks)
        kept: Exception | None = None
        try:
            async with connection.transaction():
                try:
                    yield connection
                except keep as error:
                    kept = error
        except BaseException:
            del self.callbacks[said:]
            raise
        if kept is not None:
            raise kept

    async def connection(self) -> Connection:
        """The unit's one connection, in its transaction; taken when it is first asked for."""
        if self._connection is None:
            # The pool's own method: this is the connection that the others join.
            connection = await self._stack.enter_async_context(asyncpg.Pool.acquire(self.pool))
            await self._stack.enter_async_context(connection.transaction())
            self._connection = connection
            if self._opening is not None:
                try:
                    await self._opening(connection)
                except Exception as error:
                    self._unopened = error
        if self._unopened is not None:
            # Whoever may have swallowed it the first time: nothing is done in a unit that could not begin.
            raise self._unopened
        return self._connection


_UNIT: ContextVar[Unit | None] = ContextVar("unit", default=None)


def _current() -> Unit | None:
    found = _UNIT.get()
    return found if found is not None and found.task is asyncio.current_task() else None


def _joined(pool: _Pool) -> Unit | None:
    found = _current()
    return found if found is not None and found.pool is pool else None


@asynccontextmanager
async def unit(pool: Pool, opening: Opening | None = None) -> AsyncIterator[Unit]:
    """One transaction for everything that this task does with `pool` in the block.

    It commits when the block ends, and also when it ends with a Refusal: what a refused request is to leave
    behind (a counted try, the stored answer to a lost accept) stands in blocks that ended well, and the others
    were taken back one by one. Any other exception rolls everything back. `opening` runs first in the
    transaction. What was given to `after_commit` runs after the COMMIT, or never.
    """
    if _current() is not None:
        raise RuntimeError("a unit of work is open already")
    refused: Refusal | None = None
    async with AsyncExitStack() as stack:
        opened = Unit(pool, stack, opening)
        token = _UNIT.set(opened)
        try:
            yield opened
        except Refusal as refusal:
            refused = refusal
        finally:
            _UNIT.reset(token)
    for callback in opened.callbacks:
        _tell(callback)
    if refused is not None:
        raise refused


def transaction(pool: Pool) -> AbstractAsyncContextManager[Connection]:
    """One connection in one transaction; a savepoint of the unit's inside one."""
    found = _joined(pool)
    return _own_transaction(pool) if found is None else found.block()


@asynccontextmanager
async def whole(pool: Pool) -> AsyncIterator[Connection]:
    """As `transaction`, where what is done also tells: outside a unit it opens one, so that `after_commit` waits
    for the COMMIT here, too."""
    if _joined(pool) is not None:
        async with transaction(pool) as connection:
            yield connection
        return
    if _current() is not None:
        raise RuntimeError("a unit of work is open already")
    async with AsyncExitStack() as stack:
        opened = Unit(pool, stack, None)
        token = _UNIT.set(opened)
        try:
            # No savepoint beneath, unlike in `unit`: whatever is raised, a Refusal too, rolls everything back.
            yield await opened.connection()
        finally:
            _UNIT.reset(token)
    for callback in opened.callbacks:
        _tell(callback)


def in_unit() -> bool:
    """Whether the calling task has a unit open: then no other company's server may be asked."""
    return _current() is not None


def after_commit(callback: Callback) -> None:
    """Runs `callback` once what was written is there for all to see: at once, or after the open unit's COMMIT.

    It must not block. One that fails is logged and keeps nobody else from being told.
    """
    found = _current()
    if found is None:
        callback()
    else:
        found.callbacks.append(callback)


@asynccontextmanager
async def _own_transaction(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.acquire() as connection, connection.transaction():
        yield connection


def _tell(callback: Callback) -> None:
    try:
        callback()
    except Exception:
        log.exception("after_commit.failed")
