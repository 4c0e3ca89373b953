"""The inbox: what a user was told, for ninety days; what is unread; and what was seen, which silences the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from asyncpg import Record

from ..postgres import Pool

NO_LIMIT = 2**62
MOST_UNREAD = 100  # more is "99 and more" on any badge
SLICE = 5000

_ITEM = """
id, kind, facts, extract(epoch FROM at)::float8 AS at, extract(epoch FROM over_at)::float8 AS over_at,
    seen_at IS NOT NULL AS seen, read_at IS NOT NULL AS read
"""
# What is over needs nobody's attention, read or not.
_WAITS = "read_at IS NULL AND (over_at IS NULL OR over_at > now()) AND keep_until > now()"
# ix_inbox_items_user_id_id, read backwards.
PAGE = f"""
SELECT {_ITEM} FROM inbox_items WHERE user_id = $1 AND id < $2 AND keep_until > now() ORDER BY id DESC LIMIT $3
"""
# ix_inbox_items_unread: the second read backwards.
COUNT = (
    f"SELECT count(*) FROM (SELECT FROM inbox_items WHERE user_id = $1 AND {_WAITS} LIMIT {MOST_UNREAD}) u"
)
UNREAD = f"""
SELECT {_ITEM} FROM inbox_items WHERE user_id = $1 AND id < $2 AND {_WAITS} ORDER BY id DESC LIMIT $3
"""
# What follows a receipt. `shown` are the items. The event's push, SMS and e-mail are called off, by primary key
# and by ix_outbox_parent_id; the first receipt is noted.
_SILENCED = """
, silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp() WHERE state = 'due' AND id IN (
        SELECT id FROM shown UNION ALL SELECT o.id FROM outbox o JOIN shown s ON s.id = o.parent_id)
), noted AS (
    INSERT INTO deliveries (notice_id, user_id, kind, offer_id, means, outcome, lag_ms)
    SELECT id, user_id, kind, (facts ->> 'offer')::bigint, 'socket', 'seen',
        extract(epoch FROM clock_timestamp() - at) * 1000
    FROM shown WHERE first ORDER BY id
)
SELECT id, kind, facts FROM shown ORDER BY id
"""
_FIRST = "RETURNING i.id, i.user_id, i.kind, i.facts, i.at, i.seen_at = clock.now AS first"
# Primary key. $1 user, $2 items, $3 whether they were read, too.
SEEN = f"""
WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now), shown AS (
    UPDATE inbox_items i SET seen_at = coalesce(seen_at, clock.now),
        read_at = CASE WHEN $3 THEN coalesce(read_at, clock.now) ELSE read_at END
    FROM clock WHERE user_id = $1 AND id = ANY($2::bigint[]) AND (seen_at IS NULL OR ($3 AND read_at IS NULL))
    {_FIRST}
){_SILENCED}"""
# ix_inbox_items_unread. $1 user, $2 the last of them.
READ_UPTO = f"""
WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now), shown AS (
    UPDATE inbox_items i SET seen_at = coalesce(seen_at, clock.now), read_at = clock.now
    FROM clock WHERE user_id = $1 AND id <= $2 AND read_at IS NULL {_FIRST}
){_SILENCED}"""
# ix_inbox_items_unread. $2 the name of a fact, $3 its value: everything about one offer, bid or conversation.
READ_ABOUT = f"""
WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now), shown AS (
    UPDATE inbox_items i SET seen_at = coalesce(seen_at, clock.now), read_at = clock.now
    FROM clock WHERE user_id = $1 AND read_at IS NULL AND facts ->> $2 = $3::text {_FIRST}
){_SILENCED}"""
# ix_inbox_items_keep_until.
FORGET = """
DELETE FROM inbox_items WHERE id IN (SELECT id FROM inbox_items WHERE keep_until < now() LIMIT $1)
"""


class Shown(NamedTuple):
    """An item that was on a screen."""

    id: int
    kind: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """What a user was told. `at` and `over_at` in epoch seconds; at `over_at` the offer or the like has ended."""

    id: int
    kind: str
    facts: Mapping[str, Any]
    at: float
    over_at: float | None
    seen: bool = False
    read: bool = False


class InboxStore:
    """Everybody's items; each method is about one user's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, user: int, before: int | None, limit: int, *, unread: bool = False) -> list[Item]:
        """Some of them, newest first; `unread`: only what waits to be read."""
        below = NO_LIMIT if before is None else before
        return [Item(*row) for row in await self._pool.fetch(UNREAD if unread else PAGE, user, below, limit)]

    async def unread(self, user: int) -> int:
        """How many wait to be read; counted up to MOST_UNREAD."""
        waiting: int = await self._pool.fetchval(COUNT, user)
        return waiting

    async def seen(self, user: int, items: Sequence[int], *, read: bool = False) -> list[Shown]:
        """These are on a screen of the user's, or were read: nothing else needs to ring for them. What is not
        theirs is passed over. Those that changed."""
        return _shown(await self._pool.fetch(SEEN, user, sorted(set(items)), read))

    async def read_upto(self, user: int, item: int) -> list[Shown]:
        """Everything up to this item was read. Those that changed."""
        return _shown(await self._pool.fetch(READ_UPTO, user, item))

    async def read_about(self, user: int, name: str, number: int) -> list[Shown]:
        """Whatever this user was told of an offer, a bid or a conversation (`name`, number) is on a screen."""
        return _shown(await self._pool.fetch(READ_ABOUT, user, name, str(number)))

    async def forget_old(self) -> int:
        """Deletes items whose time is over; how many."""
        deleted = 0
        while True:
            _, _, count = (await self._pool.execute(FORGET, SLICE)).partition(" ")
            deleted += int(count)
            if int(count) < SLICE:
                return deleted


def _shown(rows: Sequence[Record]) -> list[Shown]:
    return [Shown(*row) for row in rows]
