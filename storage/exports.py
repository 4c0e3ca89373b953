"""A user's data as one ZIP: asked for, made by some worker, kept for a week, fetched by its owner only.

A job is claimed with a lease that the worker renews while it writes; one that is killed loses nothing, another
begins the archive anew when the lease has run out. `attempts` is the claim's number: who comes back late renews
and finishes nothing. However much there is, a worker holds one page of rows and one chunk of a file.
"""

import asyncio
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import asyncpg
import orjson

from dispatch.errors import Refusal

from .export_rows import DEVICES, PAGED, PAPERS, POSITIONS, RANGED, WHOLE
from .files import FileStore, new_name, settle
from .order_rows import seconds
from .postgres import Pool, transaction

KEEP_DAYS = 7
A_DAY = 3  # exports that a user may ask for
MAX_ATTEMPTS = 5
LEASE_S = 60.0
PAGE = 500
RANGE = 200_000
POINTS = 5000
CHUNK = 256 * 1024
SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}

LOCK_USER = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
# ix_data_exports_user_id_id.
ASKED_LATELY = (
    "SELECT count(*) FROM data_exports WHERE user_id = $1 AND created_at > now() - interval '1 day'"
)
OPEN = "SELECT * FROM data_exports WHERE user_id = $1 AND state IN ('due', 'running')"
ADD = "INSERT INTO data_exports (user_id) VALUES ($1) RETURNING *"
MINE = "SELECT * FROM data_exports WHERE user_id = $1 ORDER BY id DESC LIMIT 20"
ONE = "SELECT * FROM data_exports WHERE id = $2 AND user_id = $1"
# ix_data_exports_open holds open jobs only.
CLAIM = """
UPDATE data_exports SET state = 'running', attempts = attempts + 1, progress = 0,
    lease_until = now() + make_interval(secs => $1)
WHERE id = (SELECT id FROM data_exports
    WHERE state IN ('due', 'running') AND (state = 'due' OR lease_until < now()) AND attempts < $2
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, user_id, attempts
"""
GIVE_UP = """
UPDATE data_exports SET state = 'failed' WHERE id IN (SELECT id FROM data_exports
    WHERE state IN ('due', 'running') AND attempts >= $1 AND lease_until < now() FOR UPDATE SKIP LOCKED)
RETURNING id
"""
# Primary key.
RENEW = """
UPDATE data_exports SET progress = $3, lease_until = now() + make_interval(secs => $4)
WHERE id = $1 AND attempts = $2 AND state = 'running' RETURNING id
"""
FINISH = """
WITH ready AS (
    UPDATE data_exports SET state = 'ready', progress = 100, name = $3, size = $4, ready_at = now(),
        expires_at = now() + make_interval(days => $5), lease_until = NULL
    WHERE id = $1 AND attempts = $2 AND state = 'running' RETURNING *
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT user_id, 'export.ready', jsonb_build_object('export', id), 'export:' || id, expires_at FROM ready
    ON CONFLICT DO NOTHING
)
SELECT id FROM ready
"""
EXPIRE = """
WITH old AS (
    SELECT id, name FROM data_exports WHERE state = 'ready' AND expires_at <= to_timestamp($1)
    FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE data_exports x SET state = 'expired', name = NULL FROM old WHERE x.id = old.id
)
SELECT name FROM old
"""
KNOWN = "SELECT name FROM data_exports WHERE name = ANY($1::text[])"


@dataclass(frozen=True, slots=True)
class Export:
    """An export as its owner sees it; `name` while its file is there, `progress` in percent."""

    id: int
    state: str
    progress: int
    name: str | None
    size: int | None
    created_at: float
    ready_at: float | None
    expires_at: float | None


class LeaseLost(Exception):
    """Another worker has the job by now, or its owner has left."""


class ExportStore:
    """Exports of users, as jobs and as files."""

    def __init__(self, pool: Pool, files: FileStore) -> None:
        self._pool = pool
        self._files = files

    async def ask(self, user: int) -> Export:
        """A new export, or the one that is being made. Refusal `rate_limited` after three in a day."""
        async with transaction(self._pool) as connection:
            await connection.execute(LOCK_USER, user)
            row = await connection.fetchrow(OPEN, user)
            if row is None:
                if await connection.fetchval(ASKED_LATELY, user) >= A_DAY:
                    raise Refusal("rate_limited", "an export can be asked for three times a day")
                row = await connection.fetchrow(ADD, user)
        return _export(row)

    async def mine(self, user: int) -> list[Export]:
        """The last twenty, newest first."""
        return [_export(row) for row in await self._pool.fetch(MINE, user)]

    async def export(self, user: int, export: int) -> Export:
        """One of them. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, user, export)
        if row is None:
            raise Refusal("not_found")
        return _export(row)

    async def expire(self, now: float) -> int:
        """Removes the files whose week is over; how many."""
        names = [row["name"] for row in await self._pool.fetch(EXPIRE, now)]
        await self._files.remove(names, "exports")
        return len(names)

    async def make_one(self) -> int | None:
        """Claims and makes one export; its id, or None when none is due. LeaseLost when it was taken away."""
        await self._pool.execute(GIVE_UP, MAX_ATTEMPTS)
        row = await self._pool.fetchrow(CLAIM, LEASE_S, MAX_ATTEMPTS)
        if row is None:
            return None
        job, user, attempt = row
        name = new_name()
        written, place = self._files.temporary(name), self._files.path(name, "exports")

        async def progress(percent: int) -> None:
            if await self._pool.fetchval(RENEW, job, attempt, percent, LEASE_S) is None:
                raise LeaseLost

        try:
            await self._write(user, written, progress)
            size, _ = await asyncio.to_thread(settle, written, place)
        finally:
            written.unlink(missing_ok=True)
        if await self._pool.fetchval(FINISH, job, attempt, name, size, KEEP_DAYS) is None:
            await self._files.remove([name], "exports")
            raise LeaseLost
        return int(job)

    async def _write(self, user: int, path: Path, progress: Callable[[int], Awaitable[None]]) -> None:
        archive = await asyncio.to_thread(_open, path)
        said = Paced(progress)
        try:
            sections = [*WHOLE, *PAGED, *RANGED]
            for number, section in enumerate(sections):
                await said.at(30 * number / len(sections))
                async with _entry(archive, f"{section}.json") as write:
                    await self._rows(user, section, write, said)
            papers = await self._pool.fetch(PAPERS, user)
            for number, paper in enumerate(papers):
                await said.at(30 + 30 * number / len(papers))
                inside = f"{paper['inside']}.{SUFFIX.get(paper['mime'], 'bin')}"
                async with _entry(archive, inside) as write:
                    await _copy(self._files.path(paper["name"]), write)
            await said.at(60)
            async with _entry(archive, "positions.csv") as write:
                await self._positions(user, write, said)
        finally:
            await asyncio.to_thread(archive.close)
        await progress(99)

    async def _rows(self, user: int, section: str, write: "Write", said: "Paced") -> None:
        first = True
        await write(b"[")
        async for rows in self._pages(user, section):
            text = b",\n".join(orjson.dumps(row, option=orjson.OPT_INDENT_2) for row in rows)
            await write((b"\n" if first else b",\n") + text)
            first = False
            await said.alive()
        await write(b"\n]\n")

    async def _pages(self, user: int, section: str) -> AsyncIterator[list[object]]:
        """The rows of one section, as pages that are never empty."""
        if section in WHOLE:
            if rows := await self._pool.fetch(WHOLE[section], user):
                yield [row[0] for row in rows]
        elif section in PAGED:
            after = 0
            while rows := await self._pool.fetch(PAGED[section], user, after, PAGE):
                yield [row[1] for row in rows]
                after = rows[-1][0]
        else:
            last, query = RANGED[section]
            for start in range(0, await self._pool.fetchval(last), RANGE):
                if rows := await self._pool.fetch(query, user, start, start + RANGE):
                    yield [row[1] for row in rows]

    async def _positions(self, user: int, write: "Write", said: "Paced") -> None:
        """Figures only, so no cell can be taken for a formula."""
        await write(b"device,recorded_at,lat,lon,speed_m_s,heading,accuracy_m,flag\r\n")
        for device in await self._pool.fetch(DEVICES, user):
            after = (datetime(1970, 1, 1, tzinfo=UTC), 0, 0)
            while rows := await self._pool.fetch(POSITIONS, device["id"], user, *after, POINTS):
                await write("".join(_line(device["id"], row) for row in rows).encode())
                after = tuple(rows[-1].values())[:3]
                await said.alive()


Write = Callable[[bytes], Awaitable[object]]


class Paced:
    """Renews the lease, but not for every page."""

    def __init__(self, progress: Callable[[int], Awaitable[None]]) -> None:
        self._progress = progress
        self._percent = 0
        self._said_at = 0.0

    async def at(self, percent: float) -> None:
        """The work has come so far."""
        self._percent = int(percent)
        await self.alive()

    async def alive(self) -> None:
        """The work goes on. Raises LeaseLost when it is somebody else's."""
        now = time.monotonic()
        if now - self._said_at >= LEASE_S / 20:
            self._said_at = now
            await self._progress(self._percent)


def _open(path: Path) -> zipfile.ZipFile:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED)


@asynccontextmanager
async def _entry(archive: zipfile.ZipFile, name: str) -> AsyncIterator[Write]:
    """One file of the archive, written chunk by chunk in a thread: compressing takes the time of many requests."""
    entry: IO[bytes] = archive.open(name, "w", force_zip64=True)
    try:
        yield lambda chunk: asyncio.to_thread(entry.write, chunk)
    finally:
        await asyncio.to_thread(entry.close)


async def _copy(source: Path, write: Write) -> None:
    file = await asyncio.to_thread(source.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            await write(chunk)
    finally:
        file.close()


def _line(device: int, row: asyncpg.Record) -> str:
    figures = (row["lat"], row["lon"], row["speed"], row["heading"], row["accuracy"], row["flag"])
    cells = ("" if figure is None else f"{figure:.9g}" for figure in figures)
    return f"{device},{row['recorded_at'].isoformat()},{','.join(cells)}\r\n"


def _export(row: asyncpg.Record) -> Export:
    return Export(
        row["id"],
        row["state"],
        row["progress"],
        row["name"],
        row["size"],
        row["created_at"].timestamp(),
        seconds(row["ready_at"]),
        seconds(row["expires_at"]),
    )
