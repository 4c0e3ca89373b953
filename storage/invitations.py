"""Drivers asked by name: ranked ones nearby, known ones by phone or code. The accept is the usual one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from dispatch.bids import Bidder
from dispatch.errors import Refusal
from dispatch.events import Event, OfferEnded, OfferMade
from dispatch.invitations import Invitation, status_of
from dispatch.matching import Ranked, fits, rank
from dispatch.model import OfferStatus, Order, Party, Policy, Status
from dispatch.ports import Seen

from .bidders import bidders
from .billing.access import entitled
from .candidates import INVITABLE, SearchClaim, card
from .deciding import deciding
from .order_reads import must_own
from .order_rows import ORDER, lock_order, offer_of, order_of
from .postgres import Connection, Pool, transaction
from .vehicle_rows import CARRIER, carrier
from .visibility import unhidden

NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


def _asked(whom: str) -> str:
    """Whether they may be asked is one rule for all ways of asking."""
    return f"""
SELECT u.id, {CARRIER}
FROM users u
JOIN orders o ON o.id = $2
JOIN vehicles v ON v.driver_id = u.id
WHERE u.role = 'driver' AND NOT u.blocked AND {entitled("u.id")} AND {unhidden()}
    AND NOT EXISTS (SELECT FROM offers f WHERE f.order_id = o.id AND f.driver_id = u.id AND f.status = 'live')
    AND {whom}
"""


# Primary key of users and uq_users_phone, uq_driver_codes_code; the rest by unique keys of the driver.
ASKED_BY_ID = _asked("u.id = ANY($1::bigint[])")
ASKED_BY_PHONE = _asked("u.phone = $1")
ASKED_BY_CODE = _asked("u.id = (SELECT driver_id FROM driver_codes WHERE code = $1)")

# Primary keys of orders and last_positions. The phone rings at once. $1 order, $2 drivers, $3 when it ends, $4 the
# order's part of the card.
INVITE = """
WITH made AS (
    INSERT INTO offers (order_id, driver_id, status, version, kind, wave, deadhead_m, score, reasons, made_at,
        expires_at)
    SELECT o.id, d.driver_id, 'live', o.version, 'invitation', 0,
        coalesce(ST_DistanceSphere(l.point, o.pickup_point), 0), 0, '{"invited": 1}'::jsonb, clock_timestamp(),
        least(to_timestamp($3::float8), o.expires_at)
    FROM orders o CROSS JOIN unnest($2::bigint[]) AS d(driver_id)
    LEFT JOIN last_positions l ON l.driver_id = d.driver_id
    WHERE o.id = $1
    ON CONFLICT DO NOTHING RETURNING *
), pushed AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT driver_id, 'offer.invited',
        $4::jsonb || jsonb_build_object('offer', id, 'deadhead_m', deadhead_m, 'wave', wave,
            'expires_at', extract(epoch FROM expires_at)::float8),
        'offer:' || id, expires_at
    FROM made
)
SELECT * FROM made ORDER BY id
"""
# Primary key of orders.
NOTE_INVITED = """
INSERT INTO order_invitations (order_id, offer_id, note, invited_by, expires_at, resolved_at)
SELECT $1, f.id, $3, $4, f.expires_at, clock_timestamp() FROM offers f WHERE f.id = ANY($2::bigint[]) ORDER BY f.id
"""
# Primary key of orders.
NOTE_CONTACT = """
INSERT INTO order_invitations (order_id, phone, code, note, invited_by, expires_at)
SELECT o.id, $2, $3, $4, $5, least(clock_timestamp() + make_interval(secs => $6), o.expires_at)
FROM orders o WHERE o.id = $1 RETURNING id
"""
# ix_order_invitations_order_id_id and ix_order_invitations_invited_by_created_at.
COUNTS = """
SELECT (SELECT count(*) FROM order_invitations i
        WHERE i.order_id = $1 AND i.withdrawn_at IS NULL AND i.expires_at > clock_timestamp()) AS live,
    (SELECT count(*) FROM order_invitations i
        WHERE i.invited_by = $2 AND i.created_at > clock_timestamp() - interval '1 day') AS today
"""
# ix_order_invitations_order_id_id.
_INVITATIONS = """
SELECT i.*, f.driver_id, f.status AS offer_status, f.decline_reason, o.status AS order_status,
    extract(epoch FROM clock_timestamp())::float8 AS now
FROM order_invitations i JOIN orders o ON o.id = i.order_id LEFT JOIN offers f ON f.id = i.offer_id
WHERE i.order_id = $1"""
INVITATIONS = _INVITATIONS + " ORDER BY i.id DESC"
ONE_INVITATION = _INVITATIONS + " AND i.id = $2"

# Primary keys; outbox by its unique dedupe_key.
WITHDRAW = """
WITH taken_back AS (
    UPDATE order_invitations SET withdrawn_at = clock_timestamp(),
        resolved_at = coalesce(resolved_at, clock_timestamp())
    WHERE id = $1 AND withdrawn_at IS NULL RETURNING offer_id
), ended AS (
    UPDATE offers SET status = 'withdrawn', ended_at = clock_timestamp()
    WHERE id IN (SELECT offer_id FROM taken_back) AND status = 'live' RETURNING id, order_id, driver_id
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'offer:' || id FROM ended) AND state = 'due'
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT driver_id, 'offer.closed', jsonb_build_object('offer', id, 'order', order_id, 'reason', 'withdrawn'),
        'closed:' || id, clock_timestamp() + interval '1 hour'
    FROM ended
)
SELECT id, order_id, driver_id FROM ended
"""

# ix_order_invitations_unresolved, then primary keys. Invitations whose order is under decision are passed over
# and met again by the next sweep.
UNRESOLVED = """
SELECT i.id, i.order_id, i.phone, i.code, i.note, extract(epoch FROM i.expires_at)::float8 AS ends,
    (SELECT f.driver_id FROM offers f WHERE f.id = i.offer_id) AS driver_id
FROM order_invitations i JOIN orders o ON o.id = i.order_id
WHERE i.resolved_at IS NULL ORDER BY i.id LIMIT $1 FOR NO KEY UPDATE OF i, o SKIP LOCKED
"""
# Primary key.
RESOLVE = """
UPDATE order_invitations SET resolved_at = clock_timestamp(), offer_id = coalesce($2, offer_id) WHERE id = $1
"""
# ix_order_invitations_order_id_id.
ASK_AGAIN = """
UPDATE order_invitations SET resolved_at = NULL
WHERE order_id = $1 AND withdrawn_at IS NULL AND resolved_at IS NOT NULL AND offer_id IS NOT NULL
    AND expires_at > clock_timestamp()
    AND NOT EXISTS (SELECT FROM offers f WHERE f.id = offer_id AND f.status IN ('declined', 'accepted', 'live'))
"""

# Primary key, both.
OWN_CODE = """
INSERT INTO driver_codes (driver_id, code) VALUES ($1, $2)
ON CONFLICT (driver_id) DO UPDATE SET code = CASE WHEN $3 THEN excluded.code ELSE driver_codes.code END
RETURNING code
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a shipper wants to ask: a phone in E.164, or a driver's code."""

    phone: str | None = None
    code: str | None = None


class InvitationStore:
    """Who is asked by name, and what came of it."""

    def __init__(self, pool: Pool, policy: Policy) -> None:
        self._pool = pool
        self._policy = policy

    async def open_order(self, party: Party, order: int) -> Order:
        """The party's own order while it is open; `order_closed` afterwards."""
        row = await self._pool.fetchrow(ORDER, order)
        if row is None:
            raise Refusal("not_found")
        return _open(order_of(row), party)

    async def candidates(self, order: Order, seen: Sequence[Seen]) -> list[tuple[Ranked, Bidder]]:
        """Of these drivers, those who could take the load now, best first, with what may be known of them."""
        async with self._pool.acquire() as connection:
            now = await connection.fetchval(NOW)
            claim = SearchClaim(connection, order, now)
            found = await claim.eligible(seen, self._policy, statement=INVITABLE) if seen else []
            ranked = rank(order, found, now, self._policy)
            known = await bidders(connection, [entry.candidate.driver for entry in ranked])
        return [(entry, known[entry.candidate.driver]) for entry in ranked]

    async def invite(
        self, party: Party, order: int, drivers: Sequence[int], valid_s: float, note: str
    ) -> tuple[list[Invitation], list[Event]]:
        """Offers the load to those of these drivers who may be asked; the others are left out."""
        async with deciding(self._pool) as connection:
            locked = await self._room(connection, party, order, len(set(drivers)))
            rows = await connection.fetch(ASKED_BY_ID, list(drivers), order)
            ends = await connection.fetchval(NOW) + valid_s
            events = await self._offer(connection, locked, rows, ends, note)
            offers = [event.offer.id for event in events]
            await connection.execute(NOTE_INVITED, order, offers, note, party.user)
            noted = [_invitation(row) for row in await connection.fetch(INVITATIONS, order)]
        made = {event.driver for event in events}
        return [entry for entry in noted if entry.driver in made and entry.status == "sent"], [*events]

    async def invite_contact(
        self, party: Party, order: int, asked: Asked, valid_s: float, note: str
    ) -> Invitation:
        """Notes whom to ask. Whether there is such a driver is found out by `resolve`, after this has answered."""
        async with deciding(self._pool) as connection:
            await self._room(connection, party, order, 1)
            number = await connection.fetchval(
                NOTE_CONTACT, order, asked.phone, asked.code, note, party.user, valid_s
            )
            return _invitation(await connection.fetchrow(ONE_INVITATION, order, number))

    async def of_order(self, party: Party, order: int) -> list[Invitation]:
        """Everybody who was asked, newest first."""
        row = await self._pool.fetchrow(ORDER, order)
        if row is None:
            raise Refusal("not_found")
        must_own(order_of(row), party)
        return [_invitation(row) for row in await self._pool.fetch(INVITATIONS, order)]

    async def withdraw(self, party: Party, order: int, invitation: int) -> list[Event]:
        """Takes an invitation back; one that has ended stays as it is."""
        async with deciding(self._pool) as connection:
            locked = await lock_order(connection, order)
            if locked is None:
                raise Refusal("not_found")
            must_own(locked, party)
            if await connection.fetchrow(ONE_INVITATION, order, invitation) is None:
                raise Refusal("not_found")
            rows = await connection.fetch(WITHDRAW, invitation)
            return [OfferEnded(row["id"], row["order_id"], row["driver_id"], "withdrawn") for row in rows]

    async def resolve(self, limit: int) -> list[Event]:
        """Looks up the phones and codes that were noted, and offers the loads to the drivers behind them."""
        events: list[Event] = []
        async with transaction(self._pool) as connection:
            for row in await connection.fetch(UNRESOLVED, limit):
                order = order_of(await connection.fetchrow(ORDER, row["order_id"]))
                made: list[OfferMade] = []
                if order.status is Status.OPEN:
                    found = await connection.fetch(*_whom(row), order.id)
                    made = await self._offer(connection, order, found, row["ends"], row["note"])
                await connection.execute(RESOLVE, row["id"], made[0].offer.id if made else None)
                events += made
        return events

    async def code(self, driver: int, fresh: str, *, renew: bool = False) -> str:
        """The driver's code; `fresh` becomes it when he has none, or wants another."""
        code: str = await self._pool.fetchval(OWN_CODE, driver, fresh, renew)
        return code

    async def _room(self, connection: Connection, party: Party, order: int, more: int) -> Order:
        locked = await lock_order(connection, order)
        if locked is None:
            raise Refusal("not_found")
        _open(locked, party)
        counts = await connection.fetchrow(COUNTS, order, party.user)
        most = self._policy.max_invitations
        if counts["live"] + more > most:
            raise Refusal(
                "invitations_too_many",
                "at most {n} driver at a time",
                plural="at most {n} drivers at a time",
                n=most,
            )
        most = self._policy.invitations_a_day
        if counts["today"] + more > most:
            raise Refusal(
                "invitations_too_many",
                "at most {n} invitation a day",
                plural="at most {n} invitations a day",
                n=most,
            )
        return locked

    async def _offer(
        self, connection: Connection, order: Order, rows: Sequence[asyncpg.Record], ends: float, note: str
    ) -> list[OfferMade]:
        drivers = [row["id"] for row in rows if fits(order.load, carrier(row))]
        if not drivers:
            return []
        made = await connection.fetch(INVITE, order.id, drivers, ends, card(order))
        return [OfferMade(row["driver_id"], order, offer_of(row), note) for row in made]


def _open(order: Order, party: Party) -> Order:
    must_own(order, party)
    if order.status is not Status.OPEN:
        raise Refusal("order_closed")
    return order


async def ask_again(connection: Connection, order: int) -> None:
    """The order was edited under its lock, which ended its offers: who was asked by name is asked once more."""
    await connection.execute(ASK_AGAIN, order)


def _whom(row: asyncpg.Record) -> tuple[str, object]:
    """The statement that finds whom a noted invitation is for, and what to look for."""
    if row["driver_id"] is not None:
        return ASKED_BY_ID, [row["driver_id"]]
    if row["phone"] is not None:
        return ASKED_BY_PHONE, row["phone"]
    return ASKED_BY_CODE, row["code"]


def _invitation(row: Any) -> Invitation:
    by_name = row["phone"] is None and row["code"] is None
    offer = None if row["offer_status"] is None else OfferStatus(row["offer_status"])
    ends = row["expires_at"].timestamp()
    status = status_of(
        Status(row["order_status"]),
        offer,
        withdrawn=row["withdrawn_at"] is not None,
        expires_at=ends,
        now=row["now"],
    )
    return Invitation(
        id=row["id"],
        order=row["order_id"],
        driver=row["driver_id"] if by_name else None,
        phone=row["phone"],
        code=row["code"],
        status=status,
        note=row["note"],
        created_at=row["created_at"].timestamp(),
        expires_at=ends,
        reason=row["decline_reason"] or "",
    )
