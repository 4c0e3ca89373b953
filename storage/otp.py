"""One-time codes: asked for within limits, tried at most five times, good once."""

import hashlib
import hmac
import ipaddress
import logging
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, Protocol

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction

log = logging.getLogger("desk.otp")

Purpose = Literal["sign_in", "change_phone", "erase"]
LIFETIME_S = 300.0
RESEND_S = 60.0
MAX_TRIES = 5
OPERATOR = "operator"  # in the place of an address: codes of `link`, which are no SMS and count for no limit

# Served by ix_otp_requests_phone_created_at: at most a day of one number. What no gateway took never arrived.
ASKED_BY_PHONE = """
SELECT count(*) AS day,
       count(*) FILTER (WHERE created_at > to_timestamp($2) - interval '1 hour') AS hour,
       extract(epoch FROM max(created_at))::float8 AS last
FROM otp_requests WHERE phone = $1 AND created_at > to_timestamp($2) - interval '1 day' AND ip <> 'operator'
    AND failed_at IS NULL
"""
# Served by ix_otp_requests_ip_created_at.
ASKED_BY_ADDRESS = """
SELECT count(*) FROM otp_requests WHERE ip = $1 AND created_at > to_timestamp($2) - interval '1 hour'
"""
# Served by ix_otp_requests_network_created_at.
ASKED_BY_NETWORK = """
SELECT count(*) FROM otp_requests WHERE network = $1 AND created_at > to_timestamp($2) - interval '1 hour'
"""
# One row a day for all workers: whoever gets a number back may send. The row is held for one short transaction.
SPEND_SMS = """
INSERT INTO sms_days (day, sent) VALUES ($1, 1)
ON CONFLICT (day) DO UPDATE SET sent = sms_days.sent + 1 WHERE sms_days.sent < $2
RETURNING sent
"""
TRIP = """
UPDATE sms_days SET tripped_at = to_timestamp($2) WHERE day = $1 AND tripped_at IS NULL RETURNING true
"""
UNSENT = """
UPDATE otp_requests SET failed_at = to_timestamp($2) WHERE id = $1 AND failed_at IS NULL RETURNING created_at
"""
REFUND_SMS = "UPDATE sms_days SET sent = sent - 1 WHERE day = $1 AND sent > 0"
# Two requests at once for one number or from one address count one after the other, or both would pass.
QUEUE = "SELECT pg_advisory_xact_lock($1, hashtext($2))"
NETWORK_QUEUE, ADDRESS_QUEUE, PHONE_QUEUE = 7100, 7101, 7102
INSERT = """
INSERT INTO otp_requests (id, phone, role, code_hmac, ip, network, purpose, user_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9), to_timestamp($10))
"""
PHONE_OF = "SELECT phone FROM otp_requests WHERE id = $1"
# Judged and counted in one statement: the row lock queues parallel tries, so five are five and one wins.
# The MAC under a secret key makes the comparison's timing worthless to a guesser.
TRY = """
UPDATE otp_requests
SET tries = tries + 1, used_at = CASE WHEN code_hmac = $2 THEN to_timestamp($3) END
WHERE id = $1 AND used_at IS NULL AND tries < $4 AND expires_at > to_timestamp($3) AND purpose = $5
    AND user_id IS NOT DISTINCT FROM $6
RETURNING used_at IS NOT NULL AS right_code, phone, role, ip = 'operator' AS operator
"""
FORGET = "DELETE FROM otp_requests WHERE created_at < to_timestamp($1) - interval '2 days'"
FORGET_DAYS = "DELETE FROM sms_days WHERE day < $1"


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

    @property
    def per_network_hour(self) -> int:
        """From one IPv4 /24 or IPv6 /48 in an hour."""

    @property
    def daily_budget(self) -> int | None:
        """By all in a day (UTC); None where codes cost nothing."""


@dataclass(frozen=True, slots=True)
class Code:
    """A fresh code, known only to whoever sends it; a `fixed` one is known already and is not sent. Times in
    epoch seconds."""

    request: str
    phone: str
    code: str
    expires_at: float
    resend_at: float
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Proven:
    """A phone whose owner gave the right code, and the role asked for if the account is new. `operator`: the code
    was made at the machine, by who holds the deployment's keys."""

    phone: str
    role: str
    operator: bool = False


class OtpStore:
    """Codes in PostgreSQL, as MACs under the pepper: a copy of the table signs nobody in."""

    def __init__(
        self, pool: Pool, pepper: str, limits: OtpLimits, fixed: Mapping[str, str] | None = None
    ) -> None:
        self._pool = pool
        self._pepper = pepper.encode()
        self._limits = limits
        self._fixed = fixed or {}  # numbers of app reviewers and their codes
        self.over_budget = 0

    async def ask(
        self,
        phone: str,
        role: str,
        address: str,
        now: float,
        *,
        purpose: Purpose = "sign_in",
        user: int | None = None,
    ) -> Code:
        """A code for an E.164 number, whether or not it has an account.

        Refusal `rate_limited`; `sms_unavailable` when the day's budget is spent.
        """
        network = wide(address)
        async with transaction(self._pool) as connection:
            # Always in this order, so that two requests never wait for each other.
            await connection.execute(QUEUE, NETWORK_QUEUE, network)
            await connection.execute(QUEUE, ADDRESS_QUEUE, address)
            await connection.execute(QUEUE, PHONE_QUEUE, phone)
            if await connection.fetchval(ASKED_BY_ADDRESS, address, now) >= self._limits.per_address_hour:
                raise Refusal("rate_limited", "too many codes were asked for from this address this hour")
            if await connection.fetchval(ASKED_BY_NETWORK, network, now) >= self._limits.per_network_hour:
                raise Refusal("rate_limited", "too many codes were asked for from this network this hour")
            asked = await connection.fetchrow(ASKED_BY_PHONE, phone, now)
            if asked["last"] is not None and asked["last"] + RESEND_S > now:
                wait = int(asked["last"] + RESEND_S - now) + 1
                raise Refusal("rate_limited", "a new code can be sent in {wait:duration}", wait=wait)
            if asked["hour"] >= self._limits.per_number_hour or asked["day"] >= self._limits.per_number_day:
                raise Refusal("rate_limited", "too many codes were asked for this number: try again later")
            code = None
            if await self._may_spend(connection, phone, now):
                code = await self._write(connection, phone, role, address, now, LIFETIME_S, purpose, user)
        # Refused only after COMMIT: that the budget is spent is noted once.
        if code is None:
            raise Refusal("sms_unavailable")
        return code

    async def unsent(self, request: str, now: float) -> None:
        """No gateway took the code: it counts neither for the number's limits nor for the day's budget."""
        async with transaction(self._pool) as connection:
            asked = await connection.fetchval(UNSENT, uuid.UUID(request), now)
            if asked is not None and self._limits.daily_budget is not None:
                await connection.execute(REFUND_SMS, asked.date())

    async def issue(self, phone: str, role: str, now: float, lifetime_s: float) -> Code:
        """A code outside the limits, for an operator at the machine (`link`); never reachable by HTTP."""
        async with transaction(self._pool) as connection:
            return await self._write(connection, phone, role, OPERATOR, now, lifetime_s)

    async def prove(
        self,
        connection: Connection,
        request: str,
        code: str,
        now: float,
        *,
        purpose: Purpose = "sign_in",
        user: int | None = None,
    ) -> Proven | None:
        """Spends one try of this request, inside the caller's transaction; None when it did not hold.

        The caller must commit in either case, or a wrong try would not count.
        """
        key = uuid.UUID(request)
        phone = await connection.fetchval(PHONE_OF, key)
        if phone is None:
            return None
        mac = self._mac(request, phone, code)
        row = await connection.fetchrow(TRY, key, mac, now, MAX_TRIES, purpose, user)
        if row is None or not row["right_code"]:
            return None
        return Proven(row["phone"], row["role"], row["operator"])

    async def forget_old(self, now: float) -> None:
        """Deletes requests that no limit looks at any more."""
        await self._pool.execute(FORGET, now)
        await self._pool.execute(FORGET_DAYS, day_of(now - 400 * 86400.0))

    async def _may_spend(self, connection: Connection, phone: str, now: float) -> bool:
        budget = self._limits.daily_budget
        if budget is None or phone in self._fixed:
            return True
        if await connection.fetchval(SPEND_SMS, day_of(now), budget) is not None:
            return True
        self.over_budget += 1
        if await connection.fetchval(TRIP, day_of(now), now):
            log.error("sms.budget_spent", extra={"day": day_of(now).isoformat(), "budget": budget})
        return False

    async def _write(
        self,
        connection: Connection,
        phone: str,
        role: str,
        address: str,
        now: float,
        lifetime_s: float,
        purpose: Purpose = "sign_in",
        user: int | None = None,
    ) -> Code:
        request = str(uuid.uuid4())
        fixed = self._fixed.get(phone) if address != OPERATOR else None
        code = fixed or f"{secrets.randbelow(1_000_000):06d}"
        about = (phone, role, self._mac(request, phone, code), address, wide(address), purpose, user)
        await connection.execute(INSERT, request, *about, now, now + lifetime_s)
        return Code(request, phone, code, now + lifetime_s, now + RESEND_S, fixed is not None)

    def _mac(self, request: str, phone: str, code: str) -> bytes:
        return hmac.digest(self._pepper, f"otp|{request}|{phone}|{code}".encode(), hashlib.sha256)


def wide(address: str) -> str:
    """The network around an address that limits also count: an IPv4 /24, an IPv6 /48."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


def day_of(now: float) -> date:
    """The day (UTC) whose budget pays."""
    return datetime.fromtimestamp(now, UTC).date()
