"""The answer that each Idempotency-Key was given, in one transaction with what the request did.

The key is inserted first: a parallel request with the same one waits at the primary key until the first has
committed, then finds its answer; or until it was rolled back, and then is the first itself. Only answers of
success are kept: a refused request changed nothing, so its key is free again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from dispatch.errors import Refusal

from .postgres import Connection, Pool, unit

SLICE = 5000

# Primary key, all of them.
STORED = "SELECT request_hash, status, headers, body FROM idempotency_keys WHERE user_id = $1 AND key = $2"
CLAIM = """
INSERT INTO idempotency_keys (user_id, key, request_hash) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING key
"""
ANSWER = "UPDATE idempotency_keys SET status = $3, headers = $4, body = $5 WHERE user_id = $1 AND key = $2"
WITHDRAW = "DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2"
# ix_idempotency_keys_created_at (BRIN), hourly, in slices. A day and a bit: clients retry for a day.
FORGET = """
DELETE FROM idempotency_keys WHERE (user_id, key) IN (
    SELECT user_id, key FROM idempotency_keys WHERE created_at < now() - interval '26 hours' LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was sent. `body` is as the caller of the store gave it: sealed."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Answered(Exception):
    """Another request with this key came first; `kept` is what it was answered."""

    def __init__(self, kept: Kept) -> None:
        super().__init__("answered already")
        self.kept = kept


class Claim:
    """A key that is ours until the unit ends."""

    def __init__(self, pool: Pool, user: int, key: str, request_hash: bytes) -> None:
        self._pool = pool
        self._user = user
        self._key = key
        self._hash = request_hash

    async def open(self, connection: Connection) -> None:
        """The first statement of the unit. Raises Answered, or Refusal `idempotency_conflict`."""
        if await connection.fetchval(CLAIM, self._user, self._key, self._hash) is None:
            row = await connection.fetchrow(STORED, self._user, self._key)
            if row is None:  # cleared away between the two statements
                raise Refusal("busy")
            raise Answered(_kept(row, self._hash))

    async def answer(self, kept: Kept) -> None:
        """Stores what is going to be answered."""
        await self._pool.execute(ANSWER, self._user, self._key, kept.status, kept.headers, kept.body)

    async def withdraw(self) -> None:
        """Frees the key: the request is not going to be answered with success."""
        await self._pool.execute(WITHDRAW, self._user, self._key)


class IdempotencyStore:
    """Keys and their answers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def kept(self, user: int, key: str, request_hash: bytes) -> Kept | None:
        """The answer to this request, if it was given. `idempotency_conflict` when it was to another one."""
        row = await self._pool.fetchrow(STORED, user, key)
        return None if row is None else _kept(row, request_hash)

    @asynccontextmanager
    async def claim(self, user: int, key: str, request_hash: bytes) -> AsyncIterator[Claim]:
        """A unit of work under this key: give the answer to `Claim.answer` before the block ends.

        Raises Answered out of the first statement when a parallel request was first.
        """
        claim = Claim(self._pool, user, key, request_hash)
        async with unit(self._pool, claim.open) as opened:
            try:
                yield claim
            except Refusal:
                if opened.began:
                    await claim.withdraw()
                raise

    async def forget_old(self) -> int:
        """Deletes keys that nobody retries any more; how many."""
        deleted = 0
        while True:
            _, _, count = (await self._pool.execute(FORGET, SLICE)).partition(" ")
            deleted += int(count)
            if int(count) < SLICE:
                return deleted


def _kept(row: asyncpg.Record, request_hash: bytes) -> Kept:
    # A row without an answer is of the first release, which hashed otherwise: also a conflict.
    if row["request_hash"] != request_hash or row["status"] is None:
        raise Refusal("idempotency_conflict")
    return Kept(row["status"], row["headers"], row["body"])
