"""What both sides of a haul say of its payment, on the real database."""

import asyncio
import uuid

import pytest

from dispatch.board import BoardSearch, Sort, Viewer
from dispatch.disputes import Complaint, Decision, DisputeOutcome
from dispatch.errors import Refusal
from dispatch.events import OrderChanged
from dispatch.model import Actor, Party, Status
from dispatch.remittance import MarkState, RemittanceState
from storage.board.store import BoardStore
from storage.disputes.judging import DisputeJudges
from storage.disputes.store import DisputeStore
from storage.postgres import Pool
from tests.integration.orders.market import Market
from tests.integration.remittance.paying import DAY, PREPAYMENT, PRICE, Haul, Paying

S, M = RemittanceState, MarkState


@pytest.fixture
def desk(pool: Pool) -> Paying:
    return Paying(pool)


async def refused(code: str, act: object) -> None:
    with pytest.raises(Refusal) as refusal:
        await act  # type: ignore[misc]
    assert refusal.value.code == code


async def test_the_price_that_a_bid_won_with_is_what_is_owed(desk: Paying) -> None:
    order = await desk.on_board(await desk.order(pricing="bids"))
    driver = await desk.driver()
    bid = await desk.bid(driver, order, 40_000_000)
    await desk.bids.pick(Party(order.shipper, Actor.SHIPPER), bid.id, uuid.uuid4(), bid.version)
    found = await desk.remittances.of_order(Party(driver, Actor.DRIVER), order.id)
    assert (found.account.price, found.account.state, found.account.due_at) == (40_000_000, S.OPEN, None)


async def test_a_haul_without_a_driver_and_a_foreign_one_have_no_payment(desk: Paying) -> None:
    order = await desk.order()
    await refused("not_found", desk.remittances.of_order(Party(order.shipper, Actor.SHIPPER), order.id))
    haul = await desk.hauled()
    stranger = Party(await desk.shipper(), Actor.SHIPPER)
    await refused("not_found", desk.remittances.of_order(stranger, haul.order))
    await refused("not_found", desk.say(stranger, haul))
    await refused("not_found", desk.say(Party(await desk.driver(), Actor.DRIVER), haul))


async def test_from_a_part_in_advance_to_the_last_tenge(desk: Paying) -> None:
    haul = await desk.hauled(Status.LOADED, prepay=30)
    advance = PRICE * 30 // 100
    found = await desk.say(haul.shipper, haul, None, PREPAYMENT)
    (mark,) = found.account.marks
    assert (mark.amount, mark.state, mark.reference) == (advance, M.WAITING, "п/п 17")
    done, events = await desk.remittances.confirm(haul.driver, haul.order, mark.id)
    assert (done.account.state, done.account.outstanding) == (S.PREPAID, PRICE - advance)
    assert [(event.kind, event.status) for event in events if isinstance(event, OrderChanged)] == [
        ("payment_confirmed", Status.LOADED)
    ]
    found = await desk.say(haul.shipper, haul)
    assert found.account.state is S.MARKED
    done, _ = await desk.remittances.confirm(haul.driver, haul.order, found.account.marks[-1].id)
    assert (done.account.state, done.account.received) == (S.PAID, PRICE)
    again, events = await desk.remittances.confirm(haul.driver, haul.order, found.account.marks[-1].id)
    assert (again.account, events) == (done.account, [])
    rows = await desk.pool.fetch("SELECT shipper_by, driver_by FROM remittance_marks ORDER BY id")
    assert [tuple(row) for row in rows] == [(haul.shipper.user, haul.driver.user)] * 2


async def test_each_word_is_an_event_and_a_push_to_the_other_side(desk: Paying) -> None:
    haul = await desk.hauled()
    fleet = haul.driver._replace(by=await desk.user("logistician"))
    found = await desk.say(haul.shipper, haul)
    await desk.remittances.contest(
        fleet, haul.order, found.account.marks[0].id, "not_received", "", dispute=False
    )
    rows = await desk.pool.fetch(
        "SELECT user_id, payload->>'event' AS event FROM outbox"
        " WHERE payload->>'event' LIKE 'payment%' ORDER BY id"
    )
    assert [(row["event"], row["user_id"]) for row in rows] == [
        ("payment_marked", haul.driver.user),
        ("payment_contested", haul.shipper.user),
        ("payment_contested", haul.driver.user),  # for whom the logistician acts
    ]
    history = await desk.orders.history(haul.order)
    assert [(line.kind, line.actor) for line in history][-2:] == [
        ("payment_marked", haul.shipper.user),
        ("payment_contested", fleet.by),
    ]


async def test_other_words_of_a_missed_payment_are_kept_at_once_and_told_at_most_once_an_hour(
    desk: Paying,
) -> None:
    haul = await desk.hauled()
    await desk.days_pass(1.5)

    async def miss(words: str) -> int:
        done, events = await desk.remittances.miss(haul.driver, haul.order, words, dispute=False)
        assert done.account == (await desk.read(haul)).account and done.account.unpaid_note == words
        return len(events)

    async def told() -> tuple[int, int]:
        pushed = await desk.pool.fetchval(
            "SELECT count(*) FROM outbox WHERE user_id = $1 AND payload->>'event' = 'payment_missed'",
            haul.shipper.user,
        )
        history = await desk.orders.history(haul.order)
        return pushed, sum(line.kind == "payment_missed" for line in history)

    assert [await miss(words) for words in ("ничего нет", "ничего не пришло", "жду с понедельника")] == [
        1,
        0,
        0,
    ]
    assert await told() == (1, 1)
    await desk.pool.execute("UPDATE order_events SET at = at - interval '1 h' WHERE kind = 'payment_missed'")
    assert [await miss(words) for words in ("звонил трижды", "и ещё раз")] == [1, 0]
    assert await told() == (2, 2)


@pytest.mark.parametrize("round_", range(10))
async def test_both_sides_at_the_same_moment_end_in_one_state(desk: Paying, round_: int) -> None:
    haul = await desk.hauled()
    sides = [haul.shipper, haul.driver] * 3

    async def say(party: Party) -> str:
        while True:
            try:
                await desk.say(party, haul, PRICE)
                return "done"
            except Refusal as refusal:
                if refusal.code != "busy":
                    return refusal.code

    answers = await asyncio.gather(*(say(party) for party in sides))
    assert set(answers) <= {"done", "payment_settled", "payment_waits"} and "done" in answers
    found = (await desk.read(haul)).account
    (mark,) = found.marks
    assert (found.state, mark.state, found.received) == (S.PAID, M.CONFIRMED, PRICE)
    assert mark.shipper_at is not None and mark.driver_at is not None


async def test_a_confirmation_and_a_withdrawal_at_once_leave_one_of_them(desk: Paying) -> None:
    for _ in range(10):
        haul = await desk.hauled()
        mark = (await desk.say(haul.shipper, haul)).account.marks[0].id
        results = await asyncio.gather(
            desk.remittances.confirm(haul.driver, haul.order, mark),
            desk.remittances.withdraw(haul.shipper, haul.order, mark),
            return_exceptions=True,
        )
        codes = [each.code for each in results if isinstance(each, Refusal)]
        assert len(codes) == 1 and codes[0] in ("payment_settled", "payment_withdrawn", "busy")
        state = (await desk.read(haul)).account.state
        assert state is (S.PAID if not isinstance(results[0], Refusal) else S.OPEN)


async def test_a_date_that_cannot_be_is_refused(desk: Paying) -> None:
    haul = await desk.hauled()
    await refused("payment_date", desk.say(haul.shipper, haul, days=-2))
    await refused("payment_date", desk.say(haul.shipper, haul, days=2))
    assert (await desk.read(haul)).account.marks == ()


async def test_a_haul_that_was_called_off_owes_nothing(desk: Paying) -> None:
    haul = await desk.hauled(Status.ASSIGNED)
    await desk.orders.cancel(haul.shipper, haul.order)
    assert (await desk.read(haul)).account.state is S.VOID
    assert await desk.pool.fetchval("SELECT state FROM remittances WHERE order_id = $1", haul.order) == "void"
    await refused("payment_void", desk.say(haul.shipper, haul))


@pytest.mark.parametrize(
    ("status", "terms", "days"),
    [
        (Status.LOADED, {"when": "on_loading"}, 1.0),
        (Status.DELIVERED, {"when": "on_loading"}, 1.0),
        (Status.LOADED, {}, None),
        (Status.DELIVERED, {}, 1.0),
        (Status.DELIVERED, {"when": "deferred", "days": 14}, 14.0),
    ],
)
async def test_the_due_date_follows_from_the_terms(
    desk: Paying, status: Status, terms: dict[str, object], days: float | None
) -> None:
    haul = await desk.hauled(status, **terms)
    account, now = (await desk.read(haul))[1:]
    if days is None:
        assert account.due_at is None
        return
    assert account.due_at is not None and abs(account.due_at - now - days * DAY) < 60
    assert not account.overdue(now) and account.overdue(now + days * DAY + 60)


async def test_both_sides_are_reminded_once_on_the_due_date_and_once_a_week_later(desk: Paying) -> None:
    haul = await desk.hauled()
    both = {haul.shipper.user, haul.driver.user}
    assert await desk.reminded() == []
    await desk.days_pass(1.1)
    assert await desk.reminded() == [(haul.order, "payment_due", both)]
    assert await desk.reminded() == []
    await desk.days_pass(7)
    assert await desk.reminded() == [(haul.order, "payment_overdue", both)]
    await desk.days_pass(30)
    assert await desk.reminded() == []


async def test_where_the_shipper_has_said_his_word_the_driver_alone_is_reminded(desk: Paying) -> None:
    silent, paid, called_off = [await desk.hauled(Status.LOADED, when="on_loading") for _ in range(3)]
    await desk.say(silent.shipper, silent)
    await desk.say(paid.driver, paid)
    await desk.orders.dispute(called_off.shipper, called_off.order, Complaint("damage"))
    await desk.days_pass(1.1)
    assert await desk.reminded() == [(silent.order, "payment_unconfirmed", {silent.driver.user})]


async def test_many_workers_remind_each_haul_once(desk: Paying) -> None:
    orders = {(await desk.hauled()).order for _ in range(5)}
    await desk.days_pass(1.1)
    told = await asyncio.gather(*(desk.reminders.remind() for _ in range(20)))
    heard = [event.order for events in told for event in events or () if isinstance(event, OrderChanged)]
    heard += [order for order, *_ in await desk.reminded()]
    assert sorted(heard) == sorted(orders)


async def test_a_contested_payment_becomes_a_dispute_of_its_amount(desk: Paying) -> None:
    haul = await desk.hauled()
    mark = (await desk.say(haul.shipper, haul)).account.marks[0].id
    done, events = await desk.remittances.contest(
        haul.driver, haul.order, mark, "not_received", "денег нет", dispute=True
    )
    assert (done.order.status, done.account.state) == (Status.DISPUTED, S.CONTESTED)
    assert [event.kind for event in events if isinstance(event, OrderChanged)] == [
        "payment_contested",
        "disputed",
    ]
    _, dispute, said = await DisputeStore(desk.pool).of_order(haul.driver, haul.order)
    assert (dispute.code, dispute.amount, dispute.side, dispute.was) == (
        "payment", PRICE, "driver", Status.DELIVERED,
    )  # fmt: skip
    assert [each.text for each in said] == ["денег нет"]
    # The money comes while staff look at it: the dispute stays for its owner to take back.
    done, _ = await desk.remittances.confirm(haul.driver, haul.order, mark)
    assert (done.order.status, done.account.state) == (Status.DISPUTED, S.PAID)


async def test_a_dispute_that_cannot_be_opened_leaves_the_payment_as_it_was(desk: Paying) -> None:
    haul = await desk.hauled()
    mark = (await desk.say(haul.shipper, haul)).account.marks[0].id
    await desk.orders.close(haul.shipper, haul.order, "")
    before = await desk.rows(), (await desk.read(haul)).account
    await refused(
        "transition_forbidden",
        desk.remittances.contest(haul.driver, haul.order, mark, "not_received", "", dispute=True),
    )
    assert (await desk.rows(), (await desk.read(haul)).account) == before
    await desk.remittances.contest(haul.driver, haul.order, mark, "not_received", "", dispute=False)
    assert (await desk.read(haul)).account.state is S.CONTESTED


async def test_a_shipper_does_not_close_a_haul_whose_payment_is_contested(desk: Paying) -> None:
    haul = await desk.hauled()
    mark = (await desk.say(haul.shipper, haul)).account.marks[0].id
    await desk.remittances.contest(haul.driver, haul.order, mark, "not_received", "", dispute=False)
    await refused("payment_contested", desk.orders.close(haul.shipper, haul.order, ""))
    await desk.remittances.confirm(haul.driver, haul.order, mark)
    assert (await desk.orders.close(haul.shipper, haul.order, ""))[0].status is Status.CLOSED


async def test_the_clock_closes_no_haul_whose_payment_is_not_due_yet_or_argued_about(desk: Paying) -> None:
    async def closed(after_days: float) -> set[int]:
        await desk.days_pass(after_days)
        events = await desk.orders.close_delivered(100, 72 * 3600.0)
        return {event.order for event in events if isinstance(event, OrderChanged)}

    silent = await desk.hauled()
    later = await desk.hauled(when="deferred", days=20)
    argued = await desk.hauled()
    paid = await desk.hauled(when="deferred", days=20)
    await desk.say(argued.shipper, argued)
    await desk.say(paid.driver, paid)
    assert await closed(3.1) == {silent.order, paid.order}
    assert await closed(24) == set()  # a week after the due date: then three days as ever
    assert await closed(4) == {later.order}
    assert await closed(10) == {argued.order}


async def test_a_record_counts_what_somebody_has_spoken_of(desk: Paying) -> None:
    shipper = await desk.shipper()
    hauls = [await desk.hauled(shipper=shipper) for _ in range(6)]
    for haul in hauls:
        await desk.orders.close(haul.shipper, haul.order, "")
    await desk.pool.execute("UPDATE assignments SET assigned_at = assigned_at - interval '100 days'")
    await desk.days_pass(1.5)
    in_time, late, missed, contested, early, _silent = hauls
    await desk.say(in_time.shipper, in_time, days=1)
    await desk.say(early.driver, early, days=1.2)
    assert (await desk.records.of_shipper(shipper)).share is None  # of two
    await desk.days_pass(4)
    await desk.say(late.driver, late)  # 4.5 days late
    await desk.remittances.miss(missed.driver, missed.order, "", dispute=False)
    mark = (await desk.say(contested.shipper, contested, days=5)).account.marks[0].id
    found = await desk.records.of_shipper(shipper)
    assert (found.cases, found.on_time) == (5, 3)  # of the sixth nobody has said a word
    await desk.remittances.contest(contested.driver, contested.order, mark, "not_received", "", dispute=False)
    found = await desk.records.of_shipper(shipper)
    assert (found.cases, found.on_time, round(found.late_days or 0, 1)) == (5, 2, 4.5)
    assert await desk.on_the_card(shipper) == (5, 2)
    assert (await desk.records.of_shipper(await desk.shipper())).cases == 0
    await desk.days_pass(360)
    assert (await desk.records.of_shipper(shipper)).cases == 5
    assert await desk.records.refresh(10) == 1 and await desk.records.refresh(10) == 0
    await desk.days_pass(6)
    assert await desk.on_the_card(shipper) == (5, 2)
    assert await desk.records.refresh(10) == 1
    assert await desk.on_the_card(shipper) == (0, 0)


async def test_what_staff_have_decided_for_the_shipper_is_no_debt_on_his_record(desk: Paying) -> None:
    shipper = await desk.shipper()
    hauls = [await desk.hauled(shipper=shipper) for _ in range(2)]
    await desk.days_pass(1.5)
    for haul in hauls:
        await desk.remittances.miss(haul.driver, haul.order, "не заплатил", dispute=True)
    assert (await desk.records.of_shipper(shipper)).cases == 0  # under dispute
    for haul, outcome in zip(hauls, (DisputeOutcome.FOR_SHIPPER, DisputeOutcome.FOR_DRIVER), strict=True):
        await _decide(desk, haul, outcome)
    found = await desk.records.of_shipper(shipper)
    assert (found.cases, found.on_time) == (1, 0)


async def test_the_board_shows_how_a_shipper_pays_and_finds_by_it(desk: Paying) -> None:
    shipper = await desk.shipper()
    for number in range(4):
        haul = await desk.hauled(shipper=shipper)
        await desk.say(haul.driver, haul)
        if number == 3:
            await desk.pool.execute(
                "UPDATE remittances SET paid_at = due_at + interval '2 days' WHERE order_id = $1", haul.order
            )
    await desk.pool.execute("UPDATE shipper_stats SET paid_counted_at = now() - interval '2 days'")
    await desk.records.refresh(10)
    load = await desk.on_board(await desk.order(shipper))
    await desk.on_board(await desk.order())
    board, viewer = BoardStore(desk.pool), Viewer(await desk.driver())

    async def found(share: float) -> list[int]:
        page = await board.page(viewer, BoardSearch(paid_min=share), Sort.NEWEST, 10)
        return [card.load.order for card in page.cards]

    (card,) = (await board.page(viewer, BoardSearch(paid_min=0.5), Sort.NEWEST, 10)).cards
    assert (card.load.poster.payments.cases, card.load.poster.payments.share) == (4, 0.75)
    assert await found(0.75) == [load.id] and await found(0.76) == []


async def test_a_haul_of_before_the_account_of_payments_can_be_spoken_of(pool: Pool) -> None:
    """Whatever made the assignment: the trigger makes the account."""
    market = Market(pool)
    order, _, _ = await market.haul(Status.DELIVERED)
    assert await pool.fetchval("SELECT count(*) FROM remittances WHERE order_id = $1", order) == 1


async def _decide(desk: Paying, haul: Haul, outcome: DisputeOutcome) -> None:
    dispute = await desk.pool.fetchval("SELECT id FROM disputes WHERE order_id = $1", haul.order)
    await DisputeJudges(desk.pool).decide(await desk.user("admin"), dispute, Decision(outcome, "так"))
