"""Months that loyalty gives: entries of two ledgers under one cause, each given once and taken back once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg

from billing.access import DAY_S, Entry, EntryKind
from billing.bonuses import RatingBonus, rating_bonus
from billing.loyalty import earned, progress
from dispatch.events import Event

from ..notices.writing import tell
from ..postgres import Connection, Pool, transaction
from ..referrals.invitees import facts
from ..referrals.terms import LoyaltyTerms, terms
from . import access as ledger
from .subscriptions import granted

# uq_loyalty_entries_user_id_cause.
ADD = """
INSERT INTO loyalty_entries (user_id, kind, cause, seconds, detail) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING true
"""
GIVEN = """
SELECT extract(epoch FROM at)::float8 AS at FROM loyalty_entries WHERE user_id = $1 AND kind = 'rating' ORDER BY id
"""
# uq_loyalty_entries_user_id_cause by its first column, newest first.
OF_USER = """
SELECT kind, extract(epoch FROM at)::float8 AS at, seconds FROM loyalty_entries
WHERE user_id = $1 AND kind IN ('referral', 'referral_back', 'rating') ORDER BY id DESC LIMIT 100
"""
# Primary key of user_ratings.
STARS = """
SELECT one, two, three, four, five FROM user_ratings WHERE user_id = $1 AND part = 'driver'
"""
# The primary key of user_ratings in slices; few drivers are rated so well. $1 after, $2 hundredths, $3 orders.
WELL_RATED = """
SELECT r.user_id FROM user_ratings r JOIN users u ON u.id = r.user_id AND u.role = 'driver' AND NOT u.blocked
WHERE r.part = 'driver' AND r.user_id > $1 AND r.one + r.two + r.three + r.four + r.five >= $3
    AND 100 * (r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five)
        >= $2 * (r.one + r.two + r.three + r.four + r.five)
ORDER BY r.user_id LIMIT $4
"""
# uq_referral_payments_open, then uq_referrals_invitee_id: those who have brought somebody who pays.
INVITERS = """
SELECT DISTINCT r.inviter_id FROM referral_payments p JOIN referrals r ON r.invitee_id = p.invitee_id
WHERE r.inviter_id > $1 ORDER BY r.inviter_id LIMIT $2
"""
SLICE = 200
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"


@dataclass(frozen=True, slots=True)
class Given:
    """A line of the ledger of loyalty; `back`: it was taken back."""

    kind: Literal["referral", "rating"]
    at: float
    seconds: float
    back: bool


async def reward_inviter(connection: Connection, inviter: int) -> list[Event]:
    """Gives and takes back what the facts of now say that this inviter should have. In the transaction of the
    fact, behind the lock of who was brought: the two never wait for each other, for who brings is the older."""
    now = (await ledger.lock(connection, inviter)).now
    known, worth = await facts(connection, inviter), [each.of_referrals for each in await terms(connection)]
    events: list[Event] = []
    for grant in earned(known, worth, now):
        detail = {"invitees": list(grant.invitees)}
        given = Entry(EntryKind.BONUS, now, grant.seconds)
        if await _enter(connection, inviter, "referral", grant.cause, given, detail, events):
            await _say(connection, inviter, "bonus.granted", grant.cause, grant.seconds, "referral")
        if grant.taken_back_at is None:
            continue
        back = Entry(EntryKind.TAKEN_BACK, now, grant.seconds)
        if await _enter(connection, inviter, "referral_back", f"{grant.cause}:back", back, detail, events):
            await _say(connection, inviter, "bonus.revoked", f"{grant.cause}:back", grant.seconds, "")
    if known:
        far = progress(known, worth, now)
        if far.waiting:
            key = f"referral:{far.counting}:{inviter}"
            await tell(connection, [inviter], "referral.progress", key, {"n": far.missing})
    return events


class BonusStore:
    """The month for who is rated well, and what a user was given."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def well_rated(self, after: int, worth: LoyaltyTerms) -> list[int]:
        """A slice of drivers who may have earned it, in the order of their numbers."""
        rows = await self._pool.fetch(WELL_RATED, after, worth.rating_hundredths, worth.rating_orders, SLICE)
        return [row["user_id"] for row in rows]

    async def inviters(self, after: int) -> list[int]:
        """A slice of those who have brought somebody who pays."""
        return [row["inviter_id"] for row in await self._pool.fetch(INVITERS, after, SLICE)]

    async def reward_inviter(self, inviter: int) -> list[Event]:
        """As the function, for what became a fact without a payment: a profile, a word of staff."""
        async with transaction(self._pool) as connection:
            return await reward_inviter(connection, inviter)

    async def reward_rating(self, driver: int) -> list[Event]:
        """Gives the month if nothing is missing; two workers at once give one."""
        async with transaction(self._pool) as connection:
            now = (await ledger.lock(connection, driver)).now
            stands = await _rating(connection, driver, (await terms(connection))[-1], now)
            events: list[Event] = []
            if stands.cause is not None:
                entry = Entry(EntryKind.BONUS, now, stands.seconds)
                if await _enter(connection, driver, "rating", stands.cause, entry, {}, events):
                    await _say(connection, driver, "bonus.granted", stands.cause, stands.seconds, "rating")
            return events

    async def rating(self, driver: int) -> RatingBonus:
        """Where a driver stands, and what is missing."""
        async with transaction(self._pool) as connection:
            now = float(await connection.fetchval(CLOCK))
            return await _rating(connection, driver, (await terms(connection))[-1], now)

    async def given(self, user: int) -> list[Given]:
        """What loyalty has given a user, newest first."""
        rows = await self._pool.fetch(OF_USER, user)
        return [
            Given(
                "rating" if row["kind"] == "rating" else "referral",
                row["at"],
                row["seconds"],
                row["kind"] == "referral_back",
            )
            for row in rows
        ]

    async def terms(self) -> LoyaltyTerms:
        """What loyalty is worth now."""
        return (await terms(self._pool))[-1]


async def _rating(connection: Connection, driver: int, worth: LoyaltyTerms, now: float) -> RatingBonus:
    row: asyncpg.Record | None = await connection.fetchrow(STARS, driver)
    stars = (
        (0, 0, 0, 0, 0) if row is None else (row["one"], row["two"], row["three"], row["four"], row["five"])
    )
    given: Sequence[float] = [each["at"] for each in await connection.fetch(GIVEN, driver)]
    return rating_bonus(stars, given, worth.of_ratings, now)


async def _enter(
    connection: Connection,
    user: int,
    kind: str,
    cause: str,
    entry: Entry,
    detail: Mapping[str, object],
    events: list[Event],
) -> bool:
    """Both entries, or neither: whether they are new."""
    if not await connection.fetchval(ADD, user, kind, cause, entry.seconds, dict(detail)):
        return False
    events += await granted(connection, user, entry, cause)
    return True


async def _say(connection: Connection, user: int, kind: str, key: str, seconds: float, why: str) -> None:
    facts_: dict[str, int | str] = {"n": round(seconds / DAY_S)} if kind == "bonus.granted" else {}
    if why:
        facts_["reason"] = why
    await tell(connection, [user], kind, f"{kind}:{key}", facts_)
