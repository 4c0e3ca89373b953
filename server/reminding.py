"""Payments that are due are spoken of: on any worker, within a minute of it."""

from collections.abc import Callable, Sequence

from dispatch.events import Event
from dispatch.loops import repeat
from storage.postgres import Unreachable
from storage.remittance.store import Reminders

POLL_S = 30.0  # nobody pays to the second
AT_ONCE = 200  # then others have their turn


async def run(reminders: Reminders, tell: Callable[[Sequence[Event]], None]) -> None:
    """For ever: haul by haul, until nothing is due."""

    async def due() -> int:
        reminded = 0
        while reminded < AT_ONCE and (events := await reminders.remind()) is not None:
            tell(events)
            reminded += 1
        return reminded

    await repeat("remind", due, POLL_S, Unreachable)
