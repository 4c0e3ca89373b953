"""How queued points become frames: resume, live, backfill, steady state. No IO.

connect -> `stream.resume` -> `stream.resumed {upto, credit}` -> the newest fix ahead of a backlog as one
`position.live` -> reports of at most 200 points, oldest first, never more than `credit` ahead of the
acknowledgements -> one point a report once the queue is empty. `position.gap` tells a hole in the numbers.
"""

from .messages import (
    Point,
    PositionAck,
    PositionGap,
    PositionLive,
    PositionReport,
    StreamResume,
    StreamResumed,
)
from .queue import PointQueue

BATCH = 200

Frame = StreamResume | PositionLive | PositionReport | PositionGap


class Uplink:
    """One connection's view of the queue: what was sent on it and how much more may be."""

    def __init__(self, queue: PointQueue) -> None:
        self._queue = queue
        self._sent = 0  # highest sequence number sent since the last resume
        self._credit = 0
        self._live: Point | None = None
        self._asked: str | None = None  # stream of the resume that awaits its answer
        self.open = False

    def resume(self) -> StreamResume:
        """Ask what the server has; until it answers nothing is sent."""
        self.open = False
        self._asked = self._queue.stream
        return StreamResume(stream=self._queue.stream, upto=self._queue.acked)

    def close(self) -> None:
        """The connection is gone, or the server lost the thread: nothing is sent until the next resume."""
        self.open = False
        self._asked = None

    def resumed(self, message: StreamResumed) -> bool:
        """The server's answer. False when the queue is older than what the server has: restart it."""
        if message.stream != self._asked:
            return True  # of a resume that was given up
        self._asked = None
        if message.upto > self._queue.last_seq:
            return False
        self._queue.drop_upto(message.upto)
        self._sent = max(message.upto, self._queue.acked)
        self._credit = message.credit
        self._live = self._queue.newest() if len(self._queue) > 1 else None
        self.open = True
        return True

    def acked(self, message: PositionAck) -> None:
        """Everything up to `upto` is committed; the credit counts from there."""
        if message.stream != self._queue.stream:
            return
        self._queue.drop_upto(message.upto)
        self._credit = message.credit

    @property
    def in_flight(self) -> int:
        """Points sent on this connection and not acknowledged."""
        return max(0, self._sent - self._queue.acked) if self.open else 0

    def next_frame(self) -> Frame | None:
        """What to send now, None when there is nothing to send or no credit. Counts as sent at once."""
        if not self.open:
            return None
        if self._live is not None:
            live, self._live = self._live, None
            return PositionLive(point=live)
        # An acknowledgement may pass what was sent here: the same points may have come by an older socket.
        self._sent = max(self._sent, self._queue.acked)
        room = min(BATCH, self._credit - (self._sent - self._queue.acked))
        points = self._queue.after(self._sent, room) if room > 0 else []
        if not points:
            return None
        if points[0].seq > self._sent + 1:
            self._sent = points[0].seq - 1
            return PositionGap(upto=self._sent)
        run = 1
        while run < len(points) and points[run].seq == points[run - 1].seq + 1:
            run += 1
        self._sent = points[run - 1].seq
        return PositionReport(points=points[:run])
