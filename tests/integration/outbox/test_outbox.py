"""The outbox on real PostgreSQL: claims, leases, expiry, and what the loop makes of each outcome."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from server.deliver import Deliveries
from server.gateways.push import Delivered, Gone, Later, Outcome, Push, PushSender, Rejected
from server.i18n import notices
from server.notices.turns import FIRST_WAIT_S, LONGEST_WAIT_S, backoff
from storage.accounts import AccountStore
from storage.notices.ledger import Ledger
from storage.notices.preferences import PreferenceStore
from storage.outbox import Outbox
from storage.postgres import Pool


@pytest.fixture
def outbox(pool: Pool) -> Outbox:
    return Outbox(pool)


@pytest.fixture
async def user(pool: Pool) -> int:
    number: int = await pool.fetchval(
        "INSERT INTO users (phone, role) VALUES ('+77010000001', 'driver') RETURNING id"
    )
    return number


async def put(
    pool: Pool, user: int, count: int = 1, *, kind: str = "offer.made", due_s: float = 0, left_s: float = 60
) -> None:
    await pool.execute(
        """
        INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at, announced_at)
        SELECT $1, $2::text, jsonb_build_object('offer', n, 'order', n, 'status', 'open', 'reason', 'secret'),
            $2::text || ':' || n, now() + $4 * interval '1 s', now() + $5 * interval '1 s', now()
        FROM generate_series(1, $3) n
        """,
        user,
        kind,
        count,
        due_s,
        left_s,
    )


async def states(pool: Pool) -> dict[str, int]:
    rows = await pool.fetch("SELECT state, count(*) AS n FROM outbox GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


async def pass_time(pool: Pool, seconds: float) -> None:
    """Every row becomes that much older."""
    await pool.execute(
        """
        UPDATE outbox SET due_at = due_at - $1 * interval '1 s', expires_at = expires_at - $1 * interval '1 s',
            done_at = done_at - $1 * interval '1 s'
        """,
        seconds,
    )


# -- the queue ----------------------------------------------------------------------------------------------


async def test_what_is_due_is_claimed_oldest_first_and_what_is_not_waits(
    pool: Pool, outbox: Outbox, user: int
) -> None:
    await put(pool, user, 3)
    await put(pool, user, 1, kind="order.changed", due_s=2)
    await pool.execute("UPDATE outbox SET due_at = due_at - id * interval '1 s' WHERE kind = 'offer.made'")
    claimed = await outbox.claim(2)
    assert {notice.payload["offer"] for notice in claimed} == {2, 3}
    assert all(n.user == user and n.attempt == 1 and 55 < n.left_s <= 60 for n in claimed)
    assert [notice.payload["offer"] for notice in await outbox.claim(10)] == [1]
    assert await outbox.claim(10) == []


async def test_two_workers_never_hold_the_same_notice(pool: Pool, user: int) -> None:
    await put(pool, user, 300)
    workers = [Outbox(pool) for _ in range(6)]
    claims = await asyncio.gather(*(worker.claim(70) for worker in workers))
    ids = [notice.id for claim in claims for notice in claim]
    assert len(ids) == len(set(ids)) and all(len(claim) <= 70 for claim in claims)
    rest = await workers[0].claim(1000)
    assert sorted(ids + [notice.id for notice in rest]) == sorted(
        row["id"] for row in await pool.fetch("SELECT id FROM outbox")
    )


async def test_a_worker_that_dies_between_claim_and_send_loses_nothing(
    pool: Pool, outbox: Outbox, user: int
) -> None:
    await put(pool, user, 1, left_s=3600)
    (lost,) = await outbox.claim(10)
    await pass_time(pool, 59)
    assert await outbox.claim(10) == []
    await pass_time(pool, 2)
    (again,) = await outbox.claim(10)
    assert (again.id, again.attempt) == (lost.id, 2)


async def test_a_worker_that_comes_back_late_cannot_put_off_what_another_one_holds(
    pool: Pool, outbox: Outbox, user: int
) -> None:
    await put(pool, user, 1, left_s=3600)
    (late,) = await outbox.claim(1)
    await pass_time(pool, 61)
    (held,) = await outbox.claim(1)
    await outbox.put_off(late, 0, "late")
    assert await outbox.claim(1) == []
    await outbox.sent([held])
    assert await states(pool) == {"sent": 1}


async def test_what_came_too_late_is_closed_and_never_sent(pool: Pool, outbox: Outbox, user: int) -> None:
    await put(pool, user, 2, left_s=30)
    await pass_time(pool, 31)
    assert await outbox.claim(10) == []
    assert await states(pool) == {"expired": 2}


async def test_a_notice_that_cannot_be_sent_in_time_is_closed_at_its_end(
    pool: Pool, outbox: Outbox, user: int
) -> None:
    await put(pool, user, 1, left_s=30)
    (notice,) = await outbox.claim(1)
    await outbox.put_off(notice, 600, "status 503")
    await pass_time(pool, 30)
    assert await outbox.claim(1) == []
    assert await states(pool) == {"expired": 1}


async def test_a_receipt_cancels_a_push_and_nothing_revives_it(pool: Pool, outbox: Outbox, user: int) -> None:
    await put(pool, user, 2, due_s=2)
    await outbox.cancel("offer.made:1")
    await pass_time(pool, 2)
    (claimed,) = await outbox.claim(10)
    await outbox.cancel("offer.made:2")
    await outbox.sent([claimed])
    await outbox.put_off(claimed, 0, "x")
    await outbox.dead(claimed, "x")
    assert await states(pool) == {"cancelled": 2}


async def test_closed_notices_are_kept_for_a_week(pool: Pool, outbox: Outbox, user: int) -> None:
    await put(pool, user, 3)
    await outbox.sent((await outbox.claim(10))[:2])
    await pass_time(pool, 6 * 86400)
    assert await outbox.forget_old() == 0
    await pass_time(pool, 2 * 86400)
    assert await outbox.forget_old() == 2
    assert await states(pool) == {"due": 1}


# -- the loop -----------------------------------------------------------------------------------------------


class Phones:
    """A push service with a memory, whose answers are scripted by address."""

    def __init__(self, **script: Outcome | Exception) -> None:
        self.script = script
        self.asked: list[Push] = []

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        self.asked += pushes
        outcomes: list[Outcome] = []
        for push in pushes:
            answer = self.script.get(push.endpoint.address, Delivered())
            if isinstance(answer, Exception):
                raise answer
            outcomes.append(answer)
        return outcomes

    async def close(self) -> None:
        pass


def deliveries(pool: Pool, **senders: PushSender) -> Deliveries:
    return Deliveries(
        Outbox(pool), AccountStore(pool), PreferenceStore(pool), Ledger(pool), senders, jitter=lambda: 0.0
    )


async def endpoint(pool: Pool, user: int, address: str, kind: str = "webpush", locale: str = "en") -> int:
    return await AccountStore(pool).put_endpoint(user, kind, address, {}, locale)


async def test_a_push_names_the_kind_and_ids_and_lives_as_long_as_the_offer(pool: Pool, user: int) -> None:
    await endpoint(pool, user, "a")
    await put(pool, user, left_s=45)
    phones = Phones()
    assert await deliveries(pool, webpush=phones).once() == 1
    (push,) = phones.asked
    assert (push.kind, push.ids, push.topic, push.urgent) == (
        "offer.made",
        {"offer": 1, "order": 1},
        "offer:1",
        True,
    )
    assert 40 <= push.ttl_s <= 45 and push.text == notices.text("en", "offer.made", {})
    assert await states(pool) == {"sent": 1}
    assert await pool.fetchval("SELECT last_ok_at IS NOT NULL FROM push_endpoints")


async def test_without_an_endpoint_the_news_go_to_the_log(
    pool: Pool, user: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "desk.push")
    await put(pool, user)
    await deliveries(pool).once()
    assert await states(pool) == {"sent": 1}
    (record,) = [record for record in caplog.records if record.getMessage() == "push.logged"]
    assert (record.__dict__["user"], record.__dict__["ids"]) == (user, {"offer": 1, "order": 1})


@pytest.mark.parametrize(
    ("script", "state", "left"),
    [
        ({}, "sent", ["a", "b"]),
        ({"a": Gone()}, "sent", ["b"]),
        ({"a": Gone(), "b": Gone()}, "dead", []),
        ({"a": Later("status 503")}, "sent", ["a", "b"]),
        ({"a": Later("status 503"), "b": Rejected("status 400")}, "due", ["a", "b"]),
        ({"a": Rejected("status 400"), "b": Rejected("status 413")}, "dead", ["a", "b"]),
        ({"a": Rejected("status 400"), "b": Gone()}, "dead", ["a"]),
    ],
)
async def test_one_phone_reached_is_enough_and_only_dead_addresses_are_forgotten(
    pool: Pool, user: int, script: dict[str, Any], state: str, left: list[str]
) -> None:
    for address in ("a", "b"):
        await endpoint(pool, user, address)
    await put(pool, user)
    await deliveries(pool, webpush=Phones(**script)).once()
    assert await states(pool) == {state: 1}
    kept = await pool.fetch("SELECT address FROM push_endpoints ORDER BY address")
    assert [row["address"] for row in kept] == left


async def test_waits_grow_and_obey_the_push_service(pool: Pool, outbox: Outbox, user: int) -> None:
    await endpoint(pool, user, "a")
    await put(pool, user, left_s=86400)
    wait = "SELECT extract(epoch FROM due_at - now())::float8 FROM outbox"
    waits = []
    for _ in range(8):
        await deliveries(pool, webpush=Phones(a=Later("status 500"))).once()
        waits.append(await pool.fetchval(wait))
        await pass_time(pool, waits[-1] + 0.01)
    # Two waits of the full length differ by the time that the statements took.
    assert all(later > earlier - 0.1 for earlier, later in pairwise(waits))
    assert 0 < waits[0] <= FIRST_WAIT_S < waits[-1] <= LONGEST_WAIT_S
    await deliveries(pool, webpush=Phones(a=Later("status 429", 300.0))).once()
    assert 290 < await pool.fetchval(wait) <= 300


async def test_a_sender_that_breaks_stops_neither_the_others_nor_the_loop(
    pool: Pool, user: int, caplog: pytest.LogCaptureFixture
) -> None:
    other: int = await pool.fetchval(
        "INSERT INTO users (phone, role) VALUES ('+77010000002', 'driver') RETURNING id"
    )
    await endpoint(pool, user, "a", kind="fid")
    await endpoint(pool, other, "b", kind="webpush")
    await put(pool, user)
    await put(pool, other, kind="order.changed")
    await deliveries(pool, fid=Phones(a=RuntimeError("bug")), webpush=Phones()).once()
    assert await states(pool) == {"due": 1, "sent": 1}
    assert "deliver.sender_broke" in [record.getMessage() for record in caplog.records]


async def test_a_kind_without_words_is_closed_and_calls_a_person(
    pool: Pool, user: int, caplog: pytest.LogCaptureFixture
) -> None:
    await put(pool, user, kind="something.new")
    await deliveries(pool).once()
    assert await states(pool) == {"dead": 1}
    assert "deliver.unknown_kind" in [record.getMessage() for record in caplog.records]


async def test_an_endpoint_that_nobody_renewed_for_a_month_is_not_sent_to(pool: Pool, user: int) -> None:
    await endpoint(pool, user, "a")
    await pool.execute("UPDATE push_endpoints SET created_at = now() - interval '31 days'")
    await put(pool, user)
    phones = Phones()
    await deliveries(pool, webpush=phones).once()
    assert phones.asked == []
    await endpoint(pool, user, "a")  # the app was opened again
    await put(pool, user, kind="order.changed")
    await deliveries(pool, webpush=phones).once()
    assert len(phones.asked) == 1


async def test_the_loop_empties_the_queue_and_ends_when_told(
    pool: Pool, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.deliver.POLL_S", 0.01)
    monkeypatch.setattr("server.deliver.BATCH", 10)
    await put(pool, user, 35)
    loops = [asyncio.ensure_future(deliveries(pool).run()) for _ in range(2)]
    while await states(pool) != {"sent": 35}:  # noqa: ASYNC110 (a row is no event)
        await asyncio.sleep(0.01)
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)


def test_the_backoff_doubles_to_a_minute_and_jitters_in_its_upper_half() -> None:
    assert [backoff(attempt, 1.0) for attempt in (1, 2, 3, 7, 32767)] == [1, 2, 4, 60, 60]
    assert backoff(3, 0.0) == 2
