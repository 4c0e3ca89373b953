"""Writing and reading of conversations. Whatever changes one queues at its row, so that its messages are numbered
without a hole, one that is sent twice is stored once, and a push is called off exactly when nothing is unread."""

from collections.abc import Sequence

import asyncpg

from dispatch import chat
from dispatch.chat import Draft, Message
from dispatch.errors import Refusal
from dispatch.events import ChatRead, ChatWritten, Event
from dispatch.model import Order, Party, Status
from storage.files import hold
from storage.outbox import CANCEL
from storage.postgres import Connection, transaction
from storage.visibility import unhidden

from .reads import ChatReads
from .rows import message_of, whole

# Primary key.
BEGIN = """
INSERT INTO chats (order_id, shipper_id, company_id, driver_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
# Primary key. Reads nothing else: after a wait it shows the row as it is now.
LOCK = """
SELECT last_seq, extract(epoch FROM clock_timestamp())::float8 AS now FROM chats WHERE order_id = $1
FOR NO KEY UPDATE
"""
# Primary key. As LOCK, for who only asks.
SEEN = """
SELECT coalesce(max(last_seq), 0) AS last_seq, extract(epoch FROM clock_timestamp())::float8 AS now
FROM chats WHERE order_id = $1
"""
# uq_chat_messages_client.
SENT = "SELECT * FROM chat_messages WHERE order_id = $1 AND client_id = $2 AND author_id = $3"
# ix_chat_messages_author_id_order_id_seq read backwards: until the oldest of the last $4 is $3 seconds old.
WAIT = """
SELECT extract(epoch FROM created_at + make_interval(secs => $3) - clock_timestamp())::float8 FROM chat_messages
WHERE author_id = $1 AND order_id = $2 ORDER BY seq DESC OFFSET $4 - 1 LIMIT 1
"""
# Primary key.
BLOCKED = "SELECT blocked FROM users WHERE id = $1"
# Primary key, ix_blocks_driver and ix_blocks_carrier.
MAY_MEET = f"SELECT {unhidden('$2::bigint')} FROM orders o WHERE o.id = $1"
# Primary keys; under the lock.
WRITE = """
WITH numbered AS (
    UPDATE chats SET last_seq = last_seq + 1, last_at = clock_timestamp() WHERE order_id = $1
    RETURNING order_id, last_seq, last_at
)
INSERT INTO chat_messages (order_id, seq, client_id, author_id, side, text, phrase, created_at)
SELECT order_id, last_seq, $2, $3, $4, $5, $6, last_at FROM numbered RETURNING *
"""
ATTACH = "INSERT INTO chat_files (file_id, order_id, seq, place) VALUES ($1, $2, $3, $4)"
# Primary keys, ix_company_members_company_id, uq_fleet_drivers_driver. Who is told of everything: both
# sides, but for who was shut out or is gone.
PEOPLE = """
SELECT u.id AS user_id, 'shipper' AS side, true AS first FROM chats c
    JOIN users u ON u.id = c.shipper_id AND NOT u.blocked WHERE c.order_id = $1
UNION ALL
SELECT m.user_id, 'shipper', false FROM chats c JOIN company_members m ON m.company_id = c.company_id
    JOIN users u ON u.id = m.user_id AND u.role = 'shipper' AND NOT u.blocked
WHERE c.order_id = $1 AND m.user_id <> c.shipper_id
UNION ALL
SELECT u.id, 'driver', true FROM chats c
    JOIN users u ON u.id = c.driver_id AND NOT u.blocked WHERE c.order_id = $1
UNION ALL
SELECT m.user_id, 'driver', false FROM chats c
    JOIN fleet_drivers f ON f.driver_id = c.driver_id AND f.left_at IS NULL
    JOIN company_members m ON m.company_id = f.company_id
    JOIN users u ON u.id = m.user_id AND u.role = 'logistician' AND NOT u.blocked
WHERE c.order_id = $1
"""
# Primary key of chat_reads, ix_chat_messages_author_id_order_id_seq, uq_outbox_dedupe_key. One push for all that
# is unread, again after a while; of colleagues only those who take part. $2 users, $3 whether each is its side's
# first, $4 seconds until it goes out, $5 seconds until it may ring again.
PUSH = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at)
SELECT p.user_id, 'chat.message', jsonb_build_object('chat', $1::bigint, 'order', $1::bigint),
    'chat:' || $1::bigint || ':' || p.user_id || ':' || coalesce(r.upto, 0),
    clock_timestamp() + make_interval(secs => $4), clock_timestamp() + interval '1 day'
FROM unnest($2::bigint[], $3::boolean[]) AS p (user_id, first)
LEFT JOIN chat_reads r ON r.order_id = $1 AND r.user_id = p.user_id
WHERE p.first OR r.user_id IS NOT NULL
    OR EXISTS (SELECT FROM chat_messages m WHERE m.author_id = p.user_id AND m.order_id = $1)
ON CONFLICT (dedupe_key) DO UPDATE SET state = 'due', attempts = 0, due_at = excluded.due_at,
    expires_at = excluded.expires_at, done_at = NULL, error = NULL
WHERE outbox.state <> 'due' AND outbox.done_at < clock_timestamp() - make_interval(secs => $5)
"""
# Primary keys.
MARK_OF = "SELECT upto FROM chat_reads WHERE order_id = $1 AND user_id = $2"
MARK = """
INSERT INTO chat_reads (order_id, user_id, side, upto, read_at) VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (order_id, user_id) DO UPDATE SET upto = excluded.upto, read_at = excluded.read_at
RETURNING read_at
"""
# Primary key, a range of it.
UNREAD = "SELECT EXISTS (SELECT FROM chat_messages WHERE order_id = $1 AND seq > $2 AND author_id <> $3)"
# uq_outbox_dedupe_key. What is still unread keeps its push, under the key of the new mark.
CARRY_ON = "UPDATE outbox SET dedupe_key = $2 WHERE dedupe_key = $1 AND state = 'due'"


class ChatStore(ChatReads):
    """One method, one transaction. Events are told by the caller, after COMMIT."""

    async def send(self, party: Party, order: int, draft: Draft) -> tuple[Message, list[Event]]:
        """Stores a message of the party's, or finds the one that this draft has become already.

        `not_found` for who is on no side, and for a file that is not the writer's; `chat_closed`,
        `account_blocked`, `rate_limited`, `file_held`, `file_type`; `idempotency_conflict` for an id that was used
        for other words.
        """
        found, side = await self.side(party, order)
        author = party.signed_in
        async with transaction(self._pool) as connection:
            if found.driver is not None:
                await connection.execute(BEGIN, order, found.shipper, found.company, found.driver)
            chat_row = await connection.fetchrow(LOCK, order)
            sent = await connection.fetchrow(SENT, order, draft.id, author)
            if sent is not None:
                (message,) = await whole(connection, [sent])
                if not message.says(draft):
                    raise Refusal("idempotency_conflict", "this id is that of another message")
                return message, []
            chat.must_make_sense(draft, side)
            await _must_be_let(connection, found, author, chat_row)
            row = await connection.fetchrow(
                WRITE, order, draft.id, author, side.value, draft.text, draft.phrase
            )
            await _attach(connection, author, row, draft.files)
            (message,) = await whole(connection, [row]) if draft.files else (message_of(row),)
            people = await connection.fetch(PEOPLE, order)
            others = [person for person in people if person["side"] != side.value]
            await connection.execute(
                PUSH,
                order,
                [person["user_id"] for person in others],
                [person["first"] for person in others],
                chat.PUSH_AFTER_S,
                chat.PUSH_AGAIN_S,
            )
        return message, [ChatWritten(message, _users(people, author))]

    async def read(self, party: Party, order: int, upto: int) -> tuple[int, list[Event]]:
        """The caller has read so far; where the mark stands now: never back, nor past the last message."""
        _, side = await self.side(party, order)
        user = party.signed_in
        async with transaction(self._pool) as connection:
            chat_row = await connection.fetchrow(LOCK, order)
            before = await connection.fetchval(MARK_OF, order, user) or 0
            after = min(upto, 0 if chat_row is None else chat_row["last_seq"])
            if after <= before:
                return before, []
            read_at = await connection.fetchval(MARK, order, user, side.value, after)
            key = f"chat:{order}:{user}:"
            if await connection.fetchval(UNREAD, order, after, user):
                await connection.execute(CARRY_ON, f"{key}{before}", f"{key}{after}")
            else:
                await connection.execute(CANCEL, f"{key}{before}")
            people = await connection.fetch(PEOPLE, order)
        return after, [ChatRead(order, user, side, after, read_at.timestamp(), _users(people, user))]

    async def must_be_open(self, party: Party, order: int) -> None:
        """Refuses as `send` would, whatever is said: before a file is taken in for nothing."""
        found, _ = await self.side(party, order)
        async with self._pool.acquire() as connection:
            chat_row = await connection.fetchrow(SEEN, order)
            await _must_be_let(connection, found, party.signed_in, chat_row)


async def _must_be_let(
    connection: Connection, order: Order, author: int, chat_row: asyncpg.Record | None
) -> None:
    """Whether this user may write in the conversation now."""
    if chat_row is None or order.driver is None:
        raise Refusal("chat_closed", "no driver has the load yet")
    chat.must_take(order, chat_row["last_seq"], chat_row["now"])
    if await connection.fetchval(BLOCKED, author):
        raise Refusal("account_blocked")
    # On the road they need each other, whatever they think of it; afterwards a block is a last word.
    over = order.ended_at is not None and order.status is not Status.DISPUTED
    if over and not await connection.fetchval(MAY_MEET, order.id, order.driver):
        raise Refusal("chat_closed", "one side has blocked the other")
    wait = await connection.fetchval(WAIT, author, order.id, chat.WINDOW_S, chat.A_WINDOW)
    if wait is not None and wait > 0:
        raise Refusal("rate_limited", "try again in {wait:duration}", wait=wait)


async def _attach(connection: Connection, author: int, message: asyncpg.Record, files: Sequence[int]) -> None:
    """Takes the writer's uploads for this message."""
    for file in sorted(files):  # in one order: two messages with the same files cannot wait in a ring
        try:
            stored = await hold(connection, author, file, "chat")
        except Refusal as refusal:
            raise refusal.at("attachments") from None
        if stored.mime not in chat.KINDS:
            raise Refusal("file_type").at("attachments")
    for place, file in enumerate(files):
        await connection.execute(ATTACH, file, message["order_id"], message["seq"], place)


def _users(people: list[asyncpg.Record], actor: int) -> tuple[int, ...]:
    """Everybody on both sides, and who has just done it."""
    return tuple(dict.fromkeys((*(person["user_id"] for person in people), actor)))
