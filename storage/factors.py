"""Second factors of staff: enrolment, codes that are good once, recovery codes, and the challenge of a sign-in."""

import hashlib
import hmac
import logging
from dataclasses import dataclass

from asyncpg import Record

from dispatch.errors import Refusal

from . import totp
from .postgres import Connection, Pool, transaction
from .seal import Seal, Unsealable
from .sessions import SignIn, Via, open_session, random_token, sha256

log = logging.getLogger("desk.identity")

CHALLENGE_S = 600.0  # long enough to install an app
MAX_TRIES = 5  # of one challenge
MAX_FAILED = 10  # of one account in FAILED_S, whatever it is asked for
FAILED_S = 900.0

# Every judgement queues at this row: parallel guesses are counted one by one, and one code signs in once.
LOCK = """
SELECT f.secret_sealed, f.candidate_sealed, f.last_step, f.failed,
       extract(epoch FROM f.failed_from)::float8 AS failed_from, f.confirmed_at IS NOT NULL AS confirmed
FROM second_factors f WHERE f.user_id = $1 FOR UPDATE
"""
PUT_CANDIDATE = """
INSERT INTO second_factors (user_id, candidate_sealed) VALUES ($1, $2)
ON CONFLICT (user_id) DO UPDATE SET candidate_sealed = EXCLUDED.candidate_sealed
"""
USED = "UPDATE second_factors SET last_step = $2, failed = 0, failed_from = NULL WHERE user_id = $1"
FAILED = """
UPDATE second_factors SET failed = CASE WHEN $3 THEN 1 ELSE failed + 1 END,
    failed_from = CASE WHEN $3 THEN to_timestamp($2) ELSE failed_from END
WHERE user_id = $1
"""
ENROLLED = """
UPDATE second_factors SET secret_sealed = candidate_sealed, candidate_sealed = NULL,
    confirmed_at = to_timestamp($2), last_step = $3, failed = 0, failed_from = NULL
WHERE user_id = $1
"""
DROP_CODES = "DELETE FROM recovery_codes WHERE user_id = $1"
ADD_CODES = "INSERT INTO recovery_codes (user_id, code_hmac) SELECT $1, unnest($2::bytea[])"
USE_CODE = """
UPDATE recovery_codes SET used_at = to_timestamp($3) WHERE user_id = $1 AND code_hmac = $2 AND used_at IS NULL
RETURNING true
"""
STATUS = """
SELECT extract(epoch FROM f.confirmed_at)::float8 AS since,
       (SELECT count(*) FROM recovery_codes c WHERE c.user_id = f.user_id AND c.used_at IS NULL) AS codes
FROM second_factors f WHERE f.user_id = $1 AND f.confirmed_at IS NOT NULL
"""
CHALLENGE = """
INSERT INTO pending_sign_ins (token_hash, kind, user_id, method, created_at, expires_at)
VALUES ($1, 'factor', $2, $3, to_timestamp($4), to_timestamp($5))
"""
# Counted where it is read: the row lock queues parallel tries.
TRY = """
UPDATE pending_sign_ins SET tries = tries + 1
WHERE token_hash = $1 AND kind = 'factor' AND used_at IS NULL AND tries < $3 AND expires_at > to_timestamp($2)
RETURNING user_id, method
"""
USER = "SELECT id, role, grade, blocked, phone, locale FROM users WHERE id = $1"
SPEND = "UPDATE pending_sign_ins SET used_at = to_timestamp($2) WHERE token_hash = $1"
CONFIRMED = "UPDATE sessions SET factor_at = to_timestamp($2) WHERE id = $1::uuid"


@dataclass(frozen=True, slots=True)
class FactorNeeded:
    """The first factor was right. `challenge` is answered with a code; `secret` is there for who has none yet."""

    challenge: str
    expires_at: float
    phone: str
    secret: str | None


@dataclass(frozen=True, slots=True)
class Factor:
    """Whether a second factor is in force: since when (epoch seconds), and how many recovery codes are left."""

    since: float | None
    recovery_codes: int


class FactorStore:
    """Secrets sealed, recovery codes as MACs under the pepper."""

    def __init__(self, pool: Pool, pepper: str) -> None:
        self._pool = pool
        self._pepper = pepper.encode()
        self._seal = Seal(pepper, "second factors")

    async def challenge(self, connection: Connection, user: Record, via: Via, now: float) -> FactorNeeded:
        """Half a sign-in of this user (id, phone), in the caller's transaction."""
        factor = await connection.fetchrow(LOCK, user["id"])
        secret = None
        if factor is None or not factor["confirmed"]:
            secret = await self._candidate(connection, user["id"])
        token, expires_at = random_token(), now + CHALLENGE_S
        await connection.execute(CHALLENGE, sha256(token), user["id"], via.method, now, expires_at)
        return FactorNeeded(token, expires_at, user["phone"], secret)

    async def answer(
        self, challenge: str, code: str, via: Via, now: float
    ) -> tuple[SignIn, list[str] | None]:
        """The session that a challenge and its code open; with the recovery codes when this was the enrolment.

        Refusal `challenge_over`, `code_wrong`, `rate_limited`, `account_blocked`.
        """
        digest = sha256(challenge)
        async with transaction(self._pool) as connection:
            pending = await connection.fetchrow(TRY, digest, now, MAX_TRIES)
            signed_in, codes = None, None
            wait = 0.0
            if pending is not None:
                user = await connection.fetchrow(USER, pending["user_id"])
                right, codes, wait = await self._judge(connection, user["id"], code, now, enrol=True)
                if right and not user["blocked"]:
                    await connection.execute(SPEND, digest, now)
                    how = via._replace(method=pending["method"])
                    signed_in = await open_session(connection, user, how, now, factor_at=now)
        # Refused only after COMMIT, so that the try stays counted.
        if pending is None:
            raise Refusal("challenge_over")
        _refuse(wait, right)
        if signed_in is None:
            raise Refusal("account_blocked")
        return signed_in, codes

    async def confirm(self, user: int, session: str, code: str, now: float) -> None:
        """Shows the second factor again within a session: from now on it is fresh. Refusal as for `answer`."""
        async with transaction(self._pool) as connection:
            right, _, wait = await self._judge(connection, user, code, now, enrol=False)
            if right:
                await connection.execute(CONFIRMED, session, now)
        _refuse(wait, right)

    async def enrol(self, user: int) -> str:
        """A new secret for an authenticator app; the one in force stays so until a code of the new one comes."""
        async with transaction(self._pool) as connection:
            return await self._candidate(connection, user)

    async def enrolled(self, user: int, session: str, code: str, now: float) -> list[str]:
        """Puts the new secret in force and gives its recovery codes. Refusal `code_wrong`, `rate_limited`."""
        async with transaction(self._pool) as connection:
            right, codes, wait = await self._judge(connection, user, code, now, enrol=True, only_enrol=True)
            if right:
                await connection.execute(CONFIRMED, session, now)
        _refuse(wait, right)
        return codes or []

    async def new_codes(self, user: int) -> list[str]:
        """Ten new recovery codes; the old ones end."""
        async with transaction(self._pool) as connection:
            factor = await connection.fetchrow(LOCK, user)
            if factor is None or not factor["confirmed"]:
                raise Refusal("not_found")
            return await self._write_codes(connection, user)

    async def status(self, user: int) -> Factor:
        """What is in force."""
        row = await self._pool.fetchrow(STATUS, user)
        return Factor(None, 0) if row is None else Factor(*row)

    async def _candidate(self, connection: Connection, user: int) -> str:
        secret = totp.new_secret()
        await connection.execute(PUT_CANDIDATE, user, self._seal.seal(secret.encode(), _context(user)))
        return secret

    async def _judge(
        self,
        connection: Connection,
        user: int,
        code: str,
        now: float,
        *,
        enrol: bool,
        only_enrol: bool = False,
    ) -> tuple[bool, list[str] | None, float]:
        """(right, recovery codes of a new enrolment, seconds to wait), counting what was wrong."""
        factor = await connection.fetchrow(LOCK, user)
        if factor is None:
            return False, None, 0.0
        fresh_count = factor["failed_from"] is None or factor["failed_from"] + FAILED_S <= now
        if not fresh_count and factor["failed"] >= MAX_FAILED:
            return False, None, float(factor["failed_from"] + FAILED_S - now)
        typed = totp.plain(code)
        if only_enrol or (enrol and not factor["confirmed"]):
            step = self._step(factor["candidate_sealed"], user, typed, now, 0)
            if step is not None:
                await connection.execute(ENROLLED, user, now, step)
                return True, await self._write_codes(connection, user), 0.0
        elif len(typed) == 6:
            step = self._step(factor["secret_sealed"], user, typed, now, factor["last_step"])
            if step is not None:
                await connection.execute(USED, user, step)
                return True, None, 0.0
        elif await connection.fetchval(USE_CODE, user, self._mac(user, typed), now):
            await connection.execute(USED, user, factor["last_step"])
            return True, None, 0.0
        await connection.execute(FAILED, user, now, fresh_count)
        return False, None, 0.0

    def _step(self, sealed: bytes | None, user: int, code: str, now: float, after: int) -> int | None:
        if sealed is None:
            return None
        try:
            secret = self._seal.open(sealed, _context(user)).decode()
        except Unsealable:
            log.error(
                "factor.unreadable", extra={"user": user}
            )  # the pepper was changed: it must be set up anew
            return None
        return totp.step_of(secret, code, now, after)

    async def _write_codes(self, connection: Connection, user: int) -> list[str]:
        codes = totp.new_recovery_codes()
        await connection.execute(DROP_CODES, user)
        await connection.execute(ADD_CODES, user, [self._mac(user, totp.plain(code)) for code in codes])
        return codes

    def _mac(self, user: int, code: str) -> bytes:
        return hmac.digest(self._pepper, f"recovery|{user}|{code}".encode(), hashlib.sha256)


def _context(user: int) -> str:
    return f"second factor of {user}"


def _refuse(wait: float, right: bool) -> None:
    if wait:
        raise Refusal("rate_limited", "too many wrong codes: try again in {wait:duration}", wait=wait)
    if not right:
        raise Refusal("code_wrong")
