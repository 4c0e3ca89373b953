"""The store does what the pure machine says, act for act, whatever the order of acts (as I5, for bids)."""

import asyncio
import itertools
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dispatch.bids import AFTER, ALIVE, Act, BidStanding, BidStatus, judge_bid
from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party, Status
from dispatch.rounds import Outcome
from storage.bid_rows import close_bids
from storage.order_rows import lock_order
from storage.postgres import connect_pool
from tests.integration.orders.market import Market

NOW = 1.0  # of the model: what is placed for no time at all is over, what is placed for an hour is not
DRIVERS = 3


@dataclass
class Modelled:
    """What the machine thinks of a bid."""

    driver: int
    status: BidStatus
    amount: int
    order_version: int
    expires_at: float
    version: int = 1
    counter: int = 0

    def act(self, act: Act) -> str | None:
        """Takes the step, or the code that refuses it."""
        if self.status in ALIVE and self.expires_at <= NOW:
            return "bid_expired"
        after = AFTER.get((self.status, act))
        if after is not None:
            self.status = after
            return None
        if self.status in ALIVE:
            return "bid_turn"
        return "bid_expired" if self.status is BidStatus.EXPIRED else "bid_closed"


amounts = st.integers(30_000_000, 60_000_000)
lives = st.sampled_from([3600.0, 3600.0, 3600.0, 0.0])
whose = st.integers(0, DRIVERS - 1)
off = st.sampled_from([0, 0, 0, -1, 1])  # how far the caller's version is from the true one


def build(loop: asyncio.AbstractEventLoop, market: Market, drivers: list[int]) -> type[RuleBasedStateMachine]:
    class Haggling(RuleBasedStateMachine):
        """One load, three drivers, every act in any order."""

        order: Order
        party: Party
        status = Status.OPEN
        version = 1

        @initialize()
        def post(self) -> None:
            self.bids: dict[int, Modelled] = {}
            self.alive: dict[int, int] = {}  # driver -> bid
            self.order = self.run(market.order(pricing="negotiable"))
            self.run(market.on_board(self.order))
            self.party = Party(self.order.shipper, Actor.SHIPPER)

        def run(self, work: Coroutine[Any, Any, Any]) -> Any:
            return loop.run_until_complete(work)

        def told(self, work: Coroutine[Any, Any, Any]) -> str | None:
            try:
                self.run(work)
            except Refusal as refusal:
                return refusal.code
            return None

        def latest(self, driver: int) -> tuple[int, Modelled] | None:
            of_driver = [(number, bid) for number, bid in self.bids.items() if bid.driver == driver]
            return of_driver[-1] if of_driver else None

        # -- acts -------------------------------------------------------------------------------------------

        @rule(n=whose, amount=amounts, valid_s=lives, off=off, stale=st.sampled_from([False, False, True]))
        def place(self, n: int, amount: int, valid_s: float, off: int, stale: bool) -> None:
            driver = drivers[n]
            found = self.latest(driver)
            own = found if found is not None and found[1].status in ALIVE else None
            seen = max(0, own[1].version + off) if own else max(0, off)
            expected: str | None = None
            over = own is not None and own[1].expires_at <= NOW
            if self.status is not Status.OPEN:
                expected = "offer_taken" if self.status is Status.ASSIGNED else "order_closed"
            elif stale and self.version > 1:
                expected = "version_stale"
            elif own is None or over:
                count = sum(bid.driver == driver for bid in self.bids.values())
                expected = "bid_closed" if seen else "bids_too_many" if count >= 5 else None
            else:
                expected = {0: "bid_exists", own[1].version: None}.get(seen, "version_stale")
            placed: list[Any] = []

            async def work() -> None:
                placed.append(
                    await market.bid(
                        driver,
                        self.order,
                        amount,
                        valid_s=valid_s,
                        changes=seen,
                        seen_order=self.version - 1 if stale and self.version > 1 else None,
                    )
                )

            assert self.told(work()) == expected
            if expected is not None:
                return
            (bid,) = placed
            ends = NOW + valid_s
            if own is None or over:
                if own is not None:
                    own[1].status = BidStatus.EXPIRED
                self.bids[bid.id] = Modelled(driver, BidStatus.LIVE, amount, self.version, ends)
            else:
                own[1].act(Act.CHANGE)
                own[1].amount, own[1].expires_at, own[1].order_version = amount, ends, self.version
                own[1].version += 1

        @rule(n=whose, amount=amounts, valid_s=lives, off=off)
        def counter(self, n: int, amount: int, valid_s: float, off: int) -> None:
            found = self.latest(drivers[n])
            if found is None:
                return
            number, bid = found
            seen = max(1, bid.version + off)
            before = bid.status
            expected = bid.act(Act.COUNTER)
            if expected is None and seen != bid.version:
                expected, bid.status = "version_stale", before
            work = market.bids.counter(self.party, number, amount, valid_s, "", seen)
            assert self.told(work) == expected
            if expected is None:
                bid.version += 1
                bid.counter, bid.expires_at = amount, NOW + valid_s

        @rule(n=whose)
        def withdraw(self, n: int) -> None:
            self._end(n, Act.WITHDRAW, lambda number: market.bids.withdraw(drivers[n], number))

        @rule(n=whose)
        def decline(self, n: int) -> None:
            self._end(n, Act.DECLINE, lambda number: market.bids.decline(self.party, number, "price"))

        def _end(self, n: int, act: Act, work: Any) -> None:
            found = self.latest(drivers[n])
            if found is None:
                return
            number, bid = found
            again = bid.status is AFTER[BidStatus.LIVE, act]
            assert self.told(work(number)) == (None if again else bid.act(act))

        @rule(n=whose, off=off, act=st.sampled_from([Act.PICK, Act.ACCEPT]))
        def agree(self, n: int, off: int, act: Act) -> None:
            found = self.latest(drivers[n])
            if found is None:
                return
            number, bid = found
            seen = max(1, bid.version + off)
            current = bid.order_version == self.version
            standing = BidStanding(bid.status, bid.version, bid.expires_at, current)
            outcome = judge_bid(self.status, standing, act, seen, NOW)
            key = uuid.uuid4()

            def work() -> Coroutine[Any, Any, Any]:
                if act is Act.PICK:
                    return market.bids.pick(self.party, number, key, seen)
                return market.bids.accept(drivers[n], number, key, seen)

            expected = None if outcome is Outcome.WON else str(outcome)
            assert self.told(work()) == expected
            assert self.told(work()) == expected, "the same accept_id, the same answer"
            if outcome is Outcome.WON:
                self._won(bid)

        @rule(n=whose)
        def take(self, n: int) -> None:
            expected = {Status.OPEN: None, Status.CANCELLED: "order_closed"}.get(self.status, "offer_taken")
            assert self.told(market.orders.take(drivers[n], self.order.id, uuid.uuid4())) == expected
            if expected is None:
                self._won(None, drivers[n])

        def _won(self, winner: Modelled | None, driver: int = 0) -> None:
            for bid in self.bids.values():
                if bid is winner:
                    bid.status = BidStatus.ACCEPTED
                elif bid.status in ALIVE:
                    bid.status = BidStatus.WITHDRAWN if bid.driver == driver else BidStatus.LOST
            self.status = Status.ASSIGNED

        @rule()
        def sweep(self) -> None:
            self.run(market.bids.expire(100))
            for bid in self.bids.values():
                if bid.status in ALIVE and bid.expires_at <= NOW:
                    bid.status = BidStatus.EXPIRED

        @rule()
        def edit(self) -> None:
            if self.status is not Status.OPEN:
                return

            async def work() -> None:
                async with market.pool.acquire() as connection, connection.transaction():
                    await lock_order(connection, self.order.id)
                    await connection.execute(
                        "UPDATE orders SET version = version + 1 WHERE id = $1", self.order.id
                    )
                    await close_bids(connection, self.order.id, BidStatus.OUTDATED)

            self.run(work())
            self.version += 1
            for bid in self.bids.values():
                if bid.status in ALIVE:
                    bid.status = BidStatus.OUTDATED

        @rule(chance=st.integers(0, 3))
        def cancel(self, chance: int) -> None:
            if chance or self.status is not Status.OPEN:
                return
            self.run(market.orders.cancel(self.party, self.order.id))
            self.status = Status.CANCELLED
            for bid in self.bids.values():
                if bid.status in ALIVE:
                    bid.status = BidStatus.LOST

        # -- what always holds ------------------------------------------------------------------------------

        @invariant()
        def the_database_says_the_same(self) -> None:
            if not hasattr(self, "party"):
                return
            rows = self.run(
                market.pool.fetch("SELECT * FROM bids WHERE order_id = $1 ORDER BY id", self.order.id)
            )
            stored = {row["id"]: (row["status"], row["version"], row["amount"]) for row in rows}
            modelled = {number: (bid.status, bid.version, bid.amount) for number, bid in self.bids.items()}
            assert stored == modelled
            assert all((row["ended_at"] is None) == (row["status"] in ALIVE) for row in rows)
            versions = self.run(
                market.pool.fetch(
                    "SELECT bid_id, array_agg(v.version ORDER BY v.version) AS all FROM bid_versions v"
                    " JOIN bids b ON b.id = bid_id WHERE b.order_id = $1 GROUP BY 1",
                    self.order.id,
                )
            )
            assert {row["bid_id"]: row["all"] for row in versions} == {
                number: list(range(1, bid.version + 1)) for number, bid in self.bids.items()
            }

        @invariant()
        def a_push_is_due_for_what_is_alive_and_only_to_whom_must_answer(self) -> None:
            if not hasattr(self, "party"):
                return
            rows = self.run(
                market.pool.fetch(
                    "SELECT user_id, (payload->>'bid')::bigint AS bid FROM outbox WHERE state = 'due'"
                    " AND kind IN ('bid.made', 'bid.changed') AND (payload->>'order')::bigint = $1",
                    self.order.id,
                )
            )
            assert {(row["bid"], row["user_id"]) for row in rows} == {
                (number, self.party.user if bid.status is BidStatus.LIVE else bid.driver)
                for number, bid in self.bids.items()
                if bid.status in ALIVE
            }

        def teardown(self) -> None:
            if hasattr(self, "party"):
                self.run(
                    market.pool.execute("UPDATE assignments SET ended_at = now() WHERE ended_at IS NULL")
                )

    return Haggling


def test_the_store_does_what_the_machine_says(dsn: str) -> None:
    loop = asyncio.new_event_loop()
    try:
        pool = loop.run_until_complete(connect_pool(dsn, name="machine", size=2))
        market = Market(pool)

        async def people() -> list[int]:
            return [await market.driver() for _ in itertools.repeat(None, DRIVERS)]

        machine = build(loop, market, loop.run_until_complete(people()))
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=40,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        loop.run_until_complete(pool.close())
    finally:
        loop.close()
