"""Heads of the chain, kept outside the database: who cuts the end of it, or writes all of it anew, is found out.

One line of JSON a head, with a MAC under the pepper, so that neither the database nor the file alone is enough to
forge it. The file lies beside the uploads, like the ledger of erasures, and in their backup.
"""

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path

from dispatch.audit import Anchor

FILE = "audit-heads.jsonl"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file says: heads by number, and how many lines were not written by us."""

    heads: dict[int, bytes]
    forged: int


class Anchors:
    """The file of heads. Its calls wait for the disk: run them in a thread."""

    def __init__(self, path: Path, pepper: str) -> None:
        self._path = path
        self._key = hmac.digest(pepper.encode(), b"audit heads", hashlib.sha256)

    def keep(self, head: Anchor, now: float) -> None:
        """One line, on disk when this returns."""
        line = {"number": head.number, "hash": head.hash.hex(), "at": round(now, 3)}
        text = json.dumps({**line, "mac": self._mac(line)}) + "\n"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Kept:
        """Every head that was kept. A line that was cut off by a crash counts as forged, unless it is the last."""
        heads: dict[int, bytes] = {}
        forged = 0
        if self._path.is_file():
            with self._path.open(encoding="utf-8", errors="replace") as lines:
                for text in lines:
                    head = self._head(text)
                    if head is not None:
                        # Two hashes for one number: the chain was written anew, and the first is the truth.
                        heads.setdefault(head.number, head.hash)
                    elif text.endswith("\n"):
                        forged += 1
        return Kept(heads, forged)

    def _head(self, text: str) -> Anchor | None:
        try:
            line = json.loads(text)
            mac = line.pop("mac")
            if hmac.compare_digest(mac, self._mac(line)):
                return Anchor(int(line["number"]), bytes.fromhex(line["hash"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        return None

    def _mac(self, line: dict[str, object]) -> str:
        return hmac.digest(self._key, json.dumps(line, sort_keys=True).encode(), hashlib.sha256).hex()
