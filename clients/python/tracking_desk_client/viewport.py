"""A watched area of the map: at most one a connection, asked for again after each reconnect."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from .connection import Answer, Connection
from .errors import ApiError, DeskError
from .mailbox import Mailbox
from .messages import AreaCells, AreaDensity, AreaMoved, AreaSnapshot, AreaUnwatch, AreaWatch

P = TypeVar("P", AreaSnapshot | AreaMoved, AreaDensity | AreaCells)

UNREAD = 600  # frames that may wait for a slow reader (a minute of ticks) before it is given a fresh snapshot
ASK_AGAIN_S = (0.1, 1.0)  # drawn: after a reconnect many watches are renewed at once


class Viewport(Generic[P]):
    """Snapshot, then what moved with (epoch, offset) for operators; whole pictures for shippers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._box: tuple[float, float, float, float] | None = None
        self._mailbox: Mailbox[P] = Mailbox()
        self._at: tuple[str, int] | None = None
        self._round = 0  # of asking: answers to an earlier one are stale

    async def watch(self, west: float, south: float, east: float, north: float) -> AsyncGenerator[P, None]:
        """Follow this viewport; a viewport watched before is given up and its iterator ends."""
        self._mailbox.close()
        mailbox = self._mailbox = Mailbox()
        self._box = (west, south, east, north)
        self.ask()
        try:
            async for picture in mailbox:
                yield picture
        finally:
            if self._mailbox is mailbox:
                self._box = None
                self._connection.post(AreaUnwatch(self._connection.expect(lambda answer: None)))

    def ask(self) -> None:
        """Ask for a snapshot; until it comes deltas are not passed on."""
        if self._box is None:
            return
        if self._connection.ended:
            self._mailbox.close(self._connection.ended)
        self._at = None
        self._round += 1
        round = self._round

        def answered(answer: Answer | DeskError) -> None:
            if round != self._round or self._box is None:
                return
            if isinstance(answer, AreaSnapshot):
                self._at = (answer.epoch, answer.offset)
                self._mailbox.replace([answer])  # type: ignore[list-item]  # P follows the account's role
            elif isinstance(answer, AreaDensity):
                self._at = ("", 0)
                self._mailbox.replace([answer])  # type: ignore[list-item]
            elif isinstance(answer, ApiError) and answer.retry:
                asyncio.get_running_loop().call_later(self._connection.random.uniform(*ASK_AGAIN_S), self.ask)
            elif isinstance(answer, ApiError):
                self._mailbox.close(answer)

        if self._connection.connected:
            self._connection.post(AreaWatch(self._connection.expect(answered), *self._box))

    def moved(self, message: AreaMoved) -> None:
        """What moved: passed on, unless it is of another epoch or the reader is too slow: then a snapshot.

        Offsets of an area rise but leave holes (quiet moments send nothing): the desk itself sends everything
        again to a session that missed frames, so only a new epoch means that something was missed.
        """
        if self._at is None or (message.epoch == self._at[0] and message.offset < self._at[1]):
            return
        if message.epoch != self._at[0] or len(self._mailbox) >= UNREAD:
            self._mailbox.replace(())
            self.ask()
            return
        self._at = (message.epoch, message.offset)
        self._mailbox.put(message)  # type: ignore[arg-type]

    def put(self, message: AreaCells) -> None:
        """A whole picture: only the newest waits for the reader."""
        if self._at is not None:
            self._mailbox.put(message, instead_of_last=isinstance(self._mailbox.last(), AreaCells))  # type: ignore[arg-type]

    def close(self, why: DeskError) -> None:
        """The connection will not come back."""
        self._mailbox.close(why)
