"""Websocket tickets: what a browser's upgrade request carries instead of a header it cannot send."""

import hashlib
import secrets

import msgspec
from redis.asyncio import Redis

from dispatch.errors import Refusal
from storage.redis import Keys, Unreachable

from .auth import Principal

LIFETIME_S = 30


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What a ticket stands for. The device's secret was checked when it was issued."""

    user: int
    role: str
    session: str
    expires_at: float
    device: int | None
    grade: str | None = None
    lang: str | None = None


class Tickets:
    """Single-use tickets of 256 random bits. Redis keeps their hashes for 30 s and hands each out once."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def issue(self, principal: Principal, device: int | None = None) -> str:
        """A ticket for this principal and its (checked) device. Refusal `unavailable` without Redis."""
        ticket = secrets.token_urlsafe(32)
        who = principal
        claim = Claim(who.user, who.role, who.session, who.expires_at, device, who.grade, who.lang)
        try:
            await self._redis.set(self._key(ticket), msgspec.msgpack.encode(claim), ex=LIFETIME_S)
        except Unreachable:
            raise Refusal("unavailable") from None
        return ticket

    async def redeem(self, ticket: str) -> tuple[Principal, int | None]:
        """(principal, device), once. Refusal `unauthenticated` for a used, old or invented ticket."""
        try:
            held = await self._redis.getdel(self._key(ticket))
        except Unreachable:
            raise Refusal("unavailable") from None
        if not isinstance(held, bytes):
            raise Refusal("unauthenticated")
        claim = msgspec.msgpack.decode(held, type=Claim)
        principal = Principal(
            claim.user, claim.role, claim.session, claim.expires_at, claim.grade, lang=claim.lang
        )
        return principal, claim.device

    def _key(self, ticket: str) -> str:
        # A hash, so that whoever can list Redis' keys cannot connect as anybody.
        return self._keys.ticket(hashlib.sha256(ticket.encode("utf-8", "surrogateescape")).hexdigest())
