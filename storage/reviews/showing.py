"""Reviews come out, and are counted in the same transaction.

Rows are locked in one order, whoever shows or hides: reviews, then user_ratings, company_ratings, shipper_stats
and driver_states, each by their keys. A publisher never waits for a review: it passes over what is locked.
"""

from collections.abc import Sequence

from ..postgres import Connection, Pool, transaction

BATCH = 50  # reviews in one transaction

# ix_reviews_due.
CLAIM_DUE = """
SELECT id FROM reviews WHERE published_at IS NULL AND due_at <= (SELECT clock_timestamp())
ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
# uq_reviews_order_id_side. Both sides' that are blind still, in the order of their ids.
LOCK_BLIND = "SELECT id FROM reviews WHERE order_id = $1 AND published_at IS NULL ORDER BY id FOR UPDATE"
# Primary key. Who is spoken of hears of what is shown.
PUBLISH = """
UPDATE reviews SET published_at = clock_timestamp() WHERE id = ANY($1::bigint[]) AND published_at IS NULL
RETURNING id, standing
"""
# Primary key; the key of the outbox keeps it to once a review.
TELL = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
SELECT about_id, 'review.published', jsonb_build_object('order', order_id), 'review:' || id || ':published',
    clock_timestamp() + interval '3 days'
FROM reviews WHERE id = ANY($1::bigint[])
ON CONFLICT (dedupe_key) DO NOTHING
"""

# Primary keys. A review by the driver is about a shipper, and the other way round.
_PART = "CASE side WHEN 'driver' THEN 'shipper' ELSE 'driver' END"
_COUNTED = """count(*) FILTER (WHERE stars = 1) AS one, count(*) FILTER (WHERE stars = 2) AS two,
    count(*) FILTER (WHERE stars = 3) AS three, count(*) FILTER (WHERE stars = 4) AS four,
    count(*) FILTER (WHERE stars = 5) AS five"""
_MORE = """one = r.one + excluded.one, two = r.two + excluded.two, three = r.three + excluded.three,
    four = r.four + excluded.four, five = r.five + excluded.five"""
_LESS = """one = r.one - (d.stars = 1)::int, two = r.two - (d.stars = 2)::int,
    three = r.three - (d.stars = 3)::int, four = r.four - (d.stars = 4)::int, five = r.five - (d.stars = 5)::int"""
COUNT_USERS = f"""
INSERT INTO user_ratings AS r (user_id, part, one, two, three, four, five)
SELECT about_id, {_PART} AS part, {_COUNTED} FROM reviews WHERE id = ANY($1::bigint[])
GROUP BY about_id, side ORDER BY about_id, part
ON CONFLICT (user_id, part) DO UPDATE SET {_MORE}
"""
COUNT_COMPANIES = f"""
INSERT INTO company_ratings AS r (company_id, part, one, two, three, four, five)
SELECT about_company_id, {_PART} AS part, {_COUNTED} FROM reviews
WHERE id = ANY($1::bigint[]) AND about_company_id IS NOT NULL
GROUP BY about_company_id, side ORDER BY about_company_id, part
ON CONFLICT (company_id, part) DO UPDATE SET {_MORE}
"""
UNCOUNT_USER = f"""
UPDATE user_ratings r SET {_LESS} FROM reviews d
WHERE d.id = $1 AND r.user_id = d.about_id AND r.part = {_PART}
"""
UNCOUNT_COMPANY = f"""
UPDATE company_ratings r SET {_LESS} FROM reviews d
WHERE d.id = $1 AND r.company_id = d.about_company_id AND r.part = {_PART}
"""
# What the board and the search read: a mean beside the shipper, and one beside the driver's standing.
_N = "one + two + three + four + five"
_MEAN = f"(one + 2 * two + 3 * three + 4 * four + 5 * five)::float8 / nullif({_N}, 0)"
TO_BOARD = f"""
INSERT INTO shipper_stats (shipper_id, rating, ratings)
SELECT user_id, {_MEAN}, {_N} FROM user_ratings
WHERE part = 'shipper' AND user_id IN (SELECT about_id FROM reviews WHERE id = ANY($1::bigint[])) ORDER BY user_id
ON CONFLICT (shipper_id) DO UPDATE SET rating = excluded.rating, ratings = excluded.ratings
"""
TO_SEARCH = f"""
INSERT INTO driver_states (driver_id, rating)
SELECT user_id, coalesce({_MEAN}, 5) FROM user_ratings
WHERE part = 'driver' AND user_id IN (SELECT about_id FROM reviews WHERE id = ANY($1::bigint[])) ORDER BY user_id
ON CONFLICT (driver_id) DO UPDATE SET rating = excluded.rating
"""


async def publish(connection: Connection, reviews: Sequence[int]) -> int:
    """Shows locked reviews that are blind still, but for those that wait for staff: they only stop being blind."""
    out = await connection.fetch(PUBLISH, list(reviews))
    clear: list[int] = [row["id"] for row in out if row["standing"] == "clear"]
    if clear:
        await count(connection, clear)
        await connection.execute(TELL, clear)
    return len(out)


async def count(connection: Connection, reviews: list[int]) -> None:
    """Locked reviews are shown from now on."""
    await connection.execute(COUNT_USERS, reviews)
    await connection.execute(COUNT_COMPANIES, reviews)
    await connection.execute(TO_BOARD, reviews)
    await connection.execute(TO_SEARCH, reviews)


async def uncount(connection: Connection, review: int) -> None:
    """A locked review is shown no more."""
    await connection.execute(UNCOUNT_USER, review)
    await connection.execute(UNCOUNT_COMPANY, review)
    await connection.execute(TO_BOARD, [review])
    await connection.execute(TO_SEARCH, [review])


class Publisher:
    """Shows what is due, on any worker."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def publish_due(self, limit: int = BATCH) -> int:
        """Reviews whose time has come by the database's clock; how many. Those under edit are passed over."""
        async with transaction(self._pool) as connection:
            due = [row["id"] for row in await connection.fetch(CLAIM_DUE, limit)]
            return await publish(connection, due) if due else 0
