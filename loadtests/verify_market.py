"""What was haggled, edited, called off and asked for, against what the database holds."""

from collections import defaultdict
from dataclasses import dataclass

import asyncpg

from .ledger import Ledger

# Primary keys, and uq_bids_accepted.
BIDS = """
SELECT id, order_id, driver_id, status, version, coalesce(counter_amount, amount) AS amount
FROM bids WHERE id = ANY($1::bigint[])
"""
# Every order with a bid that won, of these: what it was agreed at, who has it, and how many bids won.
AGREED = """
SELECT b.order_id, b.driver_id, a.driver_id AS holder, o.price_amount,
    coalesce(b.counter_amount, b.amount) AS amount, count(*) OVER (PARTITION BY b.order_id) AS winners
FROM bids b JOIN orders o ON o.id = b.order_id LEFT JOIN assignments a ON a.order_id = b.order_id
WHERE b.status = 'accepted' AND b.order_id = ANY($1::bigint[])
"""
ENDLESS = """
SELECT count(*) FROM bids WHERE status IN ('live', 'countered') AND expires_at < now() - interval '1 second'
"""
VERSIONS = "SELECT id, version, status FROM orders WHERE id = ANY($1::bigint[])"
# An offer that won although the load had been changed after it was made, and before it was won.
STALE = """
SELECT count(*) FROM offers f JOIN order_versions v ON v.order_id = f.order_id AND v.version > f.version
WHERE f.status = 'accepted' AND f.order_id = ANY($1::bigint[]) AND v.at < f.ended_at
"""
# Primary key.
ALERTS = "SELECT driver_id, order_id FROM search_alerts WHERE order_id = ANY($1::bigint[])"
OFFERED = "SELECT order_id, driver_id FROM offers WHERE order_id = ANY($1::bigint[])"


@dataclass(slots=True)
class MarketVerdict:
    """What became of prices and second thoughts.

    `bids_unknown` bids that were told of and are not there, or are another's; `bids_behind` bids that the
    database has an older version of; `bids_denied` told accepted and not so; `bid_winners` orders with more than
    one bid that won, or whose winner is not their driver; `prices_broken` orders that do not cost what was
    agreed; `bids_without_end` bids alive a second after their time; `edits_lost` versions that were confirmed and
    are not there; `stale_wins` loads won on terms that had been changed before; `cancels_lost` loads that were
    called off and go on; `invitations_lost` drivers who were asked and have no offer; `alerts_unknown` loads
    that a driver was told of as found by his search and that the database does not know as that.
    """

    bids: int = 0
    bids_unknown: int = 0
    bids_behind: int = 0
    bids_denied: int = 0
    bid_winners: int = 0
    prices_broken: int = 0
    bids_without_end: int = 0
    edits: int = 0
    edits_lost: int = 0
    stale_wins: int = 0
    cancels: int = 0
    cancels_lost: int = 0
    invitations: int = 0
    invitations_lost: int = 0
    alerts_unknown: int = 0

    def market_ok(self) -> bool:
        """Whether every promise of the market held."""
        return not any(
            (
                self.bids_unknown, self.bids_behind, self.bids_denied, self.bid_winners, self.prices_broken,
                self.bids_without_end, self.edits_lost, self.stale_wins, self.cancels_lost, self.invitations_lost,
                self.alerts_unknown,
            )
        )  # fmt: skip


async def judge(ledger: Ledger, database: asyncpg.Connection, verdict: MarketVerdict) -> None:
    """Fills the figures of the market in."""
    await _bids(ledger, database, verdict)
    orders = {order for _, order in ledger.orders.values() if order is not None} | set(ledger.edits)
    rows = {row["id"]: row for row in await database.fetch(VERSIONS, list(orders | ledger.cancels))}
    verdict.edits = len(ledger.edits)
    verdict.edits_lost = sum(
        order not in rows or rows[order]["version"] < version for order, version in ledger.edits.items()
    )
    verdict.stale_wins = int(await database.fetchval(STALE, list(orders)))
    verdict.cancels = len(ledger.cancels)
    verdict.cancels_lost = sum(
        order not in rows or rows[order]["status"] != "cancelled" for order in ledger.cancels
    )
    asked = await database.fetch(OFFERED, sorted({order for order, _ in ledger.invited}))
    verdict.invitations = len(ledger.invited)
    verdict.invitations_lost = len(ledger.invited - {(row["order_id"], row["driver_id"]) for row in asked})
    alerts = {(driver, order) for driver, order, _ in ledger.alerts}
    found = await database.fetch(ALERTS, sorted({order for _, order in alerts}))
    verdict.alerts_unknown = len(alerts - {(row["driver_id"], row["order_id"]) for row in found})


async def _bids(ledger: Ledger, database: asyncpg.Connection, verdict: MarketVerdict) -> None:
    verdict.bids = len(ledger.bids)
    stored = {row["id"]: row for row in await database.fetch(BIDS, list(ledger.bids))}
    for id, told in ledger.bids.items():
        row = stored.get(id)
        if row is None or (row["order_id"], row["driver_id"]) != (told.order, told.driver):
            verdict.bids_unknown += 1
            continue
        verdict.bids_behind += row["version"] < told.version
        verdict.bids_denied += told.status == "accepted" and row["status"] != "accepted"
    winners: dict[int, bool] = defaultdict(bool)
    for row in await database.fetch(AGREED, sorted({told.order for told in ledger.bids.values()})):
        winners[row["order_id"]] |= row["winners"] > 1 or row["holder"] != row["driver_id"]
        verdict.prices_broken += row["price_amount"] != row["amount"]
    verdict.bid_winners = sum(winners.values())
