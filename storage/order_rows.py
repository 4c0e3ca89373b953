"""Rows of the order tables as domain objects, and the statements that more than one store method needs."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from dispatch.events import Event, OfferEnded, OrderChanged
from dispatch.model import (
    ANYTIME,
    ENDED,
    Haul,
    Load,
    Money,
    NewOrder,
    Offer,
    OfferKind,
    OfferStatus,
    Order,
    Place,
    Pricing,
    Status,
    Stop,
    Terms,
    Unshared,
    Window,
)
from dispatch.rounds import Search, after_end
from geo.types import Position

from .postgres import Connection, ewkb, lat_lon

# What an order `o` must be to be offered to anybody or shown on the board: open, in time, and confirmed by its
# shipper. The search, the board and saved searches all ask this; the board adds its own `board_at IS NOT NULL`
# and `NOT private`. Not indexable by itself (the clock is volatile): it filters what an index has found.
STANDS = """o.status = 'open' AND o.expires_at > clock_timestamp()
    AND (o.confirm_by IS NULL OR o.confirm_by > clock_timestamp())"""

# What a posted order holds, in the order of `content_values`.
CONTENT = (
    "pickup_city", "pickup_name", "pickup_point", "drop_city", "drop_name", "drop_point", "pickup_from",
    "pickup_to", "drop_from", "drop_to", "stops", "cargo", "kind", "weight_kg", "volume_m3", "body",
    "other_bodies", "pieces", "length_m", "width_m", "height_m", "sides", "temp_min_c", "temp_max_c", "adr",
    "documents", "distance_m", "duration_s", "distance_origin", "price_amount", "price_currency", "pricing",
    "payment_method", "payment_when", "payment_days", "prepay_percent", "vat", "comment", "private",
    "confirm_s",
)  # fmt: skip

# From `times (now, ends, confirm)`: a load that expires before it would have to be confirmed need not be. Its
# shipper is reminded when an eighth of the time is left.
CONFIRM_BY = "CASE WHEN confirm < ends THEN confirm END"
CHECK_AT = "CASE WHEN confirm < ends THEN confirm - (confirm - now) / 8 END"

STOP_TEXTS = ("address", "contact_name", "contact_phone", "note")

# Primary key. NO KEY UPDATE: stops every other decision on this order, but not the foreign-key checks of rows
# that only point at it. It reads nothing else: after a wait, a join in the same statement would still show
# the other table as it was before the wait.
LOCK_ORDER = "SELECT id FROM orders WHERE id = $1 FOR NO KEY UPDATE"

# Primary keys of both tables. Drafts, also discarded ones, are no orders yet: they have no expiry.
ORDER = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.id = $1 AND o.expires_at IS NOT NULL
"""

# Primary key. Event, history line and pushes are one statement, so none can be forgotten. Both parties are
# told, but for the one who did it. $1 order, $2 status, $3 kind, $4 actor, $5 detail, $6 driver, $7 over.
STEP = """
WITH moved AS (
    UPDATE orders SET seq = seq + 1, status = $2, seek_at = NULL,
        ended_at = CASE WHEN $7 THEN coalesce(ended_at, clock_timestamp()) ELSE ended_at END
    WHERE id = $1 RETURNING *
), noted AS (
    INSERT INTO order_events (order_id, seq, kind, status, actor_id, detail, at)
    SELECT id, seq, $3, $2, $4, $5, clock_timestamp() FROM moved RETURNING at
), pushed AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT party, 'order.changed',
        jsonb_build_object('order', moved.id, 'seq', moved.seq, 'event', $3::text, 'status', $2::text),
        'order:' || moved.id || ':' || moved.seq || ':' || party, clock_timestamp() + interval '1 day'
    FROM moved CROSS JOIN unnest(ARRAY[moved.shipper_id, $6::bigint]) AS party
    WHERE party IS NOT NULL AND party IS DISTINCT FROM $4::bigint
)
SELECT moved.*, $6::bigint AS driver_id, noted.at FROM moved, noted
"""

# Primary key. As STEP, for an event that leaves the order where it stands, its search too. $1 order, $2 kind,
# $3 actor, $4 detail, $5 driver, $6 who is pushed, $7 the kind of the push.
NOTE = """
WITH moved AS (
    UPDATE orders SET seq = seq + 1 WHERE id = $1 RETURNING *
), noted AS (
    INSERT INTO order_events (order_id, seq, kind, status, actor_id, detail, at)
    SELECT id, seq, $2, status, $3, $4, clock_timestamp() FROM moved RETURNING at
), pushed AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT party, $7, jsonb_build_object('order', moved.id, 'seq', moved.seq, 'event', $2::text,
            'status', moved.status),
        'order:' || moved.id || ':' || moved.seq || ':' || party, clock_timestamp() + interval '1 day'
    FROM moved CROSS JOIN unnest($6::bigint[]) AS party
)
SELECT moved.*, $5::bigint AS driver_id, noted.at FROM moved, noted
"""

# ix_offers_order_id. $1 order, $2 how they end, $3 the offer that is spared (0: none), $4 the reason told.
END_OFFERS = """
WITH ended AS (
    UPDATE offers SET status = $2, ended_at = clock_timestamp()
    WHERE order_id = $1 AND status = 'live' AND id <> $3 RETURNING id, order_id, driver_id
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'offer:' || id FROM ended) AND state = 'due'
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT driver_id, 'offer.closed', jsonb_build_object('offer', id, 'order', order_id, 'reason', $4::text),
        'closed:' || id, clock_timestamp() + interval '1 hour'
    FROM ended
)
SELECT id, order_id, driver_id FROM ended ORDER BY id
"""

# Primary key; live offers counted through ix_offers_order_id. Only orders whose search is on. An invitation
# (wave 0) may be thought about for hours: no wave waits for it.
SEARCHES = """
SELECT id, wave, extract(epoch FROM seek_at)::float8 AS seek_at,
    extract(epoch FROM clock_timestamp())::float8 AS now,
    (SELECT count(*) FROM offers f WHERE f.order_id = o.id AND f.status = 'live' AND f.wave > 0) AS live
FROM orders o WHERE id = ANY($1::bigint[]) AND seek_at IS NOT NULL
"""
# Primary key.
SET_SEEK = "UPDATE orders SET seek_at = to_timestamp($2::float8) WHERE id = $1"

# The primary key; an ended assignment frees the driver and stays as the record of who won.
END_ASSIGNMENT = """
UPDATE assignments SET ended_at = clock_timestamp() WHERE order_id = $1 AND ended_at IS NULL
"""


def order_of(row: asyncpg.Record) -> Order:
    """An order from `orders.*` and the assignment's `driver_id`; not for drafts, which may lack anything."""
    pickup = Place(row["pickup_city"], row["pickup_name"], *lat_lon(row["pickup_point"]))
    drop = Place(row["drop_city"], row["drop_name"], *lat_lon(row["drop_point"]))
    stops = tuple(stop_of(stop) for stop in row["stops"])
    return Order(
        id=row["id"],
        shipper=row["shipper_id"],
        status=Status(row["status"]),
        seq=row["seq"],
        haul=Haul(pickup, drop, row["distance_m"], row["duration_s"], row["distance_origin"], stops),
        load=load_of(row),
        price=Money(row["price_amount"], row["price_currency"]),
        created_at=row["created_at"].timestamp(),
        expires_at=row["expires_at"].timestamp(),
        ended_at=seconds(row["ended_at"]),
        wave=row["wave"],
        board_at=seconds(row["board_at"]),
        driver=row["driver_id"],
        terms=terms_of(row),
        version=row["version"],
        confirm_by=seconds(row["confirm_by"]),
        company=row["company_id"],
        private=row["private"],
        hidden_from=tuple(row["hidden_from"]),
        confirm_s=row["confirm_s"],
        ack_due=row["ack_due"],
        unshared=unshared_of(row),
    )


def unshared_of(row: asyncpg.Record) -> Unshared | None:
    """What the driver holds back, from `orders.*`."""
    since, until = row["unshared_at"], row["unshared_until"]
    if since is None or until is None:
        return None
    return Unshared(since.timestamp(), until.timestamp(), row["unshared_cell"], row["unshared_city"])


def load_of(row: asyncpg.Record) -> Load:
    """What is carried, from `orders.*`."""
    return Load(
        cargo=row["cargo"],
        weight_kg=row["weight_kg"],
        volume_m3=row["volume_m3"],
        body=row["body"],
        kind=row["kind"],
        other_bodies=tuple(row["other_bodies"]),
        pieces=row["pieces"],
        length_m=row["length_m"],
        width_m=row["width_m"],
        height_m=row["height_m"],
        sides=tuple(row["sides"]),
        temp_min_c=row["temp_min_c"],
        temp_max_c=row["temp_max_c"],
        adr=row["adr"],
        documents=tuple(row["documents"]),
    )


def terms_of(row: asyncpg.Record) -> Terms:
    """What is agreed beside the price, from `orders.*`."""
    return Terms(
        Pricing(row["pricing"]),
        row["payment_method"],
        row["payment_when"],
        row["payment_days"],
        row["prepay_percent"],
        row["vat"],
        row["comment"],
    )


def stop_of(stored: dict[str, Any]) -> Stop:
    """A stop from its place in `orders.stops`."""
    exact = stored["exact"]
    return Stop(
        stored["kind"],
        Place(*stored["place"]),
        Window(*stored["window"]),
        None if exact is None else Position(*exact),
        *(stored[name] for name in STOP_TEXTS),
    )


def stop_row(stop: Stop) -> dict[str, Any]:
    """The inverse of `stop_of`."""
    return {
        "kind": stop.kind,
        "place": list(stop.place),
        "window": list(stop.window),
        "exact": None if stop.exact is None else list(stop.exact),
        **{name: getattr(stop, name) for name in STOP_TEXTS},
    }


def content_values(order: NewOrder) -> tuple[object, ...]:
    """What a posted order holds, in the order of CONTENT."""
    haul, load, terms = order.haul, order.load, order.terms
    first = haul.stops[0].window if haul.stops else ANYTIME
    last = haul.stops[-1].window if haul.stops else ANYTIME
    return (
        haul.pickup.city,
        haul.pickup.name,
        ewkb(haul.pickup.lat, haul.pickup.lon),
        haul.drop.city,
        haul.drop.name,
        ewkb(haul.drop.lat, haul.drop.lon),
        *(moment(at) for at in (*first, *last)),
        [stop_row(stop) for stop in haul.stops],
        load.cargo,
        load.kind,
        load.weight_kg,
        load.volume_m3,
        load.body,
        load.other_bodies,
        load.pieces,
        load.length_m,
        load.width_m,
        load.height_m,
        load.sides,
        load.temp_min_c,
        load.temp_max_c,
        load.adr,
        load.documents,
        haul.distance_m,
        haul.duration_s,
        haul.origin,
        order.price.amount,
        order.price.currency,
        terms.pricing,
        terms.method,
        terms.when,
        terms.days,
        terms.prepay_percent,
        terms.vat,
        terms.comment,
        order.private,
        order.confirm_s,
    )


def posted(order: NewOrder) -> tuple[object, ...]:
    """What PLACE and PUBLISH take as $2 to $5."""
    held = order.status is Status.MODERATION
    detail = {"grounds": list(order.grounds)} if held else {}
    return order.valid_s, order.status, order.company, detail


def numbered(first: int) -> str:
    """Places for `content_values`, counted from `$first`."""
    return ", ".join(f"${first + at}" for at in range(len(CONTENT)))


def place_of(column: str, first: int) -> str:
    """The place of one of CONTENT's columns among them."""
    return f"${first + CONTENT.index(column)}"


def seconds(at: datetime | None) -> float | None:
    """A timestamp as epoch seconds."""
    return None if at is None else at.timestamp()


def moment(at: float | None) -> datetime | None:
    """Epoch seconds as a timestamp."""
    return None if at is None else datetime.fromtimestamp(at, UTC)


def offer_of(row: asyncpg.Record) -> Offer:
    """An offer from `offers.*`."""
    return Offer(
        id=row["id"],
        order=row["order_id"],
        driver=row["driver_id"],
        status=OfferStatus(row["status"]),
        wave=row["wave"],
        deadhead_m=row["deadhead_m"],
        score=row["score"],
        reasons=row["reasons"],
        made_at=row["made_at"].timestamp(),
        expires_at=row["expires_at"].timestamp(),
        kind=OfferKind(row["kind"]),
        version=row["version"],
    )


def changed(row: asyncpg.Record, kind: str, fields: Iterable[str] = ()) -> OrderChanged:
    """The event from the row that STEP (or the board's opening) returns."""
    return OrderChanged(
        order=row["id"],
        seq=row["seq"],
        kind=kind,
        status=Status(row["status"]),
        at=row["at"].timestamp(),
        shipper=row["shipper_id"],
        driver=row["driver_id"],
        fields=tuple(fields),
    )


async def lock_order(connection: Connection, order: int) -> Order | None:
    """The order, its row locked until the transaction ends: the first step of every decision on it."""
    if await connection.fetchval(LOCK_ORDER, order) is None:
        return None
    row = await connection.fetchrow(ORDER, order)
    return None if row is None else order_of(row)


async def step(
    connection: Connection,
    order: Order,
    status: Status,
    *,
    actor: int | None,
    driver: int | None,
    detail: dict[str, Any] | None = None,
    kind: str = "",
) -> tuple[Order, OrderChanged]:
    """Moves a locked order to `status` and writes its next event; `kind` names it, the status when nothing else
    does."""
    named = kind or status.value
    row = await connection.fetchrow(
        STEP, order.id, status, named, actor, detail or {}, driver, status in ENDED
    )
    return order_of(row), changed(row, named)


async def note(
    connection: Connection,
    order: Order,
    kind: str,
    *,
    actor: int | None,
    detail: dict[str, Any] | None = None,
    fields: Sequence[str] = (),
    push: Iterable[int | None] = (),
    push_kind: str = "order.changed",
) -> tuple[Order, OrderChanged]:
    """Writes the next event of a locked order that stays where it is; `push` are the users to be told."""
    told = [user for user in push if user is not None and user != actor]
    said = {**(detail or {}), **({"fields": list(fields)} if fields else {})}
    row = await connection.fetchrow(NOTE, order.id, kind, actor, said, order.driver, told, push_kind)
    return order_of(row), changed(row, kind, fields)


async def end_offers(
    connection: Connection, order: int, how: OfferStatus, reason: str, *, spare: int = 0
) -> list[Event]:
    """Ends the live offers of a locked order, calls their pushes off and tells the drivers."""
    rows = await connection.fetch(END_OFFERS, order, how, spare, reason)
    return [OfferEnded(row["id"], row["order_id"], row["driver_id"], reason) for row in rows]


async def hurry_searches(connection: Connection, orders: Iterable[int]) -> None:
    """Offers of these locked orders have ended: those with no live offer left look again at once."""
    moved: list[Sequence[float]] = []
    for row in await connection.fetch(SEARCHES, list(orders)):
        before = Search(row["wave"], row["seek_at"])
        after = after_end(before, row["live"], row["now"])
        if after != before:
            moved.append((row["id"], after.seek_at or 0.0))
    if moved:
        await connection.executemany(SET_SEEK, moved)
