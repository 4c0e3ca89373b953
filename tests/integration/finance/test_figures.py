"""Figures of months against a model that folds every ledger by itself, over random lives of subscriptions."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from billing.access import DAY_S, NONE, Access, Entry, EntryKind, after
from billing.figures import Month, Moves, Priced, Trials
from billing.money import Currency, Money
from storage.billing import access as ledger
from storage.billing.figures import FigureStore
from storage.billing.invoices import InvoiceStore, NewInvoice
from storage.postgres import Pool, transaction

KZT = Currency.KZT
PLANS = {"driver-month": (499_000, 30), "driver-quarter": (1_299_000, 90)}


@dataclass
class Life:
    """A user's entries, and what each payment was for."""

    user: int
    entries: list[Entry] = field(default_factory=list)
    balances: list[Access] = field(default_factory=list)
    bought: dict[int, tuple[str, int, float]] = field(default_factory=dict)  # entry -> plan, minor, seconds

    @property
    def now(self) -> Access:
        return self.balances[-1] if self.balances else NONE

    def add(self, entry: Entry) -> None:
        self.balances.append(after(self.now, entry))
        self.entries.append(entry)

    def before(self, moment: float) -> Access | None:
        """The balance then, for who has paid by then."""
        known = [n for n, entry in enumerate(self.entries) if entry.at < moment]
        paid = any(self.entries[n].kind is EntryKind.PAID for n in known)
        return self.balances[known[-1]] if paid else None

    def last(self, moment: float) -> tuple[str, int, float]:
        return self.bought[max(n for n in self.bought if self.entries[n].at < moment)]


def pays(access: Access | None, moment: float) -> bool:
    return access is not None and access.left_s is None and access.until > moment


class Market:
    """Random lives, told to the database as they are told to the model."""

    def __init__(self, pool: Pool, seed: int, begins: float) -> None:
        self.pool = pool
        self.random = random.Random(seed)
        self.begins = begins
        self.invoices = InvoiceStore(pool)

    async def live(self, number: int, until: float) -> Life:
        user = await self.pool.fetchval(
            "INSERT INTO users (phone, role, name) VALUES ($1, 'driver', '') RETURNING id",
            f"+7705{number:07}",
        )
        life, now = Life(user), self.begins + self.random.random() * 60 * DAY_S
        if self.random.random() < 0.6:
            await self.write(life, Entry(EntryKind.TRIAL, now, 14 * DAY_S), "trial")
            now += self.random.random() * 20 * DAY_S
        while now < until and self.random.random() < 0.9:
            await self.step(life, now)
            now += self.random.choice((0.5, 5, 28, 31, 60)) * self.random.random() * 2 * DAY_S
        return life

    async def step(self, life: Life, now: float) -> None:
        cause = str(uuid4())
        match self.random.choice(("pay", "pay", "pay", "grace", "pause", "resume", "back", "bonus", "staff")):
            case "pay":
                plan, (minor, days) = self.random.choice(list(PLANS.items()))
                invoice = await self.invoice(life.user, plan, minor, days * DAY_S)
                life.bought[len(life.entries)] = (plan, minor, days * DAY_S)
                await self.write(life, Entry(EntryKind.PAID, now, days * DAY_S), f"paid:{invoice}")
            case "grace":
                await self.write(life, Entry(EntryKind.GRACE, now, 7 * DAY_S), cause)
            case "pause":
                await self.write(life, Entry(EntryKind.PAUSED, now), cause)
            case "resume":
                await self.write(life, Entry(EntryKind.RESUMED, now), cause)
            case "back":
                await self.write(life, Entry(EntryKind.TAKEN_BACK, now, 20 * DAY_S), cause)
            case "bonus":
                await self.write(life, Entry(EntryKind.BONUS, now, 30 * DAY_S), cause)
            case _:
                await self.write(life, Entry(EntryKind.STAFF, now, until=now + 3 * DAY_S), cause)

    async def invoice(self, user: int, plan: str, minor: int, period_s: float) -> UUID:
        money = Money(minor, KZT)
        new = NewInvoice(
            uuid4(), user, "sandbox", money, 3_600.0, "subscription", plan, 1, period_s, "", "ru"
        )
        return (await self.invoices.add(new)).id

    async def write(self, life: Life, entry: Entry, cause: str) -> None:
        async with transaction(self.pool) as connection:
            assert await ledger.enter(connection, life.user, entry, cause) is not None
        life.add(entry)


def expected_moves(lives: list[Life], months: list[Month]) -> list[Moves]:
    found = []
    for month in months:
        counts: Counter[str] = Counter()
        for life in lives:
            at_start = pays(life.before(month.begins), month.begins)
            counts["at_start"] += at_start
            end = life.before(month.ends)
            gone = end is not None and end.left_s is None and end.until <= month.ends
            counts["churned"] += at_start and gone
            for n in life.bought:
                if month.begins <= life.entries[n].at < month.ends:
                    was = life.balances[n - 1] if n else NONE
                    over = was.left_s is None and was.until < life.entries[n].at
                    first = n == min(life.bought)
                    counts["new" if first else "reactivated" if over else "renewed"] += 1
        if any(counts.values()):
            found.append(Moves(month.name, KZT, **counts))
    return found


def expected_standing(lives: list[Life], moment: float) -> dict[tuple[str, int, float], int]:
    found: dict[tuple[str, int, float], int] = defaultdict(int)
    for life in lives:
        if pays(life.before(moment), moment):
            found[life.last(moment)] += 1
    return dict(found)


@pytest.mark.parametrize("seed", range(4))
async def test_the_statements_say_what_folding_every_ledger_says(pool: Pool, seed: int) -> None:
    store = FigureStore(pool)
    now = await store.now()
    months = [Month(f"m{n}", now - (5 - n) * 30 * DAY_S, now - (4 - n) * 30 * DAY_S) for n in range(5)]
    market = Market(pool, seed, months[0].begins - 30 * DAY_S)
    lives = [await market.live(seed * 1_000 + n, now - 1) for n in range(60)]
    moves = await store.moves(months, now)
    assert moves == expected_moves(lives, months)
    assert await store.moves(months, now) == moves, "whole months are kept"
    assert all(
        sum(getattr(each, name) for each in moves) for name in ("new", "renewed", "reactivated", "churned")
    )
    for moment in (months[1].begins, months[3].ends, now):
        found = await store.standing(moment)
        assert {(each.plan, each.minor, each.period_s): each.payers for each in found} == expected_standing(
            lives, moment
        )
        assert all(isinstance(each, Priced) and each.currency is KZT for each in found)
    for trial in await store.trials(months):
        month = next(each for each in months if each.name == trial.month)
        begun = [
            life
            for life in lives
            if life.entries and life.entries[0].kind is EntryKind.TRIAL
            and month.begins <= life.entries[0].at < month.ends
        ]  # fmt: skip
        paid = sum(bool(life.bought) for life in begun)
        runs = sum(
            not life.bought and (life.now.until > now or life.now.left_s is not None) for life in begun
        )
        assert trial == Trials(month.name, len(begun), paid, runs)


async def test_an_upgrade_is_a_renewal_at_the_new_price(pool: Pool) -> None:
    store = FigureStore(pool)
    now = await store.now()
    market = Market(pool, 0, now - 40 * DAY_S)
    life = Life(
        await pool.fetchval("INSERT INTO users (phone, role) VALUES ('+77050000001', 'driver') RETURNING id")
    )
    for days_ago, (plan, (minor, days)) in zip((20, 10), PLANS.items(), strict=True):
        at = now - days_ago * DAY_S
        if life.bought:  # the rest is part of the price
            await market.write(life, Entry(EntryKind.TAKEN_BACK, at, life.now.paid_to - at), "replaced:x")
        invoice = await market.invoice(life.user, plan, minor, days * DAY_S)
        life.bought[len(life.entries)] = (plan, minor, days * DAY_S)
        await market.write(life, Entry(EntryKind.PAID, at, days * DAY_S), f"paid:{invoice}")
    month = Month("m", now - 25 * DAY_S, now)
    assert await store.moves([month], now) == [Moves("m", KZT, 0, 1, 1, 0, 0)]
    assert await store.standing(now) == [Priced("driver-quarter", KZT, 1_299_000, 90 * DAY_S, 1)]


async def test_a_desk_without_payers_has_no_figures(pool: Pool) -> None:
    store = FigureStore(pool)
    now = await store.now()
    assert await store.moves([Month("m", now - DAY_S, now)], now) == [] == await store.standing(now)
    assert await store.trials([Month("m", now - DAY_S, now)]) == []
