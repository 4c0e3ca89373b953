"""Who looked: at a driver's position, for him to read, and at public links, for the parties of the order.

Written in batches; workers add to the same row for five minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from storage.postgres import Pool, transaction

SLOT_S = 300.0
KEEP_DAYS = 90
KEEP_LINK_VIEWS_DAYS = 30
NO_LIMIT = 2**62

# uq_position_views_look.
ADD_VIEWS = """
INSERT INTO position_views AS v
    (driver_id, slot, kind, order_id, viewer_id, link_id, grade, first_at, last_at, looks)
SELECT driver, slot, kind, of_order, viewer, link, grade, to_timestamp(first), to_timestamp(last), looks
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
    $8::float8[], $9::float8[], $10::int[])
    AS t(driver, slot, kind, of_order, viewer, link, grade, first, last, looks)
ON CONFLICT (slot, driver_id, kind, coalesce(order_id, 0), coalesce(viewer_id, 0), coalesce(link_id, 0))
DO UPDATE SET looks = v.looks + excluded.looks, grade = coalesce(excluded.grade, v.grade),
    first_at = least(v.first_at, excluded.first_at), last_at = greatest(v.last_at, excluded.last_at)
"""
# uq_share_link_views_slot_link_id_network_agent.
ADD_LINK_VIEWS = """
INSERT INTO share_link_views AS v (link_id, slot, network, agent, first_at, last_at, looks)
SELECT link, slot, network, agent, to_timestamp(first), to_timestamp(last), looks
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::int[])
    AS t(link, slot, network, agent, first, last, looks)
ON CONFLICT (slot, link_id, network, agent) DO UPDATE SET looks = v.looks + excluded.looks,
    first_at = least(v.first_at, excluded.first_at), last_at = greatest(v.last_at, excluded.last_at)
"""
# Primary key.
COUNT_LOOKS = """
UPDATE share_links l SET views = l.views + t.looks, last_view_at = greatest(l.last_view_at, to_timestamp(t.last))
FROM (SELECT link, sum(looks) AS looks, max(last) AS last
    FROM unnest($1::bigint[], $2::int[], $3::float8[]) AS u(link, looks, last) GROUP BY link) t
WHERE l.id = t.link
"""
# ix_position_views_driver_id_id read backwards; primary keys. Of staff the grade is told, and not who it was.
OF_DRIVER = """
SELECT v.id, v.kind, v.order_id, CASE v.kind
        WHEN 'shipper' THEN coalesce(c.legal_name, u.name)
        WHEN 'fleet' THEN coalesce((SELECT m.legal_name
            FROM companies m JOIN company_members n ON n.company_id = m.id WHERE n.user_id = v.viewer_id), u.name)
        WHEN 'link' THEN l.label ELSE '' END AS name,
    CASE WHEN v.kind = 'staff' THEN coalesce(v.grade, u.grade) END AS grade,
    extract(epoch FROM v.first_at)::float8 AS first_at, extract(epoch FROM v.last_at)::float8 AS last_at, v.looks
FROM position_views v
LEFT JOIN orders o ON o.id = v.order_id LEFT JOIN companies c ON c.id = o.company_id
LEFT JOIN users u ON u.id = v.viewer_id LEFT JOIN share_links l ON l.id = v.link_id
WHERE v.driver_id = $1 AND v.id < $2 ORDER BY v.id DESC LIMIT $3
"""
# ix_share_link_views_link_id_id read backwards.
OF_LINK = """
SELECT id, network, agent, extract(epoch FROM first_at)::float8 AS first_at,
    extract(epoch FROM last_at)::float8 AS last_at, looks
FROM share_link_views WHERE link_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
# By the unique keys, which begin with the slot.
FORGET_VIEWS = """
DELETE FROM position_views WHERE slot < (extract(epoch FROM now() - make_interval(days => $1)) / 300)::int
"""
FORGET_LINK_VIEWS = """
DELETE FROM share_link_views WHERE slot < (extract(epoch FROM now() - make_interval(days => $1)) / 300)::int
"""


class Look(NamedTuple):
    """Somebody was shown where a driver is: the key of a row. A missing order, viewer or link is 0."""

    slot: int
    driver: int
    kind: str
    order: int
    viewer: int
    link: int


class LinkLook(NamedTuple):
    """Somebody looked by way of a link."""

    slot: int
    link: int
    network: str
    agent: str


@dataclass(slots=True)
class Tally:
    """How often, when first and last (epoch s), and the grade of staff where it is known."""

    first: float
    last: float
    looks: int = 1
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class Viewed:
    """A row of a driver's log."""

    id: int
    kind: str
    order: int | None
    name: str
    grade: str | None
    first_at: float
    last_at: float
    looks: int


@dataclass(frozen=True, slots=True)
class LinkViewed:
    """A row of a link's log."""

    id: int
    network: str
    agent: str
    first_at: float
    last_at: float
    looks: int


class ViewStore:
    """Both logs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, looks: Mapping[Look, Tally], by_link: Mapping[LinkLook, Tally]) -> None:
        """Adds a batch, all or nothing. In the order of keys, so that two workers cannot deadlock."""
        seen = sorted(looks.items(), key=lambda item: item[0])
        public = sorted(by_link.items(), key=lambda item: item[0])
        async with transaction(self._pool) as connection:
            if seen:
                await connection.execute(
                    ADD_VIEWS,
                    [look.driver for look, _ in seen],
                    [look.slot for look, _ in seen],
                    [look.kind for look, _ in seen],
                    [look.order or None for look, _ in seen],
                    [look.viewer or None for look, _ in seen],
                    [look.link or None for look, _ in seen],
                    [tally.grade for _, tally in seen],
                    [tally.first for _, tally in seen],
                    [tally.last for _, tally in seen],
                    [tally.looks for _, tally in seen],
                )
            if public:
                links = [look.link for look, _ in public]
                last = [tally.last for _, tally in public]
                counts = [tally.looks for _, tally in public]
                await connection.execute(
                    ADD_LINK_VIEWS,
                    links,
                    [look.slot for look, _ in public],
                    [look.network for look, _ in public],
                    [look.agent for look, _ in public],
                    [tally.first for _, tally in public],
                    last,
                    counts,
                )
                await connection.execute(COUNT_LOOKS, links, counts, last)

    async def of_driver(self, driver: int, before: int | None, limit: int) -> list[Viewed]:
        """Who was shown where this driver is, newest first."""
        below = NO_LIMIT if before is None else before
        return [Viewed(*row) for row in await self._pool.fetch(OF_DRIVER, driver, below, limit)]

    async def of_link(self, link: int, before: int | None, limit: int) -> list[LinkViewed]:
        """Who looked by way of this link, newest first."""
        below = NO_LIMIT if before is None else before
        return [LinkViewed(*row) for row in await self._pool.fetch(OF_LINK, link, below, limit)]

    async def forget_old(self) -> None:
        """What is older than it is kept."""
        await self._pool.execute(FORGET_LINK_VIEWS, KEEP_LINK_VIEWS_DAYS)
        await self._pool.execute(FORGET_VIEWS, KEEP_DAYS)
