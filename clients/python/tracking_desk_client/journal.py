"""The file behind a point queue: SQLite, written on a thread of its own.

`journal_mode=WAL` with `synchronous=FULL`: with NORMAL a commit survives a killed process but not a power
cut, because the log is not fsynced before the commit returns; with FULL it is, once a commit. A sequence
number may be sent only when it is that durable, or a restarted phone could give the same number to another
point. The price is one fsync a commit, so points that arrive while one is under way share the next (see
PointQueue), and forgetting acknowledged points rides along: losing it only means sending them again.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from .errors import QueueError
from .messages import Point

SCHEMA = """
CREATE TABLE IF NOT EXISTS stream (
    id TEXT NOT NULL, owner TEXT NOT NULL, next_seq INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS points (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL,
    speed REAL, heading REAL, accuracy REAL
);
"""


def new_stream() -> str:
    """64 random bits as hex: nothing ties two streams of one phone together."""
    return secrets.token_hex(8)


class Journal:
    """One stream of points on disk. Every method blocks; PointQueue calls them on one thread."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise QueueError(f"{path} is not a queue of points: {error}") from error
        row = self._db.execute("SELECT id, owner, next_seq FROM stream").fetchone()
        if row is None:
            row = (new_stream(), "", 1)
            self._db.execute("INSERT INTO stream VALUES (?, ?, ?)", row)
        self.stream, self.owner, self.next_seq = row

    def load(self) -> list[Point]:
        """All points that are not known to be acknowledged, oldest sequence number first."""
        rows = self._db.execute("SELECT seq, at, lat, lon, speed, heading, accuracy FROM points ORDER BY seq")
        return [Point(*row) for row in rows]

    def claim(self, owner: str) -> None:
        """Write down whose points these are."""
        self._db.execute("UPDATE stream SET owner = ?", (owner,))
        self.owner = owner

    def write(self, points: Sequence[Point], forget_upto: int, drop: Sequence[int]) -> None:
        """Make `points` durable; in the same commit forget what is acknowledged and what was thinned out."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(p.seq, p.at, p.lat, p.lon, p.speed, p.heading, p.accuracy) for p in points],
            )
            if points:
                self._db.execute("UPDATE stream SET next_seq = ?", (points[-1].seq + 1,))
            self._db.execute("DELETE FROM points WHERE seq <= ?", (forget_upto,))
            self._db.executemany("DELETE FROM points WHERE seq = ?", [(seq,) for seq in drop])

    def restart(self, stream: str, points: Sequence[Point]) -> None:
        """Begin another stream that holds `points`, numbered anew from 1."""
        with self._transaction():
            self._db.execute("DELETE FROM points")
            self._db.execute("UPDATE stream SET id = ?, next_seq = ?", (stream, len(points) + 1))
            self._db.executemany(
                "INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(p.seq, p.at, p.lat, p.lon, p.speed, p.heading, p.accuracy) for p in points],
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self._db.execute("ROLLBACK" if failed else "COMMIT")
