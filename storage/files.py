"""Files of users on disk, with a row each: written whole or not at all, counted, and found by nobody else.

    <root>/tmp/<name>...          while a file comes in and while it is looked into
    <root>/objects/ab/cd/<name>   where it stays; the name is random and says nothing
    <root>/exports/ab/cd/<name>   the same for exports (storage.exports)

A file is written, synced and renamed into its place before its row is: a crash leaves a file without a row, which
the sweep removes, and never a row without its file. Deleting goes the other way round.
"""

import asyncio
import hashlib
import json
import logging
import math
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import asyncpg

from dispatch.errors import Refusal

from . import sanitise
from .postgres import Connection, Pool, after_commit, transaction

log = logging.getLogger("desk.files")

SNIFF = 32  # bytes that tell the kind
LOOK_S = 30.0  # for one file in the sanitiser: twice what the slowest accepted image needs on a slow machine
AT_ONCE = 2  # sanitisers a worker runs: each may take a gigabyte
WAITING = 16  # uploads a worker takes in at once
UNHELD_S = 86400.0  # an upload that nothing refers to by then is gone
ORPHAN_S = 3600.0  # longer than any upload and any transaction
SLICES = 256  # first-level folders
NAME = re.compile(r"[0-9a-f]{32}")

# Queues uploads of one user, so that two at once cannot both be the last that fits.
LOCK_OWNER = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
# ix_files_owner_id.
USED = "SELECT count(*) AS count, coalesce(sum(size), 0)::bigint AS size FROM files WHERE owner_id = $1"
ADD = """
INSERT INTO files (owner_id, name, mime, size, sha256, width, height, pages)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *
"""
# Primary key.
ONE = "SELECT * FROM files WHERE id = $1"
HOLD = "UPDATE files SET purpose = $3 WHERE id = $1 AND owner_id = $2 AND purpose IS NULL RETURNING *"
HELD = "SELECT purpose FROM files WHERE id = $1 AND owner_id = $2"
DROP = "DELETE FROM files WHERE id = ANY($1::bigint[]) RETURNING name"
# ix_files_unheld.
DROP_UNHELD = """
DELETE FROM files WHERE purpose IS NULL AND created_at < now() - make_interval(secs => $1) RETURNING name
"""
# uq_files_name.
KNOWN = "SELECT name FROM files WHERE name = ANY($1::text[])"


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How much one file and one user may take."""

    bytes_a_file: int = 10_000_000
    bytes_a_user: int = 200_000_000
    files_a_user: int = 500


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in its place. `purpose` is what holds it, None while nothing does."""

    id: int
    owner: int
    name: str
    purpose: str | None
    mime: str
    size: int
    sha256: bytes
    width: int | None
    height: int | None
    pages: int | None
    created_at: float


class Incoming:
    """A file that is coming in, chunk by chunk. The first bytes decide whether the rest is taken at all."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.size = 0
        self._limit = limit
        self._head = b""
        self._file: BinaryIO | None = None

    async def write(self, chunk: bytes) -> None:
        """Refusal `file_too_large` past the limit, `file_type` as soon as the kind is known and not accepted."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise Refusal("file_too_large", "a file may have {limit} bytes at most", limit=self._limit)
        if self._file is None:
            self._head += chunk
            if len(self._head) < SNIFF:
                return
            chunk = self._head
        await asyncio.to_thread(self._append, chunk)

    async def end(self) -> None:
        """Everything is here. Refusal `file_broken` for nothing at all."""
        if self._file is None:
            if not self._head:
                raise Refusal("file_broken", "the file is empty")
            await asyncio.to_thread(self._append, self._head)
        await asyncio.to_thread(self.close)

    def _append(self, chunk: bytes) -> None:
        if self._file is None:
            try:
                sanitise.kind_of(chunk)
            except sanitise.Refused as refused:
                raise Refusal(refused.code, refused.detail) from None
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(descriptor, "wb")
        self._file.write(chunk)

    def close(self) -> None:
        """Nothing more is written."""
        if self._file is not None:
            self._file.close()


class FileStore:
    """Files under one folder, rows in `files`."""

    def __init__(self, pool: Pool, root: Path, limits: FileLimits) -> None:
        self._pool = pool
        self._root = root
        self.limits = limits
        self._looking = asyncio.Semaphore(AT_ONCE)
        self._incoming = 0

    def path(self, name: str, tree: str = "objects") -> Path:
        """Where the file of this name lies. Names are ours, and checked all the same."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a file")
        return self._root / tree / name[:2] / name[2:4] / name

    def temporary(self, name: str) -> Path:
        """Where it is written before it gets its place: on the same file system, swept when it stays behind."""
        return self._root / "tmp" / name

    @asynccontextmanager
    async def receive(self, owner: int) -> AsyncIterator[Incoming]:
        """A place for one upload; what is left of it when the block ends is removed.

        Refusals `quota_exceeded` before a byte is taken, `rate_limited` when this worker takes in too many.
        """
        if self._incoming >= WAITING:
            raise Refusal("rate_limited", "too many uploads at once")
        self._incoming += 1
        incoming = Incoming(self.temporary(f"{new_name()}.in"), self.limits.bytes_a_file)
        try:
            # The pool's own method: an open unit of work would stay open while the body comes in.
            async with asyncpg.Pool.acquire(self._pool) as connection:
                await self._admit(connection, owner, 1)
            yield incoming
        finally:
            self._incoming -= 1
            incoming.close()
            incoming.path.unlink(missing_ok=True)

    async def keep(self, owner: int, incoming: Incoming) -> StoredFile:
        """Looks into what came, puts a harmless copy in its place, and writes its row.

        Refusals `file_type`, `file_unsafe`, `file_broken`, `file_too_large`, `quota_exceeded`.
        """
        await incoming.end()
        name = new_name()
        copy = self.temporary(name)
        try:
            told = await self._look(incoming.path, copy)
            size, digest = await asyncio.to_thread(settle, copy, self.path(name))
        finally:
            copy.unlink(missing_ok=True)
        try:
            async with transaction(self._pool) as connection:
                await connection.execute(LOCK_OWNER, owner)
                await self._admit(connection, owner, size)
                row = await connection.fetchrow(
                    ADD,
                    owner,
                    name,
                    told["mime"],
                    size,
                    digest,
                    told.get("width"),
                    told.get("height"),
                    told.get("pages"),
                )
        except Refusal:
            await self.remove([name])
            raise
        return stored_file(row)

    async def _admit(self, connection: Connection, owner: int, size: int) -> None:
        used = await connection.fetchrow(USED, owner)
        full = used["count"] >= self.limits.files_a_user
        if full or used["size"] + size > self.limits.bytes_a_user:
            raise Refusal("quota_exceeded")

    async def _look(self, source: Path, copy: Path) -> dict[str, object]:
        """Runs the sanitiser, which is killed when it takes too long."""
        async with self._looking:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",  # neither the environment nor the folder decide what it imports
                sanitise.__file__,
                str(source),
                str(copy),
                env={},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(LOOK_S):
                    answer, _ = await process.communicate()
            except TimeoutError:
                log.warning("files.look_took_too_long")
                raise Refusal("file_broken", "the file takes too long to read") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        try:
            told: dict[str, object] = json.loads(answer)
        except ValueError:
            log.warning("files.look_died", extra={"status": process.returncode})
            raise Refusal("file_broken", "the file cannot be read") from None
        if "refused" in told:
            code, detail = str(told["refused"]), str(told["detail"])
            raise Refusal(code, detail)
        return told

    async def file(self, file: int) -> StoredFile:
        """A file's row. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, file)
        if row is None:
            raise Refusal("not_found")
        return stored_file(row)

    async def forget(self, owner: int, file: int) -> None:
        """Deletes an upload that nothing holds. `not_found`, `file_held`."""
        async with transaction(self._pool) as connection:
            await hold(connection, owner, file, "nothing")
            names = [row["name"] for row in await connection.fetch(DROP, [file])]
        self.remove_later(names)

    async def remove(self, names: Sequence[str], tree: str = "objects") -> None:
        """Deletes files whose rows are gone."""
        paths = [self.path(name, tree) for name in names]
        await asyncio.to_thread(_unlink, paths)

    def remove_later(self, names: Sequence[str]) -> None:
        """The same for a few, once what their rows were deleted by has been committed."""
        paths = [self.path(name) for name in names]
        after_commit(lambda: _unlink(paths))

    async def drop_unheld(self) -> int:
        """Deletes uploads that nothing came to hold; how many."""
        names = [row["name"] for row in await self._pool.fetch(DROP_UNHELD, UNHELD_S)]
        await self.remove(names)
        return len(names)

    async def sweep(self, slices: Sequence[int], tree: str = "objects", known: str = KNOWN) -> int:
        """Removes files without a row, and what came in half, from these first-level folders; how many."""
        old = time.time() - ORPHAN_S
        removed = await asyncio.to_thread(_clear, self._root / "tmp", old)
        for number in slices:
            names = await asyncio.to_thread(_older, self._root / tree / f"{number % SLICES:02x}", old)
            for start in range(0, len(names), 1000):
                part = names[start : start + 1000]
                rows = {row["name"] for row in await self._pool.fetch(known, part)}
                orphans = [name for name in part if name not in rows]
                await self.remove(orphans, tree)
                removed += len(orphans)
        if removed:
            log.info("files.swept", extra={"count": removed})
        return removed


async def hold(connection: Connection, owner: int, file: int, purpose: str) -> StoredFile:
    """Takes an upload of this user for a purpose, in the transaction that needs it.

    `not_found` for somebody else's, `file_held` for one that is used already.
    """
    row = await connection.fetchrow(HOLD, file, owner, purpose)
    if row is None:
        if await connection.fetchval(HELD, file, owner) is None:
            raise Refusal("not_found")
        raise Refusal("file_held")
    return stored_file(row)


def new_name() -> str:
    """128 random bits: nobody guesses it, and none of a user's own words is in it."""
    return secrets.token_hex(16)


def settle(written: Path, place: Path) -> tuple[int, bytes]:
    """Syncs a written file and renames it into its place; its size and SHA-256. Blocking."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with written.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        size = os.fstat(file.fileno()).st_size
        os.fsync(file.fileno())
    written.chmod(0o600)
    written.rename(place)
    for folder in (
        place.parent,
        place.parent.parent,
        place.parent.parent.parent,
    ):  # new folders are entries too
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return size, digest


def stored_file(row: asyncpg.Record) -> StoredFile:
    """From all columns of `files`."""
    return StoredFile(
        id=row["id"],
        owner=row["owner_id"],
        name=row["name"],
        purpose=row["purpose"],
        mime=row["mime"],
        size=row["size"],
        sha256=row["sha256"],
        width=row["width"],
        height=row["height"],
        pages=row["pages"],
        created_at=row["created_at"].timestamp(),
    )


def _older(folder: Path, than: float) -> list[str]:
    """Names of ours in this folder's folders that were last written before then."""
    return [path.name for path in folder.glob("*/*") if NAME.fullmatch(path.name) and _written(path) < than]


def _clear(folder: Path, than: float) -> int:
    old = [path for path in folder.glob("*") if _written(path) < than]
    _unlink(old)
    return len(old)


def _unlink(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _written(path: Path) -> float:
    """When; what another worker has removed meanwhile is not old."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
