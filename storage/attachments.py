"""Photos and papers of an order: uploads that the parties hold out to each other, and pictures for everybody.

Before a load is won only its shipper's pictures that are marked public are shown, to drivers who may see the load;
papers name people and places, so they are for the parties of the haul alone.
"""

from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal
from dispatch.model import Order, Party, Status
from dispatch.rights import Right, may
from dispatch.visibility import Viewer, carries, in_grace, owns

from .deciding import deciding
from .files import StoredFile, hold, stored_file
from .order_reads import OrderReads
from .order_rows import STANDS, lock_order
from .postgres import Pool
from .visibility import sees

MOST = 10  # attachments of one order
HAULING = frozenset(
    {
        Status.ASSIGNED,
        Status.AT_PICKUP,
        Status.LOADED,
        Status.IN_TRANSIT,
        Status.AT_DROP,
        Status.DELIVERED,
        Status.DISPUTED,
    }
)
WAITING = frozenset({Status.MODERATION, Status.OPEN})

# ix_order_files_order_id_id, then the primary key of files, in all of them.
_ATTACHMENTS = """
SELECT a.id AS attachment, a.order_id, a.added_by, a.kind, a.title, a.public, a.created_at AS added_at, f.*
FROM order_files a JOIN files f ON f.id = a.file_id
"""
OF_ORDER = f"{_ATTACHMENTS} WHERE a.order_id = $1 AND (a.public OR $2) ORDER BY a.id"
ONE = f"{_ATTACHMENTS} WHERE a.id = $3 AND a.order_id = $1 AND (a.public OR $2)"
COUNT = "SELECT count(*) FROM order_files WHERE order_id = $1"
ADD = """
INSERT INTO order_files (order_id, file_id, added_by, kind, title, public) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id
"""
# Primary keys.
DROP = "DELETE FROM order_files WHERE id = $1"
DROP_FILE = "DELETE FROM files WHERE id = $1 RETURNING name"
# Primary keys; uq_offers_live for a load that is offered before it is on the board.
SHOWN_TO_DRIVER = f"""
SELECT EXISTS (SELECT FROM orders o JOIN users u ON u.id = $2
    WHERE o.id = $1 AND u.role = 'driver' AND {STANDS} AND {sees()}
        AND (o.board_at IS NOT NULL OR EXISTS (SELECT FROM offers f
            WHERE f.order_id = o.id AND f.driver_id = u.id AND f.status = 'live')))
"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of an order. `kind`: photo | paper; `public`: shown to drivers who may see the load."""

    id: int
    order: int
    added_by: int
    kind: str
    title: str
    public: bool
    added_at: float
    file: StoredFile


class AttachmentStore:
    """What is attached to orders."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._orders = OrderReads(pool)

    async def add(
        self, party: Party, order: int, file: int, kind: str, title: str, *, public: bool
    ) -> Attachment:
        """Attaches an upload of the party's. `order_closed` when it is too late, `limit_reached` after the most,
        `file_type` for a public paper."""
        async with deciding(self._pool) as connection:
            found = await lock_order(connection, order)
            if found is None or not (owns(found, party) or carries(found, party)):
                raise Refusal("not_found")
            if found.status not in (HAULING | WAITING if owns(found, party) else HAULING):
                raise Refusal("order_closed")
            if public and not owns(found, party):
                raise Refusal("forbidden", "the shipper says what everybody may see")
            if await connection.fetchval(COUNT, order) >= MOST:
                raise Refusal("limit_reached", "at most {n} file", plural="at most {n} files", n=MOST)
            stored = await hold(connection, party.signed_in, file, "order")
            picture = stored.mime.startswith("image/")
            if (public or kind == "photo") and not picture:
                raise Refusal("file_type", "this has to be a picture").at("kind")
            if public and kind != "photo":
                raise Refusal("file_type", "only a photo can be for everybody").at("public")
            number = await connection.fetchval(ADD, order, file, party.signed_in, kind, title, public)
            return _attachment(await connection.fetchrow(ONE, order, True, number))

    async def of_order(self, viewer: Viewer, order: int, now: float) -> list[Attachment]:
        """What this viewer may see of it, in the order it was added. `not_found` for who may not know the load."""
        whole = await self._whole(viewer, order, now)
        return [_attachment(row) for row in await self._pool.fetch(OF_ORDER, order, whole)]

    async def one(self, viewer: Viewer, order: int, attachment: int, now: float) -> Attachment:
        """One of them; `not_found` for what this viewer may not see."""
        whole = await self._whole(viewer, order, now)
        row = await self._pool.fetchrow(ONE, order, whole, attachment)
        if row is None:
            raise Refusal("not_found")
        return _attachment(row)

    async def remove(self, party: Party, order: int, attachment: int) -> str:
        """Takes back what the party has added itself; the name of the file that goes with it. `order_closed` once
        the cargo is loaded: from then on it is evidence."""
        async with deciding(self._pool) as connection:
            found = await lock_order(connection, order)
            row = await connection.fetchrow(ONE, order, True, attachment)
            mine = row is not None and row["added_by"] == party.signed_in
            if found is None or row is None or not mine or not (owns(found, party) or carries(found, party)):
                raise Refusal("not_found")
            if found.status not in WAITING | {Status.ASSIGNED, Status.AT_PICKUP}:
                raise Refusal("order_closed")
            await connection.execute(DROP, attachment)
            name: str = await connection.fetchval(DROP_FILE, row["id"])
            return name

    async def _whole(self, viewer: Viewer, order: int, now: float) -> bool:
        """Whether everything is shown, or the public part; `not_found` for neither."""
        party = viewer.party
        found = await self._orders.posted(order)
        if found is None:
            raise Refusal("not_found")
        if may(viewer.grade, Right.SEE_DOCUMENTS) or _party_sees(found, party, now):
            return True
        if await self._pool.fetchval(SHOWN_TO_DRIVER, order, party.user):
            return False
        raise Refusal("not_found")


def _party_sees(order: Order, party: Party, now: float) -> bool:
    """In a dispute its driver reads the evidence, however long ago the haul ended."""
    disputed = order.status is Status.DISPUTED
    return owns(order, party) or (carries(order, party) and (disputed or in_grace(order, now)))


def _attachment(row: asyncpg.Record) -> Attachment:
    return Attachment(
        row["attachment"],
        row["order_id"],
        row["added_by"],
        row["kind"],
        row["title"],
        row["public"],
        row["added_at"].timestamp(),
        stored_file(row),
    )
