"""A bid is picked by the shipper, or its counter-offer taken by the driver: one decision under the locks."""

from dispatch.bids import Act, BidStanding, BidStatus, judge_bid, to_shipper
from dispatch.errors import Refusal
from dispatch.model import OfferKind, Party
from dispatch.rounds import Outcome, judge_driver
from dispatch.sniping import Watch

from . import habits
from .bid_rows import bid_of
from .order_reads import must_own
from .order_rows import lock_order
from .postgres import Connection
from .winning import Answer, Claim, store, stored, taker, win

# Primary key.
WHOSE = "SELECT order_id, driver_id FROM bids WHERE id = $1"
# Primary keys. Read under the order's lock: what it says stays so.
BID = """
SELECT b.*, o.shipper_id, b.expires_at <= clock_timestamp() AS over,
    extract(epoch FROM b.expires_at)::float8 AS ends
FROM bids b JOIN orders o ON o.id = b.order_id WHERE b.id = $1
"""


async def settle(
    connection: Connection, claim: Claim, act: Act, seen: int, party: Party | None, watch: Watch | None
) -> Answer:
    """Decides a pick, or the accept of a counter-offer, once and for all.

    A driver who is to cool down accepts nothing; that a shipper picks him is not his doing.
    """
    if told := await stored(connection, claim):
        return told
    if watch is not None and act is Act.ACCEPT:
        if wait_s := await habits.pause_of(connection, claim.driver, watch):
            return Answer(Outcome.COOLING_DOWN, None, wait_s=wait_s)
    order = await lock_order(connection, claim.order)
    if order is None:
        raise Refusal("not_found")
    if party is not None:
        must_own(order, party)
    # Again, now that nobody else can decide.
    if told := await stored(connection, claim):
        return told
    taking = await taker(connection, claim.driver, order)
    if taking is None:
        raise Refusal("not_found")
    row = await connection.fetchrow(BID, claim.bid)
    current = row["order_version"] == order.version and taking.visible
    standing = BidStanding(BidStatus(row["status"]), row["version"], row["ends"], current)
    outcome = judge_bid(order.status, standing, act, seen, taking.now)
    decided = Answer(outcome, order)
    if outcome is Outcome.WON:
        decided = Answer(judge_driver(order.load, taking.acceptor), order)
    if decided.outcome is Outcome.WON:
        price = bid_of(row).asked.amount
        decided = await win(connection, order, claim, taking, OfferKind.BID, price=price)
    if act is Act.PICK:
        decided = Answer(to_shipper(decided.outcome), decided.order, decided.events)
    await store(connection, claim, decided.outcome)
    if watch is not None and decided.outcome is Outcome.WON:
        # Of haggling only the win counts: nobody is too fast in it.
        await habits.won(connection, claim.driver)
    return decided
