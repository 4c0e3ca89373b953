"""An operator's side: every truck in a viewport."""

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from .api import Api
from .connection import Connection
from .messages import AreaMoved, AreaSnapshot, ServerMessage, Welcome
from .viewport import Viewport


class OperatorClient:
    """One operator. Orders and drivers are listed through `api`."""

    def __init__(self, api: Api, *, app: str = "") -> None:
        self.api = api
        self.connection = Connection(api, app=app)
        self._area: Viewport[AreaSnapshot | AreaMoved] = Viewport(self.connection)
        self.connection.on_welcome = self._welcomed
        self.connection.on_message = self._received
        self.connection.on_end = self._area.close

    async def __aenter__(self) -> Self:
        await self.connection.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.connection.close()

    def watch_area(
        self, west: float, south: float, east: float, north: float
    ) -> AsyncGenerator[AreaSnapshot | AreaMoved, None]:
        """Follow a viewport (degrees): a snapshot, then what moved; a new snapshot after anything was missed.

        One viewport at a time: the next call ends the iterator of the one before.
        """
        return self._area.watch(west, south, east, north)

    def _welcomed(self, _: Welcome) -> None:
        self._area.ask()

    def _received(self, message: ServerMessage) -> None:
        if isinstance(message, AreaMoved):
            self._area.moved(message)
