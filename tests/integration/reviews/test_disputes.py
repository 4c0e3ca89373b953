"""A haul that went wrong, from the first word to the end of it: each side's part, staff's, and the order's way."""

import asyncio
from hashlib import sha256
from typing import Any

import pytest

from dispatch.disputes import MOST_AN_ORDER, Complaint, Decision, DisputeOutcome
from dispatch.errors import Refusal
from dispatch.events import OrderChanged
from dispatch.model import Actor, Party, Status
from storage.attachments import AttachmentStore
from storage.disputes.judging import DisputeJudges
from storage.disputes.store import DisputeStore
from storage.postgres import Pool

from .hauled import Haul, Reviewed

DAMAGE = Complaint("damage", "мешки порваны", 5_000_000)
PAYMENT = Complaint("payment", "не заплатили за рейс")


class Court(Reviewed):
    """A market with disputes and one who decides them."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.disputes = DisputeStore(pool)
        self.judges = DisputeJudges(pool)

    async def disputed(
        self, complaint: Complaint = DAMAGE, status: Status = Status.DELIVERED
    ) -> tuple[Haul, int]:
        """A haul that its shipper disputes, and the dispute."""
        haul = await self.delivered(status)
        await self.orders.dispute(haul.shipper, haul.order, complaint)
        _, dispute, _ = await self.disputes.of_order(haul.shipper, haul.order)
        return haul, dispute.id

    async def status(self, order: int) -> str:
        found: str = await self.pool.fetchval("SELECT status FROM orders WHERE id = $1", order)
        return found

    async def a_file(self, haul: Haul, party: Party) -> int:
        """A photo on the order."""
        file = await self.pool.fetchval(
            "INSERT INTO files (owner_id, name, mime, size, sha256)"
            " VALUES ($1, left(gen_random_uuid()::text, 32), 'image/png', 1, '\\x00') RETURNING id",
            party.user,
        )
        added = await AttachmentStore(self.pool).add(party, haul.order, file, "photo", "", public=False)
        return added.id


@pytest.fixture
def court(pool: Pool) -> Court:
    return Court(pool)


async def refused(code: str, work: Any) -> None:
    with pytest.raises(Refusal) as told:
        await work
    assert told.value.code == code


async def test_both_sides_tell_their_story_with_what_shows_it(court: Court) -> None:
    haul, _ = await court.disputed()
    torn = await court.a_file(haul, haul.driver)
    await refused("forbidden", court.disputes.answer(haul.shipper, haul.order, "сам себе", ()))
    (dispute, said), events = await court.disputes.answer(
        haul.driver, haul.order, "так погрузили", (torn, torn)
    )
    assert dispute.answered_at is not None
    assert [(event.kind, event.status) for event in events if isinstance(event, OrderChanged)] == [
        ("dispute_answered", Status.DISPUTED)
    ]
    await refused("dispute_answered", court.disputes.answer(haul.driver, haul.order, "и ещё", ()))
    foreign = await court.a_file(*((other := (await court.disputed())[0]), other.shipper))
    await refused("not_found", court.disputes.message(haul.shipper, haul.order, "вот", (foreign,)))
    staff = Party(await court.user("admin"), Actor.ADMIN)
    await court.disputes.message(staff, haul.order, "пришлите накладную", ())
    (dispute, said), _ = await court.disputes.message(haul.shipper, haul.order, "вот она", ())
    assert [(each.side, each.kind, each.text, each.files) for each in said] == [
        ("shipper", "opened", "мешки порваны", ()),
        ("driver", "answer", "так погрузили", (torn,)),
        ("staff", "message", "пришлите накладную", ()),
        ("shipper", "message", "вот она", ()),
    ]
    told = "SELECT user_id, payload->>'event' AS event FROM outbox WHERE payload->>'order' = $1::text ORDER BY id"
    rows = await court.pool.fetch(told, str(haul.order))
    of_dispute = [(row["user_id"], row["event"]) for row in rows if row["event"].startswith("disput")]
    assert of_dispute == [
        (haul.driver.user, "disputed"),
        (haul.shipper.user, "dispute_answered"),
        (haul.shipper.user, "dispute_message"),
        (haul.driver.user, "dispute_message"),
        (haul.driver.user, "dispute_message"),
    ]


async def test_the_driver_reads_the_evidence_however_long_ago_the_haul_ended(court: Court) -> None:
    from dispatch.visibility import Viewer

    haul, _ = await court.disputed()
    photo = await court.a_file(haul, haul.shipper)
    files, later = AttachmentStore(court.pool), 4e9
    (found,) = await files.of_order(Viewer(haul.driver), haul.order, later)
    assert found.id == photo
    await court.disputes.withdraw(haul.shipper, haul.order)
    await refused("not_found", files.of_order(Viewer(haul.driver), haul.order, later))


@pytest.mark.parametrize(
    ("decision", "then"),
    [
        (Decision(DisputeOutcome.FOR_SHIPPER, "водитель возместит", 5_000_000), "closed"),
        (Decision(DisputeOutcome.FOR_DRIVER, "груз был повреждён до погрузки"), "closed"),
        (Decision(DisputeOutcome.SPLIT, "поровну", 2_500_000), "closed"),
        (Decision(DisputeOutcome.FOR_SHIPPER, "рейса не было", 0, cancels=True), "cancelled"),
        (Decision(DisputeOutcome.WITHDRAWN, "стороны договорились"), "delivered"),
    ],
)
async def test_staff_decide_and_the_order_goes_where_the_decision_leads(
    court: Court, decision: Decision, then: str
) -> None:
    haul, dispute = await court.disputed()
    staff = await court.user("admin")
    await court.judges.claim(staff, dispute)
    moved, events = await court.judges.decide(staff, dispute, decision)
    assert (moved.status, await court.status(haul.order)) == (then, then)
    assert [event.kind for event in events if isinstance(event, OrderChanged)] == ["dispute_decided"]
    found, _, order = await court.judges.one(dispute)
    assert (found.outcome, found.decision, found.decided_amount) == (
        decision.outcome, decision.text, decision.amount,
    )  # fmt: skip
    assert found.decided_by == staff and found.ended_at is not None and order.status == then
    told = "SELECT user_id FROM outbox WHERE payload->>'event' = 'dispute_decided' ORDER BY user_id"
    assert [row["user_id"] for row in await court.pool.fetch(told)] == sorted(
        [haul.shipper.user, haul.driver.user]
    )
    lines = "SELECT action, user_id, reason, detail FROM staff_actions WHERE staff_id = $1 ORDER BY id"
    about = {"dispute": str(dispute), "order": str(haul.order)}
    words = sha256(decision.text.encode()).hexdigest()
    assert [tuple(row) for row in await court.pool.fetch(lines, staff)] == [
        ("dispute.claim", haul.shipper.user, "", about),
        (
            "dispute.decide",
            haul.shipper.user,
            "",
            about | {"outcome": decision.outcome.value, "words": words},
        ),
    ]
    await refused("case_closed", court.judges.decide(staff, dispute, decision))
    await refused("dispute_closed", court.disputes.message(haul.driver, haul.order, "поздно", ()))


async def test_an_undecided_dispute_moves_no_money_and_calls_nothing_off(court: Court) -> None:
    _, dispute = await court.disputed()
    staff = await court.user("admin")
    for odd in (
        Decision(DisputeOutcome.WITHDRAWN, "…", 100),
        Decision(DisputeOutcome.WITHDRAWN, "…", cancels=True),
    ):
        await refused("reason_invalid", court.judges.decide(staff, dispute, odd))
    assert await court.count("SELECT count(*) FROM staff_actions") == 0


@pytest.mark.parametrize("was", [Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP, Status.DELIVERED])
async def test_who_opened_it_takes_it_back_and_the_haul_goes_on_where_it_stood(
    court: Court, was: Status
) -> None:
    haul, dispute = await court.disputed(status=was)
    await refused("forbidden", court.disputes.withdraw(haul.driver, haul.order))
    ended = await court.pool.fetchval("SELECT ended_at FROM orders WHERE id = $1", haul.order)
    moved, _ = await court.disputes.withdraw(haul.shipper, haul.order)
    assert moved.status is was
    assert await court.pool.fetchval("SELECT ended_at FROM orders WHERE id = $1", haul.order) == ended
    assert (await court.judges.one(dispute))[0].state == "withdrawn"
    await refused("dispute_closed", court.disputes.withdraw(haul.shipper, haul.order))
    if was is Status.LOADED:
        await court.orders.advance(haul.driver.user, haul.order, Status.IN_TRANSIT)


async def test_a_driver_under_dispute_cannot_drive_on_by_himself(court: Court) -> None:
    haul, _ = await court.disputed(status=Status.LOADED)
    for step in (Status.LOADED, Status.IN_TRANSIT, Status.DELIVERED):
        await refused("transition_forbidden", court.orders.advance(haul.driver.user, haul.order, step))


async def test_a_dispute_that_staff_hold_is_left_alone_by_others_for_a_while(court: Court) -> None:
    _, dispute = await court.disputed()
    one, other = await court.user("admin"), await court.user("admin")
    decision = Decision(DisputeOutcome.SPLIT, "поровну")
    await court.judges.claim(one, dispute)
    await court.judges.claim(one, dispute)
    await refused("case_claimed", court.judges.claim(other, dispute))
    await refused("case_claimed", court.judges.decide(other, dispute, decision))
    assert await court.count("SELECT count(*) FROM staff_actions WHERE action = 'dispute.claim'") == 1
    await court.judges.unclaim(other, dispute)  # not theirs: nothing happens
    await refused("case_claimed", court.judges.claim(other, dispute))
    await court.judges.unclaim(one, dispute)
    await court.judges.claim(other, dispute)
    await court.pool.execute("UPDATE disputes SET claimed_at = claimed_at - interval '16 min'")
    await court.judges.decide(one, dispute, decision)


async def test_many_who_decide_at_once_decide_once(court: Court) -> None:
    haul, dispute = await court.disputed()
    staff = [await court.user("admin") for _ in range(4)]
    decision = Decision(DisputeOutcome.FOR_DRIVER, "…")
    answers = await asyncio.gather(
        *(court.judges.decide(each, dispute, decision) for each in staff),
        court.disputes.withdraw(haul.shipper, haul.order),
        return_exceptions=True,
    )
    lost = [each.code for each in answers if isinstance(each, Refusal)]
    assert len(lost) == 4 and set(lost) <= {"busy", "case_closed", "dispute_closed"}
    ends = "SELECT count(*) FROM order_events WHERE kind IN ('dispute_decided', 'dispute_withdrawn')"
    assert await court.count(ends) == 1
    assert await court.count("SELECT count(*) FROM disputes WHERE state = 'open'") == 0


async def test_to_strangers_there_is_no_dispute(court: Court) -> None:
    haul, _ = await court.disputed()
    quiet = await court.delivered()
    await refused("not_found", court.disputes.of_order(quiet.shipper, quiet.order))
    for party in (Party(await court.shipper(), Actor.SHIPPER), Party(await court.driver(), Actor.DRIVER)):
        await refused("not_found", court.disputes.of_order(party, haul.order))
        await refused("not_found", court.disputes.answer(party, haul.order, "я тут", ()))
        await refused("not_found", court.disputes.message(party, haul.order, "я тут", ()))
        await refused("not_found", court.disputes.withdraw(party, haul.order))


async def test_a_dispute_ends_with_an_order_that_staff_close_by_hand(court: Court) -> None:
    haul, dispute = await court.disputed()
    await court.orders.close(Party(await court.user("admin"), Actor.ADMIN), haul.order, "договорились")
    found, _, order = await court.judges.one(dispute)
    assert (found.state, order.status) == ("dropped", "closed")


async def test_nobody_disputes_the_same_haul_for_ever(court: Court) -> None:
    haul, _ = await court.disputed()
    for _ in range(MOST_AN_ORDER - 1):
        await court.disputes.withdraw(haul.shipper, haul.order)
        await court.orders.dispute(haul.shipper, haul.order, DAMAGE)
    await court.disputes.withdraw(haul.shipper, haul.order)
    before = await court.rows()
    await refused("limit_reached", court.orders.dispute(haul.shipper, haul.order, DAMAGE))
    assert await court.rows() == before
    assert len(await court.judges.page("withdrawn", 0, 100)) == MOST_AN_ORDER
    assert await court.judges.page("open", 0, 100) == []


async def test_a_dispute_that_is_lost_is_part_of_the_record(court: Court) -> None:
    staff = await court.user("admin")
    lost, dispute = await court.disputed()
    await court.judges.decide(staff, dispute, Decision(DisputeOutcome.FOR_SHIPPER, "…"))
    unpaid = await court.delivered()
    await court.orders.dispute(unpaid.driver, unpaid.order, PAYMENT)
    _, found, _ = await court.disputes.of_order(unpaid.driver, unpaid.order)
    await court.judges.decide(staff, found.id, Decision(DisputeOutcome.FOR_DRIVER, "пусть платит"))
    seen = Party(staff, Actor.ADMIN)

    async def of(user: int) -> dict[str, tuple[int, int]]:
        record = (await court.reputations.of(seen, user)).record
        return {each.component.value: (each.number, each.of) for each in record}

    assert (await of(lost.driver.user))["disputes_lost"] == (1, 1)
    assert (await of(lost.shipper.user))["disputes_lost"] == (0, 1)
    assert (await of(lost.shipper.user))["settled"] == (1, 1)
    assert (await of(unpaid.shipper.user))["disputes_lost"] == (1, 1)
    assert (await of(unpaid.shipper.user))["settled"] == (0, 1)
