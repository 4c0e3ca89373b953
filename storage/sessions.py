"""Sign-ins that go on: sessions, the refresh tokens that rotate through them, and how they end."""

import base64
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import NamedTuple

from asyncpg import Record

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction

SESSION_LIFETIME_S = 60 * 86400.0
# Mobile networks lose answers and two tabs race: within this time a used token brings the same successor.
GRACE_S = 30.0
MAX_SHOWN = 100

ON_DUTY = "INSERT INTO driver_states (driver_id) VALUES ($1) ON CONFLICT DO NOTHING"
# uq_erasures_pending: who signs in does not want the account erased any more.
KEEP_ACCOUNT = (
    "UPDATE erasures SET state = 'cancelled', ended_at = now() WHERE user_id = $1 AND state = 'pending'"
)
OPEN_SESSION = """
INSERT INTO sessions (id, user_id, ip, user_agent, method, factor_at, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, to_timestamp($6), to_timestamp($7), to_timestamp($8))
"""
ADD_REFRESH = """
INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES ($1, $2, to_timestamp($3))
ON CONFLICT DO NOTHING
"""
# By primary key; the lock on the token row queues parallel uses of one token.
REFRESH = """
SELECT t.session_id, extract(epoch FROM t.used_at)::float8 AS used_at, s.revoked_at,
       s.expires_at <= to_timestamp($2) AS over, extract(epoch FROM s.factor_at)::float8 AS factor_at,
       u.id, u.role, u.grade, u.blocked, u.locale
FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
WHERE t.token_hash = $1 FOR UPDATE OF t
"""
USE_REFRESH = "UPDATE refresh_tokens SET used_at = to_timestamp($2) WHERE token_hash = $1"
SEEN = "UPDATE sessions SET used_at = to_timestamp($2), ip = coalesce(nullif($3, ''), ip) WHERE id = $1"
REVOKE = """
UPDATE sessions SET revoked_at = to_timestamp($2), revoke_reason = $3
WHERE id = $1 AND revoked_at IS NULL
"""
# Served by the index on user_id.
MINE = """
SELECT id::text, method, ip, user_agent, extract(epoch FROM created_at)::float8 AS created_at,
       extract(epoch FROM coalesce(used_at, created_at))::float8 AS used_at
FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > to_timestamp($2)
ORDER BY coalesce(used_at, created_at) DESC LIMIT $3
"""
REVOKE_MINE = """
UPDATE sessions SET revoked_at = to_timestamp($3), revoke_reason = 'ended'
WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > to_timestamp($3) RETURNING id::text
"""
REVOKE_ALL = """
UPDATE sessions SET revoked_at = to_timestamp($2), revoke_reason = $3
WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > to_timestamp($2) AND id IS DISTINCT FROM $4
RETURNING id::text
"""
# Primary key. What of it was fresh is for dangerous steps to ask.
SIGNED_IN_AT = "SELECT extract(epoch FROM created_at)::float8 FROM sessions WHERE id = $1"
# Served by the partial index on revoked_at: minutes of sign-outs, never the table.
REVOKED_SINCE = """
SELECT id::text, revoke_reason = 'blocked' AS blocked FROM sessions WHERE revoked_at > to_timestamp($1)
"""
# Scans, hourly. A used token older than a week is merely unknown when it comes back, no longer a theft.
FORGET_TOKENS = """
DELETE FROM refresh_tokens t USING sessions s WHERE s.id = t.session_id
    AND (t.used_at < to_timestamp($1) - interval '7 days' OR s.expires_at < to_timestamp($1))
"""
FORGET_SESSIONS = """
DELETE FROM sessions s WHERE s.expires_at < to_timestamp($1)
    AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.session_id = s.id)
"""


class Via(NamedTuple):
    """How somebody signs in: otp, link, google or apple; from which address, with which program."""

    method: str
    address: str = ""
    user_agent: str = ""


class Ended(NamedTuple):
    """A session that was ended, and whether because its account was blocked."""

    session: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session that goes on: whose it is, and the refresh token that carries it further.

    `grade` is that of staff, `factor_at` (epoch seconds) when they last showed their second factor; `lang` is the
    language of the profile.
    """

    user: int
    role: str
    session: str
    refresh: str
    grade: str | None = None
    factor_at: float | None = None
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """An old refresh token came back after its grace: somebody else has a copy, and the session has ended."""

    user: int
    session: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A live session as its owner sees it. Times in epoch seconds."""

    id: str
    method: str
    address: str
    user_agent: str
    created_at: float
    used_at: float


class SessionStore:
    """Sessions in PostgreSQL; of tokens only hashes."""

    def __init__(self, pool: Pool, *, pepper: str) -> None:
        self._pool = pool
        self._pepper = pepper.encode()

    async def refresh(self, token: str, now: float, address: str = "") -> SignIn | Replayed:
        """The successor of a refresh token; the same one again within the grace, the session's end after it.

        Refusal `unauthenticated` for an unknown token, `session_revoked` for an ended session, `account_blocked`.
        """
        digest = sha256(token)
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(REFRESH, digest, now)
            if row is None:
                raise Refusal("unauthenticated")
            if row["blocked"]:
                raise Refusal("account_blocked")
            # Staff sign in with two factors, so a staff session without the second is from before they were staff.
            if (
                row["revoked_at"] is not None
                or row["over"]
                or (row["role"] == "admin" and not row["factor_at"])
            ):
                raise Refusal("session_revoked")
            session = str(row["session_id"])
            if row["used_at"] is not None and now - row["used_at"] > GRACE_S:
                await connection.execute(REVOKE, row["session_id"], now, "refresh_replayed")
                return Replayed(row["id"], session)
            successor = self._successor(token)
            if row["used_at"] is None:
                await connection.execute(USE_REFRESH, digest, now)
                await connection.execute(ADD_REFRESH, sha256(successor), row["session_id"], now)
                await connection.execute(SEEN, row["session_id"], now, address)
            return SignIn(
                row["id"], row["role"], session, successor, row["grade"], row["factor_at"], row["locale"]
            )

    async def sign_out(self, session: str, now: float) -> None:
        """Ends a session; ending it twice changes nothing."""
        await self._pool.execute(REVOKE, uuid.UUID(session), now, "sign_out")

    async def sessions(self, user: int, now: float) -> list[SessionRow]:
        """The live sessions of a user, the last used first."""
        return [SessionRow(*row) for row in await self._pool.fetch(MINE, user, now, MAX_SHOWN)]

    async def end_one(self, user: int, session: str, now: float) -> str:
        """Ends one session of this user. Refusal `not_found` for an ended one and for somebody else's."""
        ended: str | None = await self._pool.fetchval(REVOKE_MINE, uuid.UUID(session), user, now)
        if ended is None:
            raise Refusal("not_found")
        return ended

    async def end_all(self, user: int, now: float, *, but: str | None = None) -> list[str]:
        """Ends every session of this user, `but` one; the ids of what has ended."""
        async with transaction(self._pool) as connection:
            return await end_sessions(connection, user, now, "ended", but=but)

    async def signed_in_at(self, session: str) -> float:
        """When this session began; `session_revoked` when it is gone."""
        at: float | None = await self._pool.fetchval(SIGNED_IN_AT, uuid.UUID(session))
        if at is None:
            raise Refusal("session_revoked")
        return at

    async def revoked_since(self, since: float) -> list[Ended]:
        """The sessions that were ended after this time (epoch seconds)."""
        return [Ended(*row) for row in await self._pool.fetch(REVOKED_SINCE, since)]

    def _successor(self, token: str) -> str:
        """Derived, so that a replay in the grace gets the same answer although only hashes are stored."""
        return derived(self._pepper, "refresh", token)


async def open_session(
    connection: Connection,
    user: Record,
    via: Via,
    now: float,
    *,
    factor_at: float | None = None,
    refresh: str | None = None,
) -> SignIn:
    """A new session of this user (a row with id, role, grade and locale), in the caller's transaction."""
    session, token = uuid.uuid4(), refresh or random_token()
    await connection.execute(KEEP_ACCOUNT, user["id"])
    if user["role"] == "driver":
        await connection.execute(ON_DUTY, user["id"])
    about = (via.address, via.user_agent[:200], via.method, factor_at, now, now + SESSION_LIFETIME_S)
    await connection.execute(OPEN_SESSION, session, user["id"], *about)
    await connection.execute(ADD_REFRESH, sha256(token), session, now)
    return SignIn(user["id"], user["role"], str(session), token, user["grade"], factor_at, user["locale"])


async def end_sessions(
    connection: Connection, user: int, now: float, reason: str, *, but: str | None = None
) -> list[str]:
    """Ends the sessions of a user in the caller's transaction. Tell the workers of these ids after COMMIT."""
    kept = None if but is None else uuid.UUID(but)
    return [row["id"] for row in await connection.fetch(REVOKE_ALL, user, now, reason, kept)]


def random_token() -> str:
    """32 random bytes as text."""
    return secrets.token_urlsafe(32)


def sha256(token: str) -> bytes:
    """What is stored of a token. No salt is needed: the token itself is 256 random bits."""
    return hashlib.sha256(raw(token)).digest()


def raw(token: str) -> bytes:
    """A token's bytes; a cookie of a stranger may hold what is no text at all."""
    return token.encode("utf-8", "surrogateescape")


def derived(pepper: bytes, purpose: str, *tokens: str) -> str:
    """A token that only who knows these tokens and the pepper can name, the same each time."""
    said = b"|".join((purpose.encode(), *map(raw, tokens)))
    return base64url(hmac.digest(pepper, said, hashlib.sha256))


def base64url(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
