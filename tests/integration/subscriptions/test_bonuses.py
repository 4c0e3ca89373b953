"""Loyalty at work: months for those who bring others and for who is rated well, in both ledgers, once."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from billing.access import DAY_S
from billing.payments import Invoice
from dispatch.events import Event
from server.subscribing.bonuses import Bonuses
from server.subscribing.paying import Consequences
from storage.billing.access import AccessLedger
from storage.billing.bonuses import BonusStore
from storage.billing.subscriptions import SubscriptionStore
from storage.postgres import Pool, whole

from .test_store import PRICE, Told, a_user


class Desk:
    """Drivers and those whom they bring."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.told = Told()
        self.consequences = Consequences(self.told)
        self.job = Bonuses(BonusStore(pool), self.told)

    async def brings(self, driver: int, *, confirmed: bool = True, state: str = "standing") -> int:
        """A shipper who has come by this driver's code."""
        shipper = await a_user(self.pool, "shipper")
        await self.pool.execute(
            "INSERT INTO referrals (invitee_id, inviter_id, state, stands_at, confirmed_at, program_hash,"
            " network_hash, phone_hash) VALUES ($1, $2, $3::text, CASE WHEN $3::text = 'standing' THEN now() END,"
            " CASE WHEN $4 THEN now() END, '', '', '')",
            shipper, driver, state, confirmed,
        )  # fmt: skip
        return shipper

    async def pays(self, shipper: int) -> Invoice:
        invoice = Invoice(
            uuid4(),
            shipper,
            "sandbox",
            PRICE,
            0.0,
            0.0,
            plan="shipper-month",
            region="KZ",
            period_s=30 * DAY_S,
        )
        async with whole(self.pool) as connection:
            await self.consequences.paid(connection, invoice, None, 0.0)
        return invoice

    async def gets_back(self, invoice: Invoice) -> None:
        async with whole(self.pool) as connection:
            total = invoice.money.minor
            await self.consequences.refunded(connection, invoice, total, total, 0.0)

    async def days(self, driver: int) -> float:
        at = await SubscriptionStore(self.pool).standing(driver)
        return max(0.0, at.access.until - at.now) / DAY_S

    async def rated(self, driver: int, *stars: int) -> None:
        await self.pool.execute(
            "INSERT INTO user_ratings (user_id, part, one, two, three, four, five)"
            " VALUES ($1, 'driver', $2, $3, $4, $5, $6) ON CONFLICT (user_id, part) DO UPDATE"
            " SET four = excluded.four, five = excluded.five",
            driver, *stars,
        )  # fmt: skip

    async def kinds(self, user: int) -> list[str]:
        rows = await self.pool.fetch("SELECT kind FROM outbox WHERE user_id = $1 ORDER BY id", user)
        return [row["kind"] for row in rows]


@pytest.fixture
def desk(pool: Pool) -> Desk:
    return Desk(pool)


@pytest.fixture
async def driver(pool: Pool) -> int:
    return await a_user(pool)


async def test_two_shippers_who_pay_are_a_month_and_one_is_progress(desk: Desk, driver: int) -> None:
    await desk.pays(await desk.brings(driver))
    assert await desk.days(driver) == 0 and await desk.kinds(driver) == ["referral.progress"]
    await desk.pays(await desk.brings(driver))
    assert await desk.days(driver) == pytest.approx(30, abs=0.01)
    assert "bonus.granted" in await desk.kinds(driver)
    given = await BonusStore(desk.pool).given(driver)
    assert [(each.kind, each.back) for each in given] == [("referral", False)]


async def test_a_refund_takes_the_month_back_once(desk: Desk, driver: int) -> None:
    first = await desk.pays(await desk.brings(driver))
    await desk.pays(await desk.brings(driver))
    for _ in range(2):
        await desk.gets_back(first)
    assert await desk.days(driver) == 0
    assert [(each.kind, each.back) for each in await BonusStore(desk.pool).given(driver)] == [
        ("referral", True),
        ("referral", False),
    ]
    assert (await desk.kinds(driver)).count("bonus.revoked") == 1
    await desk.pays(await desk.brings(driver))
    assert await desk.days(driver) == pytest.approx(30, abs=0.01), "another one stands in"


async def test_a_profile_that_is_confirmed_after_the_payment_counts_within_the_hour(
    desk: Desk, driver: int
) -> None:
    late = await desk.brings(driver, confirmed=False)
    await desk.pays(late)
    await desk.pays(await desk.brings(driver))
    assert await desk.days(driver) == 0
    await desk.pool.execute("UPDATE referrals SET confirmed_at = now() WHERE invitee_id = $1", late)
    assert await desk.job.round() == 1 and await desk.job.round() == 0
    assert await desk.days(driver) == pytest.approx(30, abs=0.01)


async def test_who_waits_for_staff_counts_for_nothing(desk: Desk, driver: int) -> None:
    for _ in range(2):
        await desk.pays(await desk.brings(driver, state="held"))
    assert await desk.days(driver) == 0


async def test_payments_of_two_who_were_brought_at_once_are_one_month(desk: Desk, driver: int) -> None:
    brought = [await desk.brings(driver) for _ in range(4)]
    await asyncio.gather(*map(desk.pays, brought))
    assert await desk.days(driver) == pytest.approx(60, abs=0.01)


async def test_a_high_rating_is_a_month_once_a_period_and_what_is_missing_is_told(
    desk: Desk, driver: int
) -> None:
    store = BonusStore(desk.pool)
    await desk.rated(driver, 0, 0, 0, 1, 8)
    assert await desk.job.round() == 0
    missing = (await store.rating(driver)).missing
    assert [(each.lack.value, each.has, each.needs) for each in missing] == [("orders", 9, 10)]
    await desk.rated(driver, 0, 0, 0, 2, 8)
    done: Sequence[list[Event]] = await asyncio.gather(*(store.reward_rating(driver) for _ in range(5)))
    assert sum(bool(events) for events in done) == 1
    assert await desk.job.round() == 0
    assert await desk.days(driver) == pytest.approx(30, abs=0.01)
    assert [each.lack.value for each in (await store.rating(driver)).missing] == ["time"]
    assert await AccessLedger(desk.pool).verify() == (1, [])
