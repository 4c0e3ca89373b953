"""The end of an account: asked for, waited for, carried out, and remembered.

What is personal goes: name, number, mail, papers, positions, sign-ins, devices. What others have a right to stays
with a neutral name: loads, who carried them, their steps. What exactly, says storage.erasure_rules.

One transaction does it all, claimed with SKIP LOCKED: a worker that is killed leaves the account as it was, and
the next one ends it. The positions, which may be millions, go before, slice by slice.

`erasures` and a file beside the uploads remember who was erased: a backup that is restored brings the account
back, and `replay` ends it again. The file names an account by id and by when it was made, for a restored database
gives the ids that it has forgotten to other people.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatch.errors import Refusal

from .erasure_rules import ERASE, EXPORTS_GONE, FILES_GONE, FORGET_POSITIONS, SLICE
from .oidc import release
from .postgres import Connection, Pool, transaction
from .sessions import KEEP_ACCOUNT

GRACE_DAYS = 14
PUT_OFF_DAYS = 1  # a load was in the way

# Queues what begins and ends the account of one user.
LOCK_USER = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
# uq_assignments_driver; ix_orders_shipper_id_id.
TRIP_ON = """
SELECT EXISTS (SELECT FROM assignments WHERE driver_id = $1 AND ended_at IS NULL)
    OR EXISTS (SELECT FROM orders WHERE shipper_id = $1
        AND status NOT IN ('draft', 'delivered', 'closed', 'cancelled', 'expired'))
"""
# ix_bids_driver_live. A bid that a shipper could pick meanwhile would be a load again.
BIDS_LIVE = "SELECT EXISTS (SELECT FROM bids WHERE driver_id = $1 AND status IN ('live', 'countered'))"
# uq_erasures_pending: asked again, the first request counts.
ASK = """
INSERT INTO erasures (user_id, due_at) VALUES ($1, now() + make_interval(days => $2))
ON CONFLICT (user_id) WHERE state = 'pending' DO UPDATE SET due_at = erasures.due_at
RETURNING extract(epoch FROM due_at)::float8
"""
# ix_api_keys_user_id.
END_KEYS = "UPDATE api_keys SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL"
OFF_DUTY = "UPDATE driver_states SET on_duty = false WHERE driver_id = $1"
# ix_sessions_user_id.
END_SESSIONS = """
UPDATE sessions SET revoked_at = now(), revoke_reason = 'erasure_asked' WHERE user_id = $1 AND revoked_at IS NULL
RETURNING id::text
"""
# ix_erasures_due.
NEXT = """
SELECT user_id FROM erasures WHERE state = 'pending' AND due_at <= to_timestamp($1) ORDER BY due_at LIMIT 1
"""
CLAIM = """
SELECT id, user_id FROM erasures WHERE state = 'pending' AND due_at <= to_timestamp($1) AND user_id = $2
FOR UPDATE SKIP LOCKED
"""
PUT_OFF = """
UPDATE erasures SET due_at = to_timestamp($2) + make_interval(days => $3) WHERE user_id = $1 AND state = 'pending'
"""
DONE = "UPDATE erasures SET state = 'done', ended_at = now() WHERE id = $1"
REMEMBER = "INSERT INTO erasures (user_id, state, due_at, ended_at) VALUES ($1, 'done', now(), now())"
# Primary key.
ACCOUNT = """
SELECT extract(epoch FROM created_at)::float8 AS created_at, erased_at FROM users WHERE id = $1 FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Erased:
    """A finished erasure, and the files whose rows are gone with it."""

    user: int
    files: tuple[str, ...]
    exports: tuple[str, ...]


class ErasureStore:
    """Ends accounts. `ledger` is the file that remembers them outside the database."""

    def __init__(self, pool: Pool, ledger: Path) -> None:
        self._pool = pool
        self._ledger = ledger

    async def ask(self, user: int) -> tuple[float, list[str]]:
        """(when the account will be erased, the sessions that this has ended). Refusal `trip_on`."""
        async with transaction(self._pool) as connection:
            await connection.execute(LOCK_USER, user)
            if await connection.fetchval(TRIP_ON, user) or await connection.fetchval(BIDS_LIVE, user):
                raise Refusal("trip_on")
            due_at: float = await connection.fetchval(ASK, user, GRACE_DAYS)
            await connection.execute(OFF_DUTY, user)
            await connection.execute(END_KEYS, user)
            sessions = await connection.fetch(END_SESSIONS, user)
        return due_at, [row["id"] for row in sessions]

    async def next_due(self, now: float) -> int | None:
        """The account that is to be erased next, if its time has come. One with a load is put off."""
        user: int | None = await self._pool.fetchval(NEXT, now)
        if user is not None and await self._pool.fetchval(TRIP_ON, user):
            await self._pool.execute(PUT_OFF, user, now, PUT_OFF_DAYS)
            return None
        return user

    async def forget_positions(self, user: int) -> None:
        """Deletes every position of this user's devices, in slices that hold no lock for long."""
        deleted = SLICE
        while deleted == SLICE:
            status: str = await self._pool.execute(FORGET_POSITIONS, user, SLICE)
            deleted = int(status.rpartition(" ")[2])

    async def erase(self, user: int, now: float) -> Erased | None:
        """Ends the account; None when another worker is doing it or the owner has come back meanwhile."""
        async with transaction(self._pool) as connection:
            claim = await connection.fetchrow(CLAIM, now, user)
            if claim is None or await connection.fetchval(TRIP_ON, user):
                return None
            account = await connection.fetchrow(ACCOUNT, user)
            erased = await _erase(connection, user)
            await connection.execute(DONE, claim["id"])
            # Before COMMIT: an account that is in the file and not erased has asked for it all the same.
            await asyncio.to_thread(_append, self._ledger, user, account["created_at"], now)
        return erased

    async def replay(self) -> list[Erased]:
        """Ends again every account of the ledger that a restored backup has brought back."""
        again: list[Erased] = []
        for user, created_at in await asyncio.to_thread(lambda: list(_read(self._ledger))):
            async with transaction(self._pool) as connection:
                account = await connection.fetchrow(ACCOUNT, user)
                same = account is not None and abs(account["created_at"] - created_at) < 1e-3
                if not same or account["erased_at"] is not None:
                    continue
            await self.forget_positions(user)
            async with transaction(self._pool) as connection:
                await connection.execute(LOCK_USER, user)
                await connection.execute(KEEP_ACCOUNT, user)
                again.append(await _erase(connection, user))
                await connection.execute(REMEMBER, user)
        return again


async def _erase(connection: Connection, user: int) -> Erased:
    await release(connection, user)  # what Google and Apple hold of the user is given back by their loop
    for statement in ERASE.values():
        await connection.execute(statement, user)
    files = await connection.fetch(FILES_GONE, user)
    exports = await connection.fetch(EXPORTS_GONE, user)
    return Erased(
        user,
        tuple(row["name"] for row in files),
        tuple(row["name"] for row in exports if row["name"] is not None),
    )


def _append(ledger: Path, user: int, created_at: float, now: float) -> None:
    """One line, on disk when this returns."""
    line = json.dumps({"user": user, "account_created_at": created_at, "erased_at": now}) + "\n"
    ledger.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(ledger: Path) -> Iterator[tuple[int, float]]:
    if ledger.is_file():
        for line in ledger.read_text().splitlines():
            entry = json.loads(line)
            yield entry["user"], entry["account_created_at"]
