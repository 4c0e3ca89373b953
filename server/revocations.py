"""Ended sessions, known to every worker within a moment: the bus for speed, PostgreSQL for truth."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from dispatch.errors import Refusal
from storage import postgres
from storage.bus import Bus
from storage.sessions import Ended

ACCESS_LIFETIME_S = 900.0  # an access token older than this is refused by its own expiry
MARGIN_S = 60.0  # clocks of two hosts, and a poll that came late
POLL_S = 5.0
BLOCKED = "blocked"


class EndedSessions(Protocol):
    """What is asked of the store."""

    def revoked_since(self, since: float) -> Awaitable[list[Ended]]:
        """The sessions that were ended after this time."""


class Revocations:
    """Per worker: the sessions whose access tokens must not be honoured although they have not expired.

    `end` tells the other workers, `heard` hears from them. What the bus loses, the poll brings.
    """

    def __init__(self, sessions: EndedSessions, bus: Bus, lifetime_s: float = ACCESS_LIFETIME_S) -> None:
        self._sessions = sessions
        self._bus = bus
        self._keep_s = lifetime_s + MARGIN_S
        self._until: dict[str, float] = {}  # in order of forgetting: the time to keep is one for all
        self._listeners: list[Callable[[str, bool], None]] = []

    def listen(self, callback: Callable[[str, bool], None]) -> None:
        """`callback(session, blocked)` runs once for each session that ends: the hub closes its sockets there."""
        self._listeners.append(callback)

    def add(self, session: str, blocked: bool = False) -> None:
        """This session has ended; every token and socket of it is refused from here on."""
        if session in self._until:
            return
        now = time.monotonic()
        while self._until:
            oldest = next(iter(self._until))
            if self._until[oldest] > now:
                break
            del self._until[oldest]
        self._until[session] = now + self._keep_s
        for callback in self._listeners:
            callback(session, blocked)

    def is_revoked(self, session: str) -> bool:
        """Whether the session was ended (within the life of an access token, which is all that matters)."""
        return session in self._until

    def check(self, session: str) -> None:
        """Refusal `session_revoked` for an ended session."""
        if session in self._until:
            raise Refusal("session_revoked")

    def end(self, session: str, *, blocked: bool = False) -> None:
        """Marks the session here and tells the other workers, once the store's word that it has ended stands.

        `blocked`: because its account was, which its sockets are told so that they do not come back.
        """
        postgres.after_commit(lambda: self._end(session, blocked))

    def _end(self, session: str, blocked: bool) -> None:
        self.add(session, blocked)
        self._bus.publish_revoked(f"{session} {BLOCKED}" if blocked else session)

    def heard(self, payload: bytes) -> None:
        """News of the bus: a session was ended on another worker."""
        session, _, why = payload.decode().partition(" ")
        self.add(session, why == BLOCKED)

    async def warm(self, now: float) -> None:
        """Reads the sessions ended lately. Run before the first request is served."""
        for session in await self._sessions.revoked_since(now - self._keep_s):
            self.add(*session)

    async def poll(self) -> None:
        """Reads what the bus may have lost, for ever: at-most-once is not enough to end a session."""
        heard = time.time()
        while True:
            await asyncio.sleep(POLL_S)
            now = time.time()
            try:
                ended = await self._sessions.revoked_since(heard - MARGIN_S)
            except postgres.Unreachable:
                continue
            heard = now
            for session in ended:
                self.add(*session)
