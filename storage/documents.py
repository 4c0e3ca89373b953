"""Papers of drivers, vehicles and companies: sent in, reviewed by staff, running out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import asyncpg

from dispatch.errors import Refusal

from .files import DROP, StoredFile, hold, stored_file
from .order_rows import seconds
from .postgres import Connection, Pool, transaction

MAX_OWN = 200
_PERSON, _VEHICLE, _COMPANY = "person", "vehicle", "company"
# Whose paper each kind is.
SUBJECTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "driver_licence": frozenset({_PERSON}),
        "adr_driver": frozenset({_PERSON}),
        "medical": frozenset({_PERSON}),
        "vehicle_registration": frozenset({_VEHICLE}),
        "trailer_registration": frozenset({_VEHICLE}),
        "insurance": frozenset({_VEHICLE}),
        "inspection": frozenset({_VEHICLE}),
        "adr_vehicle": frozenset({_VEHICLE}),
        "tir_approval": frozenset({_VEHICLE}),
        "tir_carnet": frozenset({_VEHICLE}),
        "cargo_insurance": frozenset({_VEHICLE, _COMPANY}),
        "company_registration": frozenset({_COMPANY}),
        "vat_certificate": frozenset({_COMPANY}),
        "transport_licence": frozenset({_PERSON, _COMPANY}),
        "power_of_attorney": frozenset({_PERSON, _VEHICLE, _COMPANY}),
        "other": frozenset({_PERSON, _VEHICLE, _COMPANY}),
    }
)

# Primary keys. The paper of a truck may come from whoever drives it or whose company owns it.
VEHICLE_OF = """
SELECT v.id FROM vehicles v LEFT JOIN company_members m ON m.user_id = $2
WHERE v.id = $1 AND (v.keeper_id = $2 OR v.company_id = m.company_id) AND v.archived_at IS NULL
"""
COMPANY_OF = "SELECT company_id FROM company_members WHERE user_id = $1"
# ix_documents_user_id.
COUNT = "SELECT count(*) FROM documents WHERE user_id = $1"
ADD = """
INSERT INTO documents (user_id, vehicle_id, company_id, file_id, kind, number, issued_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7), to_timestamp($8)) RETURNING *
"""
# The user's own by ix_documents_user_id, the company's by ix_documents_company_id, those of the company's trucks
# by ix_vehicles_company_id and ix_documents_vehicle_id.
MINE = """
SELECT d.*, f.mime, f.size FROM documents d JOIN files f ON f.id = d.file_id
WHERE d.id < $2 AND d.id IN (
    SELECT id FROM documents WHERE user_id = $1
    UNION ALL SELECT p.id FROM documents p JOIN company_members m ON m.company_id = p.company_id
        WHERE m.user_id = $1
    UNION ALL SELECT p.id FROM documents p JOIN vehicles v ON v.id = p.vehicle_id
        JOIN company_members m ON m.company_id = v.company_id WHERE m.user_id = $1)
ORDER BY d.id DESC LIMIT $3
"""
# Primary keys.
VISIBLE = """
SELECT d.*, f.mime, f.size FROM documents d JOIN files f ON f.id = d.file_id
LEFT JOIN company_members m ON m.user_id = $2 LEFT JOIN vehicles v ON v.id = d.vehicle_id
WHERE d.id = $1 AND (d.user_id = $2 OR d.company_id = m.company_id OR v.company_id = m.company_id)
"""
ONE = "SELECT d.*, f.mime, f.size FROM documents d JOIN files f ON f.id = d.file_id WHERE d.id = $1"
FILE_OF = "SELECT f.* FROM documents d JOIN files f ON f.id = d.file_id WHERE d.id = $1"
DELETE = "DELETE FROM documents WHERE id = $1 RETURNING file_id"
# ix_documents_pending, oldest first; any other state by the primary key.
QUEUE = """
SELECT d.*, f.mime, f.size FROM documents d JOIN files f ON f.id = d.file_id
WHERE d.state = 'pending' AND d.id > $1 ORDER BY d.id LIMIT $2
"""
LOCK = "SELECT version, user_id FROM documents WHERE id = $1 FOR NO KEY UPDATE"
REVIEW = """
WITH reviewed AS (
    UPDATE documents SET state = $2, reason = $3, reviewed_by = $4, reviewed_at = now(), version = version + 1
    WHERE id = $1 RETURNING *
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT user_id, 'document.reviewed', jsonb_build_object('document', id, 'state', state),
        'document:' || id || ':' || version, now() + interval '3 days'
    FROM reviewed
)
SELECT d.*, f.mime, f.size FROM reviewed d JOIN files f ON f.id = d.file_id
"""
# ix_documents_expiry. Marked and told in one statement, so each of the three warnings is sent once. A company is
# told through its members. $1 now, $2 at most so many.
WARN = """
WITH near AS (
    SELECT d.id, w.days FROM documents d CROSS JOIN LATERAL (
        SELECT CASE WHEN d.expires_at <= to_timestamp($1) + interval '1 day' THEN 1
            WHEN d.expires_at <= to_timestamp($1) + interval '7 days' THEN 7 ELSE 30 END AS days) w
    WHERE d.state <> 'rejected' AND d.expires_at > to_timestamp($1)
        AND d.expires_at <= to_timestamp($1) + interval '30 days'
        AND (d.warned_days IS NULL OR d.warned_days > w.days)
    ORDER BY d.expires_at LIMIT $2 FOR NO KEY UPDATE OF d SKIP LOCKED
), marked AS (
    UPDATE documents d SET warned_days = near.days FROM near WHERE d.id = near.id RETURNING d.*
), readers AS (
    SELECT m.id, m.warned_days, m.expires_at, coalesce(c.user_id, m.user_id) AS user_id
    FROM marked m LEFT JOIN vehicles v ON v.id = m.vehicle_id
    LEFT JOIN company_members c ON c.company_id = coalesce(m.company_id, v.company_id)
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at)
    SELECT user_id, 'document.expires', jsonb_build_object('document', id, 'n', warned_days),
        'expires:' || id || ':' || warned_days || ':' || user_id, to_timestamp($1), expires_at
    FROM readers ON CONFLICT DO NOTHING
)
SELECT count(*) FROM marked
"""


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A paper that is sent in. Without `vehicle` and `for_company` it is the sender's own."""

    file: int
    kind: str
    number: str
    issued_at: float | None
    expires_at: float | None
    vehicle: int | None
    for_company: bool


@dataclass(frozen=True, slots=True)
class Document:
    """A paper. `state`: pending, approved or rejected, then with a reason."""

    id: int
    user: int
    vehicle: int | None
    company: int | None
    file: int
    mime: str
    size: int
    kind: str
    number: str
    issued_at: float | None
    expires_at: float | None
    state: str
    reason: str | None
    created_at: float
    version: int


class DocumentStore:
    """Papers that a user has sent, or that are of their company. Others are `not_found`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, user: int, new: NewDocument) -> Document:
        """Makes an upload a paper.

        `bad_request` for a kind that is not of that subject, `not_found` for a foreign file or vehicle,
        `file_held`, `company_required`, `limit_reached`.
        """
        subject = _VEHICLE if new.vehicle is not None else _COMPANY if new.for_company else _PERSON
        if subject not in SUBJECTS[new.kind] or (new.vehicle is not None and new.for_company):
            raise Refusal("bad_request", "this kind of paper is not of that subject").at("kind")
        if (new.issued_at or 0.0) >= (new.expires_at or math.inf):
            raise Refusal("bad_request", "a paper is issued before it expires").at("issued_at")
        async with transaction(self._pool) as connection:
            file = await hold(connection, user, new.file, "document")
            if new.vehicle is not None and not await connection.fetchval(VEHICLE_OF, new.vehicle, user):
                raise Refusal("not_found")
            company = await connection.fetchval(COMPANY_OF, user) if new.for_company else None
            if new.for_company and company is None:
                raise Refusal("company_required")
            if await connection.fetchval(COUNT, user) >= MAX_OWN:
                raise Refusal("limit_reached")
            row = await connection.fetchrow(
                ADD, user, new.vehicle, company, file.id, new.kind, new.number, new.issued_at, new.expires_at
            )
        return _document(row, file.mime, file.size)

    async def mine(self, user: int, before: int | None, limit: int) -> list[Document]:
        """One page, newest first."""
        rows = await self._pool.fetch(MINE, user, 2**62 if before is None else before, limit)
        return [_document(row) for row in rows]

    async def document(self, user: int, document: int) -> Document:
        """One of them. Refusal `not_found`."""
        return _document(await _found(self._pool, VISIBLE, document, user))

    async def file(self, user: int, document: int) -> StoredFile:
        """The file of one of them. Refusal `not_found`."""
        await _found(self._pool, VISIBLE, document, user)
        return await self.any_file(document)

    async def delete(self, user: int, document: int) -> str:
        """Deletes the sender's own paper; the name of the file that has lost its row. Refusal `not_found`."""
        async with transaction(self._pool) as connection:
            row = await _found(connection, VISIBLE, document, user)
            if row["user_id"] != user:
                raise Refusal("forbidden", "only who has sent it may delete it")
            file = await connection.fetchval(DELETE, document)
            name: str = await connection.fetchval(DROP, [file])
        return name

    async def queue(self, after: int, limit: int) -> list[Document]:
        """For staff: what waits for review, oldest first."""
        return [_document(row) for row in await self._pool.fetch(QUEUE, after, limit)]

    async def any(self, document: int) -> Document:
        """For staff. Refusal `not_found`."""
        return _document(await _found(self._pool, ONE, document))

    async def any_file(self, document: int) -> StoredFile:
        """For staff. Refusal `not_found`."""
        return stored_file(await _found(self._pool, FILE_OF, document))

    async def review(
        self, staff: int, document: int, version: int, *, approved: bool, reason: str | None
    ) -> Document:
        """Staff's word on what it has seen; the sender is told. `not_found`, `version_stale`."""
        async with transaction(self._pool) as connection:
            now = await _found(connection, LOCK, document)
            if now["version"] != version:
                raise Refusal("version_stale")
            state = "approved" if approved else "rejected"
            return _document(await connection.fetchrow(REVIEW, document, state, reason, staff))

    async def warn(self, now: float, limit: int = 1000) -> int:
        """Tells owners of papers that run out in 30, 7 and 1 days, once each; how many papers."""
        count: int = await self._pool.fetchval(WARN, now, limit)
        return count


async def _found(source: Pool | Connection, query: str, *arguments: object) -> asyncpg.Record:
    row = await source.fetchrow(query, *arguments)
    if row is None:
        raise Refusal("not_found")
    return row


def _document(row: asyncpg.Record, mime: str | None = None, size: int | None = None) -> Document:
    return Document(
        id=row["id"],
        user=row["user_id"],
        vehicle=row["vehicle_id"],
        company=row["company_id"],
        file=row["file_id"],
        mime=row["mime"] if mime is None else mime,
        size=row["size"] if size is None else size,
        kind=row["kind"],
        number=row["number"],
        issued_at=seconds(row["issued_at"]),
        expires_at=seconds(row["expires_at"]),
        state=row["state"],
        reason=row["reason"],
        created_at=row["created_at"].timestamp(),
        version=row["version"],
    )
