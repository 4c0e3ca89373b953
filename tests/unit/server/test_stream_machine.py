"""A phone, a worker and a disk under any order of sends, repeats, commits, lost acks, crashes and reconnects.

The real report handler and the real PositionLog run; only the disk is modelled, by what the STORE statement does:
rows above the mark are inserted, then the mark moves. Invariant: stored is 1..mark, each once; acked is stored.
"""

import asyncio
import time
from types import SimpleNamespace
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dispatch.errors import Refusal
from geo.types import Reason
from server.metrics import Counts
from server.protocol.messages import Point, PositionReport
from server.ws import handlers
from server.ws.session import Session
from storage.live import LiveIndex
from storage.positions import Mark, PositionLog
from storage.postgres import Pool

BASE = time.time() - 3600.0


class Phone:
    """What a session is to the handler, and what the phone at its other end knows."""

    def __init__(self, services: SimpleNamespace, mark: Mark) -> None:
        self.services = services
        self.mark = mark
        self.over_credit = 0
        self.acked = 0
        self.refusals: list[str] = []

    def refuse(self, refusal: Refusal) -> None:
        self.refusals.append(refusal.code)

    def acknowledge(self, mark: Mark, rejected: list[tuple[int, Reason]]) -> None:
        self.acked = mark.committed

    def close(self, code: int) -> None:
        raise AssertionError("an honest phone is never closed")


class StreamMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.rows: list[int] = []  # sequence numbers on the disk
        self.upto = 0  # the mark on the disk
        self.recorded = 0  # points that the phone has
        self.known = 0  # what the phone knows to be acknowledged
        self.start_worker()

    def teardown(self) -> None:
        self.loop.close()

    def start_worker(self) -> None:
        # The log binds its events to no loop until it waits, which it never does here.
        self.log = PositionLog("", cast(Pool, None))
        services = SimpleNamespace(positions=self.log, counts=Counts(), live=LiveIndex())
        self.services = services
        self.batches: list[object] = []
        self.connect()

    def connect(self) -> None:
        mark = self.log._marks.get((1, "s"))
        if mark is None:
            mark = Mark(1, 1, 1, "s", received=self.upto, committed=self.upto)
            self.log._marks[1, "s"] = mark
        self.phone = Phone(self.services, mark)
        mark.owner = self.phone
        self.known = max(self.known, mark.committed)  # stream.resumed

    @rule(count=st.integers(1, 5))
    def record(self, count: int) -> None:
        self.recorded += count

    @rule(back=st.integers(0, 6), count=st.integers(1, 8))
    def send(self, back: int, count: int) -> None:
        """From some way before what is unacknowledged: repeats, never a hole of the phone's making."""
        first = max(1, self.known + 1 - back)
        last = min(self.recorded, first + count - 1)
        if first > last:
            return
        points = [Point(seq, BASE + seq, 43.2, 76.9) for seq in range(first, last + 1)]
        handlers.report(cast(Session, self.phone), PositionReport(points=points))

    @rule()
    def hole(self) -> None:
        """A frame that skips a point is refused whole from there on."""
        mark = self.phone.mark
        before = mark.received
        report = PositionReport(points=[Point(before + 2, BASE, 43.2, 76.9)])
        handlers.report(cast(Session, self.phone), report)
        assert mark.received == before
        assert self.phone.refusals[-1] == "seq_gap"

    @rule(acks_arrive=st.booleans(), outcome_known=st.booleans())
    def commit(self, acks_arrive: bool, outcome_known: bool) -> None:
        """One group commit; with an unknown outcome it is stored, and then stored again."""
        batch = self.log._take()
        if not batch.marks:
            return
        for _ in range(1 if outcome_known else 2):
            for mark, upto in batch.marks.items():
                self.rows += [row[3] for row in batch.rows if row[2] == mark.id and row[3] > self.upto]
                self.upto = max(self.upto, upto)
        self.log._committed(batch)
        if acks_arrive:
            self.known = max(self.known, self.phone.acked)

    @rule()
    def reconnect(self) -> None:
        self.log.close(self.phone.mark, self.phone)
        self.connect()

    @rule()
    def crash(self) -> None:
        """SIGKILL: what was in memory is gone."""
        self.start_worker()

    @invariant()
    def stored_exactly_once_and_without_holes(self) -> None:
        assert self.rows == list(range(1, self.upto + 1))

    @invariant()
    def acked_is_stored(self) -> None:
        assert self.known <= self.upto
        assert self.phone.acked <= self.upto


TestStreams = StreamMachine.TestCase
TestStreams.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
