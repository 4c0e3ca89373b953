"""Open-loop timing: every send has a fixed intended time, kept whatever the system under test does.

A closed loop stops asking while the server stalls and so hides the stall (coordinated omission). Here the
latency of each send counts from the time it was meant to leave, and a generator that cannot keep its own
times says so: its figures are void.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

LATE_S = 0.05
LATE_SHARE_LIMIT = 0.01
GENERATOR_CPU_LIMIT = 0.8  # of one core
PATIENCE_S = 1.0  # beyond a tenth of the window: a generator so far behind has lost
NAP_S = 0.001  # shorter sleeps make uvloop spin, and the generator would look busy
BREATH = 32  # sends before the loop may read answers: a burst must not delay the stamps of its own acks


@dataclass(slots=True)
class Punctuality:
    """How well the generator kept its intended times, and what it cost."""

    sends: int = 0
    late: int = 0
    skipped: int = 0  # still not sent when the window had long ended
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def add(self, other: "Punctuality") -> None:
        """Two stretches make one."""
        self.sends += other.sends
        self.late += other.late
        self.skipped += other.skipped
        self.cpu_s += other.cpu_s
        self.wall_s += other.wall_s

    @property
    def cpu_share(self) -> float:
        """CPU seconds of the generator for each second."""
        return self.cpu_s / self.wall_s if self.wall_s else 0.0

    def faults(self) -> list[str]:
        """Reasons for which a run with this generator says nothing about the server."""
        found = []
        intended = self.sends + self.skipped
        if intended and (self.late + self.skipped) / intended > LATE_SHARE_LIMIT:
            share = 100 * (self.late + self.skipped) / intended
            found.append(f"{share:.1f} % of the sends left more than {LATE_S * 1e3:.0f} ms late")
        if self.cpu_share > GENERATOR_CPU_LIMIT:
            found.append(f"the generator used {100 * self.cpu_share:.0f} % of a core")
        return found


class OpenLoop:
    """`sources` senders with random phases, together `rate` sends a second.

    Each source sends every sources / rate seconds, so that it looks like one phone with its own period,
    while all together arrive as randomly as a fleet does.
    """

    def __init__(self, sources: int, rate: float, random: Random) -> None:
        if sources < 1 or rate <= 0:
            raise ValueError("an open loop needs at least one source and a rate above 0")
        self.period_s = sources / rate
        self._order = sorted((random.random() * self.period_s, source) for source in range(sources))

    async def run(self, send: Callable[[int, float], None], seconds: float) -> Punctuality:
        """Calls `send(source, intended)` (time.monotonic) for `seconds`; returns soon after, sent or not."""
        kept = Punctuality()
        clock = time.monotonic
        cpu, start = time.process_time(), clock()
        end, give_up = start + seconds, start + seconds * 1.1 + PATIENCE_S
        order, sources, period = self._order, len(self._order), self.period_s
        turn, position = 0, 0
        while True:
            phase, source = order[position]
            intended = start + turn * period + phase
            if intended >= end:  # the walk is in time order: all that follow are later still
                break
            now = clock()
            if now < intended:
                await asyncio.sleep(max(intended - now, NAP_S))
                continue
            if now > give_up:
                kept.skipped = int(seconds / period * sources) - kept.sends
                break
            if now - intended > LATE_S:
                kept.late += 1
            send(source, intended)
            kept.sends += 1
            position += 1
            if position == sources:
                turn, position = turn + 1, 0
            if kept.sends % BREATH == 0:
                await asyncio.sleep(0)
        kept.cpu_s, kept.wall_s = time.process_time() - cpu, clock() - start
        return kept
