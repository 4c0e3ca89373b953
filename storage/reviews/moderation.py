"""Staff look at reviews: what waits for them, hidden and let stand, each with its reason and a line of the log."""

from dispatch.errors import Refusal
from dispatch.reviews import Standing

from ..postgres import Connection, Pool, transaction
from ..staff import record
from .rows import ONE, REVIEWS, Review, review_of
from .showing import TELL as TELL_OF
from .showing import count, uncount

# ix_reviews_waiting, oldest first.
WAITING = f"{REVIEWS} WHERE r.waiting AND r.id > $1 ORDER BY r.id LIMIT $2"
# ix_reviews_hidden, oldest first.
HIDDEN = f"{REVIEWS} WHERE r.standing = 'hidden' AND r.id > $1 ORDER BY r.id LIMIT $2"
# Primary key, oldest first. What is blind nobody reads, staff neither.
SHOWN = f"""
{REVIEWS} WHERE r.published_at IS NOT NULL AND r.standing = 'clear' AND r.id > $1 ORDER BY r.id LIMIT $2
"""
# Primary key.
LOCK = "SELECT id FROM reviews WHERE id = $1 FOR UPDATE"
JUDGE = """
UPDATE reviews SET standing = $2, waiting = false, hidden_reason = $3, note = $4, judged_by = $5,
    judged_at = clock_timestamp(), version = version + 1
WHERE id = $1
"""
HIDE_REPLY = "UPDATE reviews SET reply_hidden = $2, version = version + 1 WHERE id = $1"
# Primary key. The author hears of it, each time that it happens.
TELL = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
SELECT author_id, $2, jsonb_build_object('order', order_id), 'review:' || id || ':' || version,
    clock_timestamp() + interval '3 days'
FROM reviews WHERE id = $1
"""


class ReviewModeration:
    """The queue, and what is decided of it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, state: str, after: int, limit: int) -> list[Review]:
        """Reviews above id `after`, oldest first: `waiting`, `hidden` or `shown`."""
        if state == "waiting":
            rows = await self._pool.fetch(WAITING, after, limit)
        else:
            rows = await self._pool.fetch(HIDDEN if state == "hidden" else SHOWN, after, limit)
        return [review_of(row) for row in rows]

    async def hide(self, staff: int, review: int, reason: str, note: str, *, reply: bool) -> Review:
        """Nobody reads it any more, and it counts for nothing; `reply`: only the answer to it goes."""
        async with transaction(self._pool) as connection:
            found = await self._locked(connection, review)
            if reply:
                if not found.reply:
                    raise Refusal("not_found")
                await connection.execute(HIDE_REPLY, review, True)
                await self._record(connection, staff, "review.hide_reply", found, reason, note)
            elif found.standing is not Standing.HIDDEN:
                if found.visible:
                    await uncount(connection, review)
                await connection.execute(JUDGE, review, Standing.HIDDEN, reason, note, staff)
                await self._record(connection, staff, "review.hide", found, reason, note)
                await connection.execute(TELL, review, "review.hidden")
            return review_of(await connection.fetchrow(ONE, review))

    async def restore(self, staff: int, review: int, note: str) -> Review:
        """It may be read, with the answer to it; a report or a doubt of the rules is settled by this."""
        async with transaction(self._pool) as connection:
            found = await self._locked(connection, review)
            await connection.execute(JUDGE, review, Standing.CLEAR, None, note, staff)
            await connection.execute(HIDE_REPLY, review, False)
            if found.published_at is not None and not found.visible:
                await count(connection, [review])
                await connection.execute(TELL_OF, [review])
            await self._record(connection, staff, "review.restore", found, "", note)
            return review_of(await connection.fetchrow(ONE, review))

    async def _locked(self, connection: Connection, review: int) -> Review:
        """The review, locked. What is blind and under no suspicion is not there for staff."""
        await connection.execute(LOCK, review)
        row = await connection.fetchrow(ONE, review)
        found = None if row is None else review_of(row)
        if found is None or (found.published_at is None and found.standing is Standing.CLEAR):
            raise Refusal("not_found")
        return found

    async def _record(
        self, connection: Connection, staff: int, action: str, found: Review, reason: str, note: str
    ) -> None:
        detail = {"review": str(found.id), "order": str(found.order), **({"code": reason} if reason else {})}
        await record(connection, staff, action, found.author, note, detail)
