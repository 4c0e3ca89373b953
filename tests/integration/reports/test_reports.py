"""Reports over a real market, as JSON, CSV and XLSX, and a track played again."""

import csv
import io
import uuid

import pytest
from openpyxl import load_workbook

from dispatch.model import Status
from storage.order_rows import moment
from storage.postgres import Pool
from storage.reports.replay import replay
from storage.reports.store import STATEMENTS, ReportStore
from tests.integration.orders.market import ALMATY, Market
from tests.integration.orders.test_http import calling
from tests.integration.trips.road import Road, drive, stand
from tests.served import LocalServer

ZONE = "Asia/Almaty"
WEEK = 7 * 86_400.0


class Desk:
    """A market with something of everything."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.market = Market(pool)
        self.reports = ReportStore(pool)

    async def of(self, report: str, now: float) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self.reports.rows(report, now - WEEK, now + 60, ZONE)]  # type: ignore[arg-type]


@pytest.fixture
def desk(pool: Pool) -> Desk:
    return Desk(pool)


@pytest.fixture
async def now(pool: Pool) -> float:
    found: float = await pool.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    return found


async def test_orders_are_counted_by_state_and_drafts_are_none(desk: Desk, now: float) -> None:
    for status in (Status.OPEN, Status.OPEN, Status.DELIVERED, Status.CANCELLED, Status.DRAFT):
        await desk.market.haul(status)
    found = {row[0]: row[1:] for row in await desk.of("orders_by_status", now)}
    assert {status: row[0] for status, row in found.items()} == {"open": 2, "delivered": 1, "cancelled": 1}
    assert found["open"][1] == 2 * 46_360_000


async def test_corridors_tell_what_moves_between_two_towns_and_how_soon_it_goes(
    desk: Desk, now: float
) -> None:
    order, _, _ = await desk.market.haul(Status.DELIVERED)
    await desk.market.haul(Status.OPEN)
    await desk.pool.execute("UPDATE assignments SET assigned_at = now() + interval '90 seconds'")
    await desk.pool.execute("UPDATE orders SET created_at = now() WHERE id = $1", order)
    ((pickup, drop, orders, delivered, metres, per_km, taken),) = await desk.of("corridors", now)
    assert (pickup, drop, orders, delivered) == ("Алматы", "Астана", 2, 1)
    assert metres == 1_220_000
    assert per_km == 38_000  # 463,600 KZT over 1,220 km
    assert taken == pytest.approx(90, abs=1)


async def test_the_time_until_a_load_is_taken_is_told_day_by_day(desk: Desk, now: float) -> None:
    await desk.market.haul(Status.ASSIGNED)
    await desk.market.haul(Status.OPEN)
    ((_, orders, taken, share, median, ninth),) = await desk.of("time_to_accept", now)
    assert (orders, taken, share) == (2, 1, 0.5)
    assert median == ninth >= 0  # type: ignore[operator]


async def test_the_funnel_of_offers_says_where_they_ended(desk: Desk, now: float) -> None:
    order = await desk.market.order()
    drivers = [await desk.market.driver() for _ in range(3)]
    offers = await desk.market.offer(order, drivers)
    await desk.market.orders.seen(drivers[0], offers[drivers[0]])
    await desk.market.orders.decline(drivers[1], offers[drivers[1]])
    await desk.market.orders.accept(drivers[0], offers[drivers[0]], uuid.uuid4())
    (row,) = await desk.of("offer_funnel", now)
    assert row[:8] == ("wave", 3, 1, 1, 1, 0, 1, 0)
    assert row[8] == pytest.approx(1 / 3)


async def test_empty_runs_are_a_share_of_all_that_was_driven(desk: Desk, now: float) -> None:
    await desk.market.haul(Status.DELIVERED)
    await desk.market.haul(Status.DELIVERED)
    await desk.pool.execute("UPDATE trips SET metres = 1000, empty_metres = 250")
    ((_, trips, metres, empty, share),) = await desk.of("empty_runs", now)
    assert (trips, metres, empty, share) == (2, 2_000, 500, 0.25)


async def test_who_is_online_is_added_up_over_workers_and_told_by_the_hour(desk: Desk, now: float) -> None:
    await desk.reports.sample(0, 10, 4, 3)
    await desk.reports.sample(1, 6, 1, 0)
    await desk.reports.sample(1, 8, 1, 1)  # the same minute again
    ((_, drivers, most, busy, shippers),) = await desk.of("drivers_online", now)
    assert (drivers, most, busy, shippers) == (18, 18, 5, 4)
    await desk.pool.execute("UPDATE presence SET at = now() - interval '500 days'")
    await desk.reports.forget_old()
    assert await desk.pool.fetchval("SELECT count(*) FROM presence") == 0


async def test_cohorts_say_how_many_of_a_month_came_back(desk: Desk, now: float) -> None:
    _, _, driver = await desk.market.haul(Status.DELIVERED)
    await desk.market.driver()
    await desk.pool.execute("UPDATE users SET created_at = now() - interval '62 days'")
    await desk.pool.execute("UPDATE users SET created_at = now() WHERE id <> $1 AND role = 'driver'", driver)
    rows = await desk.reports.rows("retention", now - 90 * 86_400, now + 60, ZONE)
    drivers = [row for row in rows if row[1] == "driver"]
    assert [row[2] for row in drivers] == [1, 1]
    old = drivers[0]
    assert old[3] == 0
    assert 1.0 in old[4:7]


async def test_every_report_answers_of_an_empty_desk(desk: Desk, now: float) -> None:
    for report in STATEMENTS:
        assert await desk.of(report, now) == []


async def test_a_report_comes_as_json_csv_and_xlsx_in_the_readers_language(server: LocalServer) -> None:
    market = Market(server.services.pool)
    await market.haul(Status.DELIVERED)
    async with calling(server, server.accounts["admins"][0]) as staff:
        status, told = await staff(
            "GET", "/api/v1/admin/reports/orders_by_status", **{"Accept-Language": "ru"}
        )
        assert status == 200, told
        assert [column["key"] for column in told["columns"]] == ["status", "orders", "amount", "metres"]
        assert told["columns"][0]["title"] == "Состояние"
        assert ["delivered", 1] in [row[:2] for row in told["rows"]]
        url = "/api/v1/admin/reports/orders_by_status/file?format="
        headers = {**staff._headers, "Accept-Language": "ru"}
        async with staff._http.get(url + "csv", headers=headers) as answer:
            assert answer.headers["Content-Disposition"].startswith('attachment; filename="orders_by_status-')
            lines = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
            assert lines[0][0] == "Состояние"
            assert "Доставлен" in str(lines)
        async with staff._http.get(url + "xlsx", headers=headers) as answer:
            sheet = load_workbook(io.BytesIO(await answer.read())).active
            assert sheet is not None
            assert sheet["A1"].value == "Состояние"
        assert (await staff("GET", "/api/v1/admin/reports/wishes"))[0] == 404
        long = "/api/v1/admin/reports/corridors?since=0&until=1795000000"
        assert (await staff("GET", long))[1]["code"] == "bad_request"


async def test_a_track_is_played_again_with_its_bins_and_hauls_and_the_look_is_written_down(
    server: LocalServer,
) -> None:
    services = server.services
    market = Market(services.pool)
    order, _, driver = await market.haul(Status.ASSIGNED)
    now = services.now()
    road = await Road.of(services.pool, driver)
    await road.send(drive(ALMATY[2:], (43.5, 77.0), now - 4_000, 2_000))
    await road.send(stand(43.5, 77.0, now - 1_900, 600))
    await services.pool.execute("UPDATE assignments SET assigned_at = $1", moment(now - 3_000))
    async with calling(server, server.accounts["admins"][0]) as staff:
        path = f"/api/v1/admin/drivers/{driver}/track"
        status, told = await staff("GET", f"{path}?since={now - 5_000}&until={now}&spots=100")
        assert status == 200, told
        assert 40 < len(told["spots"]) <= 101
        assert [spot[0] for spot in told["spots"]] == sorted(spot[0] for spot in told["spots"])
        assert sum(each[1] for each in told["bins"]) == 261
        assert told["hauls"] == [{"order": order, "since": pytest.approx(now - 3_000, abs=1), "until": None}]
        assert told["metres"] == pytest.approx(28_100, rel=0.05)
        assert (await staff("GET", f"{path}?since={now}&until={now - 5}"))[0] == 400
        assert (await staff("GET", f"/api/v1/admin/drivers/987654/track?since={now - 5}&until={now}"))[
            0
        ] == 404
    looks = await services.pool.fetch("SELECT user_id FROM staff_actions WHERE action = 'track.view'")
    assert [row["user_id"] for row in looks] == [driver]


async def test_a_replay_of_a_time_without_positions_is_empty(pool: Pool) -> None:
    driver = await Market(pool).driver()
    found = await replay(pool, driver, 1_795_000_000.0, 1_795_003_600.0, 100)
    assert (found.spots, found.bins, found.hauls, found.metres) == ([], [], [], 0.0)
