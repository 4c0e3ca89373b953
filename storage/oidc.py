"""Google and Apple accounts, the trips to them and back, and the tokens that are to be given back."""

import logging
import uuid
from dataclasses import dataclass
from typing import Literal, NamedTuple

import asyncpg

from dispatch.errors import Refusal

from .factors import FactorNeeded
from .identity import IdentityStore, link
from .postgres import Connection, Pool, transaction
from .seal import Seal, Unsealable
from .sessions import GRACE_S, SignIn, Via, derived, sha256

log = logging.getLogger("desk.oidc")

FLOW_S = 600.0
WAITING_S = 900.0  # a person looks for the phone, an SMS takes its time
CLAIM_S = 20.0  # longer than asking the provider takes: whoever claimed it is gone
LEASE_S = 120.0
Purpose = Literal["sign_in", "link"]

BEGIN = """
INSERT INTO oidc_flows (key_hash, provider, purpose, challenge, created_at, expires_at)
VALUES ($1, $2, $3, $4, to_timestamp($5), to_timestamp($6))
"""
# By primary key, all of them. The row lock lets one of two copies of a callback exchange the code.
CLAIM = """
UPDATE oidc_flows SET code_hash = $3, claimed_at = to_timestamp($4)
WHERE key_hash = $1 AND provider = $2 AND expires_at > to_timestamp($4) AND identity_id IS NULL AND error IS NULL
    AND (claimed_at IS NULL OR claimed_at < to_timestamp($5)) AND coalesce(code_hash, $3) = $3
RETURNING true
"""
FLOW_STATE = """
SELECT identity_id IS NOT NULL OR error IS NOT NULL AS back FROM oidc_flows
WHERE key_hash = $1 AND provider = $2 AND expires_at > to_timestamp($4) AND code_hash = $3
"""
LET_GO = "UPDATE oidc_flows SET claimed_at = NULL WHERE key_hash = $1"
CAME_BACK = """
UPDATE oidc_flows SET identity_id = $2, error = $3
WHERE key_hash = $1 AND identity_id IS NULL AND error IS NULL AND expires_at > to_timestamp($4)
"""
WAITS = """
SELECT true FROM oidc_flows WHERE key_hash = $1 AND provider = $2 AND expires_at > to_timestamp($3)
    AND challenge IS NULL
"""
FLOW = """
SELECT provider, purpose, identity_id, error, session_id, extract(epoch FROM answered_at)::float8 AS answered_at
FROM oidc_flows
WHERE key_hash = $1 AND challenge IS NOT DISTINCT FROM $2 AND expires_at > to_timestamp($3) FOR UPDATE
"""
ANSWERED = """
UPDATE oidc_flows SET answered_at = coalesce(answered_at, to_timestamp($2)), session_id = $3 WHERE key_hash = $1
"""
# A name or address that was given once is kept: Apple tells them the first time only.
SEEN = """
INSERT INTO identities (provider, subject, email, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (provider, subject) DO UPDATE SET email = coalesce(EXCLUDED.email, identities.email),
    name = CASE WHEN identities.name = '' THEN EXCLUDED.name ELSE identities.name END
RETURNING id
"""
KEEP_REFRESH = "UPDATE identities SET refresh_sealed = $2, refresh_client = $3 WHERE id = $1"
IDENTITY = "SELECT id, provider, email, name, user_id FROM identities WHERE id = $1 FOR UPDATE"
USER = "SELECT id, role, grade, blocked, phone, locale FROM users WHERE id = $1"
LIVE_SESSION = "SELECT factor_at FROM sessions WHERE id = $1 AND revoked_at IS NULL"
WAIT = """
INSERT INTO pending_sign_ins (token_hash, kind, identity_id, method, created_at, expires_at)
VALUES ($1, 'identity', $2, $3, to_timestamp($4), to_timestamp($5)) ON CONFLICT DO NOTHING
"""
WAITING = """
SELECT p.identity_id, i.name, i.user_id FROM pending_sign_ins p JOIN identities i ON i.id = p.identity_id
WHERE p.token_hash = $1 AND p.kind = 'identity' AND p.used_at IS NULL AND p.expires_at > to_timestamp($2)
FOR UPDATE OF p
"""
SPEND = "UPDATE pending_sign_ins SET used_at = to_timestamp($2) WHERE token_hash = $1"
# Served by uq_identities_user.
MINE = """
SELECT id, provider, name, email, extract(epoch FROM linked_at)::float8 AS linked_at FROM identities
WHERE user_id = $1 ORDER BY linked_at
"""
UNLINK = "DELETE FROM identities WHERE user_id = $1 AND ($2::bigint IS NULL OR id = $2) RETURNING *"
TO_REVOKE = "INSERT INTO token_revocations (provider, client, token_sealed) VALUES ($1, $2, $3)"
# Served by ix_token_revocations_due_at; claimed by whoever comes first, for LEASE_S.
DUE = """
UPDATE token_revocations SET attempts = attempts + 1,
    due_at = to_timestamp($1 + $3 * power(2, least(attempts, 10)))
WHERE id IN (
    SELECT id FROM token_revocations WHERE due_at <= to_timestamp($1) ORDER BY due_at LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING id, provider, client, token_sealed, attempts
"""
REVOKED = "DELETE FROM token_revocations WHERE id = $1"
FORGET_FLOWS = "DELETE FROM oidc_flows WHERE expires_at < to_timestamp($1) - interval '1 hour'"
FORGET_PENDING = "DELETE FROM pending_sign_ins WHERE expires_at < to_timestamp($1) - interval '1 hour'"
# Scans, hourly: those who came once and never confirmed a phone.
FORGET_STRANGERS = """
DELETE FROM identities WHERE user_id IS NULL AND created_at < to_timestamp($1) - interval '90 days'
"""


class Claimed(NamedTuple):
    """What a callback found: it is the one to exchange the code, or the answer is there, or another is at it."""

    mine: bool
    back: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """An identity that has no account here yet: the token by which it gets one."""

    token: str
    provider: str
    name: str
    email: str | None
    expires_at: float


@dataclass(frozen=True, slots=True)
class Linked:
    """A Google or Apple account of this user."""

    id: int
    provider: str
    name: str
    email: str | None
    linked_at: float


@dataclass(frozen=True, slots=True)
class Revocation:
    """A token that is to be given back to its provider."""

    id: int
    provider: str
    client: str
    token: str
    attempts: int


class OidcStore:
    """Flows are kept by hashes; what a copy of the database would need to go on with one is derived or sealed."""

    def __init__(self, pool: Pool, identity: IdentityStore, *, pepper: str) -> None:
        self._pool = pool
        self._identity = identity
        self._pepper = pepper.encode()
        self._seal = Seal(pepper, "tokens of providers")

    def secret(self, purpose: str, key: str) -> str:
        """Nonce or verifier of the flow with this key: known again at the callback, stored nowhere."""
        return derived(self._pepper, f"oidc {purpose}", key)

    async def begin(
        self, key: str, provider: str, purpose: str, challenge: bytes | None, now: float
    ) -> float:
        """A trip begins; until when it must be over."""
        until = now + FLOW_S
        await self._pool.execute(BEGIN, sha256(key), provider, purpose, challenge, now, until)
        return until

    async def claim(self, key: str, provider: str, code: str, now: float) -> Claimed:
        """A callback came. Refusal `challenge_over` for a flow that is none, over, or of another code."""
        flow, digest = sha256(key), sha256(code)
        async with transaction(self._pool) as connection:
            if await connection.fetchval(CLAIM, flow, provider, digest, now, now - CLAIM_S):
                return Claimed(True, False)
            back = await connection.fetchval(FLOW_STATE, flow, provider, digest, now)
        if back is None:
            raise Refusal("challenge_over")
        return Claimed(False, back)

    async def let_go(self, key: str) -> None:
        """The provider did not answer: the same callback may be tried again."""
        await self._pool.execute(LET_GO, sha256(key))

    async def waits(self, key: str, provider: str, now: float) -> None:
        """Refusal `challenge_over` unless this is the nonce of an app's flow that we began."""
        if not await self._pool.fetchval(WAITS, sha256(key), provider, now):
            raise Refusal("challenge_over")

    async def seen(self, provider: str, subject: str, email: str | None, name: str) -> int:
        """Notes a person whom the provider vouches for, before anything else can fail; the identity's id."""
        identity: int = await self._pool.fetchval(SEEN, provider, subject, email, name[:120])
        return identity

    async def keep_refresh(self, identity: int, client: str, token: str) -> None:
        """Keeps a provider's refresh token, so that it can be revoked when the account goes."""
        sealed = self._seal.seal(token.encode(), "refresh token")
        await self._pool.execute(KEEP_REFRESH, identity, sealed, client)

    async def came_back(
        self, key: str, now: float, *, identity: int | None = None, error: str | None = None
    ) -> None:
        """How the trip ended. The first word stands."""
        await self._pool.execute(CAME_BACK, sha256(key), identity, error, now)

    async def finish(
        self, key: str, verifier: str | None, via: Via, now: float, *, identity: int | None = None
    ) -> SignIn | FactorNeeded | Waiting:
        """What the trip has opened for whoever holds the verifier; for seconds the same again: answers get lost.

        `identity`: an app's trip must have ended with this one. Refusal `challenge_over`, `account_blocked`,
        `identity_taken`, or why the trip failed.
        """
        flow, challenge = sha256(key), None if verifier is None else sha256(verifier)
        secrets = (key, verifier or "")
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(FLOW, flow, challenge, now)
            if row is None or (row["error"] is None and row["identity_id"] is None):
                raise Refusal("challenge_over")
            if row["error"] is not None:
                raise Refusal(row["error"])
            if row["answered_at"] is not None and row["answered_at"] + GRACE_S < now:
                raise Refusal("challenge_over")
            if identity is not None and row["identity_id"] != identity:
                raise Refusal("provider_refused")
            who = await connection.fetchrow(IDENTITY, row["identity_id"])
            user = None if who["user_id"] is None else await connection.fetchrow(USER, who["user_id"])
            if row["purpose"] == "link" and user is not None:
                raise Refusal("identity_taken")
            if user is None:
                token = derived(self._pepper, "oidc waiting", *secrets)
                until = now + WAITING_S
                await connection.execute(WAIT, sha256(token), who["id"], who["provider"], now, until)
                await connection.execute(ANSWERED, flow, now, None)
                return Waiting(token, who["provider"], who["name"], who["email"], until)
            if user["blocked"]:
                raise Refusal("account_blocked")
            refresh = derived(self._pepper, "oidc refresh", *secrets)
            if row["session_id"] is not None:
                return await self._again(connection, user, row["session_id"], refresh)
            how = via._replace(method=who["provider"])
            outcome = await self._identity.enter(connection, user, how, now, refresh=refresh)
            session = uuid.UUID(outcome.session) if isinstance(outcome, SignIn) else None
            await connection.execute(ANSWERED, flow, now, session)
            return outcome

    async def link(self, user: int, token: str, now: float) -> None:
        """Gives a waiting identity to this signed-in user. Refusal `challenge_over`, `identity_taken`."""
        try:
            async with transaction(self._pool) as connection:
                waiting = await connection.fetchrow(WAITING, sha256(token), now)
                if waiting is None:
                    raise Refusal("challenge_over")
                if waiting["user_id"] is not None or not await link(connection, user, waiting, now):
                    raise Refusal("identity_taken")
                await connection.execute(SPEND, sha256(token), now)
        except asyncpg.UniqueViolationError:
            raise Refusal("identity_taken", "unlink the other account of this provider first") from None

    async def linked(self, user: int) -> list[Linked]:
        """The identities of this user."""
        return [Linked(*row) for row in await self._pool.fetch(MINE, user)]

    async def unlink(self, user: int, identity: int) -> None:
        """Takes an identity away from this user; its token is given back. Refusal `not_found`."""
        async with transaction(self._pool) as connection:
            if not await release(connection, user, identity):
                raise Refusal("not_found")

    async def due_revocations(self, now: float, limit: int = 20) -> list[Revocation]:
        """Tokens to give back now; each comes again later, until `revoked` says that it was."""
        rows = await self._pool.fetch(DUE, now, limit, LEASE_S)
        found = []
        for row in rows:
            try:
                token = self._seal.open(row["token_sealed"], "refresh token").decode()
            except Unsealable:
                log.error("oidc.unreadable_token", extra={"revocation": row["id"]})  # the pepper was changed
                continue
            found.append(Revocation(row["id"], row["provider"], row["client"], token, row["attempts"]))
        return found

    async def revoked(self, revocation: int) -> None:
        """The provider took it back, or knows it no more."""
        await self._pool.execute(REVOKED, revocation)

    async def forget_old(self, now: float) -> None:
        """Deletes trips and half-way sign-ins that are over, and strangers who never came again."""
        for statement in (FORGET_FLOWS, FORGET_PENDING, FORGET_STRANGERS):
            await self._pool.execute(statement, now)

    async def _again(
        self, connection: Connection, user: asyncpg.Record, session: uuid.UUID, refresh: str
    ) -> SignIn:
        """The session that this trip has opened already, a moment ago."""
        live = await connection.fetchrow(LIVE_SESSION, session)
        if live is None:
            raise Refusal("session_revoked")
        return SignIn(user["id"], user["role"], str(session), refresh, user["grade"], lang=user["locale"])


async def release(connection: Connection, user: int, identity: int | None = None) -> bool:
    """Takes one identity, or all of them, away from a user who leaves, and has their tokens given back. In the
    caller's transaction: the deletion of an account calls it. Whether there was one."""
    rows = await connection.fetch(UNLINK, user, identity)
    for row in rows:
        if row["refresh_sealed"] is not None:
            await connection.execute(TO_REVOKE, row["provider"], row["refresh_client"], row["refresh_sealed"])
    return bool(rows)
