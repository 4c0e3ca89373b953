"""E-mail addresses are proven: a code goes to one, and only who brings it back gets mails there.

`users.email` holds proven addresses and nothing else, so whoever sends mails asks no further.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field

from dispatch.errors import Refusal

from .otp import MAX_TRIES, RESEND_S, OtpLimits, wide
from .postgres import Pool, transaction

LIFETIME_S = 900.0  # mails take their time

# A code is asked for once in the life of an account: one queue for all makes parallel requests count one another.
QUEUE = "SELECT pg_advisory_xact_lock(7112)"
# Served by the four indexes on email_requests. Of what went to nobody only the network's share is spent.
ASKED = """
SELECT count(*) FILTER (WHERE created_at > to_timestamp($5) - interval '1 hour') AS hour, count(*) AS day,
    extract(epoch FROM max(created_at))::float8 AS last,
    (SELECT count(*) FROM email_requests
     WHERE ip = $3 AND created_at > to_timestamp($5) - interval '1 hour') AS of_address,
    (SELECT count(*) FROM email_requests
     WHERE network = $4 AND created_at > to_timestamp($5) - interval '1 hour') AS of_network
FROM email_requests
WHERE (user_id = $1 OR email = $2) AND created_at > to_timestamp($5) - interval '1 day' AND failed_at IS NULL
"""
INSERT = """
INSERT INTO email_requests (id, user_id, email, code_hmac, ip, network, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7), to_timestamp($8))
"""
UNSENT = "UPDATE email_requests SET failed_at = to_timestamp($2) WHERE id = $1"
EMAIL_OF = "SELECT email FROM email_requests WHERE id = $1 AND user_id = $2"
# Judged and counted in one statement, as storage.otp.TRY.
TRY = """
UPDATE email_requests
SET tries = tries + 1, used_at = CASE WHEN code_hmac = $3 THEN to_timestamp($4) END
WHERE id = $1 AND user_id = $2 AND used_at IS NULL AND tries < $5 AND expires_at > to_timestamp($4)
RETURNING used_at IS NOT NULL AS right_code
"""
# Primary key.
SET = "UPDATE users SET email = $2, version = version + 1 WHERE id = $1 AND email IS DISTINCT FROM $2"
FORGET = "DELETE FROM email_requests WHERE created_at < to_timestamp($1) - interval '2 days'"


@dataclass(frozen=True, slots=True)
class EmailCode:
    """A fresh code, known only to whoever sends it. Times in epoch seconds."""

    request: str
    email: str
    code: str = field(repr=False)
    expires_at: float
    resend_at: float


class EmailCodes:
    """Codes in PostgreSQL, as MACs under the pepper."""

    def __init__(self, pool: Pool, pepper: str, limits: OtpLimits) -> None:
        self._pool = pool
        self._pepper = pepper.encode()
        self._limits = limits

    async def ask(self, user: int, email: str, address: str, now: float) -> EmailCode:
        """A code for this e-mail address, which the user says is theirs. Limits are those of codes by SMS: of the
        user and of the mailbox together, of the network address, and of the network around it. Refusal
        `rate_limited`."""
        email, network, limits = email.lower(), wide(address), self._limits
        request, code = str(uuid.uuid4()), f"{secrets.randbelow(1_000_000):06d}"
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            asked = await connection.fetchrow(ASKED, user, email, address, network, now)
            if asked["of_address"] >= limits.per_address_hour:
                raise Refusal("rate_limited", "too many codes were asked for from this address this hour")
            if asked["of_network"] >= limits.per_network_hour:
                raise Refusal("rate_limited", "too many codes were asked for from this network this hour")
            if asked["last"] is not None and asked["last"] + RESEND_S > now:
                wait = int(asked["last"] + RESEND_S - now) + 1
                raise Refusal("rate_limited", "a new code can be sent in {wait:duration}", wait=wait)
            if asked["hour"] >= limits.per_number_hour or asked["day"] >= limits.per_number_day:
                raise Refusal("rate_limited", "too many codes were asked for: try again later")
            mac = self._mac(request, email, code)
            expires_at = now + LIFETIME_S
            await connection.execute(INSERT, request, user, email, mac, address, network, now, expires_at)
        return EmailCode(request, email, code, expires_at, now + RESEND_S)

    async def unsent(self, request: str, now: float) -> None:
        """The mail did not go: the user may ask again at once."""
        await self._pool.execute(UNSENT, uuid.UUID(request), now)

    async def confirm(self, user: int, request: str, code: str, now: float) -> None:
        """Spends one try; the right code makes the address theirs. Refusal `code_wrong`."""
        key = uuid.UUID(request)
        async with transaction(self._pool) as connection:
            email = await connection.fetchval(EMAIL_OF, key, user)
            right = email is not None and await connection.fetchval(
                TRY, key, user, self._mac(request, email, code), now, MAX_TRIES
            )
            if right:
                await connection.execute(SET, user, email)
        # Refused only after COMMIT, so that the try stays counted.
        if not right:
            raise Refusal("code_wrong")

    async def forget(self, user: int) -> None:
        """No mails to this user any more."""
        await self._pool.execute(SET, user, None)

    async def forget_old(self, now: float) -> None:
        """Deletes requests that no limit looks at any more."""
        await self._pool.execute(FORGET, now)

    def _mac(self, request: str, email: str, code: str) -> bytes:
        return hmac.digest(self._pepper, f"email|{request}|{email}|{code}".encode(), hashlib.sha256)
