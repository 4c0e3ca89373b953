import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web
from fake_desk import FakeDesk, make_offer, make_order

from tracking_desk_client import ApiError, Disconnected, DriverClient, Fix, PointQueue, SessionEnded
from tracking_desk_client import driver as driver_module
from tracking_desk_client.messages import (
    Assigned,
    Error,
    OfferAccept,
    OfferClosed,
    OfferDecline,
    OfferMade,
    OfferSeen,
    Ok,
    OrderAdvance,
    OrderDetail,
    PositionAck,
    PositionGap,
    PositionLive,
    PositionReport,
    ShiftSet,
    StreamResume,
    StreamResumed,
)

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(autouse=True)
def _quick_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "RESUME_AGAIN_S", (0.005, 0.01))


def fixes(count: int, start: float = 1_700_000_000) -> list[Fix]:
    return [Fix(start + i, 43 + i * 1e-4, 76, 20, 90, 5) for i in range(count)]


def client(desk: FakeDesk, queue: PointQueue | None = None) -> DriverClient:
    return DriverClient(desk.api(), 5, "secret", queue if queue is not None else PointQueue())


async def finish(driver: DriverClient) -> None:
    async with asyncio.timeout(10):
        await driver.drained()


async def test_a_steady_driver_sends_one_point_a_report_and_forgets_what_is_acknowledged(
    desk: FakeDesk,
) -> None:
    async with client(desk) as driver:
        await driver.connection.wait_connected()
        for fix in fixes(5):
            await driver.report(fix)
            await finish(driver)
        assert [len(report.points) for report in desk.of(PositionReport)] == [1] * 5
        assert desk.of(PositionLive) == []
        assert len(driver.queue) == 0
    await driver.api.close()


async def test_after_a_resume_the_newest_fix_goes_first_then_the_backlog_oldest_first(desk: FakeDesk) -> None:
    queue = PointQueue()
    await queue.append(fixes(450))
    async with client(desk, queue) as driver:
        await finish(driver)
        kinds = [type(message) for message in desk.heard[1:]]
        assert kinds == [StreamResume, PositionLive, PositionReport, PositionReport, PositionReport]
        assert desk.of(PositionLive)[0].point.seq == 450
        assert [len(report.points) for report in desk.of(PositionReport)] == [200, 200, 50]
        assert [p.seq for r in desk.of(PositionReport) for p in r.points] == list(range(1, 451))
    await driver.api.close()


async def test_never_more_than_the_credit_is_on_the_way(desk: FakeDesk) -> None:
    desk.credit, desk.acking = 30, False
    queue = PointQueue()
    await queue.append(fixes(100))
    async with client(desk, queue) as driver:
        await desk.until(lambda: desk.of(PositionReport))
        await driver.report(*fixes(1))
        assert [p.seq for r in desk.of(PositionReport) for p in r.points] == list(range(1, 31))
        await desk.send(PositionAck(queue.stream, 10, 25))
        await desk.until(lambda: len(desk.of(PositionReport)) == 2)
        assert [p.seq for p in desk.of(PositionReport)[1].points] == list(range(31, 36))
        await desk.send(PositionAck(queue.stream, 35, 0))
        await driver.connection.call(lambda id: ShiftSet(id, True))
        assert len(desk.of(PositionReport)) == 2
    await driver.api.close()


async def test_points_whose_ack_was_lost_are_not_sent_again(desk: FakeDesk) -> None:
    desk.acking = False
    async with client(desk) as driver:
        await driver.report(*fixes(10))
        await desk.until(lambda: desk.of(PositionReport))
        assert len(driver.queue) == 10
        desk.cut()
        await finish(driver)
        assert desk.of(StreamResume)[1].upto == 0
        assert len(desk.of(PositionReport)) == 1
    await driver.api.close()


async def test_points_lost_before_their_commit_are_sent_again_with_the_same_numbers(desk: FakeDesk) -> None:
    desk.script[PositionReport] = lambda message: None
    async with client(desk) as driver:
        sent = await driver.report(*fixes(10))
        await desk.until(lambda: desk.of(PositionReport))
        del desk.script[PositionReport]
        desk.cut()
        await finish(driver)
        assert list(desk.stored[driver.queue.stream].values()) == sent
    await driver.api.close()


async def test_points_reported_without_a_connection_wait_on_disk_and_go_out_after_a_restart(
    desk: FakeDesk, tmp_path: Path
) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        driver = client(desk, queue)
        sent = await driver.report(*fixes(10))
        await driver.api.close()
    async with PointQueue(tmp_path / "q") as queue, client(desk, queue) as driver:
        await finish(driver)
        assert list(desk.stored[queue.stream].values()) == sent
    await driver.api.close()


async def test_acks_are_passed_on_with_what_was_rejected(desk: FakeDesk) -> None:
    desk.rejected = {2: "future"}
    heard: list[tuple[str, int, list[tuple[int, str]]]] = []
    async with client(desk) as driver:
        driver.on_acked = lambda stream, upto, gone: heard.append(
            (stream, upto, [(g.seq, g.reason) for g in gone])
        )
        await driver.connection.wait_connected()
        await driver.report(*fixes(3))
        await finish(driver)
        assert heard[-1] == (driver.queue.stream, 3, [(2, "future")])
    await driver.api.close()


@pytest.mark.parametrize("code", ["seq_gap", "stream_required", "credit_exceeded", "unavailable"])
async def test_a_desk_that_lost_the_thread_is_resumed_and_gets_everything(desk: FakeDesk, code: str) -> None:
    confused = True

    def refuse_once(message: PositionReport) -> Any:
        nonlocal confused
        if confused:
            confused = False
            return Error(code, "", True)
        return desk._answer(message, driver.queue.stream)

    desk.script[PositionReport] = refuse_once
    async with client(desk) as driver:
        await driver.report(*fixes(3))
        await finish(driver)
        assert desk.connects == 1
        assert len(desk.of(StreamResume)) == 2
        assert desk.seqs(driver.queue.stream) == [1, 2, 3]
    await driver.api.close()


async def test_a_resume_that_is_never_answered_is_asked_again(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "STALLED_S", 0.02)
    deaf = iter([True, False])
    desk.script[StreamResume] = lambda message: (
        None if next(deaf, False) else desk._answer(message, message.stream)
    )
    async with client(desk) as driver:
        await driver.report(*fixes(3))
        await finish(driver)
        assert len(desk.of(StreamResume)) >= 2
    await driver.api.close()


async def test_thinned_points_are_told_as_gaps_and_the_rest_arrives(desk: FakeDesk) -> None:
    queue = PointQueue(capacity=100)
    await queue.append(fixes(130))
    kept = [point.seq for point in queue.after(0, 1000)]
    assert len(kept) <= 100
    async with client(desk, queue) as driver:
        await finish(driver)
        assert desk.seqs(queue.stream) == kept
        assert desk.of(Error) == []
        gaps = [gap.upto for gap in desk.of(PositionGap)]
        assert gaps
        assert not set(gaps) & set(kept)
    await driver.api.close()


async def test_a_queue_older_than_what_the_desk_has_goes_on_in_a_new_stream(
    desk: FakeDesk, tmp_path: Path
) -> None:
    async with PointQueue(tmp_path / "q") as queue:
        old = queue.stream
        desk.upto[old] = 40  # the file was restored from a backup: the desk knows later numbers
        await queue.append(fixes(10))
        async with client(desk, queue) as driver:
            await finish(driver)
            assert queue.stream != old
            assert desk.seqs(queue.stream) == list(range(1, 11))
            await driver.report(*fixes(1))
            await finish(driver)
        await driver.api.close()
    async with PointQueue(tmp_path / "q") as queue:
        assert queue.stream != old
        assert queue.last_seq == 11


# -- offers -------------------------------------------------------------------------------------------------


async def next_offer(driver: DriverClient) -> Any:
    async with asyncio.timeout(5), aclosing(driver.offers()) as offers:
        return await anext(offers)


async def test_an_offer_is_receipted_at_once_and_read_once_however_often_it_comes(desk: FakeDesk) -> None:
    async with client(desk) as driver:
        await driver.connection.wait_connected()
        offer = make_offer()
        await desk.send(OfferMade(offer))
        await desk.until(lambda: desk.of(OfferSeen))
        await desk.send(OfferMade(offer))
        await desk.send(OfferMade(make_offer(8)))
        await desk.until(lambda: len(desk.of(OfferSeen)) == 3)
        assert await next_offer(driver) == offer
        assert (await next_offer(driver)).offer == 8
    await driver.api.close()


async def test_an_offer_that_ended_before_it_was_read_is_left_out(desk: FakeDesk) -> None:
    closed: list[str] = []
    async with client(desk) as driver:
        driver.on_offer_closed = lambda message: closed.append(message.reason)
        await driver.connection.wait_connected()
        await desk.send(OfferMade(make_offer(1)))
        await desk.send(OfferClosed(1, 70, "taken"))
        await desk.send(OfferMade(make_offer(2, lasts_s=-1)))
        await desk.send(OfferMade(make_offer(3)))
        assert (await next_offer(driver)).offer == 3
        assert closed == ["taken"]
    await driver.api.close()


async def test_an_accept_repeated_after_a_lost_connection_has_the_same_accept_id(desk: FakeDesk) -> None:
    def accept(message: OfferAccept) -> Ok | None:
        if len(desk.of(OfferAccept)) == 0:
            desk.cut()
            return None
        return Ok(message.id, Assigned(make_order(status="assigned")))

    desk.script[OfferAccept] = accept
    async with client(desk) as driver:
        order = await driver.accept(make_offer())
        assert order.status == "assigned"
        first, second = desk.of(OfferAccept)
        assert first.accept_id == second.accept_id
        assert (first.offer, second.offer) == (7, 7)
    await driver.api.close()


async def test_a_second_accept_of_an_offer_whose_outcome_is_unknown_has_the_same_accept_id(
    desk: FakeDesk,
) -> None:
    desk.script[OfferAccept] = lambda message: None
    async with client(desk) as driver:
        with pytest.raises(Disconnected):
            await driver.accept(7, timeout=0.05)
        del desk.script[OfferAccept]
        with pytest.raises(ApiError, match="offer_taken"):
            await driver.accept(7)
        assert len({accept.accept_id for accept in desk.of(OfferAccept)}) == 1
        with pytest.raises(ApiError):
            await driver.accept(8)
        assert len({accept.accept_id for accept in desk.of(OfferAccept)}) == 2
    await driver.api.close()


async def test_a_declined_offer_is_told_to_the_desk_and_forgotten(desk: FakeDesk) -> None:
    async with client(desk) as driver:
        await driver.connection.wait_connected()
        await desk.send(OfferMade(make_offer()))
        await driver.decline(await next_offer(driver), "distance", "too far")
        assert (desk.of(OfferDecline)[0].reason, desk.of(OfferDecline)[0].note) == ("distance", "too far")
        assert driver.live_offers == {}
    await driver.api.close()


@pytest.mark.parametrize(("stands_at", "passes"), [("loaded", True), ("at_pickup", False)])
async def test_a_step_whose_answer_was_lost_counts_when_the_order_stands_there(
    desk: FakeDesk, stands_at: str, passes: bool
) -> None:
    answers: Iterator[Any] = iter([None, "refuse"])

    def advance(message: OrderAdvance) -> Any:
        if next(answers) is None:
            desk.cut()
            return None
        return Error("transition_forbidden", "", False, message.id)

    detail = OrderDetail(make_order(70, stands_at), [], []).to_wire()
    desk.script[OrderAdvance] = advance
    desk.rest["GET", "/api/v1/orders/70"] = lambda body: web.json_response(detail)
    async with client(desk) as driver:
        if passes:
            await driver.advance(70, "loaded")
        else:
            with pytest.raises(ApiError, match="transition_forbidden"):
                await driver.advance(70, "loaded")
    await driver.api.close()


async def test_a_step_refused_at_once_is_not_explained_away(desk: FakeDesk) -> None:
    desk.script[OrderAdvance] = lambda message: Error("transition_forbidden", "", False, message.id)
    async with client(desk) as driver:
        with pytest.raises(ApiError, match="transition_forbidden"):
            await driver.advance(70, "loaded")
        assert desk.requests == []
    await driver.api.close()


async def test_offers_end_with_the_session_and_quietly_when_the_driver_leaves(desk: FakeDesk) -> None:
    async with client(desk) as driver:
        reading = asyncio.create_task(next_offer(driver))
        await driver.connection.wait_connected()
        await desk.close(4409)
        with pytest.raises(SessionEnded):
            await reading
    await driver.api.close()
    async with client(desk) as driver:
        reading = asyncio.create_task(next_offer(driver))
        await driver.connection.wait_connected()
    with pytest.raises(StopAsyncIteration):
        await reading
    await driver.api.close()


async def test_nothing_is_lost_or_doubled_over_a_line_that_breaks_again_and_again(desk: FakeDesk) -> None:
    """Acks withheld, reports dropped and lines cut at random: each point is stored once, as it was sent."""
    random = Random(7)
    async with client(desk) as driver:
        sent = []
        for fix in fixes(300):
            sent += await driver.report(fix)
            chance = random.random()
            if chance < 0.05:
                desk.cut()
            desk.acking = chance < 0.8
            desk.credit = random.choice([1, 7, 100])
            await asyncio.sleep(0.001)
        desk.acking, desk.credit = True, 100
        desk.cut()
        await finish(driver)
        assert list(desk.stored[driver.queue.stream].values()) == sent
        assert desk.upto[driver.queue.stream] == 300
    await driver.api.close()


async def test_an_answer_to_a_resume_that_was_given_up_changes_nothing(desk: FakeDesk) -> None:
    async with client(desk) as driver:
        await driver.connection.wait_connected()
        await driver.report(*fixes(3))
        await finish(driver)
        await desk.send(StreamResumed("f" * 16, 99, 0))
        await driver.report(*fixes(1))
        await finish(driver)
        assert desk.seqs(driver.queue.stream) == [1, 2, 3, 4]
    await driver.api.close()
