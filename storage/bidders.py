"""What a shipper may know of drivers before one of them has the load: never a phone, never a place."""

from collections.abc import Sequence

import asyncpg

from dispatch.bids import Bidder

from .postgres import Connection, Pool
from .reviews.rows import rating_of

# Primary and unique keys by driver; ix_assignments_driver_id_order_id for the hauls of half a year and the
# primary key of order_events for who called one off; ix_documents_user_id and ix_documents_vehicle_id for papers.
BIDDERS = """
SELECT u.id, u.name, s.one, s.two, s.three, s.four, s.five, v.body, v.capacity_kg, v.volume_m3, record.done,
    record.dropped,
    ARRAY(SELECT DISTINCT d.kind FROM documents d
        WHERE d.state = 'approved' AND (d.expires_at IS NULL OR d.expires_at > now())
            AND (d.vehicle_id = v.id OR d.vehicle_id IS NULL AND d.company_id IS NULL AND d.user_id = u.id)
        ORDER BY d.kind) AS papers
FROM users u
LEFT JOIN user_ratings s ON s.user_id = u.id AND s.part = 'driver'
LEFT JOIN vehicles v ON v.driver_id = u.id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE h.status IN ('delivered', 'closed')) AS done,
        count(*) FILTER (WHERE h.status = 'cancelled' AND EXISTS (SELECT FROM order_events e
            WHERE e.order_id = h.id AND e.kind = 'cancelled' AND e.actor_id <> h.shipper_id
                AND e.actor_id IN (a.driver_id, a.acted_by))) AS dropped
    FROM assignments a JOIN orders h ON h.id = a.order_id
    WHERE a.driver_id = u.id AND a.ended_at > now() - interval '180 days'
) AS record
WHERE u.id = ANY($1::bigint[])
"""


async def bidders(connection: Connection | Pool, drivers: Sequence[int]) -> dict[int, Bidder]:
    """The public side of these drivers."""
    if not drivers:
        return {}
    rows = await connection.fetch(BIDDERS, list(drivers))
    return {row["id"]: _bidder(row) for row in rows}


def _bidder(row: asyncpg.Record) -> Bidder:
    counted = row["done"] + row["dropped"]
    rating = rating_of(row)
    return Bidder(
        driver=row["id"],
        name=row["name"],
        rating=rating.mean,
        ratings=rating.count,
        hauls=row["done"],
        reliability=row["done"] / counted if counted else None,
        body=row["body"],
        capacity_kg=row["capacity_kg"],
        volume_m3=row["volume_m3"],
        papers=tuple(row["papers"]),
    )
