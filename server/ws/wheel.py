"""Pings and silence, for all sockets of a process by one jittered wheel.

aiohttp's own heartbeats fire together (timeouts round up to whole seconds of the loop): with 20,000 sockets
that is a stall of 0.1 s each second. Here every session sits in one of many slots; each turn serves one slot.
"""

import asyncio
from typing import Protocol


class Beating(Protocol):
    """What the wheel turns: it is pinged when quiet and ended when silent."""

    heard: float

    def ping(self) -> None:
        """Sends a ping frame."""
        ...

    def silent(self) -> None:
        """Nothing was heard for SILENCE_S."""
        ...


class Wheel:
    """One turn takes PERIOD_S; a peer that says nothing is freed within SILENCE_S + PERIOD_S."""

    PERIOD_S = 15.0
    SLOTS = 150
    # Anything received counts as life, so streaming drivers are never pinged. Half a turn: who was heard just
    # after a turn is asked at the next one, and has had two pings unanswered before it counts as silent.
    QUIET_S = PERIOD_S / 2
    SILENCE_S = 2 * PERIOD_S - 0.5

    def __init__(self) -> None:
        self._slots: list[set[Beating]] = [set() for _ in range(self.SLOTS)]
        self._next = 0

    def add(self, session: Beating) -> int:
        """Puts a session into the next slot in turn, so that slots stay evenly filled; returns the slot."""
        self._next = (self._next + 1) % self.SLOTS
        self._slots[self._next].add(session)
        return self._next

    def remove(self, session: Beating, slot: int) -> None:
        """Takes it out again."""
        self._slots[slot].discard(session)

    def turn(self, slot: int, now: float) -> None:
        """Serves one slot; `now` is the loop's clock, as `heard` is."""
        for session in list(self._slots[slot]):
            quiet = now - session.heard
            if quiet > self.SILENCE_S:
                session.silent()
            elif quiet > self.QUIET_S:
                session.ping()

    async def run(self) -> None:
        """Turns for ever."""
        loop = asyncio.get_running_loop()
        slot = 0
        while True:
            await asyncio.sleep(self.PERIOD_S / self.SLOTS)
            self.turn(slot, loop.time())
            slot = (slot + 1) % self.SLOTS
