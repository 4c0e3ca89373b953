"""From the outbox to the inbox, at once and once.

Whatever writes an event writes one row of the outbox, and nothing else on its path. A worker claims rows that
nobody has announced (SKIP LOCKED, by a partial index of these rows alone, so none is skipped for a commit that
came late), and in the same transaction puts the items into the inbox, says when a push may ring, and gives SMS
and e-mail rows of their own. After COMMIT sockets hear of it. A worker that dies before has announced nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..postgres import Pool, transaction

# ix_outbox_unannounced. What was called off before it was announced is announced as read.
CLAIM = """
SELECT id, user_id, kind, payload, state = 'cancelled' AS acted_on,
    extract(epoch FROM created_at)::float8 AS written, extract(epoch FROM due_at)::float8 AS rings,
    extract(epoch FROM expires_at)::float8 AS ends, extract(epoch FROM clock_timestamp())::float8 AS now
FROM outbox WHERE announced_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
# Primary keys. $1 events, $2 seconds since the epoch when each may ring; $3-$8 items: event, facts, when it is
# over, until when it is kept, whether it was acted on, its offer; $9-$11 further rows: event, channel, when due.
ANNOUNCE = """
WITH announced AS (
    UPDATE outbox o SET announced_at = clock_timestamp(),
        due_at = CASE WHEN o.state = 'due' THEN greatest(o.due_at, to_timestamp(n.rings)) ELSE o.due_at END
    FROM unnest($1::bigint[], $2::float8[]) AS n(id, rings) WHERE o.id = n.id
    RETURNING o.id, o.user_id, o.kind, o.payload, o.created_at, o.expires_at
), kept AS (
    INSERT INTO inbox_items (id, user_id, kind, facts, at, over_at, keep_until, seen_at, read_at)
    SELECT a.id, a.user_id, a.kind, i.facts, a.created_at, CASE WHEN i.live THEN a.expires_at END,
        a.created_at + make_interval(secs => i.keep_s),
        CASE WHEN i.acted_on THEN clock_timestamp() END, CASE WHEN i.acted_on THEN clock_timestamp() END
    FROM unnest($3::bigint[], $4::jsonb[], $5::boolean[], $6::float8[], $7::boolean[], $8::bigint[])
        AS i(id, facts, live, keep_s, acted_on, offer) JOIN announced a ON a.id = i.id
), noted AS (
    INSERT INTO deliveries (notice_id, user_id, kind, offer_id, means, outcome, lag_ms)
    SELECT a.id, a.user_id, a.kind, i.offer, 'inbox', 'stored',
        extract(epoch FROM clock_timestamp() - a.created_at) * 1000
    FROM unnest($3::bigint[], $8::bigint[]) AS i(id, offer) JOIN announced a ON a.id = i.id ORDER BY a.id
)
INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at, created_at, announced_at, channel,
    parent_id)
SELECT a.user_id, a.kind, a.payload, f.channel || ':' || a.id, to_timestamp(f.due), a.expires_at, a.created_at,
    clock_timestamp(), f.channel, a.id
FROM unnest($9::bigint[], $10::text[], $11::float8[]) AS f(id, channel, due) JOIN announced a ON a.id = f.id
ON CONFLICT (dedupe_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class News:
    """An event that was not announced yet; times in epoch seconds of the database's clock."""

    id: int
    user: int
    kind: str
    payload: Mapping[str, Any]
    acted_on: bool
    written: float
    rings: float
    ends: float
    now: float


@dataclass(frozen=True, slots=True)
class Announcement:
    """What becomes of an event: the item's facts (None: no item), when a push may ring, and the further rows."""

    news: News
    facts: Mapping[str, object] | None
    live: bool
    keep_s: float
    rings: float
    further: Sequence[tuple[str, float]] = ()  # channel, when due


Planner = Callable[[News], Announcement]


class NewsStore:
    """The unannounced part of the outbox."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def announce(self, limit: int, planned: Planner) -> list[Announcement]:
        """Announces up to `limit` events as `planned` says; what there was."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(CLAIM, limit)
            if not rows:
                return []
            made = [planned(News(*row)) for row in rows]
            items = [each for each in made if each.facts is not None]
            further = [(each.news.id, *one) for each in made for one in each.further]
            await connection.execute(
                ANNOUNCE,
                [each.news.id for each in made],
                [each.rings for each in made],
                [each.news.id for each in items],
                [each.facts for each in items],
                [each.live for each in items],
                [each.keep_s for each in items],
                [each.news.acted_on for each in items],
                [each.facts.get("offer") for each in items if each.facts is not None],
                [id for id, _, _ in further],
                [channel for _, channel, _ in further],
                [due for _, _, due in further],
            )
        return made
