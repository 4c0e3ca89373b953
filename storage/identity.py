"""Who may act: sign-ins by one-time code, and registered devices. What follows a sign-in is in sessions.py."""

import hmac
from collections.abc import Mapping
from typing import NamedTuple

import asyncpg
from asyncpg import Record

from dispatch.errors import Refusal

from .factors import FactorNeeded, FactorStore
from .otp import Code, OtpLimits, OtpStore
from .postgres import Connection, Pool, transaction
from .referrals.attributing import Attributor, Place, Referral
from .sessions import (
    FORGET_SESSIONS,
    FORGET_TOKENS,
    GRACE_S,
    SESSION_LIFETIME_S,
    Replayed,
    SessionStore,
    SignIn,
    Via,
    end_sessions,
    open_session,
    random_token,
    sha256,
)

__all__ = [
    "GRACE_S",
    "SESSION_LIFETIME_S",
    "FactorNeeded",
    "IdentityStore",
    "Replayed",
    "SignIn",
    "Via",
    "random_token",
    "sha256",
]

# The no-op update takes the row lock, so that two first sign-ins of one number agree on one account. A row that
# this very statement inserted has no xmax.
ENTER = """
INSERT INTO users (phone, role, locale) VALUES ($1, $2, $3)
ON CONFLICT (phone) DO UPDATE SET phone = EXCLUDED.phone
RETURNING id, role, grade, blocked, phone, locale, xmax = 0 AS made
"""
# Primary key. Somebody seen by Google or Apple, whose phone this is to be.
PENDING_IDENTITY = """
SELECT p.identity_id, i.name FROM pending_sign_ins p JOIN identities i ON i.id = p.identity_id
WHERE p.token_hash = $1 AND p.kind = 'identity' AND p.used_at IS NULL AND p.expires_at > to_timestamp($2)
FOR UPDATE OF p
"""
SPEND = "UPDATE pending_sign_ins SET used_at = to_timestamp($2) WHERE token_hash = $1"
LINK = """
UPDATE identities SET user_id = $2, linked_at = to_timestamp($3) WHERE id = $1 AND user_id IS NULL RETURNING true
"""
NAME = "UPDATE users SET name = $2 WHERE id = $1 AND name = ''"
PHONE = "SELECT phone FROM users WHERE id = $1"
SET_PHONE = "UPDATE users SET phone = $2 WHERE id = $1 AND NOT blocked RETURNING true"
ADD_DEVICE = "INSERT INTO devices (user_id, secret_hash, label) VALUES ($1, $2, $3) RETURNING id"
DEVICE = """
SELECT d.user_id, d.secret_hash FROM devices d JOIN users u ON u.id = d.user_id
WHERE d.id = $1 AND d.revoked_at IS NULL AND NOT u.blocked
"""


class Entered(NamedTuple):
    """What a right code has opened, whether the waiting identity became this account's, and whether the account
    was brought by the code that was named."""

    outcome: SignIn | FactorNeeded
    linked: bool
    referred: bool


class IdentityStore(SessionStore):
    """Accounts are entered, sessions kept alive and devices known here. Secrets are kept as hashes."""

    def __init__(
        self, pool: Pool, *, pepper: str, limits: OtpLimits, fixed: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(pool, pepper=pepper)
        self.otp = OtpStore(pool, pepper, limits, fixed)
        self.factors = FactorStore(pool, pepper)
        self._attributor = Attributor(pepper)

    async def ask(self, phone: str, role: str, address: str, now: float) -> Code:
        """A one-time code for an E.164 number. Refusal `rate_limited`, `sms_unavailable`."""
        return await self.otp.ask(phone, role, address, now)

    async def sign_in(
        self,
        request: str,
        code: str,
        *,
        address: str,
        user_agent: str,
        now: float,
        identity: str | None = None,
        lang: str = "ru",
        referral: Referral | None = None,
        network: str = "",
    ) -> Entered:
        """Opens a session for the owner of the phone, making the account on first sight; staff are asked for
        their second factor first, unless the code is an operator's, who holds the deployment's keys.

        `identity` is the token of a Google or Apple account that waits for a phone: a new account gets it. An
        account that is there already does not, as the page that asks may be a stranger's: its owner links it.

        `lang` is the language of a new account's profile. `referral` says by which code a new account was brought
        (an account that is there already was not); `network` is what limits count as the caller.

        Refusal `code_wrong` for a wrong, used, over-tried or old code; `account_blocked`; `challenge_over` for an
        identity that waits no longer.
        """
        async with transaction(self._pool) as connection:
            waiting = None
            if identity is not None:
                waiting = await connection.fetchrow(PENDING_IDENTITY, sha256(identity), now)
                if waiting is None:
                    raise Refusal("challenge_over")
            proven = await self.otp.prove(connection, request, code, now)
            user = await connection.fetchrow(ENTER, proven.phone, proven.role, lang) if proven else None
            outcome, linked, referred = None, False, False
            if proven is not None and user is not None and not user["blocked"]:
                via = Via("link" if proven.operator else "otp", address, user_agent)
                outcome = await self.enter(connection, user, via, now, both=proven.operator)
                if referral is not None and user["made"]:
                    place = Place(address, network, user_agent)
                    referred = await self._attributor.attribute(connection, user, referral, place, now)
                if waiting is not None and identity is not None and user["made"]:
                    linked = await link(connection, user["id"], waiting, now)
                    await connection.execute(SPEND, sha256(identity), now)
        # Refused only after COMMIT, so that the try stays counted.
        if user is None:
            raise Refusal("code_wrong")
        if outcome is None:
            raise Refusal("account_blocked")
        return Entered(outcome, linked, referred)

    async def enter(
        self,
        connection: Connection,
        user: Record,
        via: Via,
        now: float,
        *,
        both: bool = False,
        refresh: str | None = None,
    ) -> SignIn | FactorNeeded:
        """A session for this user (id, role, grade, phone, locale), or for staff the question for the second
        factor, which `both` says has been answered. In the caller's transaction."""
        if user["role"] == "admin" and not both:
            return await self.factors.challenge(connection, user, via, now)
        factor_at = now if user["role"] == "admin" else None
        return await open_session(connection, user, via, now, factor_at=factor_at, refresh=refresh)

    async def change_phone(
        self, user: int, session: str, request: str, code: str, now: float
    ) -> tuple[str, list[str]]:
        """Moves the account to the number that the code was sent to: (number, ids of its other sessions, ended).

        Refusal `code_wrong`, `phone_taken`, `account_blocked`.
        """
        try:
            async with transaction(self._pool) as connection:
                proven = await self.otp.prove(
                    connection, request, code, now, purpose="change_phone", user=user
                )
                moved, ended = None, []
                if proven is not None:
                    moved = await connection.fetchval(SET_PHONE, user, proven.phone)
                    ended = await end_sessions(connection, user, now, "phone_changed", but=session)
        except asyncpg.UniqueViolationError:
            # The code stays good: it was right, and the number may become free.
            raise Refusal("phone_taken") from None
        if proven is None:
            raise Refusal("code_wrong")
        if moved is None:
            raise Refusal("account_blocked")
        return proven.phone, ended

    async def prove_owner(self, user: int, request: str, code: str, now: float) -> None:
        """Whoever is signed in shows that the account's phone is in their hands. Refusal `code_wrong`."""
        async with transaction(self._pool) as connection:
            proven = await self.otp.prove(connection, request, code, now, purpose="erase", user=user)
            phone = await connection.fetchval(PHONE, user)
        # Refused only after COMMIT, so that the try stays counted.
        if proven is None or proven.phone != phone:
            raise Refusal("code_wrong")

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


async def link(connection: Connection, user: int, waiting: Record, now: float) -> bool:
    """Gives a waiting identity (identity_id, name) to this account; an account without a name gets its name."""
    if not await connection.fetchval(LINK, waiting["identity_id"], user, now):
        return False
    if waiting["name"]:
        await connection.execute(NAME, user, waiting["name"])
    return True
