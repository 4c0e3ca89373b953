"""Who may act: sign-ins by one-time code, sessions with rotating refresh tokens, and registered devices."""

import base64
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass

from asyncpg import Record

from dispatch.errors import Refusal

from .erasure import CANCEL as KEEP_ACCOUNT
from .otp import Code, OtpLimits, OtpStore
from .postgres import Connection, Pool, transaction

SESSION_LIFETIME_S = 60 * 86400.0
# Mobile networks lose answers and two tabs race: within this time a used token brings the same successor.
GRACE_S = 30.0

# The no-op update takes the row lock, so that two first sign-ins of one number agree on one account.
ENTER = """
INSERT INTO users (phone, role) VALUES ($1, $2)
ON CONFLICT (phone) DO UPDATE SET phone = EXCLUDED.phone
RETURNING id, role, grade, blocked
"""
PHONE = "SELECT phone FROM users WHERE id = $1"
ON_DUTY = "INSERT INTO driver_states (driver_id) VALUES ($1) ON CONFLICT DO NOTHING"
OPEN_SESSION = """
INSERT INTO sessions (id, user_id, ip, user_agent, created_at, expires_at)
VALUES ($1, $2, $3, $4, to_timestamp($5), to_timestamp($6))
"""
ADD_REFRESH = """
INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES ($1, $2, to_timestamp($3))
ON CONFLICT DO NOTHING
"""
# By primary key; the lock on the token row queues parallel uses of one token.
REFRESH = """
SELECT t.session_id, extract(epoch FROM t.used_at)::float8 AS used_at, s.revoked_at,
       s.expires_at <= to_timestamp($2) AS over, u.id AS user_id, u.role, u.grade, u.blocked
FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
WHERE t.token_hash = $1 FOR UPDATE OF t
"""
USE_REFRESH = "UPDATE refresh_tokens SET used_at = to_timestamp($2) WHERE token_hash = $1"
REVOKE = """
UPDATE sessions SET revoked_at = to_timestamp($2), revoke_reason = $3
WHERE id = $1 AND revoked_at IS NULL
"""
# Served by the partial index on revoked_at: minutes of sign-outs, never the table.
REVOKED_SINCE = "SELECT id::text FROM sessions WHERE revoked_at > to_timestamp($1)"
ADD_DEVICE = "INSERT INTO devices (user_id, secret_hash, label) VALUES ($1, $2, $3) RETURNING id"
DEVICE = """
SELECT d.user_id, d.secret_hash FROM devices d JOIN users u ON u.id = d.user_id
WHERE d.id = $1 AND d.revoked_at IS NULL AND NOT u.blocked
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


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session that goes on: whose it is, and the refresh token that carries it further."""

    user: int
    role: str
    session: str
    refresh: str
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """An old refresh token came back after its grace: somebody else has a copy, and the session has ended."""

    user: int
    session: str


class IdentityStore:
    """Accounts are entered, sessions kept alive and devices known here. Secrets are kept as hashes."""

    def __init__(self, pool: Pool, *, pepper: str, limits: OtpLimits) -> None:
        self._pool = pool
        self._pepper = pepper.encode()
        self.otp = OtpStore(pool, pepper, limits)

    async def ask(self, phone: str, role: str, address: str, now: float) -> Code:
        """A one-time code for an E.164 number. Refusal `rate_limited`."""
        return await self.otp.ask(phone, role, address, now)

    async def sign_in(self, request: str, code: str, *, address: str, user_agent: str, now: float) -> SignIn:
        """Opens a session for the owner of the phone, making the account on first sight.

        Refusal `code_wrong` for a wrong, used, over-tried or old code; `forbidden` for a blocked account.
        """
        async with transaction(self._pool) as connection:
            proven = await self.otp.prove(connection, request, code, now)
            user = await connection.fetchrow(ENTER, proven.phone, proven.role) if proven else None
            signed_in = None
            if user is not None and not user["blocked"]:
                if user["role"] == "driver":
                    await connection.execute(ON_DUTY, user["id"])
                signed_in = await self._open(connection, user, address, user_agent, now)
        # Refused only after COMMIT, so that the try stays counted.
        if user is None:
            raise Refusal("code_wrong")
        if signed_in is None:
            raise Refusal("forbidden", "this account is blocked")
        return signed_in

    async def refresh(self, token: str, now: float) -> SignIn | Replayed:
        """The successor of a refresh token; the same one again within the grace, the session's end after it.

        Refusal `unauthenticated` for an unknown token, `session_revoked` for an ended session, `forbidden`
        for a blocked account.
        """
        digest = sha256(token)
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(REFRESH, digest, now)
            if row is None:
                raise Refusal("unauthenticated")
            if row["revoked_at"] is not None or row["over"]:
                raise Refusal("session_revoked")
            if row["blocked"]:
                raise Refusal("forbidden", "this account is blocked")
            session = str(row["session_id"])
            if row["used_at"] is not None and now - row["used_at"] > GRACE_S:
                await connection.execute(REVOKE, row["session_id"], now, "refresh_replayed")
                return Replayed(row["user_id"], session)
            successor = self._successor(token)
            if row["used_at"] is None:
                await connection.execute(USE_REFRESH, digest, now)
                await connection.execute(ADD_REFRESH, sha256(successor), row["session_id"], now)
            return SignIn(row["user_id"], row["role"], session, successor, row["grade"])

    async def prove_owner(self, user: int, request: str, code: str, now: float) -> None:
        """The user at hand proves to be the owner of the account's phone. Refusal `code_wrong`."""
        async with transaction(self._pool) as connection:
            proven = await self.otp.prove(connection, request, code, now)
            phone = await connection.fetchval(PHONE, user)
        # Refused only after COMMIT, so that the try stays counted.
        if proven is None or proven.phone != phone:
            raise Refusal("code_wrong")

    async def sign_out(self, session: str, now: float) -> None:
        """Ends a session; ending it twice changes nothing."""
        await self._pool.execute(REVOKE, uuid.UUID(session), now, "sign_out")

    async def revoked_since(self, since: float) -> list[str]:
        """Ids of the sessions that were ended after this time (epoch seconds)."""
        return [row["id"] for row in await self._pool.fetch(REVOKED_SINCE, since)]

    async def register(self, user: int, label: str) -> tuple[int, str]:
        """(device id, secret) of a new device; the secret is shown this once."""
        secret = random_token()
        device: int = await self._pool.fetchval(ADD_DEVICE, user, sha256(secret), label[:120])
        return device, secret

    async def device(self, device_id: int, secret: str) -> int | None:
        """Whose device this is, if the secret is right and the owner not blocked."""
        row = await self._pool.fetchrow(DEVICE, device_id)
        stored: bytes = row["secret_hash"] if row is not None else bytes(32)
        right = hmac.compare_digest(stored, sha256(secret))
        return row["user_id"] if row is not None and right else None

    async def forget_old(self, now: float) -> None:
        """Deletes what no longer decides anything: old codes, long-used tokens, sessions past their end."""
        await self.otp.forget_old(now)
        await self._pool.execute(FORGET_TOKENS, now)
        await self._pool.execute(FORGET_SESSIONS, now)

    async def _open(
        self, connection: Connection, user: Record, address: str, user_agent: str, now: float
    ) -> SignIn:
        session, refresh = uuid.uuid4(), random_token()
        await connection.execute(KEEP_ACCOUNT, user["id"])  # who signs in does not want it erased any more
        await connection.execute(
            OPEN_SESSION, session, user["id"], address, user_agent[:200], now, now + SESSION_LIFETIME_S
        )
        await connection.execute(ADD_REFRESH, sha256(refresh), session, now)
        return SignIn(user["id"], user["role"], str(session), refresh, user["grade"])

    def _successor(self, token: str) -> str:
        """Derived, so that a replay in the grace gets the same answer although only hashes are stored."""
        return base64url(hmac.digest(self._pepper, b"refresh|" + raw(token), hashlib.sha256))


def random_token() -> str:
    """32 random bytes as text."""
    return secrets.token_urlsafe(32)


def sha256(token: str) -> bytes:
    """What is stored of a token. No salt is needed: the token itself is 256 random bits."""
    return hashlib.sha256(raw(token)).digest()


def raw(token: str) -> bytes:
    """A token's bytes; a cookie of a stranger may hold what is no text at all."""
    return token.encode("utf-8", "surrogateescape")


def base64url(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
