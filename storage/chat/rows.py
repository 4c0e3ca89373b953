"""Rows of conversations as domain objects."""

from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from dispatch.chat import Attached, Message
from dispatch.model import Actor
from storage.postgres import Connection, Pool

# uq_chat_files_place, then the primary key of files.
FILES = """
SELECT c.order_id, c.seq, f.id, f.mime, f.size, f.width, f.height, f.pages
FROM unnest($1::bigint[], $2::integer[]) AS m (order_id, seq)
JOIN chat_files c ON c.order_id = m.order_id AND c.seq = m.seq
JOIN files f ON f.id = c.file_id ORDER BY c.order_id, c.seq, c.place
"""


def message_of(row: asyncpg.Record, files: Sequence[Attached] = ()) -> Message:
    """A message from `chat_messages.*`."""
    return Message(
        order=row["order_id"],
        seq=row["seq"],
        id=row["client_id"],
        author=row["author_id"],
        side=Actor(row["side"]),
        at=row["created_at"].timestamp(),
        text=row["text"],
        phrase=row["phrase"],
        files=tuple(files),
    )


async def whole(source: Pool | Connection, rows: Sequence[asyncpg.Record]) -> list[Message]:
    """The messages of these rows, with their files."""
    if not rows:
        return []
    files: defaultdict[tuple[int, int], list[Attached]] = defaultdict(list)
    keys = [row["order_id"] for row in rows], [row["seq"] for row in rows]
    for order, seq, *told in await source.fetch(FILES, *keys):
        files[order, seq].append(Attached(*told))
    return [message_of(row, files[row["order_id"], row["seq"]]) for row in rows]
