"""Waybill and trip report: real PDFs of a real server, in four languages, with what their reader may know."""

import io
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pypdf import PdfReader

from dispatch.model import Actor, Party, Place, Status, Stop, Window
from dispatch.proof import ProofKind
from geo.types import Position
from server.pdf import fonts
from storage.order_rows import moment
from tests.integration.orders.market import ALMATY, ASTANA, STEPS, Market
from tests.integration.orders.test_http import Caller, calling
from tests.served import LocalServer

from .road import Road, drive, stand

CARGO, ADDRESS = "Ұн, 400 қап 面粉", "Рысқұлов даңғылы 57"
YARD = Position(43.33, 77.01)
STOPS = (
    Stop("pickup", ALMATY, Window(), YARD, ADDRESS, "Берік", "+77015554433"),
    Stop("drop", Place(*ASTANA), address="улица Бейбітшілік 1", contact_name="王伟"),
)
TITLES = {"ru": "Транспортная накладная", "kk": "Көлік жүкқұжаты", "en": "Waybill", "zh": "运单"}
REPORTS = {"ru": "Отчёт о рейсе", "kk": "Рейс туралы есеп", "en": "Trip report", "zh": "行程报告"}


class Desk:
    """A haul that is over, with its papers."""

    def __init__(self, server: LocalServer, shipper: Caller, driver: Caller, stranger: Caller) -> None:
        self.server = server
        self.shipper, self.driver, self.stranger = shipper, driver, stranger
        self.order = 0

    async def haul(self, now: float) -> None:
        services, accounts = self.server.services, self.server.accounts
        market = Market(services.pool)
        shipper, driver = accounts["shippers"][0]["user"], accounts["drivers"][0]["user"]
        body = accounts["drivers"][0]["body"]
        load = {"weight_kg": 100.0, "volume_m3": 1.0, "body": body, "cargo": CARGO}
        order = await market.order(shipper, stops=STOPS, **load)
        await market.on_board(order)  # where the server's own search does not look for drivers
        await market.orders.take(driver, order.id, uuid.uuid4())
        self.order = order.id
        await services.pool.execute("UPDATE trips SET started_at = $1", moment(now - 7_200))
        road = await Road.of(services.pool, driver)
        await road.send(drive(ALMATY[2:], YARD, now - 7_000, 1_200))
        await road.send(stand(*YARD, now - 5_700, 1_200))
        await road.send(drive(YARD, (43.8, 77.1), now - 4_400, 4_000))
        party = Party(driver, Actor.DRIVER)
        for step in STEPS[:-1]:
            await market.orders.advance(driver, order.id, step)
        strokes = [[(0.1, 0.5), (0.5, 0.1), (0.9, 0.6)]]
        await services.proofs.give(
            party, order.id, ProofKind.SIGNATURE, strokes=strokes, signed_by="Самат Оразов"
        )
        await market.orders.advance(driver, order.id, Status.DELIVERED)

    async def paper(self, caller: Caller, path: str, lang: str) -> tuple[int, str, str]:
        """(status, text without spaces, type)."""
        url = f"/api/v1/orders/{self.order}/{path}?lang={lang}"
        async with caller._http.get(url, headers=caller._headers) as answer:
            body = await answer.read()
            if answer.status != 200:
                return answer.status, body.decode(), answer.content_type
            text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)
            return 200, "".join(text.split()), answer.content_type


@pytest.fixture
async def desk(server: LocalServer) -> AsyncIterator[Desk]:
    accounts = server.accounts
    async with (
        calling(server, accounts["shippers"][0]) as shipper,
        calling(server, accounts["drivers"][0]) as driver,
        calling(server, accounts["drivers"][1]) as stranger,
    ):
        made = Desk(server, shipper, driver, stranger)
        await made.haul(server.services.now())
        yield made


def without_spaces(text: str) -> str:
    return "".join(text.split())


async def test_each_paper_is_in_the_language_that_is_asked_for_and_names_people_and_cargo_in_any_script(
    desk: Desk,
) -> None:
    assert fonts.found()
    for titles, path in ((TITLES, "waybill"), (REPORTS, "trip/report")):
        for lang, title in titles.items():
            status, text, kind = await desk.paper(desk.shipper, path, lang)
            assert (status, kind) == (200, "application/pdf"), text
            for piece in (
                title,
                str(desk.order),
                "Ұн, 400 қап 面粉",
                "王伟",
                "Самат Оразов",
                "Рысқұлов даңғылы 57",
            ):
                assert without_spaces(piece) in text, (lang, piece)


async def test_the_report_tells_arrival_departure_and_what_was_driven(desk: Desk) -> None:
    services = desk.server.services
    trip: dict[str, Any] = {"closed_at": None}
    while trip["closed_at"] is None:  # the server's own loop may hold the trip while we ask
        await services.pool.execute("UPDATE trips SET look_at = clock_timestamp()")
        await services.trip_watch.round()
        status, trip = await desk.shipper("GET", f"/api/v1/orders/{desk.order}/trip")
        assert status == 200
    assert trip["metres"] == pytest.approx(62_000, rel=0.05)
    assert trip["stops"][0]["arrived_at"] is not None
    _, text, _ = await desk.paper(desk.driver, "trip/report", "en")
    assert "Driven" in text
    assert f"{trip['metres'] / 1000:.0f}km" in text


async def test_after_the_grace_the_driver_reads_no_phone_and_no_address_any_more(desk: Desk) -> None:
    await desk.server.services.pool.execute("UPDATE orders SET ended_at = now() - interval '1 hour'")
    _, text, _ = await desk.paper(desk.driver, "waybill", "ru")
    assert "+77015554433" not in text
    assert "Рысқұлов" not in text
    _, text, _ = await desk.paper(desk.shipper, "waybill", "ru")
    assert "+77015554433" in text


async def test_a_stranger_gets_no_paper(desk: Desk) -> None:
    for path in ("waybill", "trip/report"):
        status, text, _ = await desk.paper(desk.stranger, path, "en")
        assert status == 404, text
