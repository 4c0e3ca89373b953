"""A dispute as its two sides carry it on. How it begins: storage/orders.py, in the step that it is."""

from dispatch.disputes import back_to, may_answer, may_withdraw, speaks_for
from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import Order, Party, Status

from ..deciding import deciding
from ..order_reads import OrderReads
from ..order_rows import note, step
from ..orders import owned
from ..postgres import Connection, Pool
from .rows import MESSAGES, NEWEST, Dispute, Said, dispute_of, said_of, say

# Primary key.
WITHDRAW = "UPDATE disputes SET state = 'withdrawn', ended_at = clock_timestamp() WHERE id = $1"

Told = tuple[Dispute, list[Said]]


class DisputeStore:
    """One method, one transaction; each decides under the order's lock."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._orders = OrderReads(pool)

    async def of_order(self, party: Party, order: int) -> tuple[Order, Dispute, list[Said]]:
        """The order's newest dispute with what was said, for both sides and staff. Refusal `not_found`."""
        found = await self._orders.visible_to(party, order)
        row = await self._pool.fetchrow(NEWEST, order)
        if row is None:
            raise Refusal("not_found")
        dispute = dispute_of(row)
        return found, dispute, [said_of(each) for each in await self._pool.fetch(MESSAGES, dispute.id)]

    async def answer(
        self, party: Party, order: int, text: str, files: tuple[int, ...]
    ) -> tuple[Told, list[Event]]:
        """The other side's word on it, once. Refusal `dispute_closed`, `dispute_answered`."""
        async with deciding(self._pool) as connection:
            found, dispute, side = await self._open(connection, order, party)
            may_answer(dispute.side, side, dispute.answered_at is not None)
            return await self._say(connection, found, dispute, party, side, "answer", text, files)

    async def message(
        self, party: Party, order: int, text: str, files: tuple[int, ...]
    ) -> tuple[Told, list[Event]]:
        """One more word, or evidence, of either side or of staff. Refusal `dispute_closed`, `limit_reached`."""
        async with deciding(self._pool) as connection:
            found, dispute, side = await self._open(connection, order, party)
            return await self._say(connection, found, dispute, party, side, "message", text, files)

    async def withdraw(self, party: Party, order: int) -> tuple[Order, list[Event]]:
        """Who has opened it takes it back: the haul goes on where it stood. Refusal `dispute_closed`."""
        async with deciding(self._pool) as connection:
            found, dispute, side = await self._open(connection, order, party)
            may_withdraw(dispute.side, side)
            await connection.execute(WITHDRAW, dispute.id)
            moved, event = await step(
                connection,
                found,
                back_to(dispute.was),
                actor=party.signed_in,
                driver=found.driver,
                kind="dispute_withdrawn",
            )
            return moved, [event]

    async def _open(self, connection: Connection, order: int, party: Party) -> tuple[Order, Dispute, str]:
        """The locked order, its open dispute, and the side that the party speaks for."""
        found = await owned(connection, order, party)
        row = await connection.fetchrow(NEWEST, order)
        if row is None:
            raise Refusal("not_found")
        dispute = dispute_of(row)
        if found.status is not Status.DISPUTED or dispute.state != "open":
            raise Refusal("dispute_closed")
        return found, dispute, speaks_for(found, party)

    async def _say(
        self,
        connection: Connection,
        order: Order,
        dispute: Dispute,
        party: Party,
        side: str,
        kind: str,
        text: str,
        files: tuple[int, ...],
    ) -> tuple[Told, list[Event]]:
        await say(connection, order, dispute.id, party, side, kind, text, files)
        across = {"shipper": (order.driver,), "driver": (order.shipper,)}.get(
            side, (order.shipper, order.driver)
        )
        named = "dispute_answered" if kind == "answer" else "dispute_message"
        _, event = await note(connection, order, named, actor=party.signed_in, push=across)
        told = dispute_of(await connection.fetchrow(NEWEST, order.id))
        return (told, [said_of(row) for row in await connection.fetch(MESSAGES, dispute.id)]), [event]
