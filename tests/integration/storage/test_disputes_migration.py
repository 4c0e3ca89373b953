"""What was in dispute before disputes had rows of their own goes on as one that has just been opened."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from storage import migrate


def on(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


async def disputed_long_ago(connection: Any) -> None:
    """Order 1 is disputed by its driver on the way; order 2 was never in dispute."""
    await connection.execute(
        """
INSERT INTO users (id, phone, role) VALUES (1, '+71', 'shipper'), (2, '+72', 'driver');
INSERT INTO orders (id, shipper_id, status) VALUES (1, 1, 'cancelled'), (2, 1, 'cancelled');
ALTER TABLE orders DROP CONSTRAINT ck_orders_complete;
UPDATE orders SET status = 'disputed' WHERE id = 1;
INSERT INTO order_events (order_id, seq, kind, status, actor_id, detail) VALUES
    (1, 1, 'in_transit', 'in_transit', 2, '{}'),
    (1, 2, 'disputed', 'disputed', 2, '{"code": "payment", "reason": "не платят"}'),
    (2, 1, 'delivered', 'delivered', 2, '{}');
"""
    )


async def found(connection: Any) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        "SELECT d.order_id, d.opened_by, d.side, d.code, d.was, d.state, d.messages, m.kind, m.text"
        " FROM disputes d JOIN dispute_messages m ON m.dispute_id = d.id"
    )
    return [tuple(row) for row in rows]


def test_a_haul_in_dispute_has_its_dispute_after_the_migration(own_dsn: str) -> None:
    migrate.downgrade(own_dsn, "0014")
    on(own_dsn, disputed_long_ago)
    migrate.upgrade(own_dsn)
    assert on(own_dsn, found) == [(1, 2, "driver", "payment", "in_transit", "open", 1, "opened", "не платят")]
