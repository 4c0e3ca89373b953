"""What the clients meant and what they were told, kept apart from the system that is judged by it.

Intent is written before a frame can leave, outcome when it is heard. With a path every entry is also a JSON
line, flushed at once, so that a run whose own process is killed can still be judged.
"""

import json
import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from struct import pack
from typing import IO, Any

LATE_ACK_S = 5.0

UNKNOWN = "unknown"
WON = "won"


def checksum(at: float, lat: float, lon: float) -> int:
    """64 bits over a point's content: its time to the microsecond, which is what the database keeps, and place."""
    return _digest(round(at * 1e6), lat, lon)


def is_same(mark: int, at: float, lat: float, lon: float) -> bool:
    """Whether a stored point is the one that was sent with this checksum.

    A float of today's epoch seconds has a step of a quarter of a microsecond: what lies in the middle is rounded
    up by one program and down by another.
    """
    micros = round(at * 1e6)
    return any(mark == _digest(micros + off, lat, lon) for off in (0, 1, -1))


def _digest(micros: int, lat: float, lon: float) -> int:
    return int.from_bytes(blake2b(pack("<qdd", micros, lat, lon), digest_size=8).digest(), "big")


@dataclass(slots=True)
class Track:
    """One stream of one device: `marks[seq - 1]` is the checksum of point `seq`."""

    device: int
    stream: str
    marks: "array[int]" = field(default_factory=lambda: array("Q"))
    sent_at: "array[float]" = field(default_factory=lambda: array("d"))  # steady clock
    acked: int = 0
    rejected: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Accept:
    """An accept and what the driver was told: `won`, an error code, or `unknown`."""

    accept_id: str
    driver: int
    offer: int
    order: int
    outcome: str = UNKNOWN


@dataclass(slots=True)
class Bid:
    """A bid as its driver was last told of it. `amount` minor units: the counter's, once that was agreed to."""

    driver: int
    order: int
    status: str
    version: int
    amount: int


class Ledger:
    """All that happened in a run, from the clients' side."""

    def __init__(self, path: Path | None = None, *, keep: bool = True) -> None:
        self.keep = keep  # False for a run without an end that nobody will judge: only counts
        self.points_sent = 0
        self.points_acked = 0
        self.tracks: dict[tuple[int, str], Track] = {}
        self.orders: dict[str, tuple[int, int | None]] = {}  # idempotency key -> (shipper, order or unknown)
        self.offers: dict[int, tuple[int, int]] = {}  # offer -> (driver, order)
        self.accepts: dict[str, Accept] = {}
        self.bids: dict[int, Bid] = {}
        self.edits: dict[int, int] = {}  # order -> the newest version that its shipper was told of
        self.cancels: set[int] = set()  # orders that the desk has called off at somebody's wish
        self.invited: set[tuple[int, int]] = set()  # (order, driver)
        self.searches: dict[int, int] = {}  # saved search -> driver
        self.alerts: dict[tuple[int, int, int], int] = {}  # (driver, order, version) -> how often he was told
        self.late_acks = 0
        self._file: IO[str] | None = path.open("a") if path else None

    # -- points ---------------------------------------------------------------------------------------------

    def sent(self, device: int, stream: str, points: Iterable[tuple[int, float, float, float]]) -> None:
        """(seq, at, lat, lon) that are about to be sent for the first time, in their order."""
        if not self.keep:
            self.points_sent += sum(1 for _ in points)
            return
        numbered = [(seq, checksum(at, lat, lon)) for seq, at, lat, lon in points]
        if not numbered:
            return
        self._sent(device, stream, numbered, time.monotonic())
        self._write("sent", device=device, stream=stream, points=numbered)

    def acked(self, device: int, stream: str, upto: int, rejected: Sequence[tuple[int, str]] = ()) -> None:
        """The desk says that it has everything up to `upto`, but for the rejected."""
        track = self._track(device, stream)
        now = time.monotonic()
        self.points_acked += max(0, upto - track.acked)
        for seq in range(track.acked + 1, min(upto, len(track.marks)) + 1):
            self.late_acks += now - track.sent_at[seq - 1] > LATE_ACK_S
        if upto > track.acked or rejected:
            track.acked = max(track.acked, upto)
            track.rejected.update(rejected)
            self._write("acked", device=device, stream=stream, upto=upto, rejected=list(rejected))

    # -- orders ---------------------------------------------------------------------------------------------

    def placing(self, key: str, shipper: int) -> None:
        """An order is about to be posted under this key."""
        if not self.keep:
            return
        self.orders[key] = (shipper, None)
        self._write("placing", key=key, shipper=shipper)

    def placed(self, key: str, order: int) -> None:
        """The desk says that it is posted."""
        if not self.keep:
            return
        self.orders[key] = (self.orders[key][0], order)
        self._write("placed", key=key, order=order)

    def offered(self, offer: int, driver: int, order: int) -> None:
        """A driver was shown an offer."""
        if not self.keep:
            return
        self.offers[offer] = (driver, order)
        self._write("offered", offer=offer, driver=driver, order=order)

    def accepting(self, accept_id: str, driver: int, offer: int, order: int) -> None:
        """A driver is about to accept."""
        if not self.keep:
            return
        self.accepts[accept_id] = Accept(accept_id, driver, offer, order)
        self._write("accepting", accept_id=accept_id, driver=driver, offer=offer, order=order)

    def answered(self, accept_id: str, outcome: str) -> None:
        """What the driver was told."""
        if not self.keep:
            return
        self.accepts[accept_id].outcome = outcome
        self._write("answered", accept_id=accept_id, outcome=outcome)

    # -- the haggling and the second thoughts ---------------------------------------------------------------

    def bid(self, bid: int, driver: int, order: int, status: str, version: int, amount: int) -> None:
        """How a bid stands, as the desk says."""
        if not self.keep:
            return
        known = self.bids.get(bid)
        if known is None or version >= known.version:
            self.bids[bid] = Bid(driver, order, status, version, amount)
        self._write("bid", bid=bid, driver=driver, order=order, status=status, version=version, amount=amount)

    def edited(self, order: int, version: int) -> None:
        """The desk says that the load has this version now."""
        if self.keep:
            self.edits[order] = max(version, self.edits.get(order, 0))
            self._write("edited", order=order, version=version)

    def cancelled(self, order: int) -> None:
        """The desk says that the load is called off."""
        if self.keep:
            self.cancels.add(order)
            self._write("cancelled", order=order)

    def invite(self, order: int, driver: int) -> None:
        """The desk says that the driver is asked for the load."""
        if self.keep:
            self.invited.add((order, driver))
            self._write("invite", order=order, driver=driver)

    def search(self, search: int, driver: int) -> None:
        """A driver keeps a search."""
        if self.keep:
            self.searches[search] = driver
            self._write("search", search=search, driver=driver)

    def alert(self, driver: int, order: int, version: int) -> None:
        """A driver was told that a load matches a search of his."""
        if self.keep:
            key = (driver, order, version)
            self.alerts[key] = self.alerts.get(key, 0) + 1
            self._write("alert", driver=driver, order=order, version=version)

    # -- lines ----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file:
            self._file.close()
            self._file = None

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """A ledger from its lines; a last line cut by a kill is left out: its frame never left."""
        ledger = cls()
        with path.open() as lines:
            for line in lines:
                if line.endswith("\n"):
                    ledger._replay(json.loads(line))
        return ledger

    def _replay(self, entry: dict[str, Any]) -> None:
        kind = entry.pop("kind")
        if kind == "sent":
            self._sent(entry["device"], entry["stream"], entry["points"], float("inf"))
        else:
            getattr(self, kind)(**entry)

    def _sent(self, device: int, stream: str, numbered: Iterable[Sequence[int]], now: float) -> None:
        track = self._track(device, stream)
        for seq, mark in numbered:
            if seq != len(track.marks) + 1:
                raise ValueError(f"device {device} sent {seq} after {len(track.marks)} in stream {stream}")
            self.points_sent += 1
            track.marks.append(mark)
            track.sent_at.append(now)

    def _track(self, device: int, stream: str) -> Track:
        return self.tracks.setdefault((device, stream), Track(device, stream))

    def _write(self, kind: str, **entry: object) -> None:
        if self._file:
            self._file.write(json.dumps({"kind": kind, **entry}) + "\n")
            self._file.flush()
