"""Loads that somebody should look at: held or flagged, claimed, decided, appealed; and duplicates."""

import asyncio
import uuid
from typing import Any

import pytest

from dispatch.asked import Asked
from dispatch.errors import Refusal
from dispatch.events import OfferEnded, OrderChanged
from dispatch.model import Actor, Order, Party, Status
from dispatch.moderation import Facts, Moderation, Moderator, Record
from dispatch.posting import Poster
from dispatch.service import Dispatcher
from storage.moderation import Case
from storage.postgres import Pool
from tests.integration.orders.market import CONTENT, Market, city, new_order

BAD = {"comment": "звоните 8 701 123 45 67"}


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


@pytest.fixture
def desk(market: Market) -> Dispatcher:
    return market.dispatcher()


@pytest.fixture
def poster(market: Market, desk: Dispatcher) -> Poster:
    return market.poster(desk)


def owner(order: Order) -> Party:
    return Party(order.shipper, Actor.SHIPPER)


async def place(market: Market, poster: Poster, shipper: int = 0, **said: Any) -> Order:
    return await poster.place(shipper or await market.shipper(), Asked.of({**CONTENT, **said}))


async def moderator(market: Market, *, senior: bool = False) -> Moderator:
    return Moderator(await market.user("admin"), senior)


async def case_of(market: Market, order: Order) -> Case:
    return (await market.cases.of_order(order.id))[0]


async def now(market: Market, order: Order) -> Order:
    return await market.orders.visible_to(owner(order), order.id)


async def test_a_fresh_shippers_ordinary_load_goes_out_at_once(market: Market, poster: Poster) -> None:
    order = await place(market, poster)
    assert order.status is Status.OPEN
    assert await market.count("SELECT count(*) FROM moderation_cases") == 0


async def test_first_loads_wait_where_the_desk_wants_it_so(market: Market, desk: Dispatcher) -> None:
    careful = market.poster(desk, Moderation(first_loads=2))
    shipper = await market.shipper()
    states = [(await place(market, careful, shipper, weight_kg=1000.0 * n)).status for n in range(1, 4)]
    assert states == [Status.MODERATION, Status.MODERATION, Status.OPEN]


async def test_a_held_load_is_offered_to_nobody_until_somebody_lets_it_out_for_its_whole_time(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    driver = await market.driver()
    order = await place(market, poster, **BAD)
    assert order.status is Status.MODERATION
    assert (await desk.seek_due(), await market.on_the_board(driver)) == (0, [])
    case = await case_of(market, order)
    assert (case.kind, case.state, case.grounds) == ("held", "waiting", ("contacts",))
    assert case.due_at == pytest.approx(case.created_at + 7200, abs=1)
    back = "UPDATE order_events SET at = at - interval '1 hour'"
    await market.pool.execute(back)
    staff = await moderator(market)
    await poster.approve(staff, case.id, "это номер склада")
    opened = await now(market, order)
    assert opened.status is Status.OPEN
    assert opened.expires_at == pytest.approx(order.expires_at + 3600, abs=5)
    assert await desk.seek_due() == 1
    line = (await market.orders.history(order.id))[-1]
    assert (line.kind, line.actor, line.role) == ("approved", staff.user, "admin")
    assert line.detail == {"note": "это номер склада"}
    told = "SELECT count(*) FROM outbox WHERE user_id = $1 AND payload->>'event' = 'approved'"
    assert await market.count(told, order.shipper) == 1
    with pytest.raises(Refusal, match="case_closed"):
        await poster.approve(staff, case.id, "")
    edited = await poster.edit(owner(order), order.id, 1, {"cargo": "мука, высший сорт"})
    assert edited.status is Status.OPEN, "what staff have let pass is not held again"


async def test_a_load_turned_down_comes_back_only_through_staff(market: Market, poster: Poster) -> None:
    order = await place(market, poster, **BAD)
    staff = await moderator(market)
    await poster.reject(staff, (await case_of(market, order)).id, ["contacts", "unclear"], "уберите номер")
    rejected = await case_of(market, order)
    assert (rejected.state, rejected.reasons, rejected.note) == (
        "rejected",
        ("contacts", "unclear"),
        "уберите номер",
    )
    line = (await market.orders.history(order.id))[-1]
    assert (line.kind, line.status) == ("rejected", "moderation")
    assert line.detail == {"reasons": ["contacts", "unclear"], "note": "уберите номер"}
    mended = await poster.edit(owner(order), order.id, 1, {"comment": ""})
    assert mended.status is Status.MODERATION, "the words are gone, but a person has said no"
    again = await case_of(market, order)
    assert (again.kind, again.state, again.grounds) == ("held", "waiting", ("contacts",))
    assert [e.kind for e in market.heard.of(OrderChanged)] == ["rejected", "edited", "resubmitted"]
    await poster.approve(staff, again.id, "")
    assert (await now(market, order)).status is Status.OPEN


async def test_an_appeal_is_looked_at_once_by_somebody_else(market: Market, poster: Poster) -> None:
    order = await place(market, poster, **BAD)
    first, second = await moderator(market), await moderator(market)
    with pytest.raises(Refusal, match="transition_forbidden"):
        await poster.appeal(owner(order), order.id, "рано")
    await poster.reject(first, (await case_of(market, order)).id, ["contacts"], "")
    with pytest.raises(Refusal, match="not_found"):
        await poster.appeal(Party(await market.shipper(), Actor.SHIPPER), order.id, "чужой")
    appealed = await poster.appeal(owner(order), order.id, "это номер договора")
    case = await case_of(market, order)
    assert (case.kind, case.state, case.appeal) == ("appeal", "waiting", "это номер договора")
    assert case.due_at == pytest.approx(case.created_at + 86_400, abs=1)
    assert appealed.expires_at >= case.due_at - 1, "a load does not run out while its appeal waits"
    with pytest.raises(Refusal, match="second_opinion"):
        await poster.approve(first, case.id, "")
    with pytest.raises(Refusal, match="transition_forbidden"):
        await poster.appeal(owner(order), order.id, "ещё раз")
    await poster.reject(second, case.id, ["contacts"], "")
    with pytest.raises(Refusal, match="appeal_used"):
        await poster.appeal(owner(order), order.id, "и ещё раз")
    cancelled, _ = await market.orders.cancel(owner(order), order.id)
    assert cancelled.status is Status.CANCELLED


async def test_a_superadmin_may_decide_an_appeal_against_himself(market: Market, poster: Poster) -> None:
    order = await place(market, poster, **BAD)
    alone = await moderator(market, senior=True)
    await poster.reject(alone, (await case_of(market, order)).id, ["contacts"], "")
    await poster.appeal(owner(order), order.id, "посмотрите ещё")
    await poster.approve(alone, (await case_of(market, order)).id, "")
    assert (await now(market, order)).status is Status.OPEN


async def test_a_claimed_case_is_left_alone_until_the_claim_is_old(market: Market, poster: Poster) -> None:
    case = await case_of(market, await place(market, poster, **BAD))
    first, second = await moderator(market), await moderator(market)
    told = await asyncio.gather(
        *(market.cases.claim(each, case.id) for each in (first, second)), return_exceptions=True
    )
    won = [each for each in told if isinstance(each, Case)]
    assert len(won) == 1 and won[0].claimed_by in (first.user, second.user)
    loser = second if won[0].claimed_by == first.user else first
    winner = first if loser is second else second
    for refused in (market.cases.claim(loser, case.id), market.cases.approve(loser, case.id, "")):
        with pytest.raises(Refusal, match=r"case_claimed|busy"):
            await refused
    await market.cases.unclaim(loser, case.id)  # not his to give back
    with pytest.raises(Refusal, match="case_claimed"):
        await market.cases.claim(loser, case.id)
    await market.cases.unclaim(winner, case.id)
    assert (await market.cases.claim(loser, case.id)).claimed_by == loser.user
    await market.pool.execute("UPDATE moderation_cases SET claimed_at = now() - interval '16 minutes'")
    assert (await market.cases.claim(winner, case.id)).claimed_by == winner.user


async def test_two_moderators_who_decide_at_once_decide_once(market: Market, poster: Poster) -> None:
    order = await place(market, poster, **BAD)
    case = await case_of(market, order)
    staff = [await moderator(market) for _ in range(4)]
    told = await asyncio.gather(
        *(poster.decide(each, case.id, None if n % 2 else ["unclear"], "") for n, each in enumerate(staff))
    )
    assert sorted(code or "done" for code in told).count("done") == 1
    assert await market.count("SELECT count(*) FROM order_events WHERE kind IN ('approved', 'rejected')") == 1


async def test_the_queue_is_oldest_first_page_by_page(market: Market, poster: Poster) -> None:
    orders = [await place(market, poster, **BAD) for _ in range(4)]
    await market.pool.execute(
        "UPDATE moderation_cases SET due_at = now() - interval '1 s' WHERE order_id = $1", orders[2].id
    )
    await poster.reject(await moderator(market), (await case_of(market, orders[3])).id, ["unclear"], "")

    async def walk(state: str = "waiting", kind: str | None = None, late: bool = False) -> list[int]:
        seen: list[int] = []
        after = 0
        while page := await market.cases.queue(state, kind, late, after, 2):
            after = page[-1][0].id
            seen += [order.id for _, order in page]
        return seen

    assert await walk() == [order.id for order in orders[:3]]
    assert await walk(late=True) == [orders[2].id]
    assert await walk("rejected") == [orders[3].id]
    assert await walk(kind="appeal") == []


async def test_many_cases_at_once_are_each_decided_by_themselves(market: Market, poster: Poster) -> None:
    orders = [await place(market, poster, **BAD) for _ in range(3)]
    cases = [(await case_of(market, order)).id for order in orders]
    staff = await moderator(market)
    assert await poster.decide(staff, cases[0], None, "") is None
    assert await poster.decide(staff, cases[0], None, "") == "case_closed"
    assert await poster.decide(staff, cases[1], ["unclear"], "") is None
    assert await poster.decide(staff, cases[2], [], "") == "reason_invalid"
    assert await poster.decide(staff, 10**9, None, "") == "not_found"


async def test_the_same_load_again_is_refused_by_number_unless_it_is_meant(
    market: Market, poster: Poster
) -> None:
    shipper = await market.shipper()
    first = await place(market, poster, shipper)
    with pytest.raises(Refusal, match="order_duplicate") as refusal:
        await place(market, poster, shipper, weight_kg=20_100.0, volume_m3=41.0)
    assert refusal.value.values == {"order": first.id}
    meant = await poster.place(shipper, Asked.of(CONTENT), allow_duplicate=True)
    assert meant.status is Status.OPEN
    for said in (
        {"weight_kg": 15_000.0},
        {"body": "reefer"},
        {"kind": "grain"},
        {"stops": [CONTENT["stops"][0], {"kind": "drop", "city": city("Караганда")}]},
    ):
        await place(market, poster, shipper, **said)


async def test_another_day_is_another_load_and_an_old_or_closed_one_stands_in_nobodys_way(
    market: Market, desk: Dispatcher
) -> None:
    start = 1_900_000_000.0
    poster = market.poster(desk, clock=lambda: start)
    shipper = await market.shipper()
    pickup, drop = CONTENT["stops"]

    def day(number: int) -> dict[str, Any]:
        opens = start + number * 86_400
        return {"stops": [{**pickup, "window_from": opens, "window_to": opens + 36_000}, drop]}

    monday = await place(market, poster, shipper, **day(1))
    await place(market, poster, shipper, **day(2))
    with pytest.raises(Refusal, match="order_duplicate"):
        await place(market, poster, shipper, **day(1))
    await market.orders.cancel(owner(monday), monday.id)
    again = await place(market, poster, shipper, **day(1))
    await market.pool.execute(
        "UPDATE orders SET created_at = now() - interval '25 hours' WHERE id = $1", again.id
    )
    await place(market, poster, shipper, **day(1))


async def test_a_colleagues_load_is_the_same_load(market: Market, poster: Poster) -> None:
    await poster.place(await market.shipper(), Asked.of(CONTENT), company=31)
    with pytest.raises(Refusal, match="order_duplicate"):
        await poster.place(await market.shipper(), Asked.of(CONTENT), company=31)
    other = await poster.place(await market.shipper(), Asked.of(CONTENT), company=32)
    assert (await case_of(market, other)).kind == "flag"


async def test_a_strangers_same_load_is_flagged_and_may_be_taken_down(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    first = await place(market, poster)
    copy = await place(market, poster)
    assert copy.status is Status.OPEN, "an honest broker is not kept waiting"
    case = await case_of(market, copy)
    assert (case.kind, case.grounds, case.alike) == ("flag", ("duplicate",), first.id)
    driver = await market.driver()
    await market.offer(copy, [driver])
    await poster.reject(await moderator(market), case.id, ["duplicate"], "")
    assert (await now(market, copy)).status is Status.MODERATION
    assert [e.driver for e in market.heard.of(OfferEnded)] == [driver]
    assert await market.cases.of_order(first.id) == []


async def test_a_flagged_load_that_is_taken_is_not_taken_down(market: Market, poster: Poster) -> None:
    await place(market, poster)
    copy = await place(market, poster)
    driver = await market.driver()
    await market.orders.accept(driver, (await market.offer(copy, [driver]))[driver], uuid.uuid4())
    case, staff = await case_of(market, copy), await moderator(market)
    before = await market.rows()
    with pytest.raises(Refusal, match="order_closed"):
        await poster.reject(staff, case.id, ["duplicate"], "")
    assert await market.rows() == before
    await poster.approve(staff, case.id, "")
    assert (await now(market, copy)).status is Status.ASSIGNED


async def test_who_was_turned_down_twice_lately_is_looked_at_and_who_delivers_is_trusted(
    market: Market, poster: Poster
) -> None:
    shipper = await market.shipper()
    policy = Moderation(trusted_after=2)
    new = new_order(shipper)
    assert await market.cases.facts(new, None, policy) == Facts()
    assert await market.cases.record(shipper, policy) == Record(0, 0, False)
    for _ in range(2):
        await market.haul(Status.DELIVERED, shipper)
    assert await market.cases.record(shipper, policy) == Record(0, 2, False)
    trusting = market.poster(market.dispatcher(), policy)
    assert (await place(market, trusting, shipper, **BAD)).status is Status.OPEN
    staff = await moderator(market)
    for n in range(2):
        order = await place(market, poster, shipper, weight_kg=1000.0 + n * 100, **BAD)
        await poster.reject(staff, (await case_of(market, order)).id, ["contacts"], "")
    assert (await market.cases.facts(new, None, policy)).rejected_before
    assert (await place(market, trusting, shipper, weight_kg=500.0)).status is Status.MODERATION


async def test_a_called_off_load_leaves_no_case_behind(market: Market, poster: Poster) -> None:
    order = await place(market, poster, **BAD)
    await market.orders.cancel(owner(order), order.id)
    assert (await case_of(market, order)).state == "dropped"
    late = await place(market, poster, valid_s=60.0, **BAD)
    await market.pool.execute("UPDATE orders SET expires_at = now() WHERE id = $1", late.id)
    await market.orders.expire_orders(10)
    assert (await case_of(market, late)).state == "dropped"
