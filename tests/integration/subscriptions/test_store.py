"""Agreements in the database: free days, payments, renewals, pauses, refunds, and what the clock does."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from billing.access import DAY_S, Entry, EntryKind
from billing.acquiring import Unavailable
from billing.money import Currency, Money
from billing.payments import Invoice
from billing.plans import Price
from billing.subscription import State
from dispatch.errors import Refusal
from dispatch.events import AccessChanged, Event
from server.subscribing.clock import SubscriptionClock
from server.subscribing.selling import Selling
from storage.billing import access, invoices, subscriptions
from storage.billing.access import AccessLedger
from storage.billing.invoices import NewInvoice
from storage.billing.plans import NewVersion, PlanStore
from storage.billing.subscriptions import Bought, Renewal, SubscriptionStore
from storage.postgres import Connection, Pool, transaction

KZT = Currency.KZT
PRICE = Money(4990_00, KZT)
MONTH = 30 * DAY_S
NAMES = {"ru": "Месяц", "kk": "Ай", "en": "A month", "zh": "月卡"}
_phones = itertools.count(1)


@pytest.fixture
def store(pool: Pool) -> SubscriptionStore:
    return SubscriptionStore(pool)


@pytest.fixture
def plans(pool: Pool) -> PlanStore:
    return PlanStore(pool)


@pytest.fixture
async def driver(pool: Pool) -> int:
    return await a_user(pool)


async def a_user(pool: Pool, role: str = "driver", grade: str | None = None) -> int:
    user: int = await pool.fetchval(
        "INSERT INTO users (phone, role, name, grade) VALUES ($1, $2, 'Ерлан', $3) RETURNING id",
        f"+7701{next(_phones):07}", role, grade,
    )  # fmt: skip
    return user


async def pay(
    pool: Pool, user: int, money: Money = PRICE, invoice: UUID | None = None, *, card: int | None = None
) -> list[Event]:
    bought = Bought(user, invoice or uuid4(), "driver-month", "KZ", money, MONTH, False, card)
    async with transaction(pool) as connection:
        return await subscriptions.paid(connection, bought)


async def shift(pool: Pool, user: int, days: float) -> None:
    """So many days go by: everything that is known of the user lies further back."""
    async with transaction(pool) as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")  # the ledger is append-only
        await connection.execute(
            "UPDATE access_entries SET at = at - $2 * interval '1 day',"
            " paid_to = paid_to - $2 * interval '1 day', ends_at = ends_at - $2 * interval '1 day',"
            " set_to = set_to - $2 * interval '1 day' WHERE user_id = $1",
            user,
            days,
        )
        await connection.execute(
            "UPDATE subscriptions SET failed_at = failed_at - $2 * interval '1 day',"
            " warned_to = warned_to - $2 * interval '1 day', ended_to = ended_to - $2 * interval '1 day',"
            " due_at = due_at - $2 * interval '1 day', paused_until = paused_until - $2 * interval '1 day'"
            " WHERE user_id = $1",
            user,
            days,
        )


async def state(store: SubscriptionStore, user: int) -> State:
    return (await store.standing(user)).state


class Told:
    """Collects events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, events: Sequence[Event]) -> None:
        self.events += events


class OnPaper(NamedTuple):
    """A renewal that Bank has written down."""

    invoice: Invoice
    renewal: Renewal


class Bank:
    """Charges cards as a script says: True pays, False declines, None is down; without a script it declines."""

    def __init__(self, pool: Pool, *script: bool | None) -> None:
        self.pool = pool
        self.script = list(script)
        self.charged = 0

    async def write(self, connection: Connection, renewal: Renewal) -> OnPaper | None:
        at, plan = renewal.standing, renewal.plan
        new = NewInvoice(
            uuid4(), at.user, "bank", PRICE, 60.0, "renewal", plan.plan, 0, "KZ", plan.period_s, "", "ru"
        )
        return OnPaper(await invoices.add(connection, new), renewal)

    async def send(self, written: OnPaper) -> None:
        answer = self.script.pop(0) if self.script else False
        user, invoice = written.invoice.user, written.invoice.id
        async with transaction(self.pool) as connection:
            if answer is None:
                await subscriptions.released(connection, user, invoice)
            elif answer:
                plan = written.renewal.plan
                await subscriptions.paid(
                    connection, Bought(user, invoice, plan.plan, "KZ", PRICE, plan.period_s, False, None)
                )
            else:
                await subscriptions.failed(connection, user, invoice, never=False)
        if answer is None:
            raise Unavailable("down")
        self.charged += 1


async def notices(pool: Pool, user: int) -> list[str]:
    rows = await pool.fetch("SELECT kind FROM outbox WHERE user_id = $1 ORDER BY id", user)
    return [row["kind"].removeprefix("subscription.") for row in rows]


async def test_the_free_days_are_given_once(store: SubscriptionStore, driver: int) -> None:
    assert await state(store, driver) is State.NONE
    events = await store.start_trial(driver, "driver-month", "KZ", KZT)
    at = await store.standing(driver)
    assert at.state is State.TRIAL and at.access.until == pytest.approx(at.now + 14 * DAY_S, abs=5)
    assert events == [AccessChanged(driver, pytest.approx(at.access.until))]
    with pytest.raises(Refusal) as refusal:
        await store.start_trial(driver, "driver-month", "KZ", KZT)
    assert refusal.value.code == "trial_used"


async def test_two_presses_on_the_trial_button_are_one_trial(store: SubscriptionStore, driver: int) -> None:
    done = await asyncio.gather(
        *(store.start_trial(driver, "driver-month", "KZ", KZT) for _ in range(8)), return_exceptions=True
    )
    assert sum(not isinstance(each, Refusal) for each in done) == 1
    assert (await store.standing(driver)).access.until < (await store.standing(driver)).now + 15 * DAY_S


async def test_a_plan_of_another_role_is_not_there(store: SubscriptionStore, pool: Pool) -> None:
    shipper = await a_user(pool, "shipper")
    with pytest.raises(Refusal) as refusal:
        await store.start_trial(shipper, "driver-month", "KZ", KZT)
    assert refusal.value.code == "not_found"


async def test_a_payment_counts_once_however_often_it_is_told(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    invoice = uuid4()
    done = await asyncio.gather(*(pay(pool, driver, invoice=invoice) for _ in range(20)))
    assert sum(bool(events) for events in done) == 1
    at = await store.standing(driver)
    assert at.state is State.ACTIVE and at.access.until == pytest.approx(at.now + MONTH, abs=5)
    assert await notices(pool, driver) == ["paid"]


async def test_the_price_that_was_paid_in_the_trial_stays_through_a_rise(
    pool: Pool, store: SubscriptionStore, plans: PlanStore, driver: int
) -> None:
    selling = Selling(pool, plans, store)
    await store.start_trial(driver, "driver-month", "KZ", KZT)
    await pay(pool, driver)
    staff = await a_user(pool, "admin", "finance")
    dearer = NewVersion("driver", 30, 14, 7, (Price("", Money(6990_00, KZT)),), NAMES, True, "", None)
    assert (await plans.add(staff, "driver-month", 0, dearer)).version == 1
    newcomer = await a_user(pool)
    assert [
        sale.money.minor
        for sale in await selling.offers(newcomer, "driver", None)
        if sale.version.plan == "driver-month"
    ] == [6990_00]
    renewal = await selling.renewal(await store.standing(driver))
    assert (
        renewal is not None and renewal.money == PRICE and renewal.locked and renewal.regular.minor == 6990_00
    )

    await shift(pool, driver, 44 + 29)  # ended, but not so long ago that it would not go on
    renewal = await selling.renewal(await store.standing(driver))
    assert renewal is not None and renewal.locked
    await shift(pool, driver, 2)
    renewal = await selling.renewal(await store.standing(driver))
    assert renewal is not None and not renewal.locked
    await pay(pool, driver, Money(6990_00, KZT))
    renewal = await selling.renewal(await store.standing(driver))
    assert renewal is not None and not renewal.locked, "what has ended does not come back"


async def test_a_renewal_goes_on_without_a_gap(pool: Pool, store: SubscriptionStore, driver: int) -> None:
    bank, told = Bank(pool, True), Told()
    clock = SubscriptionClock(store, bank, told)
    await pay(pool, driver, card=7)
    assert await clock.round() == 0, "nothing is due for a month"
    await shift(pool, driver, 29.5)
    assert await clock.round() == 1 and await clock.round() == 0
    at = await store.standing(driver)
    assert bank.charged == 1 and at.access.until == pytest.approx(at.now + 30.5 * DAY_S, abs=10)


async def test_a_renewal_that_keeps_failing_leads_through_the_grace_to_the_end_and_each_step_is_told(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    bank, told = Bank(pool), Told()
    clock = SubscriptionClock(store, bank, told)
    await pay(pool, driver, card=7)
    seen = list[State]()
    for _ in range(80):
        while await clock.round():
            pass
        now = await state(store, driver)
        seen += [now] if seen[-1:] != [now] else []
        await shift(pool, driver, 0.5)
    assert seen == [State.ACTIVE, State.PAST_DUE, State.EXPIRED]
    assert bank.charged == 4
    assert await notices(pool, driver) == ["paid", "failed", "failed", "failed", "failed", "ending", "ended"]
    await pay(pool, driver)
    assert await state(store, driver) is State.ACTIVE


async def test_two_workers_charge_a_renewal_once(pool: Pool, store: SubscriptionStore, driver: int) -> None:
    bank = Bank(pool, True, True, True)
    await pay(pool, driver, card=7)
    await shift(pool, driver, 29.5)
    await asyncio.gather(*(SubscriptionClock(store, bank, Told()).round() for _ in range(3)))
    assert bank.charged == 1


async def test_an_acquirer_that_is_down_costs_no_try_and_keeps_no_loop_busy(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    bank = Bank(pool, None, True)
    clock = SubscriptionClock(store, bank, Told())
    await pay(pool, driver, card=7)
    await shift(pool, driver, 29.5)
    assert await clock.round() == 1 and await clock.round() == 0
    assert (await store.standing(driver)).held == replace(
        (await store.standing(driver)).held, failures=0, charging=False
    )
    await pool.execute("UPDATE subscriptions SET due_at = now() WHERE user_id = $1", driver)
    await clock.round()
    assert bank.charged == 1


async def test_what_cannot_be_charged_is_left_alone_until_another_plan_is_chosen(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    class Closed(Bank):
        async def write(self, connection: Connection, renewal: Renewal) -> OnPaper | None:
            return await super().write(connection, renewal) if renewal.plan.plan == "driver-quarter" else None

    bank = Closed(pool, True)
    clock = SubscriptionClock(store, bank, Told())
    await pay(pool, driver, card=7)
    await shift(pool, driver, 29.5)
    while await clock.round():
        pass
    at = await store.standing(driver)
    assert at.held is not None and at.held.hopeless and not at.held.charging and bank.charged == 0
    await store.choose(driver, at.version, renews=True, card=7, plan="driver-quarter")
    await clock.round()
    assert bank.charged == 1


async def test_a_cancelled_subscription_runs_to_its_end_and_is_not_charged(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    bank = Bank(pool, True)
    clock = SubscriptionClock(store, bank, Told())
    await pay(pool, driver, card=7)
    at = await store.standing(driver)
    at = await store.choose(driver, at.version, renews=False, card=7, plan="driver-month")
    assert at.state is State.CANCELLED and at.access.entitled(at.now)
    await shift(pool, driver, 31)
    while await clock.round():
        pass
    assert bank.charged == 0 and await state(store, driver) is State.EXPIRED


async def test_a_choice_made_from_an_old_state_is_refused(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    await pay(pool, driver)
    at = await store.standing(driver)
    await store.choose(driver, at.version, renews=False, card=None, plan="driver-month")
    with pytest.raises(Refusal) as refusal:
        await store.choose(driver, at.version, renews=True, card=None, plan="driver-quarter")
    assert refusal.value.code == "version_stale"


async def test_a_pause_keeps_the_days_and_ends_by_itself(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    await pay(pool, driver)
    await shift(pool, driver, 10)
    at, events = await store.pause(driver, 14)
    assert at.state is State.PAUSED and events == [AccessChanged(driver, pytest.approx(at.now, abs=2))]
    await shift(pool, driver, 14.1)
    told = Told()
    await SubscriptionClock(store, Bank(pool), told).round()
    at = await store.standing(driver)
    assert at.state is State.ACTIVE and at.access.until == pytest.approx(at.now + 20 * DAY_S, abs=10)
    assert [event.user for event in told.events if isinstance(event, AccessChanged)] == [driver]
    with pytest.raises(Refusal) as refusal:
        await store.pause(driver, 60)
    assert refusal.value.code == "pause_refused", "fourteen days of this year's sixty are gone"


async def test_a_refund_takes_its_share_of_the_days_once_and_the_rest_takes_the_rest(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    invoice = uuid4()
    await pay(pool, driver, invoice=invoice)
    for part, total, days in (
        (0.5, 2495_00, 15),
        (0.5, 2495_00, 15),
        (0.25, 3742_50, 7.5),
        (0.25, 4990_00, 0),
    ):
        async with transaction(pool) as connection:
            await subscriptions.refunded(connection, driver, invoice, part, total)
        at = await store.standing(driver)
        assert at.access.until == pytest.approx(at.now + days * DAY_S, abs=5)


async def test_a_change_to_a_dearer_plan_takes_the_rest_of_the_old_one_along(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    await pay(pool, driver)
    await shift(pool, driver, 10)
    bought = Bought(driver, uuid4(), "driver-quarter", "KZ", Money(9000_00, KZT), 90 * DAY_S, True, None)
    async with transaction(pool) as connection:
        await subscriptions.paid(connection, bought)
    at = await store.standing(driver)
    assert at.access.until == pytest.approx(at.now + 90 * DAY_S, abs=10)
    assert at.held is not None and at.held.plan == "driver-quarter"


async def test_the_balances_are_what_the_entries_come_to_and_a_changed_one_is_named(
    pool: Pool, store: SubscriptionStore, driver: int
) -> None:
    await store.start_trial(driver, "driver-month", "KZ", KZT)
    await pay(pool, driver)
    other = await a_user(pool)
    await pay(pool, other)
    ledger = AccessLedger(pool)
    assert await ledger.verify() == (3, [])
    with pytest.raises(Exception, match="append-only"):
        await pool.execute("UPDATE access_entries SET ends_at = ends_at + interval '1 day'")
    async with transaction(pool) as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE access_entries SET ends_at = ends_at + interval '1 day' WHERE user_id = $1", driver
        )
    count, broken = await ledger.verify(slice_=1)
    assert count == 3 and {(each.user, each.seq) for each in broken} == {(driver, 1), (driver, 2)}


async def test_entries_of_one_user_come_one_after_the_other(pool: Pool, driver: int) -> None:
    async def give(number: int) -> None:
        async with transaction(pool) as connection:
            now = (await access.lock(connection, driver)).now
            await access.enter(connection, driver, Entry(EntryKind.BONUS, now, DAY_S), f"bonus:{number}")

    await asyncio.gather(*map(give, range(30)))
    at = await AccessLedger(pool).of(driver)
    now = float(await pool.fetchval("SELECT extract(epoch FROM now())"))
    assert at.until == pytest.approx(now + 30 * DAY_S, abs=5)
    assert await AccessLedger(pool).verify() == (30, [])
