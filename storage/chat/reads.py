"""Reading conversations: one of them page by page, or all of a user's, the one with the latest word first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from dispatch.chat import Message, side_of
from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party
from dispatch.rights import Right, may
from dispatch.visibility import Viewer
from storage.files import StoredFile, stored_file
from storage.order_reads import OrderReads
from storage.postgres import Pool

from .rows import whole

COUNTED = 100  # of the last messages of a conversation, those that are unread
END = datetime(9999, 1, 1, tzinfo=UTC)

# Primary key, backwards or forwards.
EARLIER = "SELECT * FROM chat_messages WHERE order_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
LATER = "SELECT * FROM chat_messages WHERE order_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
# Primary keys. $2 the reader, $3 his side.
STAND = """
SELECT c.last_seq, coalesce(max(r.upto) FILTER (WHERE r.user_id = $2), 0) AS upto,
    coalesce(max(r.upto) FILTER (WHERE r.side = 'shipper'), 0) AS shipper_upto,
    coalesce(max(r.upto) FILTER (WHERE r.side = 'driver'), 0) AS driver_upto
FROM chats c LEFT JOIN chat_reads r ON r.order_id = c.order_id WHERE c.order_id = $1 GROUP BY c.order_id
"""
# Primary keys.
FILE = (
    "SELECT f.* FROM chat_files c JOIN files f ON f.id = c.file_id WHERE c.file_id = $2 AND c.order_id = $1"
)

# What is told of each conversation of a page, for the reader $1; `mine` is the page. Primary keys.
_TOLD = f""")
SELECT m.*, c.last_at, o.status, o.pickup_name, o.drop_name, coalesce(r.upto, 0) AS upto,
    (SELECT count(*) FROM (SELECT author_id FROM chat_messages n
        WHERE n.order_id = c.order_id AND n.seq > coalesce(r.upto, 0) ORDER BY n.seq DESC LIMIT {COUNTED}) n
        WHERE n.author_id <> $1) AS unread
FROM mine JOIN chats c ON c.order_id = mine.order_id
JOIN orders o ON o.id = c.order_id
JOIN chat_messages m ON m.order_id = c.order_id AND m.seq = c.last_seq
LEFT JOIN chat_reads r ON r.order_id = c.order_id AND r.user_id = $1
ORDER BY c.last_at DESC, c.order_id DESC LIMIT $4
"""
# ix_chats_shipper_id_last_at_order_id and ix_chats_company, read backwards. $5 the company.
OF_SHIPPER = f"""
WITH mine AS (
    (SELECT order_id, last_at FROM chats WHERE shipper_id = $1 AND (last_at, order_id) < ($2, $3::bigint)
        ORDER BY last_at DESC, order_id DESC LIMIT $4)
    UNION
    (SELECT order_id, last_at FROM chats WHERE company_id = $5::bigint AND (last_at, order_id) < ($2, $3::bigint)
        ORDER BY last_at DESC, order_id DESC LIMIT $4)
{_TOLD}"""
# ix_chats_driver_id_last_at_order_id, read backwards.
OF_DRIVER = f"""
WITH mine AS (
    SELECT order_id, last_at FROM chats WHERE driver_id = $1 AND (last_at, order_id) < ($2, $3::bigint)
    ORDER BY last_at DESC, order_id DESC LIMIT $4
{_TOLD}"""
# ix_fleet_drivers_company, then for each driver ix_chats_driver_id_last_at_order_id. $5 the company.
OF_FLEET = f"""
WITH mine AS (
    SELECT told.order_id, told.last_at FROM fleet_drivers f
    CROSS JOIN LATERAL (
        SELECT order_id, last_at FROM chats
        WHERE driver_id = f.driver_id AND (last_at, order_id) < ($2, $3::bigint)
        ORDER BY last_at DESC, order_id DESC LIMIT $4
    ) AS told
    WHERE f.company_id = $5::bigint AND f.left_at IS NULL ORDER BY told.last_at DESC, told.order_id DESC LIMIT $4
{_TOLD}"""


class Before(NamedTuple):
    """The conversation that a page follows: when its last word was said (epoch seconds), and its order."""

    at: float
    order: int


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a conversation, oldest first. `last` is the number of its last message, `upto` how far the
    reader has read, `sides` how far somebody of each side has; `more`: there is more in the asked direction."""

    order: Order
    messages: tuple[Message, ...]
    last: int
    upto: int
    sides: dict[Actor, int]
    more: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation in a list: its last word, and how many of others are unread (of the last hundred)."""

    order: int
    status: str
    pickup: str
    drop: str
    last: Message
    last_at: float
    upto: int
    unread: int


class ChatReads:
    """What may be read of conversations, and by whom."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._orders = OrderReads(pool)

    async def side(self, party: Party, order: int) -> tuple[Order, Actor]:
        """The order, and on which side of it the party stands; `not_found` for none."""
        found = await self._orders.posted(order)
        side = None if found is None else side_of(found, party)
        if found is None or side is None:
            raise Refusal("not_found")
        return found, side

    async def readable(self, viewer: Viewer, order: int) -> Order:
        """The order, when its conversation is the viewer's to read: of either side, or staff with the right."""
        if viewer.party.actor is Actor.ADMIN:
            found = await self._orders.posted(order)
            if found is not None and may(viewer.grade, Right.READ_CHATS):
                return found
            raise Refusal("not_found")
        return (await self.side(viewer.party, order))[0]

    async def page(
        self, reader: int, order: Order, before: int | None, after: int | None, limit: int
    ) -> Page:
        """The newest messages, or those before or after a number."""
        # The stand first: what is said meanwhile is in the page, and the client hears of it anyway.
        stand = await self._pool.fetchrow(STAND, order.id, reader)
        if stand is None:
            return Page(order, (), 0, 0, {Actor.SHIPPER: 0, Actor.DRIVER: 0}, False)
        if after is not None:
            rows = list(await self._pool.fetch(LATER, order.id, after, limit + 1))
        else:
            below = stand["last_seq"] + 1 if before is None else before
            rows = list(await self._pool.fetch(EARLIER, order.id, below, limit + 1))
        more = len(rows) > limit
        del rows[limit:]
        messages = await whole(self._pool, rows)
        messages.sort(key=lambda message: message.seq)
        sides = {Actor.SHIPPER: stand["shipper_upto"], Actor.DRIVER: stand["driver_upto"]}
        return Page(order, tuple(messages), stand["last_seq"], stand["upto"], sides, more)

    async def file(self, order: int, file: int) -> StoredFile:
        """A file of the conversation. Refusal `not_found`."""
        row = await self._pool.fetchrow(FILE, order, file)
        if row is None:
            raise Refusal("not_found")
        return stored_file(row)

    async def of(self, party: Party, before: Before | None, limit: int) -> list[Line]:
        """The party's conversations, the one with the latest word first."""
        until = END if before is None else datetime.fromtimestamp(before.at, UTC)
        asked = (party.signed_in, until, 0 if before is None else before.order, limit)
        company = next(iter(party.companies), None)
        if party.actor is Actor.SHIPPER:
            rows: Sequence[asyncpg.Record] = await self._pool.fetch(OF_SHIPPER, *asked, company)
        elif party.actor is Actor.DRIVER:
            rows = await self._pool.fetch(OF_DRIVER, *asked)
        elif party.actor is Actor.LOGISTICIAN:
            rows = await self._pool.fetch(OF_FLEET, *asked, company)
        else:
            rows = []
        lasts = await whole(self._pool, rows)
        return [_line(row, last) for row, last in zip(rows, lasts, strict=True)]


def _line(row: asyncpg.Record, last: Message) -> Line:
    return Line(
        order=row["order_id"],
        status=row["status"],
        pickup=row["pickup_name"],
        drop=row["drop_name"],
        last=last,
        last_at=row["last_at"].timestamp(),
        upto=row["upto"],
        unread=row["unread"],
    )
