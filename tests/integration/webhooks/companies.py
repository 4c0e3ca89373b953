"""Companies for tests of what their programs do."""

import itertools

from storage.postgres import Pool

_numbers = itertools.count(1)


async def company(pool: Pool, owner: int, role: str = "owner", id: int | None = None) -> int:
    """A new company with this member."""
    made: int = await pool.fetchval(
        "INSERT INTO companies (id, legal_name, country, bin)"
        " VALUES (coalesce($2, nextval('companies_id_seq')), 'ТОО', 'KZ', $1) RETURNING id",
        f"{next(_numbers):012d}",
        id,
    )
    await join(pool, made, owner, role)
    return made


async def join(pool: Pool, made: int, user: int, role: str) -> None:
    await pool.execute(
        "INSERT INTO company_members (user_id, company_id, role) VALUES ($1, $2, $3)", user, made, role
    )
