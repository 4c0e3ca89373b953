"""Companies for tests of what their programs do."""

import itertools

from storage.postgres import Pool

_numbers = itertools.count(1)


async def company(pool: Pool, owner: int, role: str = "owner") -> int:
    """A new company with this member."""
    made: int = await pool.fetchval(
        "INSERT INTO companies (legal_name, country, bin) VALUES ('ТОО', 'KZ', $1) RETURNING id",
        f"{next(_numbers):012d}",
    )
    await join(pool, made, owner, role)
    return made


async def join(pool: Pool, made: int, user: int, role: str) -> None:
    """One more member."""
    await pool.execute(
        "INSERT INTO company_members (user_id, company_id, role) VALUES ($1, $2, $3)", user, made, role
    )
