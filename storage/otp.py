"""One-time codes: asked for within limits, tried at most five times, good once."""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import Protocol

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction

LIFETIME_S = 300.0
RESEND_S = 60.0
MAX_TRIES = 5
OPERATOR = "operator"  # in the place of an address: codes of `link`, which are no SMS and count for no limit

# Served by ix_otp_requests_phone_created_at: at most a day of one number.
ASKED_BY_PHONE = """
SELECT count(*) AS day,
       count(*) FILTER (WHERE created_at > to_timestamp($2) - interval '1 hour') AS hour,
       extract(epoch FROM max(created_at))::float8 AS last
FROM otp_requests WHERE phone = $1 AND created_at > to_timestamp($2) - interval '1 day' AND ip <> 'operator'
"""
# Served by ix_otp_requests_ip_created_at.
ASKED_BY_ADDRESS = """
SELECT count(*) FROM otp_requests WHERE ip = $1 AND created_at > to_timestamp($2) - interval '1 hour'
"""
# Two requests at once for one number or from one address count one after the other, or both would pass.
QUEUE = "SELECT pg_advisory_xact_lock($1, hashtext($2))"
ADDRESS_QUEUE, PHONE_QUEUE = 7101, 7102
INSERT = """
INSERT INTO otp_requests (id, phone, role, code_hmac, ip, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, to_timestamp($6), to_timestamp($7))
"""
PHONE_OF = "SELECT phone FROM otp_requests WHERE id = $1"
# Judged and counted in one statement: the row lock queues parallel tries, so five are five and one wins.
# The MAC under a secret key makes the comparison's timing worthless to a guesser.
TRY = """
UPDATE otp_requests
SET tries = tries + 1, used_at = CASE WHEN code_hmac = $2 THEN to_timestamp($3) END
WHERE id = $1 AND used_at IS NULL AND tries < $4 AND expires_at > to_timestamp($3)
RETURNING used_at IS NOT NULL AS right_code, phone, role
"""
FORGET = "DELETE FROM otp_requests WHERE created_at < to_timestamp($1) - interval '2 days'"


class OtpLimits(Protocol):
    """How many codes may be asked for."""

    @property
    def per_number_hour(self) -> int:
        """By one phone number in an hour."""

    @property
    def per_number_day(self) -> int:
        """By one phone number in a day."""

    @property
    def per_address_hour(self) -> int:
        """From one network address in an hour."""


@dataclass(frozen=True, slots=True)
class Code:
    """A fresh code, known only to whoever sends it. Times in epoch seconds."""

    request: str
    phone: str
    code: str
    expires_at: float
    resend_at: float


@dataclass(frozen=True, slots=True)
class Proven:
    """A phone whose owner gave the right code, and the role asked for if the account is new."""

    phone: str
    role: str


class OtpStore:
    """Codes in PostgreSQL, as MACs under the pepper: a copy of the table signs nobody in."""

    def __init__(self, pool: Pool, pepper: str, limits: OtpLimits) -> None:
        self._pool = pool
        self._pepper = pepper.encode()
        self._limits = limits

    async def ask(self, phone: str, role: str, address: str, now: float) -> Code:
        """A code for an E.164 number, whether or not it has an account. Refusal `rate_limited`."""
        async with transaction(self._pool) as connection:
            # Always in this order, so that two requests never wait for each other.
            await connection.execute(QUEUE, ADDRESS_QUEUE, address)
            await connection.execute(QUEUE, PHONE_QUEUE, phone)
            if await connection.fetchval(ASKED_BY_ADDRESS, address, now) >= self._limits.per_address_hour:
                raise Refusal("rate_limited", "too many codes were asked for from this address this hour")
            asked = await connection.fetchrow(ASKED_BY_PHONE, phone, now)
            if asked["last"] is not None and asked["last"] + RESEND_S > now:
                wait = int(asked["last"] + RESEND_S - now) + 1
                raise Refusal("rate_limited", "a new code can be sent in {wait:duration}", wait=wait)
            if asked["hour"] >= self._limits.per_number_hour or asked["day"] >= self._limits.per_number_day:
                raise Refusal("rate_limited", "too many codes were asked for this number: try again later")
            return await self._write(connection, phone, role, address, now, LIFETIME_S)

    async def issue(self, phone: str, role: str, now: float, lifetime_s: float) -> Code:
        """A code outside the limits, for an operator at the machine (`link`); never reachable by HTTP."""
        async with transaction(self._pool) as connection:
            return await self._write(connection, phone, role, OPERATOR, now, lifetime_s)

    async def prove(self, connection: Connection, request: str, code: str, now: float) -> Proven | None:
        """Spends one try of this request, inside the caller's transaction; None when it did not hold.

        The caller must commit in either case, or a wrong try would not count.
        """
        key = uuid.UUID(request)
        phone = await connection.fetchval(PHONE_OF, key)
        if phone is None:
            return None
        row = await connection.fetchrow(TRY, key, self._mac(request, phone, code), now, MAX_TRIES)
        return Proven(row["phone"], row["role"]) if row is not None and row["right_code"] else None

    async def forget_old(self, now: float) -> None:
        """Deletes requests that no limit looks at any more."""
        await self._pool.execute(FORGET, now)

    async def _write(
        self, connection: Connection, phone: str, role: str, address: str, now: float, lifetime_s: float
    ) -> Code:
        request = str(uuid.uuid4())
        code = f"{secrets.randbelow(1_000_000):06d}"
        mac = self._mac(request, phone, code)
        await connection.execute(INSERT, request, phone, role, mac, address, now, now + lifetime_s)
        return Code(request, phone, code, now + lifetime_s, now + RESEND_S)

    def _mac(self, request: str, phone: str, code: str) -> bytes:
        return hmac.digest(self._pepper, f"otp|{request}|{phone}|{code}".encode(), hashlib.sha256)
