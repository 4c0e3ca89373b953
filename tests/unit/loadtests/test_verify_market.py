"""The verifier's market half on real PostgreSQL: each broken promise about prices and edits turns it red."""

from collections.abc import AsyncIterator
from dataclasses import fields

import asyncpg
import pytest

from loadtests import verify as verify_module
from loadtests.verify_market import MarketVerdict

from .test_verify import Desk, red

FIGURES = {"bids", "edits", "cancels", "invitations"}


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "OFFERS_END_WITHIN_S", 0.0)


class Market(Desk):
    """A good run in which driver 1 won order 70 by a bid of 900 tenge that the shipper picked."""

    async def haggle(self) -> None:
        await self.db.execute("UPDATE orders SET price_amount = 90000, version = 2 WHERE id = 70")
        await self.db.execute(
            "INSERT INTO bids (id, order_id, driver_id, status, version, order_version, amount, currency,"
            " expires_at) OVERRIDING SYSTEM VALUE VALUES (11, 70, 1, 'accepted', 1, 2, 90000, 'KZT', now()),"
            " (12, 70, 2, 'lost', 2, 2, 95000, 'KZT', now())"
        )
        self.ledger.bid(11, 1, 70, "accepted", 1, 90000)
        self.ledger.bid(12, 2, 70, "live", 2, 95000)
        self.ledger.edited(70, 2)
        self.ledger.invite(70, 2)
        await self.db.execute("INSERT INTO search_alerts (driver_id, order_id) VALUES (2, 70)")
        self.ledger.alert(2, 70, 1)


@pytest.fixture
async def market(dsn: str) -> AsyncIterator[Market]:
    db = await asyncpg.connect(dsn)
    made = Market(dsn, db)
    await made.fill()
    await made.haggle()
    yield made
    await db.close()


async def broken(market: Market) -> dict[str, int]:
    """The broken promises; a run with one is not ok."""
    verdict = await market.judge()
    found = {name: value for name, value in red(verdict).items() if name not in FIGURES}
    assert verdict.ok(complete=True) is not bool(found)
    return found


def test_every_figure_that_is_no_count_makes_a_run_red() -> None:
    for field in fields(MarketVerdict):
        verdict = MarketVerdict(**{field.name: 1})
        assert verdict.market_ok() is (field.name in FIGURES), field.name


async def test_a_market_that_kept_its_promises_is_green_with_all_its_figures(market: Market) -> None:
    assert await broken(market) == {}
    verdict = await market.judge()
    assert (verdict.bids, verdict.edits, verdict.cancels, verdict.invitations) == (2, 1, 0, 1)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM bids WHERE id = 12", {"bids_unknown": 1}),
        ("UPDATE bids SET driver_id = 1, status = 'lost' WHERE id = 12", {"bids_unknown": 1}),
        ("UPDATE bids SET version = 1 WHERE id = 12", {"bids_behind": 1}),
        ("UPDATE bids SET status = 'declined' WHERE id = 11", {"bids_denied": 1}),
        (
            "UPDATE bids SET status = 'live', expires_at = now() - interval '2 s' WHERE id = 12",
            {"bids_without_end": 1},
        ),
        ("UPDATE orders SET price_amount = 80000 WHERE id = 70", {"prices_broken": 1}),
        ("UPDATE orders SET version = 1 WHERE id = 70", {"edits_lost": 1}),
        ("DELETE FROM search_alerts", {"alerts_unknown": 1}),
        ("DELETE FROM offers WHERE id = 8", {"invitations_lost": 1, "offers_unknown": 1}),
        (
            "INSERT INTO order_versions (order_id, version, content, at)"
            " VALUES (70, 2, '{}', now() - interval '1 h');"
            "UPDATE offers SET ended_at = now() WHERE id = 7",
            {"stale_wins": 1},
        ),
    ],
)
async def test_a_broken_promise_is_named(market: Market, statement: str, found: dict[str, int]) -> None:
    await market.db.execute(statement)
    assert await broken(market) == found


async def test_two_bids_that_won_one_load_are_found(market: Market) -> None:
    await market.db.execute("DROP INDEX uq_bids_accepted")
    await market.db.execute("UPDATE bids SET status = 'accepted', amount = 90000 WHERE id = 12")
    assert await broken(market) == {"bid_winners": 1}


async def test_a_load_called_off_that_goes_on_is_found(market: Market) -> None:
    market.ledger.cancelled(70)
    assert await broken(market) == {"cancels_lost": 1}
