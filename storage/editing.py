"""Posted orders edited, confirmed and acknowledged, each under its order's lock."""

from dispatch.asked import content_of
from dispatch.bids import BidStatus
from dispatch.editing import Changes, may_edit
from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import NewOrder, OfferStatus, Order, Party, Status
from dispatch.visibility import carries, owns

from .bid_rows import close_bids
from .deciding import deciding
from .holding import DROP_CASE, hold, let_out, open_case
from .invitations import ask_again
from .order_rows import (
    CHECK_AT,
    CONFIRM_BY,
    CONTENT,
    ORDER,
    content_values,
    end_offers,
    note,
    numbered,
    order_of,
    place_of,
)
from .orders import owned
from .postgres import Connection, Pool, transaction

# Primary key. Version 1 is written when there is a second: most orders are never edited.
KEEP_VERSION = """
INSERT INTO order_versions (order_id, version, content, actor_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
# Primary key. An edit confirms the load. $1 order, $2 whether declined offers do not count any more, $3 whether
# the driver must agree to new times, $4 seconds until it expires (null: as before), $5 whether it is in search.
EDIT = f"""
WITH times AS (
    SELECT now() AS now, now() + make_interval(secs => {place_of("confirm_s", 6)}::int) AS confirm,
        CASE WHEN $5 THEN least(coalesce(now() + make_interval(secs => $4), expires_at),
            {place_of("pickup_to", 6)}) ELSE expires_at END AS ends
    FROM orders WHERE id = $1
)
UPDATE orders o SET version = version + 1,
    fresh_version = CASE WHEN $2 THEN version + 1 ELSE fresh_version END,
    ack_due = CASE WHEN $3 OR ack_due IS NOT NULL THEN version + 1 END,
    expires_at = ends,
    confirm_by = CASE WHEN $5 THEN {CONFIRM_BY} END, check_at = CASE WHEN $5 THEN {CHECK_AT} END,
    ({", ".join(CONTENT)}) = ROW({numbered(6)})
FROM times WHERE o.id = $1
"""
# Primary key. The search begins again; a load that has reached the board stays there meanwhile.
SEARCH_AGAIN = """
UPDATE orders SET wave = 0, seek_at = CASE WHEN NOT private THEN clock_timestamp() END,
    board_at = CASE WHEN NOT private THEN board_at END WHERE id = $1
"""
# ix_offers_order_id and ix_bids_order_id. Nothing that the drivers see has changed: what they were offered, and
# what they bid on, is the new version.
CARRY_OFFERS = "UPDATE offers SET version = $2 WHERE order_id = $1 AND status = 'live'"
CARRY_BIDS = "UPDATE bids SET order_version = $2 WHERE order_id = $1 AND status IN ('live', 'countered')"
# ix_moderation_cases_order_id_id: what staff said last.
LAST_DECISION = """
SELECT state, grounds FROM moderation_cases WHERE order_id = $1 AND state IN ('approved', 'rejected')
ORDER BY id DESC LIMIT 1
"""

# Primary key. The next confirmation; a load that has left the board comes back, or is searched for again.
CONFIRM = f"""
WITH times AS (
    SELECT now() AS now, now() + make_interval(secs => confirm_s) AS confirm, expires_at AS ends
    FROM orders WHERE id = $1
)
UPDATE orders o SET confirm_by = {CONFIRM_BY}, check_at = {CHECK_AT},
    seek_at = CASE WHEN o.seek_at IS NULL AND o.board_at IS NULL AND NOT o.private THEN clock_timestamp()
        ELSE o.seek_at END
FROM times WHERE o.id = $1
"""
# Primary key.
AGREE = "UPDATE orders SET ack_due = NULL WHERE id = $1"

# ix_orders_check.
LOCK_DUE = """
SELECT o.*, a.driver_id, o.confirm_by > clock_timestamp() AS early
FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.check_at <= (SELECT clock_timestamp()) ORDER BY o.check_at LIMIT $1 FOR NO KEY UPDATE OF o SKIP LOCKED
"""
# Primary key; outbox by its unique dedupe_key: one reminder a confirmation.
REMIND = """
WITH due AS (
    UPDATE orders SET check_at = confirm_by WHERE id = $1 RETURNING id, seq, status, shipper_id, confirm_by
)
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
SELECT shipper_id, 'order.confirm', jsonb_build_object('order', id, 'seq', seq, 'status', status,
        'confirm_by', extract(epoch FROM confirm_by)::float8),
    'confirm:' || id || ':' || extract(epoch FROM confirm_by)::bigint, confirm_by
FROM due ON CONFLICT DO NOTHING
"""
# Primary key.
LAPSE = "UPDATE orders SET check_at = NULL, seek_at = NULL WHERE id = $1"
CHECKED = "UPDATE orders SET check_at = NULL WHERE id = $1"


class EditStore:
    """What shippers do to posted loads; implements dispatch.ports.Edits."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def edit(
        self, before: Order, new: NewOrder, made: Changes, party: Party, valid_s: float | None
    ) -> tuple[Order, list[Event]]:
        """The next version; `version_stale` when `before` is not the newest any more."""
        async with deciding(self._pool) as connection:
            locked = await owned(connection, before.id, party)
            if locked.version != before.version:
                raise Refusal("version_stale")
            may_edit(locked, made)  # a driver may have taken it since
            searched = locked.driver is None
            version = locked.version + 1
            await connection.execute(
                KEEP_VERSION, locked.id, locked.version, content_of(before), before.shipper
            )
            await connection.execute(KEEP_VERSION, locked.id, version, content_of(new), party.user)
            again = (made.tempting, made.times and not searched, valid_s, searched)
            await connection.execute(EDIT, locked.id, *again, *content_values(new))
            edited, event = await note(
                connection,
                locked,
                "edited",
                actor=party.user,
                detail={"version": version},
                fields=made.fields,
                push=(locked.shipper, locked.driver),
                push_kind="order.edited",
            )
            events: list[Event] = [event]
            if locked.status is Status.OPEN:
                events += await _searched_again(connection, edited, new, made)
            elif locked.status is Status.MODERATION:
                events += await _judged_again(connection, edited, new)
            return order_of(await connection.fetchrow(ORDER, locked.id)), events

    async def confirm(self, party: Party, order: int) -> tuple[Order, list[Event]]:
        """The open order still stands; one that need not be confirmed stays as it is."""
        async with deciding(self._pool) as connection:
            found = await owned(connection, order, party)
            if not owns(found, party) or found.status is not Status.OPEN:
                raise Refusal("order_closed")
            if found.confirm_by is None:
                return found, []
            await connection.execute(CONFIRM, order)
            confirmed, event = await note(
                connection, found, "confirmed", actor=party.user, push=(found.shipper,)
            )
            return confirmed, [event]

    async def acknowledge(self, party: Party, order: int, version: int) -> tuple[Order, list[Event]]:
        """The driver agrees to the times; harmless to repeat. `version_stale` when they have changed again."""
        async with deciding(self._pool) as connection:
            found = await owned(connection, order, party)
            if not carries(found, party):
                raise Refusal("not_found")
            if found.ack_due is None:
                return found, []
            if found.ack_due != version:
                raise Refusal("version_stale")
            await connection.execute(AGREE, order)
            agreed, event = await note(
                connection,
                found,
                "acknowledged",
                actor=party.signed_in,
                detail={"version": version},
                push=(found.shipper,),
            )
            return agreed, [event]

    async def tend(self, limit: int) -> tuple[int, list[Event]]:
        """Reminds first, takes off the board when nobody has confirmed; how many of `limit` were looked at.

        Passes over orders under decision. Safe on any worker: each reminder and each lapse happens once.
        """
        events: list[Event] = []
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(LOCK_DUE, limit)
            for row in rows:
                if row["status"] != Status.OPEN or row["confirm_by"] is None:
                    await connection.execute(CHECKED, row["id"])
                elif row["early"]:
                    await connection.execute(REMIND, row["id"])
                else:
                    events += await _lapse(connection, order_of(row))
        return len(rows), events


async def _searched_again(connection: Connection, order: Order, new: NewOrder, made: Changes) -> list[Event]:
    """An edited open order: offers of the load as it was end, or go on when drivers cannot see a difference."""
    if new.grounds:
        await open_case(connection, order.id, new)
    if new.status is Status.MODERATION:
        return await hold(connection, order, "held", actor=None, detail={"grounds": list(new.grounds)})
    if not made.seen:
        await connection.execute(CARRY_OFFERS, order.id, order.version)
        await connection.execute(CARRY_BIDS, order.id, order.version)
        return []
    ended = await end_offers(connection, order.id, OfferStatus.WITHDRAWN, "changed")
    ended += await close_bids(connection, order.id, BidStatus.OUTDATED, "changed")
    await ask_again(connection, order.id)
    await connection.execute(SEARCH_AGAIN, order.id)
    return ended


async def _judged_again(connection: Connection, order: Order, new: NewOrder) -> list[Event]:
    """An edited held order. What staff have turned down only staff let pass; the rest opens when it is clean."""
    last = await connection.fetchrow(LAST_DECISION, order.id)
    if last is not None and last["state"] == "rejected":
        grounds = [*dict.fromkeys([*new.grounds, *last["grounds"]])]
        await open_case(connection, order.id, new, grounds)
        _, event = await note(connection, order, "resubmitted", actor=new.shipper)
        return [event]
    if new.status is Status.MODERATION:
        await open_case(connection, order.id, new)
        return []
    await connection.execute(DROP_CASE, order.id)
    return await let_out(connection, order, actor=None)


async def _lapse(connection: Connection, order: Order) -> list[Event]:
    ended = await end_offers(connection, order.id, OfferStatus.WITHDRAWN, "withdrawn")
    await connection.execute(LAPSE, order.id)
    _, event = await note(connection, order, "lapsed", actor=None, push=(order.shipper,))
    return [event, *ended]
