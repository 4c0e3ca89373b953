"""Compare what the clients meant and were told with what the database holds."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from time import monotonic

import asyncpg

from . import verify_market
from .ledger import UNKNOWN, WON, Ledger, is_same
from .verify_market import MarketVerdict

# Over ix_positions' primary key: device_id leads it. numeric arithmetic, so microseconds come out exact.
POSITIONS = """
SELECT stream_id, seq, (extract(epoch FROM recorded_at) * 1000000)::bigint, ST_Y(point), ST_X(point)
FROM positions WHERE device_id = ANY($1::bigint[]) AND stream_id = ANY($2::int[])
"""
POISON = "SELECT stream_id, seq, recorded_at, lat, lon FROM poison_points WHERE stream_id = ANY($1::int[])"
STREAMS = "SELECT id, device_id, stream FROM streams WHERE stream = ANY($1::text[])"

KEYS = """
SELECT user_id, key, substring(headers->>'Location' FROM '[0-9]+$')::bigint AS order_id
FROM idempotency_keys WHERE key = ANY($1::text[])
"""
ORDERS = "SELECT id, status FROM orders WHERE id = ANY($1::bigint[])"
ASSIGNMENTS = "SELECT order_id, driver_id, offer_id FROM assignments WHERE order_id = ANY($1::bigint[])"
ACCEPTED = "SELECT order_id, driver_id FROM offers WHERE status = 'accepted' AND order_id = ANY($1::bigint[])"
OFFERS = (
    "SELECT id, order_id, driver_id FROM offers WHERE order_id = ANY($1::bigint[]) OR id = ANY($2::bigint[])"
)
ENDLESS = "SELECT count(*) FROM offers WHERE status = 'live' AND expires_at < now() - interval '1 second'"

OFFERS_END_WITHIN_S = 20.0


@dataclass(slots=True)
class Verdict(MarketVerdict):
    """The figures of a run, with those of its market. `ok` is true when no promise was broken.

    Points: `lost` acknowledged and neither in history nor set apart as poison; `duplicates` rows beyond one a
    point; `altered` stored with another time or place than was sent; `unsent` stored and never sent;
    `unacked` sent and not acknowledged (only a run that waited for its acks is judged by it).
    Orders: `orders_lost` confirmed and not there, or under another number; `double_winners` orders with more
    than one winner, by rows or by what drivers were told; `ghost_wins` drivers told that they won without an
    assignment; `denied_wins` drivers told that they lost who hold one; `offers_without_end` offers live a second
    after their expiry; `offers_unknown` offers shown to a driver that the database does not have for him.
    """

    sent: int = 0
    acked: int = 0
    stored: int = 0
    poison: int = 0
    lost: int = 0
    duplicates: int = 0
    altered: int = 0
    unsent: int = 0
    unacked: int = 0
    late_acks: int = 0
    orders: int = 0
    assigned: int = 0
    delivered: int = 0
    offers: int = 0
    accepts: int = 0
    orders_lost: int = 0
    double_winners: int = 0
    ghost_wins: int = 0
    denied_wins: int = 0
    offers_unknown: int = 0
    offers_without_end: int = 0

    def ok(self, complete: bool) -> bool:
        """Whether every promise held; `complete` runs must also have sent points and have all acknowledged."""
        broken = (
            self.lost, self.duplicates, self.altered, self.unsent, self.orders_lost, self.double_winners,
            self.ghost_wins, self.denied_wins, self.offers_unknown, self.offers_without_end,
        )  # fmt: skip
        return not any(broken) and self.market_ok() and not (complete and (self.unacked or not self.sent))

    def line(self, complete: bool) -> dict[str, object]:
        """The figures as one JSON object."""
        return {**asdict(self), "ok": self.ok(complete)}


async def verify(ledger: Ledger, dsn: str) -> Verdict:
    """Judge a run by the database behind `dsn`. Waits a little for offers that are about to be ended."""
    database = await asyncpg.connect(dsn, timeout=30)
    try:
        verdict = Verdict(
            sent=ledger.points_sent, acked=ledger.points_acked, late_acks=ledger.late_acks,
            accepts=len(ledger.accepts),
        )  # fmt: skip
        verdict.unacked = verdict.sent - verdict.acked
        await _points(ledger, database, verdict)
        await _orders(ledger, database, verdict)
        await verify_market.judge(ledger, database, verdict)
        verdict.offers_without_end = await _endless(database, ENDLESS)
        verdict.bids_without_end = await _endless(database, verify_market.ENDLESS)
        return verdict
    finally:
        await database.close()


async def _points(ledger: Ledger, database: asyncpg.Connection, verdict: Verdict) -> None:
    rows = await database.fetch(STREAMS, [stream for _, stream in ledger.tracks])
    by_id = {row["id"]: ledger.tracks.get((row["device_id"], row["stream"])) for row in rows}
    seen: dict[int, Counter[int]] = defaultdict(Counter)
    devices = sorted({device for device, _ in ledger.tracks})

    def judge(id: int, seq: int, at: float, lat: float, lon: float) -> None:
        track = by_id[id]
        seen[id][seq] += 1
        if track is None or seq > len(track.marks):
            verdict.unsent += 1
        elif not is_same(track.marks[seq - 1], at, lat, lon):
            verdict.altered += 1

    async with database.transaction(isolation="repeatable_read", readonly=True):
        async for id, seq, micros, lat, lon in database.cursor(
            POSITIONS, devices, list(by_id), prefetch=5000
        ):
            judge(id, seq, micros / 1e6, lat, lon)
            verdict.stored += 1
        async for id, seq, at, lat, lon in database.cursor(POISON, list(by_id), prefetch=5000):
            judge(id, seq, at, lat, lon)
            verdict.poison += 1

    verdict.duplicates = sum(count - 1 for numbers in seen.values() for count in numbers.values())
    stored = {(by_id[id].device, by_id[id].stream): numbers for id, numbers in seen.items() if by_id[id]}  # type: ignore[union-attr]
    for key, track in ledger.tracks.items():
        have = stored.get(key, Counter())
        upto = min(track.acked, len(track.marks))
        verdict.lost += sum(1 for seq in range(1, upto + 1) if seq not in have)


async def _orders(ledger: Ledger, database: asyncpg.Connection, verdict: Verdict) -> None:
    rows = await database.fetch(KEYS, list(ledger.orders))
    # What was posted though its answer never came is there as well, and counts.
    by_key = {
        row["key"]: int(row["order_id"]) for row in rows if row["user_id"] == ledger.orders[row["key"]][0]
    }
    orders = set(by_key.values()) | {order for _, order in ledger.orders.values() if order is not None}
    orders |= {accept.order for accept in ledger.accepts.values()}
    statuses = {row["id"]: row["status"] for row in await database.fetch(ORDERS, list(orders))}
    for key, (_, order) in ledger.orders.items():
        if order is not None and (order not in statuses or by_key.get(key, order) != order):
            verdict.orders_lost += 1

    assigned = {row["order_id"]: row["driver_id"] for row in await database.fetch(ASSIGNMENTS, list(orders))}
    winners: dict[int, set[int]] = defaultdict(set)
    for order, driver in assigned.items():
        winners[order].add(driver)
    for row in await database.fetch(ACCEPTED, list(orders)):
        winners[row["order_id"]].add(row["driver_id"])
    for accept in ledger.accepts.values():
        holder = assigned.get(accept.order)
        if accept.outcome == WON:
            winners[accept.order].add(accept.driver)
            verdict.ghost_wins += holder != accept.driver
        elif accept.outcome != UNKNOWN:
            verdict.denied_wins += holder == accept.driver and not _won(ledger, accept.driver, accept.order)
    verdict.double_winners = sum(len(drivers) > 1 for drivers in winners.values())

    offers = {
        row["id"]: (row["driver_id"], row["order_id"])
        for row in await database.fetch(OFFERS, list(orders), list(ledger.offers))
    }
    verdict.offers_unknown = sum(offers.get(id) != shown for id, shown in ledger.offers.items())
    verdict.orders = sum(order in statuses for order in orders)
    verdict.assigned = len(assigned)
    verdict.delivered = sum(status in ("delivered", "closed") for status in statuses.values())
    verdict.offers = len(offers)


def _won(ledger: Ledger, driver: int, order: int) -> bool:
    """Whether the driver was told of this win by another accept (an offer taken twice: the second is refused)."""
    return any(
        accept.outcome in (WON, UNKNOWN) and (accept.driver, accept.order) == (driver, order)
        for accept in ledger.accepts.values()
    )


async def _endless(database: asyncpg.Connection, query: str) -> int:
    deadline = monotonic() + OFFERS_END_WITHIN_S
    while True:
        count = int(await database.fetchval(query))
        if not count or monotonic() >= deadline:
            return count
        await asyncio.sleep(0.5)
