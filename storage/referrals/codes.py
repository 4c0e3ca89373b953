"""Referral codes: one a user, told to anybody who holds it."""

import re
import secrets
from typing import NamedTuple

from dispatch.errors import Refusal

from ..postgres import Pool

# Without letters and digits that are mistaken for each other: 32^10 codes, none of them guessed.
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 10
FORM = re.compile(f"[{LETTERS}]{{{LENGTH}}}")

# Primary key: the code stays what it was.
MAKE = """
INSERT INTO referral_codes (user_id, code) VALUES ($1, $2)
ON CONFLICT (user_id) DO UPDATE SET code = referral_codes.code RETURNING code
"""
# uq_referral_codes_code.
WHOSE = """
SELECT c.code, split_part(u.name, ' ', 1) AS name, u.role, c.user_id
FROM referral_codes c JOIN users u ON u.id = c.user_id
WHERE c.code = $1 AND NOT u.blocked AND u.erased_at IS NULL
"""


class Invitation(NamedTuple):
    """Who invites: a first name and a role."""

    code: str
    name: str
    role: str


class ReferralStore:
    """Codes of users."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def code(self, user: int) -> str:
        """The user's code, made if there is none yet."""
        fresh = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        made: str = await self._pool.fetchval(MAKE, user, fresh)
        return made

    async def page(self, code: str) -> Invitation:
        """Whose it is; `not_found`."""
        known = known_form(code)
        row = None if known is None else await self._pool.fetchrow(WHOSE, known)
        if row is None:
            raise Refusal("not_found")
        return Invitation(row["code"], row["name"], row["role"])


def known_form(code: str) -> str | None:
    """The code as we write it; None for what is none."""
    known = FORM.fullmatch(code.upper())
    return None if known is None else known[0]
