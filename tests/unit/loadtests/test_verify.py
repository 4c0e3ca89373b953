"""The verifier on real PostgreSQL: each broken promise must turn it red, and nothing else."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime

import asyncpg
import pytest

from loadtests import verify as verify_module
from loadtests.ledger import WON, Ledger
from loadtests.verify import Verdict, verify

START = 1_790_000_000.1234565  # between two microseconds: what one program rounds up another rounds down


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "OFFERS_END_WITHIN_S", 0.0)


class Desk:
    """A database in which a good run has left its traces, and the ledger of that run."""

    def __init__(self, dsn: str, db: asyncpg.Connection) -> None:
        self.dsn = dsn
        self.db = db
        self.ledger = Ledger()
        self.accept_id = str(uuid.uuid4())

    async def fill(self) -> None:
        for user, role in ((1, "driver"), (2, "driver"), (3, "shipper")):
            await self.db.execute(
                "INSERT INTO users (id, phone, role) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3)",
                user, f"+{user}", role,
            )  # fmt: skip
        await self.db.execute(
            "INSERT INTO devices (id, user_id, secret_hash) OVERRIDING SYSTEM VALUE VALUES (5, 1, 'x')"
        )
        await self.db.execute(
            "INSERT INTO vehicles (id, driver_id, body, capacity_kg, volume_m3)"
            " OVERRIDING SYSTEM VALUE VALUES (1, 1, 'tent', 20000, 86), (2, 2, 'tent', 20000, 86)"
        )
        self.stream_id = await self.db.fetchval(
            "INSERT INTO streams (device_id, stream, upto) VALUES (5, 'aaaaaaaaaaaaaaaa', 10) RETURNING id"
        )
        for seq in range(1, 11):
            await (self.poison(seq) if seq == 4 else self.store(seq))
        points = [(seq, START + seq, 43.0 + seq / 1000, 76.0) for seq in range(1, 11)]
        self.ledger.sent(5, "aaaaaaaaaaaaaaaa", points)
        self.ledger.acked(5, "aaaaaaaaaaaaaaaa", 10, [(4, "future")])
        await self.place(70)
        await self.offer(7, 70, 1, "accepted")
        await self.offer(8, 70, 2, "lost")
        await self.db.execute(
            "INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id) VALUES (70, 1, 1, 7)"
        )
        self.ledger.placing("key", 3)
        self.ledger.placed("key", 70)
        self.ledger.offered(7, 1, 70)
        self.ledger.offered(8, 2, 70)
        self.ledger.accepting(self.accept_id, 1, 7, 70)
        self.ledger.answered(self.accept_id, WON)
        self.ledger.accepting("other", 2, 8, 70)
        self.ledger.answered("other", "offer_taken")

    async def store(self, seq: int, later: float = 0.0, north: float = 0.0) -> None:
        at = datetime.fromtimestamp(START + seq + later, UTC)
        await self.db.execute(
            "INSERT INTO positions (device_id, recorded_at, stream_id, seq, driver_id, received_at, point, cell,"
            " flag) VALUES (5, $1, $2, $3, 1, now(), ST_SetSRID(ST_MakePoint(76.0, $4), 4326), 0, 0)",
            at, self.stream_id, seq, 43.0 + seq / 1000 + north,
        )  # fmt: skip

    async def poison(self, seq: int) -> None:
        await self.db.execute(
            "INSERT INTO poison_points VALUES ($1, $2, 5, $3, now(), $4, 76.0, 8)",
            self.stream_id, seq, START + seq, 43.0 + seq / 1000,
        )  # fmt: skip

    async def forget(self, seq: int) -> None:
        await self.db.execute("DELETE FROM positions WHERE seq = $1", seq)

    async def place(self, order: int) -> None:
        await self.db.execute(
            "INSERT INTO orders (id, shipper_id, status, pickup_city, pickup_name, pickup_point, drop_city,"
            " drop_name, drop_point, cargo, weight_kg, volume_m3, body, distance_m, duration_s, distance_origin,"
            " price_amount, price_currency, expires_at) OVERRIDING SYSTEM VALUE VALUES ($1, 3, 'delivered', 1,"
            " 'a', ST_SetSRID(ST_MakePoint(76, 43), 4326), 2, 'b', ST_SetSRID(ST_MakePoint(77, 43), 4326), 'c',"
            " 1, 1, 'tent', 1, 1, 'embedded', 1, 'KZT', now())",
            order,
        )
        await self.db.execute(
            "INSERT INTO idempotency_keys (user_id, key, request_hash, status, headers)"
            " VALUES (3, 'key', 'x', 201, jsonb_build_object('Location', '/api/v1/orders/' || $1::bigint))",
            order,
        )

    async def offer(self, offer: int, order: int, driver: int, status: str, left_s: float = -30) -> None:
        await self.db.execute(
            "INSERT INTO offers (id, order_id, driver_id, status, wave, deadhead_m, score, reasons, expires_at)"
            " OVERRIDING SYSTEM VALUE"
            " VALUES ($1, $2, $3, $4, 1, 0, 0, '{}', now() + make_interval(secs => $5))",
            offer, order, driver, status, left_s,
        )  # fmt: skip

    async def judge(self) -> Verdict:
        return await verify(self.ledger, self.dsn)


@pytest.fixture
async def desk(dsn: str) -> AsyncIterator[Desk]:
    db = await asyncpg.connect(dsn)
    made = Desk(dsn, db)
    await made.fill()
    yield made
    await db.close()


def red(verdict: Verdict) -> dict[str, int]:
    """The broken promises."""
    counts = {"sent", "acked", "stored", "poison", "late_acks", "orders", "assigned", "delivered", "offers"}
    values = {field.name: getattr(verdict, field.name) for field in fields(verdict)}
    return {name: value for name, value in values.items() if value and name not in counts | {"accepts"}}


async def test_a_run_that_kept_its_promises_is_green_with_all_its_figures(desk: Desk) -> None:
    verdict = await desk.judge()
    assert red(verdict) == {}
    assert verdict.ok(complete=True)
    assert (verdict.sent, verdict.acked, verdict.stored, verdict.poison) == (10, 10, 9, 1)
    assert (verdict.orders, verdict.assigned, verdict.delivered, verdict.offers) == (1, 1, 1, 2)


async def test_an_acknowledged_point_that_is_not_there_is_lost(desk: Desk) -> None:
    await desk.forget(6)
    verdict = await desk.judge()
    assert red(verdict) == {"lost": 1}
    assert not verdict.ok(complete=False)


async def test_a_point_that_was_never_acknowledged_is_not_lost_but_the_run_is_not_complete(
    desk: Desk,
) -> None:
    desk.ledger.sent(5, "aaaaaaaaaaaaaaaa", [(11, START + 11, 43.0, 76.0)])
    verdict = await desk.judge()
    assert red(verdict) == {"unacked": 1}
    assert verdict.ok(complete=False)
    assert not verdict.ok(complete=True)


async def test_a_point_stored_twice_is_a_duplicate_even_at_another_time(desk: Desk) -> None:
    await desk.store(6, later=1.0)
    verdict = await desk.judge()
    assert red(verdict) == {"duplicates": 1, "altered": 1}
    assert not verdict.ok(complete=False)


async def test_a_point_both_in_history_and_set_apart_is_a_duplicate(desk: Desk) -> None:
    await desk.poison(7)
    assert red(await desk.judge()) == {"duplicates": 1}


@pytest.mark.parametrize(("later", "north"), [(0.001, 0.0), (0.0, 1e-6)], ids=["time", "place"])
async def test_a_point_stored_as_it_was_not_sent_is_altered(desk: Desk, later: float, north: float) -> None:
    await desk.forget(6)
    await desk.store(6, later, north)
    verdict = await desk.judge()
    assert red(verdict) == {"altered": 1}
    assert not verdict.ok(complete=False)


async def test_a_point_that_nobody_sent_is_told(desk: Desk) -> None:
    await desk.store(11)
    verdict = await desk.judge()
    assert red(verdict) == {"unsent": 1}
    assert not verdict.ok(complete=False)


async def test_two_accepted_offers_of_one_load_are_two_winners(desk: Desk) -> None:
    await desk.db.execute("DROP INDEX uq_offers_accepted")
    await desk.db.execute("UPDATE offers SET status = 'accepted' WHERE id = 8")
    verdict = await desk.judge()
    assert red(verdict) == {"double_winners": 1}
    assert not verdict.ok(complete=False)


async def test_two_drivers_who_were_told_that_they_won_are_two_winners_and_one_is_a_ghost(desk: Desk) -> None:
    desk.ledger.answered("other", WON)
    assert red(await desk.judge()) == {"double_winners": 1, "ghost_wins": 1}


async def test_a_win_without_an_assignment_is_a_ghost(desk: Desk) -> None:
    await desk.db.execute("DELETE FROM assignments")
    verdict = await desk.judge()
    assert red(verdict) == {"ghost_wins": 1}
    assert not verdict.ok(complete=False)


async def test_a_driver_who_holds_a_load_and_was_told_that_he_lost_is_found(desk: Desk) -> None:
    desk.ledger.answered(desk.accept_id, "offer_expired")
    verdict = await desk.judge()
    assert red(verdict) == {"denied_wins": 1}
    assert not verdict.ok(complete=False)


async def test_an_unknown_answer_breaks_nothing(desk: Desk) -> None:
    desk.ledger.accepts[desk.accept_id].outcome = "unknown"
    assert red(await desk.judge()) == {}


async def test_a_confirmed_load_that_is_not_there_is_lost(desk: Desk) -> None:
    desk.ledger.placing("key2", 3)
    desk.ledger.placed("key2", 71)
    desk.ledger.placing("key3", 3)  # never confirmed: nothing was promised
    verdict = await desk.judge()
    assert red(verdict) == {"orders_lost": 1}
    assert not verdict.ok(complete=False)


async def test_a_load_confirmed_under_another_number_than_its_key_has_is_found(desk: Desk) -> None:
    desk.ledger.placed("key", 71)
    await desk.db.execute("""UPDATE idempotency_keys SET headers = '{"Location": "/api/v1/orders/70"}'""")
    verdict = await desk.judge()
    assert verdict.orders_lost == 1


async def test_an_offer_that_lives_beyond_its_time_has_no_end(desk: Desk) -> None:
    await desk.db.execute("UPDATE offers SET status = 'live' WHERE id = 8")
    verdict = await desk.judge()
    assert red(verdict) == {"offers_without_end": 1}
    assert not verdict.ok(complete=False)


async def test_an_offer_that_still_runs_is_no_fault(desk: Desk) -> None:
    await desk.db.execute(
        "UPDATE offers SET status = 'live', expires_at = now() + interval '30 s' WHERE id = 8"
    )
    assert red(await desk.judge()) == {}


async def test_an_offer_shown_to_a_driver_who_has_none_is_found(desk: Desk) -> None:
    desk.ledger.offered(9, 1, 70)
    verdict = await desk.judge()
    assert red(verdict) == {"offers_unknown": 1}
    assert not verdict.ok(complete=False)


async def test_a_run_in_which_nothing_was_sent_proves_nothing(desk: Desk) -> None:
    desk.ledger = Ledger()
    assert not (await desk.judge()).ok(complete=True)
