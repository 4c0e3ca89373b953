"""What loyalty is worth: versions that staff add and nobody changes."""

from dataclasses import dataclass

import asyncpg

from billing.access import DAY_S
from billing.bonuses import RatingTerms
from billing.loyalty import ReferralTerms
from dispatch.errors import Refusal

from ..postgres import Connection, Pool, transaction
from ..staff import record

# Changes are made one after the other: the version that was read is then still the newest, or not.
QUEUE = "SELECT pg_advisory_xact_lock(7128)"
_FIELDS = """
version, extract(epoch FROM valid_from)::float8 AS valid_from, referral_threshold, referral_days,
    rating_hundredths, rating_orders, rating_period_days, rating_days, lock_grace_days, note, set_by,
    extract(epoch FROM created_at)::float8 AS set_at
"""
# Primary key; a handful of rows.
ALL = f"SELECT {_FIELDS} FROM loyalty_terms ORDER BY version"
PAGE = f"SELECT {_FIELDS} FROM loyalty_terms WHERE version < $1 ORDER BY version DESC LIMIT $2"
NEWEST = "SELECT coalesce(max(version), 0) FROM loyalty_terms"
ADD = f"""
INSERT INTO loyalty_terms (version, valid_from, referral_threshold, referral_days, rating_hundredths,
    rating_orders, rating_period_days, rating_days, lock_grace_days, note, set_by)
VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING {_FIELDS}
"""


@dataclass(frozen=True, slots=True)
class LoyaltyTerms:
    """One version: what counts from `valid_from` until the next. It begins when it is set, for a grant is
    reckoned by the terms of its moment. Version 0 is what is so until staff say otherwise."""

    referral_threshold: int = 2
    referral_days: int = 30
    rating_hundredths: int = 480
    rating_orders: int = 10
    rating_period_days: int = 90
    rating_days: int = 30
    lock_grace_days: int = 30
    note: str = ""
    version: int = 0
    valid_from: float = 0.0
    set_by: int | None = None
    set_at: float = 0.0

    @property
    def of_referrals(self) -> ReferralTerms:
        """As the rules of referrals take them."""
        return ReferralTerms(self.valid_from, self.referral_threshold, self.referral_days * DAY_S)

    @property
    def of_ratings(self) -> RatingTerms:
        """As the rule of the rating takes them."""
        return RatingTerms(
            self.rating_hundredths,
            self.rating_orders,
            self.rating_period_days * DAY_S,
            self.rating_days * DAY_S,
        )

    @property
    def lock_grace_s(self) -> float:
        """So long a subscription may have ended, and still goes on."""
        return self.lock_grace_days * DAY_S


class LoyaltyTermsStore:
    """The versions."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> list[LoyaltyTerms]:
        """Every version, oldest first; the last one is in force."""
        return await terms(self._pool)

    async def versions(self, before: int | None, limit: int) -> list[LoyaltyTerms]:
        """One page of what staff have set, newest first."""
        below = 2**31 - 1 if before is None else min(before, 2**31 - 1)
        return [_terms(row) for row in await self._pool.fetch(PAGE, below, limit)]

    async def add(self, staff: int, seen: int, new: LoyaltyTerms) -> LoyaltyTerms:
        """The next version after `seen`, from now on. Refusal `version_stale`."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            newest = await connection.fetchval(NEWEST)
            if newest != seen:
                raise Refusal("version_stale")
            row = await connection.fetchrow(
                ADD,
                newest + 1,
                new.referral_threshold,
                new.referral_days,
                new.rating_hundredths,
                new.rating_orders,
                new.rating_period_days,
                new.rating_days,
                new.lock_grace_days,
                new.note,
                staff,
            )
            told = {"was": f"version {newest}", "is": f"version {newest + 1}"}
            await record(connection, staff, "loyalty.set", None, new.note, told)
        return _terms(row)


async def terms(connection: Connection | Pool) -> list[LoyaltyTerms]:
    """Every version, oldest first, from the one that nobody has set."""
    return [LoyaltyTerms(), *(_terms(row) for row in await connection.fetch(ALL))]


def _terms(row: asyncpg.Record) -> LoyaltyTerms:
    return LoyaltyTerms(**dict(row))
