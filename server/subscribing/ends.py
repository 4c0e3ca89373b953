"""Tells the sockets of this worker when their user's access ends, to the second, without asking the database."""

import asyncio
import time
from collections.abc import Callable

from server.protocol.messages import AccessChanged, ServerMessage

LOOK_S = 3600.0  # a timer sleeps no longer, so that it follows a clock that was set


class AccessEnds:
    """One timer for each user who is connected here; `connected` and `to_user` are the hub's."""

    def __init__(
        self, connected: Callable[[int], bool], to_user: Callable[[int, ServerMessage], object]
    ) -> None:
        self._connected = connected
        self._to_user = to_user
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def put(self, user: int, until: float) -> None:
        """Access ends then, epoch seconds; what was known before is forgotten."""
        if (known := self._timers.pop(user, None)) is not None:
            known.cancel()
        if self._connected(user) and until > time.time():
            self._wait(user, until)

    def __len__(self) -> int:
        return len(self._timers)

    def _wait(self, user: int, until: float) -> None:
        left = min(max(until - time.time(), 0.0), LOOK_S)
        self._timers[user] = asyncio.get_running_loop().call_later(left, self._look, user, until)

    def _look(self, user: int, until: float) -> None:
        del self._timers[user]
        if not self._connected(user):
            return
        if until > time.time():
            self._wait(user, until)
        else:
            self._to_user(user, AccessChanged(entitled=False, until=until))
