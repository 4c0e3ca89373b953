"""The chain over what staff did: each row is sealed with the seal before it, so that no row changes unnoticed.

A seal commits to its row, to its own place and to the seal before: SHA-256 over one canonical text of all of it.
The words of a row (its reason) stand in the seal only as a salted hash: when the account that they speak of is
erased, words and salt go, nothing can be guessed from what is left, and the chain holds.

Pure: what is read where, and when rows are sealed, is storage.audit's.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

GENESIS = bytes(32)  # what stands before the first seal
TAG = "desk.audit.1"  # another canonical form has another tag


class Line(NamedTuple):
    """A row of what staff did. `at` in microseconds of the epoch; `detail` is the JSON text that the database
    gives, which is one text for one value; `salt` is None once the words were erased."""

    id: int
    at: int
    staff: int
    action: str
    user: int | None
    reason: str
    detail: str
    salt: bytes | None


class Seal(NamedTuple):
    """One link: the `number`th from 1 on, of the row `line`, made at `at` (microseconds). `words` is the
    commitment to the row's reason, `previous` and `hash` are 32 bytes."""

    number: int
    line: int
    at: int
    words: bytes
    previous: bytes
    hash: bytes


class Anchor(NamedTuple):
    """A head of the chain as it was kept outside the database."""

    number: int
    hash: bytes


START = Anchor(0, GENESIS)


class Break(StrEnum):
    """What can be wrong with the chain."""

    CHANGED = "changed"  # a field of the row, or of its seal, is not what was sealed
    MISSING = "missing"  # the row of this seal is gone
    SEAL_MISSING = "seal_missing"  # a seal is gone
    RESEALED = "resealed"  # row and seal agree, but the next seal, or an anchor, knows another one
    WORDS_GONE = "words_gone"  # the reason was taken away although the account was not erased
    UNSEALED = "unsealed"  # a row among sealed ones that was never sealed: put in afterwards
    CUT = "cut"  # the chain was longer once
    ANCHOR_FORGED = "anchor_forged"  # a line of the anchors was not written by this service


class Fault(NamedTuple):
    """One break: at which seal, of which row; either may be unknown. For CUT the number is the first one lost."""

    kind: Break
    number: int | None = None
    line: int | None = None


def words_of(line: Line) -> bytes:
    """The commitment to the words of a row."""
    return hashlib.sha256((line.salt or b"") + line.reason.encode()).digest()


def seal(line: Line, number: int, at: int, previous: bytes) -> Seal:
    """Links a row to the chain."""
    words = words_of(line)
    return Seal(number, line.id, at, words, previous, _digest(line, number, at, words, previous))


def chain(lines: Iterable[Line], after: Anchor, at: int) -> list[Seal]:
    """The seals of rows in this order, behind a head (`START` at the very beginning)."""
    made: list[Seal] = []
    number, previous = after
    for line in lines:
        number += 1
        made.append(seal(line, number, at, previous))
        previous = made[-1].hash
    return made


def _digest(line: Line, number: int, at: int, words: bytes, previous: bytes) -> bytes:
    parts = [
        TAG,
        number,
        at,
        previous.hex(),
        line.id,
        line.at,
        line.staff,
        line.action,
        line.user,
        words.hex(),
        line.detail,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()).digest()


@dataclass(slots=True)
class Check:
    """Walks the chain from a head on, seal by seal, and says what is wrong. Each seal is judged by what is stored
    before it, so one changed row is one fault and not the end of the walk."""

    after: Anchor = START
    anchors: Mapping[int, bytes] = field(default_factory=dict)
    checked: int = 0
    last_line: int = 0

    def feed(self, seal: Seal, line: Line | None, *, erased: bool = False) -> list[Fault]:
        """The next seal with the row that it speaks of; `erased`: that row's account is."""
        faults: list[Fault] = []
        self.checked += 1
        if seal.number != self.after.number + 1:
            faults.append(Fault(Break.SEAL_MISSING, self.after.number + 1))
        elif seal.previous != self.after.hash:
            faults.append(
                Fault(Break.RESEALED, self.after.number or seal.number, self.last_line or seal.line)
            )
        if line is None:
            faults.append(Fault(Break.MISSING, seal.number, seal.line))
        else:
            faults += _judge(seal, line, erased)
        known = self.anchors.get(seal.number)
        if known is not None and known != seal.hash and not faults:
            faults.append(Fault(Break.RESEALED, seal.number, seal.line))
        self.after = Anchor(seal.number, seal.hash)
        self.last_line = seal.line
        return faults

    def finish(self) -> list[Fault]:
        """After the last seal: whether there were more of them once."""
        longest = max(self.anchors, default=0)
        return [Fault(Break.CUT, self.after.number + 1)] if longest > self.after.number else []


def _judge(seal: Seal, line: Line, erased: bool) -> list[Fault]:
    changed = Fault(Break.CHANGED, seal.number, seal.line)
    if _digest(line, seal.number, seal.at, seal.words, seal.previous) != seal.hash or line.id != seal.line:
        return [changed]
    if line.salt is None and not line.reason:
        return [] if erased else [Fault(Break.WORDS_GONE, seal.number, seal.line)]
    return [] if words_of(line) == seal.words else [changed]
