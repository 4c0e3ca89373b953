"""The driver holds the exact position on one order back from its shipper's side for a while: an event of the
order, so that its shipper is told and every worker hears of it in sequence. A clock ends it."""

from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import ENDED, Actor, Order, Party
from dispatch.sharing import PAUSED, RESUMED, WATCHABLE
from storage.deciding import deciding
from storage.order_rows import note, order_of
from storage.orders import owned
from storage.postgres import Connection, Pool, transaction

# Primary key. Prolonged, a pause keeps the time and the place where it began.
PAUSE = """
UPDATE orders SET unshared_at = coalesce(unshared_at, clock_timestamp()),
    unshared_until = clock_timestamp() + make_interval(mins => $2),
    unshared_cell = coalesce(unshared_cell, $3), unshared_city = coalesce(unshared_city, $4)
WHERE id = $1 RETURNING extract(epoch FROM unshared_until)::float8
"""
# Primary key.
RESUME = """
UPDATE orders SET unshared_at = NULL, unshared_until = NULL, unshared_cell = NULL, unshared_city = NULL
WHERE id = $1
"""
# ix_orders_unshared.
LOCK_DUE = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.unshared_until <= (SELECT clock_timestamp())
ORDER BY o.unshared_until LIMIT $1 FOR NO KEY UPDATE OF o SKIP LOCKED
"""


class PauseStore:
    """Pauses of orders that are under way."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def pause(
        self, driver: int, order: int, minutes: int, seen: tuple[int, int] | None
    ) -> tuple[Order, list[Event]]:
        """Holds back from now on; `seen` is the coarse cell and the town that are told instead. Refusals
        `not_found`, `order_closed` when no haul is under way."""
        async with deciding(self._pool) as connection:
            found = await _under_way(connection, driver, order)
            until = await connection.fetchval(PAUSE, order, minutes, *(seen or (None, None)))
            told, event = await note(
                connection, found, PAUSED, actor=driver, detail={"until": until}, push=(found.shipper,)
            )
        return told, [event]

    async def resume(self, driver: int, order: int) -> tuple[Order, list[Event]]:
        """Shares again; nothing happens when it is shared. Refusals as `pause`."""
        async with deciding(self._pool) as connection:
            found = await _under_way(connection, driver, order)
            if found.unshared is None:
                return found, []
            await connection.execute(RESUME, order)
            told, event = await note(connection, found, RESUMED, actor=driver, push=(found.shipper,))
        return told, [event]

    async def resume_due(self, limit: int) -> list[Event]:
        """Ends pauses whose time is over; passes over orders under decision."""
        events: list[Event] = []
        async with transaction(self._pool) as connection:
            for row in await connection.fetch(LOCK_DUE, limit):
                order = order_of(row)
                await connection.execute(RESUME, order.id)
                if order.status not in ENDED:  # then there is nothing to be seen any more
                    _, event = await note(connection, order, RESUMED, actor=None, push=(order.shipper,))
                    events.append(event)
        return events


async def _under_way(connection: Connection, driver: int, order: int) -> Order:
    found = await owned(connection, order, Party(driver, Actor.DRIVER))
    if found.status not in WATCHABLE:
        raise Refusal("order_closed", "the position is shared while the haul is under way")
    return found
