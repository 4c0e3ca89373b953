"""Cabinets: each side looks back on its own hauls, offers and money, and on nobody else's."""

import csv
import io
import uuid

import pytest
from openpyxl import load_workbook

from dispatch.errors import Refusal
from dispatch.model import Actor, Party, Status
from storage.cabinet.store import Asked, CabinetStore
from storage.order_rows import moment
from storage.postgres import Pool
from storage.referrals.codes import LENGTH, ReferralStore
from tests.integration.orders.market import Market
from tests.integration.orders.test_http import calling
from tests.served import LocalServer

ZONE = "Asia/Almaty"
DAY = 86_400.0
ALL = Asked(None, 100)


class Past:
    """Somebody's past."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.market = Market(pool)
        self.cabinet = CabinetStore(pool)

    async def sums(self, party: Party, by: str = "month", days: float = 40.0) -> list[tuple[object, ...]]:
        now = await self.pool.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        found = await self.cabinet.sums(party, now - days * DAY, now + 60, by, ZONE)  # type: ignore[arg-type]
        return [tuple(each) for each in found]


@pytest.fixture
def past(pool: Pool) -> Past:
    return Past(pool)


async def test_driver_and_shipper_see_the_same_haul_and_a_stranger_none(past: Past) -> None:
    order, shipper, driver = await past.market.haul(Status.DELIVERED)
    await past.market.haul(Status.DELIVERED)
    await past.pool.execute("UPDATE trips SET metres = 1300000, empty_metres = 40000")
    mine = await past.cabinet.trips(Party(driver, Actor.DRIVER), ALL)
    theirs = await past.cabinet.trips(Party(shipper, Actor.SHIPPER), ALL)
    assert mine == theirs
    (line,) = mine
    assert (line.order, line.status, line.pickup, line.drop) == (order, "delivered", "Алматы", "Астана")
    assert (line.amount, line.driven_m, line.empty_m) == (46_360_000, 1_300_000, 40_000)
    assert await past.cabinet.trips(Party(await past.market.shipper(), Actor.SHIPPER), ALL) == []


async def test_a_logistician_sees_what_drivers_carried_while_they_were_in_the_fleet(past: Past) -> None:
    order, _, driver = await past.market.haul(Status.DELIVERED)
    owner = await past.market.user("logistician")
    company = await past.pool.fetchval(
        "INSERT INTO companies (legal_name, country, bin) VALUES ('Fleet', 'KZ', '180540012345') RETURNING id"
    )
    fleet = Party(owner, Actor.LOGISTICIAN, frozenset({company}))
    assert await past.cabinet.trips(fleet, ALL) == []
    await past.pool.execute(
        "INSERT INTO fleet_drivers (company_id, driver_id, joined_at) VALUES ($1, $2, now() - interval '1 day')",
        company,
        driver,
    )
    assert [line.order for line in await past.cabinet.trips(fleet, ALL)] == [order]
    assert [each[2] for each in await past.sums(fleet)] == [1]
    await past.pool.execute("UPDATE fleet_drivers SET left_at = now() - interval '12 hours'")
    assert await past.cabinet.trips(fleet, ALL) == []
    assert await past.sums(fleet) == []


async def test_lists_come_page_by_page_and_narrowed_by_state_and_time(past: Past) -> None:
    shipper = await past.market.shipper()
    orders = [(await past.market.haul(Status.DELIVERED, shipper))[0] for _ in range(3)]
    orders.append((await past.market.haul(Status.LOADED, shipper))[0])
    party = Party(shipper, Actor.SHIPPER)
    first = await past.cabinet.trips(party, Asked(None, 2))
    second = await past.cabinet.trips(party, Asked(first[-1].order, 2))
    assert [line.order for line in first + second] == orders[::-1]
    loaded = await past.cabinet.trips(party, Asked(None, 10, ("loaded",)))
    assert [line.order for line in loaded] == orders[3:]
    await past.pool.execute(
        "UPDATE trips SET started_at = $1 WHERE order_id = $2", moment(1_000.0), orders[0]
    )
    early = await past.cabinet.trips(party, Asked(None, 10, (), None, 2_000.0))
    assert [line.order for line in early] == orders[:1]


async def test_offers_tell_how_they_ended(past: Past) -> None:
    order = await past.market.order()
    drivers = [await past.market.driver() for _ in range(2)]
    offers = await past.market.offer(order, drivers)
    await past.market.orders.decline(drivers[0], offers[drivers[0]], "price")
    await past.market.orders.accept(drivers[1], offers[drivers[1]], uuid.uuid4())
    (declined,) = await past.cabinet.offers(drivers[0], ALL)
    (accepted,) = await past.cabinet.offers(drivers[1], ALL)
    assert (declined.status, declined.decline_reason) == ("declined", "price")
    assert accepted.status == "accepted"
    assert accepted.ended_at is not None
    assert await past.cabinet.offers(drivers[0], Asked(None, 10, ("accepted",))) == []


async def test_earnings_are_what_was_delivered_by_the_readers_calendar(past: Past) -> None:
    order, shipper, driver = await past.market.haul(Status.DELIVERED)
    await past.market.haul(Status.CANCELLED, shipper)
    await past.pool.execute("UPDATE trips SET metres = 1000, empty_metres = 100")
    # 23:30 of the day before in London is the day itself in Almaty.
    at = await past.pool.fetchval("SELECT date_trunc('day', now()) - interval '4 days 30 minutes'")
    await past.pool.execute(
        "UPDATE assignments SET ended_at = $1::timestamptz, assigned_at = $1::timestamptz - interval '2 hours'"
        " WHERE order_id = $2",
        at,
        order,
    )
    ((begins, currency, hauls, amount, loaded, driven, empty, seconds),) = await past.sums(
        Party(driver, Actor.DRIVER), "day"
    )
    assert begins == await past.pool.fetchval("SELECT ($1::timestamptz + interval '5 hours')::date::text", at)
    assert (currency, hauls, amount, loaded) == ("KZT", 1, 46_360_000, 1_220_000)
    assert (driven, empty, seconds) == (1_000, 100, 7_200)
    paid = await past.sums(Party(shipper, Actor.SHIPPER), "day")
    assert [each[:4] for each in paid] == [(begins, "KZT", 1, 46_360_000)]
    assert await past.sums(Party(await past.market.shipper(), Actor.SHIPPER)) == []


async def test_lists_come_as_tables_in_the_readers_language(server: LocalServer) -> None:
    market = Market(server.services.pool)
    shipper = server.accounts["shippers"][0]
    order, _, _ = await market.haul(Status.DELIVERED, shipper["user"], cargo="=SUM(A1)")
    async with calling(server, shipper) as caller:
        headers = {**caller._headers, "Accept-Language": "kk"}
        async with caller._http.get("/api/v1/cabinet/trips/file?format=csv", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            head, line = csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig")))
            assert head[0] == "Тапсырыс"
            assert line[0] == str(order)
            assert line[1] == "Жеткізілді"
            assert "'=SUM(A1)" in line
        for name in ("trips", "earnings", "orders"):
            async with caller._http.get(
                f"/api/v1/cabinet/{name}/file?format=xlsx", headers=headers
            ) as answer:
                sheet = load_workbook(io.BytesIO(await answer.read())).active
                assert sheet is not None
                assert sheet.max_row == 2
        async with caller._http.get("/api/v1/cabinet/reviews/file?format=csv", headers=headers) as answer:
            assert answer.status == 200
        # A shipper gets no offers.
        status, told = await caller("GET", "/api/v1/cabinet/offers/file")
        assert (status, told["code"]) == (403, "forbidden")
        assert (await caller("GET", "/api/v1/cabinet/wishes/file"))[0] == 404
        status, told = await caller("GET", "/api/v1/earnings?by=month")
        assert status == 200
        assert told["periods"][0]["amount"] == 46_360_000


async def test_a_referral_code_stays_and_tells_a_first_name_only(past: Past) -> None:
    referrals = ReferralStore(past.pool)
    user = await past.market.shipper()
    await past.pool.execute("UPDATE users SET name = 'Айгүл Сәрсенбаева' WHERE id = $1", user)
    code = await referrals.code(user)
    assert len(code) == LENGTH
    assert await referrals.code(user) == code
    assert tuple(await referrals.page(code.lower())) == (code, "Айгүл", "shipper")
    for wrong in ("\x00", "A" * 9, "A" * 2_000, "AAAAAAAAA\n", "AAAAAAAAAА"):
        with pytest.raises(Refusal, match="not_found"):
            await referrals.page(wrong)
    await past.pool.execute("UPDATE users SET blocked = true WHERE id = $1", user)
    with pytest.raises(Refusal, match="not_found"):
        await referrals.page(code)
