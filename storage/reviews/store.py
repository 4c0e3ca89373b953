"""Reviews as their two sides write and read them. What is decided of a haul's reviews is decided under its order's
lock, so that two words that come at once are shown once, both."""

from typing import NamedTuple

from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party
from dispatch.reviews import (
    HaulSide,
    Standing,
    Words,
    checked,
    closes_at,
    in_time,
    shown,
    side_of,
    standing_of,
)
from dispatch.suspicious_text import contacts_in

from ..deciding import deciding
from ..order_reads import NO_LIMIT
from ..order_rows import ORDER, lock_order, order_of
from ..outbox import CANCEL
from ..postgres import Connection, Pool
from .rows import ONE, REVIEWS, Review, review_of
from .showing import LOCK_BLIND, publish

NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
# uq_fleet_drivers_driver, for a driver who hauls for a company.
FLEET_OF = "SELECT company_id FROM fleet_drivers WHERE driver_id = $1 AND left_at IS NULL"
# uq_reviews_order_id_side is the promise. $3 author, $4 about, $9 seconds of the epoch.
ADD = """
INSERT INTO reviews (order_id, side, author_id, about_id, about_company_id, stars, tags, text, due_at, standing,
    waiting)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8), $10::text, $10::text = 'held')
ON CONFLICT (order_id, side) DO NOTHING RETURNING id
"""
# uq_reviews_order_id_side.
SIDES = "SELECT side FROM reviews WHERE order_id = $1"
OF_ORDER = f"{REVIEWS} WHERE r.order_id = $1 ORDER BY r.id"
# The other side hears that a word waits for its own.
NUDGE = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
VALUES ($1, 'review.waiting', jsonb_build_object('order', $2::bigint), 'review:' || $3::bigint || ':waiting',
    clock_timestamp() + interval '3 days')
"""
# ix_reviews_about_id_id, read backwards.
OF_USER = f"""
{REVIEWS} WHERE r.about_id = $1 AND r.published_at IS NOT NULL AND r.standing = 'clear' AND r.id < $2
ORDER BY r.id DESC LIMIT $3
"""
# Primary keys. The review is locked after its order, here as everywhere.
ORDER_OF = "SELECT order_id FROM reviews WHERE id = $1"
LOCK = "SELECT id FROM reviews WHERE id = $1 FOR UPDATE"
EDIT = """
UPDATE reviews SET stars = $2, tags = $3, text = $4, standing = $5::text, waiting = $5::text = 'held',
    version = version + 1
WHERE id = $1
"""
REPLY = """
UPDATE reviews SET reply = $2, replied_by = $3, replied_at = clock_timestamp(), version = version + 1 WHERE id = $1
"""
REPORT = """
UPDATE reviews SET report_reason = $2, report_note = $3, reported_by = $4, reported_at = clock_timestamp(),
    waiting = true
WHERE id = $1
"""


class OrderReviews(NamedTuple):
    """A haul's reviews as one party may read them. `posted`: which sides have said their word, read or unread."""

    order: Order
    side: HaulSide | None
    posted: frozenset[HaulSide]
    reviews: tuple[Review, ...]
    now: float

    @property
    def may_post(self) -> bool:
        """Whether the reader may say a word now."""
        closes = closes_at(self.order)
        return (
            self.side is not None
            and self.side not in self.posted
            and closes is not None
            and self.now < closes
        )


class ReviewStore:
    """One method, one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def post(self, party: Party, order: int, words: Words) -> Review:
        """The side's one word on the haul. Shown at once when the other side has said its own, or is too late to
        say it blindly. Refusal `review_early`, `review_late`, `review_exists`, `tags_invalid`."""
        async with deciding(self._pool) as connection:
            found, side = await _sided(connection, order, party)
            said = checked(words, side)
            now = await connection.fetchval(NOW)
            due_at = in_time(found, now)
            about, company = await _across(connection, found, side)
            review = await connection.fetchval(
                ADD,
                order,
                side,
                party.signed_in,
                about,
                company,
                *_told(said),
                due_at,
                standing_of(said.text),
            )
            if review is None:
                raise Refusal("review_exists")
            await connection.execute(CANCEL, f"ask:{found.id}:{party.signed_in}")
            sides = [HaulSide(row["side"]) for row in await connection.fetch(SIDES, order)]
            if shown(due_at, now, sides):
                blind = [row["id"] for row in await connection.fetch(LOCK_BLIND, order)]
                await publish(connection, blind)
            else:
                await connection.execute(NUDGE, about, order, review)
            return await _one(connection, review)

    async def edit(self, party: Party, review: int, version: int, words: Words) -> Review:
        """Other words, by who wrote the first, while nobody has read them. Refusal `review_published`,
        `version_stale`."""
        async with deciding(self._pool) as connection:
            _, side, found = await self._locked(connection, review, party)
            if side is not found.side or found.author != party.signed_in:
                raise Refusal("forbidden", "only who wrote it may change it")
            if found.published_at is not None or found.standing is Standing.HIDDEN:
                raise Refusal("review_published")
            if found.version != version:
                raise Refusal("version_stale")
            said = checked(words, side)
            await connection.execute(EDIT, review, *_told(said), standing_of(said.text))
            return await _one(connection, review)

    async def reply(self, party: Party, review: int, text: str) -> Review:
        """The answer of who is spoken of, once, to what everybody reads. Refusal `reply_used`, `text_contacts`."""
        async with deciding(self._pool) as connection:
            found = await self._about(connection, review, party)
            if found.replied_at is not None:
                raise Refusal("reply_used")
            if contacts_in(text):
                raise Refusal("text_contacts").at("text")
            await connection.execute(REPLY, review, text, party.signed_in)
            return await _one(connection, review)

    async def report(self, party: Party, review: int, reason: str, note: str) -> None:
        """Who is spoken of asks staff to look, once. Refusal `report_used`."""
        async with deciding(self._pool) as connection:
            found = await self._about(connection, review, party)
            if found.reported_at is not None:
                raise Refusal("report_used")
            await connection.execute(REPORT, review, reason, note, party.signed_in)

    async def of_order(self, party: Party, order: int) -> OrderReviews:
        """What the party may read: its own word always, the other's once it is shown. Staff read what everybody
        does. `not_found` for strangers."""
        row = await self._pool.fetchrow(ORDER, order)
        found = None if row is None else order_of(row)
        side = None if found is None else side_of(found, party)
        if found is None or (side is None and party.actor is not Actor.ADMIN):
            raise Refusal("not_found")
        rows = [review_of(each) for each in await self._pool.fetch(OF_ORDER, order)]
        readable = tuple(each for each in rows if each.visible or each.side is side)
        now = await self._pool.fetchval(NOW)
        return OrderReviews(found, side, frozenset(each.side for each in rows), readable, now)

    async def of_user(self, user: int, before: int | None, limit: int) -> list[Review]:
        """What everybody may read about somebody, newest first."""
        rows = await self._pool.fetch(OF_USER, user, NO_LIMIT if before is None else before, limit)
        return [review_of(row) for row in rows]

    async def order_of(self, review: int) -> int:
        """The order of a review, whoever asks. Refusal `not_found`."""
        order: int | None = await self._pool.fetchval(ORDER_OF, review)
        if order is None:
            raise Refusal("not_found")
        return order

    async def _about(self, connection: Connection, review: int, party: Party) -> Review:
        """A shown review, locked, when the party is the one it is about."""
        _, side, found = await self._locked(connection, review, party)
        if not found.visible:
            raise Refusal("not_found")
        if side is found.side:
            raise Refusal("forbidden", "only who is spoken of may do this")
        return found

    async def _locked(
        self, connection: Connection, review: int, party: Party
    ) -> tuple[Order, HaulSide, Review]:
        number = await connection.fetchval(ORDER_OF, review)
        if number is None:
            raise Refusal("not_found")
        order, side = await _sided(connection, number, party)
        await connection.execute(LOCK, review)
        found = await _one(connection, review)
        if side is not found.side and not found.visible:
            raise Refusal("not_found")  # blind, or hidden: there is nothing to be seen
        return order, side, found


async def _sided(connection: Connection, order: int, party: Party) -> tuple[Order, HaulSide]:
    """The locked order and the side that the party speaks for. Refusal `not_found` for everybody else."""
    found = await lock_order(connection, order)
    side = None if found is None else side_of(found, party)
    if found is None or side is None:
        raise Refusal("not_found")
    return found, side


async def _across(connection: Connection, order: Order, side: HaulSide) -> tuple[int, int | None]:
    """Who the side speaks of, and their company."""
    if side is HaulSide.DRIVER:
        return order.shipper, order.company
    if order.driver is None:
        raise Refusal("review_early")
    company: int | None = await connection.fetchval(FLEET_OF, order.driver)
    return order.driver, company


async def _one(connection: Connection, review: int) -> Review:
    return review_of(await connection.fetchrow(ONE, review))


def _told(words: Words) -> tuple[int, list[str], str]:
    return words.stars, list(words.tags), words.text
