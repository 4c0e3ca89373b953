"""API keys of companies: made once, shown once, stored as a hash, and gone the moment they are revoked."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.errors import Refusal

from .postgres import Pool, transaction

PREFIX = "tdk_"
HINT = 12  # characters that are shown of a key later on
MAX_KEYS = 20  # live ones of a company
LENGTH = len(PREFIX) + 43

# ix_api_keys_company_id_id.
COUNT = """
SELECT count(*) FROM api_keys
WHERE company_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
VIEW = """
id, name, hint, scopes, user_id, extract(epoch FROM created_at)::float8 AS created_at,
extract(epoch FROM expires_at)::float8 AS expires_at, extract(epoch FROM last_used_at)::float8 AS last_used_at,
extract(epoch FROM revoked_at)::float8 AS revoked_at
"""
ADD = f"""
INSERT INTO api_keys (company_id, user_id, name, hint, key_hash, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8)) RETURNING {VIEW}
"""
OF_COMPANY = f"SELECT {VIEW} FROM api_keys WHERE company_id = $1 ORDER BY id DESC"
# Primary key. A key that is revoked twice keeps its first time.
REVOKE = """
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND company_id = $2 RETURNING id
"""
# By the unique hash; primary keys of users and company_members. The key works as long as the member who made it
# is in the company and not blocked.
FIND = """
SELECT k.id, k.user_id, k.company_id, k.scopes, u.locale, extract(epoch FROM k.expires_at)::float8 AS expires_at,
    k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' AS stale
FROM api_keys k JOIN users u ON u.id = k.user_id
JOIN company_members m ON m.user_id = k.user_id AND m.company_id = k.company_id
WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    AND NOT u.blocked AND u.role = 'shipper'
"""
# Primary key.
COMPANY = "SELECT company_id, role FROM company_members WHERE user_id = $1"
USED = "UPDATE api_keys SET last_used_at = now() WHERE id = $1"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its company sees it; times in epoch seconds."""

    id: int
    name: str
    hint: str
    scopes: Sequence[str]
    user: int
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a key speaks for, and what it may do."""

    key: int
    user: int
    company: int
    scopes: frozenset[str]
    expires_at: float | None
    lang: str


class ApiKeyStore:
    """The keys of all companies."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def company_of_owner(self, user: int) -> int:
        """The company that this user is an owner of. `company_required`, `forbidden` for who only works there."""
        row = await self._pool.fetchrow(COMPANY, user)
        if row is None:
            raise Refusal("company_required")
        if row["role"] != "owner":
            raise Refusal("forbidden", "only an owner of the company may do this")
        company: int = row["company_id"]
        return company

    async def add(
        self, company: int, user: int, name: str, scopes: Sequence[str], expires_at: float | None
    ) -> tuple[ApiKey, str]:
        """(the key as it is listed, the key itself, which is told this once). Refusal `limit_reached`."""
        key = PREFIX + secrets.token_urlsafe(32)
        async with transaction(self._pool) as connection:
            if await connection.fetchval(COUNT, company) >= MAX_KEYS:
                raise Refusal("limit_reached")
            row = await connection.fetchrow(
                ADD, company, user, name, key[:HINT], _hash(key), scopes, expires_at
            )
        return _key(row), key

    async def of(self, company: int) -> list[ApiKey]:
        """Every key of a company, newest first, with those that were revoked."""
        return [_key(row) for row in await self._pool.fetch(OF_COMPANY, company)]

    async def revoke(self, company: int, key: int) -> None:
        """Ends a key at once. `not_found` for another company's."""
        if await self._pool.fetchval(REVOKE, key, company) is None:
            raise Refusal("not_found")

    async def caller(self, key: str) -> Caller:
        """Whom this key speaks for. Refusal `unauthenticated`, whatever is wrong with it."""
        row = None
        if len(key) == LENGTH and key.isascii():
            row = await self._pool.fetchrow(FIND, _hash(key))
        if row is None:
            raise Refusal("unauthenticated")
        if row["stale"]:  # once a minute, so that a busy key does not write with every call
            await self._pool.execute(USED, row["id"])
        return Caller(
            row["id"],
            row["user_id"],
            row["company_id"],
            frozenset(row["scopes"]),
            row["expires_at"],
            row["locale"],
        )


def _hash(key: str) -> bytes:
    """No salt is needed: the key itself is 256 random bits."""
    return hashlib.sha256(key.encode()).digest()


def _key(row: object) -> ApiKey:
    return ApiKey(*row)  # type: ignore[misc]  # the columns of VIEW, in their order
