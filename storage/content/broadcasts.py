"""Broadcasts: staff's own words, pushed to everybody of some roles in some regions, once.

A broadcast is a row that says how far it has come. `step` takes one slice of users in one transaction: who
of them is meant, their rows of the outbox, and how far the broadcast has come are committed together, so a worker
that dies leaves no half slice, and another goes on behind the last whole one. The outbox's key
(`broadcast:{id}:{user}`) says it once more. Cancelled meanwhile, the loop finds nothing more to do, and what is
still in the outbox is called off when it is about to be sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dispatch.content import Audience, Texts, fit_for_a_push, readable, title_of
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool, transaction
from storage.staff import NO_LIMIT, record

from .whereabouts import LAST_USER, SLICE, Somebody, Trace, Whereabouts

A_DAY = 5  # broadcasts that one member of staff may send
MOST_DRAFTS = 100
STEP = 200  # users looked at in one transaction
# So many notices may wait for their pushes when a slice comes on top: the push of an offer never stands behind a
# whole broadcast.
WAITING = 200
PREVIEW_SLICE, PREVIEW_MOST = 1000, 200_000  # users looked at to count recipients

FIELDS = """
b.id, b.version, b.state, b.texts, b.roles, b.regions, b.page, b.total, b.sent, b.created_by, b.queued_by,
    b.cancelled_by, extract(epoch FROM b.created_at)::float8 AS created_at,
    extract(epoch FROM b.queued_at)::float8 AS queued_at, extract(epoch FROM b.done_at)::float8 AS done_at
"""
# Primary key.
ONE = f"SELECT {FIELDS} FROM broadcasts b WHERE b.id = $1"
LOCK = ONE + " FOR UPDATE"
PAGE = f"SELECT {FIELDS} FROM broadcasts b WHERE b.id < $1 ORDER BY b.id DESC LIMIT $2"
# Who sends queues here, so that two sends at once are both counted.
QUEUE = "SELECT pg_advisory_xact_lock(7108)"
# ix_broadcasts_queued.
SENT_TODAY = """
SELECT count(*) FROM broadcasts WHERE queued_by = $1 AND queued_at > now() - interval '1 day'
"""
# Rows of one member of staff; there are few broadcasts.
DRAFTS = "SELECT count(*) FROM broadcasts WHERE state = 'draft'"
ADD = f"""
INSERT INTO broadcasts AS b (texts, roles, regions, page, created_by, updated_by) VALUES ($2, $3, $4, $5, $1, $1)
RETURNING {FIELDS}
"""
CHANGE = f"""
UPDATE broadcasts b SET texts = $3, roles = $4, regions = $5, page = $6, updated_by = $1, updated_at = now(),
    version = version + 1 WHERE b.id = $2 RETURNING {FIELDS}
"""
SEND = f"""
UPDATE broadcasts b SET state = 'queued', total = $3, upto = ({LAST_USER}), queued_by = $2, queued_at = now(),
    version = version + 1 WHERE b.id = $1 RETURNING {FIELDS}
"""
CANCEL = f"""
UPDATE broadcasts b SET state = 'cancelled', cancelled_by = $2, done_at = now(), version = version + 1
WHERE b.id = $1 RETURNING {FIELDS}
"""
# ix_broadcasts_going, ix_outbox_due. While a worker is at one, others leave it alone.
CLAIM = """
SELECT id, roles, regions, looked_to, upto FROM broadcasts WHERE state IN ('queued', 'sending')
    AND (SELECT count(*) FROM (SELECT FROM outbox WHERE state = 'due' AND due_at <= now() LIMIT $1) w) < $1
ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
# uq_outbox_dedupe_key. A day later nobody needs to hear of it.
PUSH = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
SELECT u, 'broadcast.sent', jsonb_build_object('broadcast', $2::bigint),
    'broadcast:' || $2::bigint || ':' || u, now() + interval '1 day'
FROM unnest($1::bigint[]) AS u ORDER BY u ON CONFLICT (dedupe_key) DO NOTHING
"""
# The version is that of what staff edit: progress is none.
MOVED = """
UPDATE broadcasts SET state = CASE WHEN $4 THEN 'done' ELSE 'sending' END, looked_to = $2, sent = sent + $3,
    done_at = CASE WHEN $4 THEN now() END
WHERE id = $1
"""
TEXTS = "SELECT id, texts, state = 'cancelled' AS cancelled FROM broadcasts WHERE id = ANY($1::bigint[])"
# uq_outbox_dedupe_key, ix_inbox_items_user_id_id: whoever it was sent to may read it, while the outbox or their
# inbox remembers.
RECEIVED = f"""
SELECT {FIELDS} FROM broadcasts b WHERE b.id = $1 AND b.state <> 'cancelled' AND (EXISTS (
    SELECT FROM outbox o WHERE o.dedupe_key = 'broadcast:' || $1::bigint || ':' || $2::bigint AND o.user_id = $2)
    OR EXISTS (SELECT FROM inbox_items i WHERE i.user_id = $2 AND i.kind = 'broadcast.sent'
        AND i.facts ->> 'broadcast' = $1::bigint::text))
"""

RegionsOf = Callable[[Trace], Sequence[str]]  # the regions around what says where somebody is


class Step(NamedTuple):
    """What one step did: the broadcast, new pushes, whether it is through."""

    broadcast: int
    pushed: int
    done: bool


class Counted(NamedTuple):
    """How many a broadcast would reach; `whole` False: at least so many. `nowhere`: of these roles, but nobody
    knows in which region."""

    recipients: int
    nowhere: int
    whole: bool


class Told(NamedTuple):
    """What a push says."""

    texts: Texts
    cancelled: bool


@dataclass(frozen=True, slots=True)
class NewBroadcast:
    """What staff compose."""

    texts: Texts
    audience: Audience
    page: str | None


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One of them; times in epoch seconds. `sent` of about `total` have a push."""

    id: int
    version: int
    state: str
    texts: Texts
    audience: Audience
    page: str | None
    total: int | None
    sent: int
    created_by: int
    queued_by: int | None
    cancelled_by: int | None
    created_at: float
    queued_at: float | None
    done_at: float | None


class BroadcastStore:
    """Broadcasts, and the users that they go to. `regions_of` is geo's word on traces."""

    def __init__(self, pool: Pool, whereabouts: Whereabouts, regions_of: RegionsOf) -> None:
        self._pool = pool
        self._whereabouts = whereabouts
        self._regions_of = regions_of

    async def one(self, id: int) -> Broadcast:
        """Any of them. Refusal `not_found`."""
        return _found(await self._pool.fetchrow(ONE, id))

    async def page(self, before: int | None, limit: int) -> list[Broadcast]:
        """Some of them, newest first."""
        below = NO_LIMIT if before is None else before
        return [_read(row) for row in await self._pool.fetch(PAGE, below, limit)]

    async def received(self, user: int, id: int) -> Broadcast:
        """One that was sent to this user. Refusal `not_found`."""
        return _found(await self._pool.fetchrow(RECEIVED, id, user))

    async def add(self, staff: int, new: NewBroadcast) -> Broadcast:
        """A draft. Refusals `limit_reached`, `bad_request` for what is not fit for a push."""
        fit_for_a_push(new.texts)
        async with transaction(self._pool) as connection:
            if await connection.fetchval(DRAFTS) >= MOST_DRAFTS:
                raise Refusal(
                    "limit_reached", "at most {n} draft", plural="at most {n} drafts", n=MOST_DRAFTS
                )
            made = _read(await connection.fetchrow(ADD, staff, *_columns(new)))
            await _record(connection, staff, "broadcast.add", made, "", _told(made))
        return made

    async def change(self, staff: int, id: int, seen: int, new: NewBroadcast) -> Broadcast:
        """Edits a draft. Refusals `not_found`, `version_stale`, `broadcast_sent`, and as for `add`."""
        fit_for_a_push(new.texts)
        async with transaction(self._pool) as connection:
            was = _draft(await connection.fetchrow(LOCK, id), seen)
            made = _read(await connection.fetchrow(CHANGE, staff, id, *_columns(new)))
            await _record(connection, staff, "broadcast.change", made, _told(was), _told(made))
        return made

    async def count(self, audience: Audience) -> Counted:
        """Whom it would reach if it were sent now. Looks at PREVIEW_MOST users at most."""
        recipients = nowhere = looked = after = 0
        upto = await self._whereabouts.last_user()
        while looked < PREVIEW_MOST:
            people = await self._whereabouts.slice(
                after, upto, audience.roles, PREVIEW_SLICE, placed=bool(audience.regions)
            )
            looked += len(people)
            recipients += len(self._meant(audience, people))
            if audience.regions:
                nowhere += sum(not self._regions_of(somebody.trace) for somebody in people)
            if len(people) < PREVIEW_SLICE:
                return Counted(recipients, nowhere, True)
            after = people[-1].id
        return Counted(recipients, nowhere, False)

    async def send(self, staff: int, id: int, seen: int, total: int) -> Broadcast:
        """Queues a draft; `total` as it was counted. Refusals `not_found`, `version_stale`, `broadcast_sent`,
        `limit_reached` for who has sent enough today, `bad_request` for a text that some could not read."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            was = _draft(await connection.fetchrow(LOCK, id), seen)
            readable(was.texts)
            if await connection.fetchval(SENT_TODAY, staff) >= A_DAY:
                raise Refusal(
                    "limit_reached",
                    "at most {n} broadcast a day",
                    plural="at most {n} broadcasts a day",
                    n=A_DAY,
                )
            made = _read(await connection.fetchrow(SEND, id, staff, total))
            await _record(connection, staff, "broadcast.send", made, "draft", _told(made))
        return made

    async def cancel(self, staff: int, id: int) -> Broadcast:
        """Stops it: nobody else gets it. Refusals `not_found`, `broadcast_sent` when it is through."""
        async with transaction(self._pool) as connection:
            was = _found(await connection.fetchrow(LOCK, id))
            if was.state == "done":
                raise Refusal("broadcast_sent")
            if was.state == "cancelled":
                return was
            made = _read(await connection.fetchrow(CANCEL, id, staff))
            await _record(
                connection, staff, "broadcast.cancel", made, was.state, f"cancelled, {made.sent} sent"
            )
        return made

    async def step(self) -> Step | None:
        """The next slice of the oldest broadcast that nobody else is at; None when there is none, or when enough
        pushes wait."""
        async with transaction(self._pool) as connection:
            claimed = await connection.fetchrow(CLAIM, WAITING)
            if claimed is None:
                return None
            audience = Audience(tuple(claimed["roles"]), tuple(claimed["regions"]))
            # On this connection: the slice is of the transaction that holds the broadcast.
            rows = await connection.fetch(
                SLICE, claimed["looked_to"], claimed["upto"], claimed["roles"], bool(audience.regions), STEP
            )
            people = [Somebody(row["id"], Trace(row["cell"], row["city"])) for row in rows]
            meant = self._meant(audience, people)
            pushed = await connection.execute(PUSH, meant, claimed["id"]) if meant else "INSERT 0 0"
            step = Step(claimed["id"], int(pushed.split()[-1]), len(people) < STEP)
            reached = people[-1].id if people else claimed["upto"]
            await connection.execute(MOVED, step.broadcast, reached, step.pushed, step.done)
        return step

    async def texts(self, ids: Sequence[int]) -> dict[int, Told]:
        """What pushes of these broadcasts say."""
        rows = await self._pool.fetch(TEXTS, list(ids))
        return {row["id"]: Told(row["texts"], row["cancelled"]) for row in rows}

    def _meant(self, audience: Audience, people: Sequence[Somebody]) -> list[int]:
        """Who of them it is for; their roles were asked for already."""
        if not audience.regions:
            return [somebody.id for somebody in people]
        wanted = set(audience.regions)
        return [somebody.id for somebody in people if not wanted.isdisjoint(self._regions_of(somebody.trace))]


def _columns(new: NewBroadcast) -> tuple[Any, ...]:
    return dict(new.texts), list(new.audience.roles), list(new.audience.regions), new.page


def _read(row: Any) -> Broadcast:
    id, version, state, texts, roles, regions, *rest = row
    return Broadcast(id, version, state, texts, Audience(tuple(roles), tuple(regions)), *rest)


def _found(row: Any) -> Broadcast:
    if row is None:
        raise Refusal("not_found")
    return _read(row)


def _draft(row: Any, seen: int) -> Broadcast:
    found = _found(row)
    if found.state != "draft":
        raise Refusal("broadcast_sent")
    if found.version != seen:
        raise Refusal("version_stale")
    return found


def _told(one: Broadcast) -> str:
    where = " ".join(one.audience.regions) or "everywhere"
    return f"{' '.join(one.audience.roles)}, {where}, version {one.version}"


async def _record(
    connection: Connection, staff: int, action: str, one: Broadcast, was: str, now: str
) -> None:
    detail = {"broadcast": str(one.id), "was": was, "is": now, "title": title_of(one.texts)}
    await record(connection, staff, action, None, "", detail)
