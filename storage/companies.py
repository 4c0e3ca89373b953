"""Companies: who they say they are, and whether staff has found it true."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import asyncpg

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction

# What staff has verified: a change of it asks for a new look.
VOUCHED = ("legal_name", "country", "bin")

ADD = """
INSERT INTO companies (legal_name, country, bin, address, vat_payer, contact_name, contact_phone, contact_email)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *, 'owner' AS role
"""
# Primary key: a second company of the same user, even at the same moment, inserts nothing.
FOUND = """
INSERT INTO company_members (user_id, company_id, role) VALUES ($1, $2, 'owner') ON CONFLICT DO NOTHING
RETURNING user_id
"""
# Primary keys.
OWN = """
SELECT c.*, m.role FROM company_members m JOIN companies c ON c.id = m.company_id WHERE m.user_id = $1
"""
LOCK_OWN = OWN + " FOR NO KEY UPDATE OF c"
EDIT = """
UPDATE companies SET legal_name = $2, country = $3, bin = $4, address = $5, vat_payer = $6, contact_name = $7,
    contact_phone = $8, contact_email = $9, state = $10, reason = $11, version = version + 1
WHERE id = $1 RETURNING *, 'owner' AS role
"""
ASK = """
UPDATE companies SET state = 'pending', reason = NULL, version = version + 1 WHERE id = $1
RETURNING *, 'owner' AS role
"""
ONE = "SELECT c.*, NULL AS role FROM companies c WHERE c.id = $1"
# The primary key read backwards; ix_companies_pending serves the queue, oldest first.
BY_STATE = """
SELECT c.*, NULL AS role FROM companies c WHERE ($1::text IS NULL OR c.state = $1) AND c.id < $2
ORDER BY c.id DESC LIMIT $3
"""
PENDING = """
SELECT c.*, NULL AS role FROM companies c WHERE c.state = 'pending' AND c.id > $1 ORDER BY c.id LIMIT $2
"""
LOCK = "SELECT version FROM companies WHERE id = $1 FOR NO KEY UPDATE"
# Every owner is told.
DECIDE = """
WITH decided AS (
    UPDATE companies SET state = $2, reason = $3, decided_by = $4, decided_at = now(), version = version + 1
    WHERE id = $1 RETURNING *
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT m.user_id, 'company.decided', jsonb_build_object('company', d.id, 'state', d.state),
        'company:' || d.id || ':' || d.version || ':' || m.user_id, now() + interval '3 days'
    FROM decided d JOIN company_members m ON m.company_id = d.id AND m.role = 'owner'
)
SELECT *, NULL AS role FROM decided
"""


@dataclass(frozen=True, slots=True)
class Card:
    """What a company says of itself."""

    legal_name: str
    country: str
    bin: str
    address: str
    vat_payer: bool
    contact_name: str
    contact_phone: str | None
    contact_email: str | None


@dataclass(frozen=True, slots=True)
class Company:
    """A company with what staff thinks of it. `role` is that of the member who asked, None for others."""

    id: int
    card: Card
    state: str  # unverified | pending | verified | rejected
    reason: str | None
    created_at: float
    version: int
    role: str | None


class CompanyStore:
    """A user has one company at most; only an owner changes it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, user: int, card: Card) -> Company:
        """A new company with this user as its owner. Refusal `company_member`."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(ADD, *_columns(card))
            if await connection.fetchval(FOUND, user, row["id"]) is None:
                raise Refusal("company_member")
        return _company(row)

    async def own(self, user: int) -> Company:
        """The company of this user. Refusal `company_required`."""
        return _company(await _own(self._pool, user, OWN))

    async def edit(self, user: int, version: int, changes: Mapping[str, object]) -> Company:
        """Changes fields of Card. `company_required`, `forbidden` for a manager, `version_stale`.

        Another name, country or number makes a company unverified again.
        """
        async with transaction(self._pool) as connection:
            now = _company(await _own(connection, user, LOCK_OWN))
            if now.role != "owner":
                raise Refusal("forbidden", "only an owner may change the company")
            if now.version != version:
                raise Refusal("version_stale")
            card = replace(now.card, **changes)  # type: ignore[arg-type]  # names and types: the form's
            state, reason = now.state, now.reason
            if any(getattr(card, name) != getattr(now.card, name) for name in VOUCHED):
                state, reason = "unverified", None
            return _company(await connection.fetchrow(EDIT, now.id, *_columns(card), state, reason))

    async def ask_verification(self, user: int) -> Company:
        """Puts the company into the staff's queue; asked again, it keeps its place. `forbidden` for a manager."""
        async with transaction(self._pool) as connection:
            now = _company(await _own(connection, user, LOCK_OWN))
            if now.role != "owner":
                raise Refusal("forbidden", "only an owner may ask for it")
            if now.state in ("pending", "verified"):
                return now
            return _company(await connection.fetchrow(ASK, now.id))

    async def company(self, company: int) -> Company:
        """Any company. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, company)
        if row is None:
            raise Refusal("not_found")
        return _company(row)

    async def page(self, state: str | None, before: int | None, limit: int) -> list[Company]:
        """For staff, newest first."""
        before = 2**62 if before is None else before
        return [_company(row) for row in await self._pool.fetch(BY_STATE, state, before, limit)]

    async def waiting(self, after: int, limit: int) -> list[Company]:
        """What staff has to decide, oldest first."""
        return [_company(row) for row in await self._pool.fetch(PENDING, after, limit)]

    async def decide(
        self, staff: int, company: int, version: int, *, verified: bool, reason: str | None
    ) -> Company:
        """Staff's decision on what it has read. `not_found`, `version_stale`, `company_taken`."""
        async with transaction(self._pool) as connection:
            now = await connection.fetchval(LOCK, company)
            if now is None:
                raise Refusal("not_found")
            if now != version:
                raise Refusal("version_stale")
            state = "verified" if verified else "rejected"
            try:
                return _company(await connection.fetchrow(DECIDE, company, state, reason, staff))
            except asyncpg.UniqueViolationError:
                raise Refusal("company_taken") from None


async def _own(source: Pool | Connection, user: int, query: str) -> asyncpg.Record:
    row = await source.fetchrow(query, user)
    if row is None:
        raise Refusal("company_required")
    return row


def _columns(card: Card) -> tuple[object, ...]:
    return (
        card.legal_name,
        card.country,
        card.bin,
        card.address,
        card.vat_payer,
        card.contact_name,
        card.contact_phone,
        card.contact_email,
    )


def _company(row: asyncpg.Record) -> Company:
    return Company(
        id=row["id"],
        card=Card(*(row[name] for name in Card.__dataclass_fields__)),
        state=row["state"],
        reason=row["reason"],
        created_at=row["created_at"].timestamp(),
        version=row["version"],
        role=row["role"],
    )
