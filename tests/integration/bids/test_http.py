"""Taking a load over HTTP: what each side sees, what it never sees, and how refusals are told."""

import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from geo.cells import cell_of
from geo.types import Fix
from tests.integration.orders.market import ALMATY, ASTANA, Market
from tests.integration.orders.test_http import Caller, calling
from tests.served import LocalServer

LOAD = {"weight_kg": 100.0, "volume_m3": 1.0}


class Haggle:
    """A load on the board, its shipper and two drivers with trucks of its body, one near and one far."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.market = Market(server.services.pool)
        self.accounts = server.accounts
        self.body = server.accounts["drivers"][0]["body"]

    async def load(self, **changes: Any) -> int:
        await self.market.pool.execute("UPDATE vehicles SET body = $1", self.body)
        fields = {"pricing": "bids", "body": self.body, **LOAD, **changes}
        order = await self.market.order(self.accounts["shippers"][0]["user"], **fields)
        return (await self.market.on_board(order)).id

    def drive(self, number: int, lat: float, lon: float) -> None:
        """This driver's truck reports from there."""
        live, now = self.server.services.live, time.time()
        driver = self.accounts["drivers"][number]["user"]
        live.set_flags(driver, on_duty=True)
        live.put(driver, Fix(now, lat, lon), cell_of(lat, lon), now)
        live.take_own(now)


@pytest.fixture
def haggle(server: LocalServer) -> Haggle:
    return Haggle(server)


async def test_bids_over_rest_from_the_first_price_to_the_pick(haggle: Haggle) -> None:
    server, order = haggle.server, await haggle.load()
    haggle.drive(0, ALMATY.lat + 0.02, ALMATY.lon)
    async with (
        calling(server, haggle.accounts["drivers"][0]) as near,
        calling(server, haggle.accounts["drivers"][1]) as far,
        calling(server, haggle.accounts["shippers"][0]) as shipper,
    ):
        async with near._http.post(
            f"/api/v1/orders/{order}/bids", json={"amount": 42_000_000}, headers=near._headers
        ) as made:
            assert (made.status, made.headers["ETag"]) == (201, '"1"')
            bid = await made.json()
            assert made.headers["Location"] == f"/api/v1/bids/{bid['bid']}"
        path = f"/api/v1/bids/{bid['bid']}"
        _, other = await far("POST", f"/api/v1/orders/{order}/bids", {"amount": 41_000_000})
        for sort, first in (("price", other), ("deadhead", bid), ("eta", bid)):
            status, found = await shipper("GET", f"/api/v1/orders/{order}/bids?sort={sort}")
            assert status == 200 and found["bids"][0]["bid"]["bid"] == first["bid"], sort
        assert found["low"]["amount"] == 4_636_000 and found["guide"]["amount"] == 46_360_000
        lines = {line["bid"]["bid"]: line for line in found["bids"]}
        assert lines[bid["bid"]]["deadhead_m"] == 5_000 and lines[bid["bid"]]["eta_s"] == 333
        assert lines[other["bid"]]["deadhead_m"] is None
        text = orjson.dumps(found).decode()
        assert "phone" not in text and "+77" not in text and '"lat"' not in text
        assert (await near("PUT", path, {"amount": 40_000_000}))[1]["code"] == "precondition_required"
        stale = await near("PUT", path, {"amount": 40_000_000}, **{"If-Match": '"7"'})
        assert (stale[0], stale[1]["code"]) == (412, "version_stale")
        status, changed = await near("PUT", path, {"amount": 40_000_000}, **{"If-Match": '"1"'})
        assert (status, changed["version"]) == (200, 2)
        _, detail = await near("GET", path)
        assert [v["price"]["amount"] for v in detail["versions"]] == [42_000_000, 40_000_000]
        _, mine = await near("GET", "/api/v1/bids")
        assert [(own["bid"]["bid"], own["load"]["order"]) for own in mine["bids"]] == [(bid["bid"], order)]
        pick = {"accept_id": str(uuid.uuid4())}
        key = {"Idempotency-Key": "pick-1", "If-Match": '"2"'}
        for _ in range(2):
            status, won = await shipper("POST", f"{path}/pick", pick, **key)
            assert (status, won["status"], won["price"]["amount"]) == (200, "assigned", 40_000_000)
        status, lost = await shipper(
            "POST",
            f"/api/v1/bids/{other['bid']}/pick",
            {"accept_id": str(uuid.uuid4())},
            **{"If-Match": '"1"'},
        )
        assert (status, lost["code"]) == (409, "offer_taken")


async def test_what_the_two_sides_answer_over_rest(haggle: Haggle) -> None:
    server, order = haggle.server, await haggle.load(pricing="negotiable")
    async with (
        calling(server, haggle.accounts["drivers"][0]) as driver,
        calling(server, haggle.accounts["shippers"][0]) as shipper,
    ):
        form = {"amount": 50_000_000, "order_version": 1, "message": "сегодня"}
        _, bid = await driver("POST", f"/api/v1/orders/{order}/bids", form)
        path = f"/api/v1/bids/{bid['bid']}"
        assert (await shipper("POST", f"{path}/seen", {"version": 1}))[0] == 204
        assert (await driver("GET", path))[1]["bid"]["seen"] is True
        assert (await shipper("PUT", f"/api/v1/orders/{order}/bidding", {"open": True}))[0] == 204
        _, countered = await shipper("POST", f"{path}/counter", {"amount": 45_000_000}, **{"If-Match": '"1"'})
        assert (countered["status"], countered["counter"]["amount"]) == ("countered", 45_000_000)
        _, refused = await driver("POST", f"/api/v1/orders/{order}/bids", form)
        assert refused["code"] == "bid_exists"
        _, declined = await shipper("POST", f"{path}/decline", {"reason": "late"})
        assert (declined["status"], declined["reason"]) == ("declined", "late")
        _, again = await driver("POST", f"/api/v1/orders/{order}/bids", form)
        _, withdrawn = await driver("POST", f"/api/v1/bids/{again['bid']}/withdraw")
        assert withdrawn["status"] == "withdrawn"
        _, third = await driver("POST", f"/api/v1/orders/{order}/bids", form)
        path = f"/api/v1/bids/{third['bid']}"
        await shipper("POST", f"{path}/counter", {"amount": 45_000_000}, **{"If-Match": '"1"'})
        accept = {"accept_id": str(uuid.uuid4())}
        status, won = await driver("POST", f"{path}/accept", accept, **{"If-Match": '"2"'})
        assert (status, won["price"]["amount"]) == (200, 45_000_000)


async def test_candidates_say_how_far_and_never_where(haggle: Haggle) -> None:
    server = haggle.server
    order = await haggle.load()
    haggle.drive(0, ALMATY.lat + 0.031, ALMATY.lon)
    haggle.drive(1, ALMATY.lat + 0.9, ALMATY.lon)
    async with calling(server, haggle.accounts["shippers"][0]) as shipper:
        status, found = await shipper("GET", f"/api/v1/orders/{order}/candidates")
        assert status == 200
        near, far = found["drivers"]
        assert (near["bidder"]["driver"], near["deadhead_m"]) == (
            haggle.accounts["drivers"][0]["user"],
            5_000,
        )
        assert far["deadhead_m"] == 110_000 and near["score"] > far["score"]
        text = orjson.dumps(found).decode()
        assert not any(word in text for word in ("phone", "+77", "lat", "lon", "cell"))
        # A kilometre nearer is the same answer: rank and reasons tell no more than the distance.
        haggle.drive(0, ALMATY.lat + 0.02, ALMATY.lon)
        _, moved = await shipper("GET", f"/api/v1/orders/{order}/candidates")
        assert {k: moved["drivers"][0][k] for k in ("deadhead_m", "eta_s", "score", "reasons")} == {
            k: near[k] for k in ("deadhead_m", "eta_s", "score", "reasons")
        }


async def test_a_known_phone_and_an_unknown_one_are_answered_byte_for_byte_the_same(haggle: Haggle) -> None:
    server = haggle.server
    order = await haggle.load()
    known = await haggle.market.pool.fetchval(
        "SELECT phone FROM users WHERE id = $1", haggle.accounts["drivers"][0]["user"]
    )
    async with calling(server, haggle.accounts["shippers"][0]) as shipper:
        told = []
        for phone in (known, "+77772223344"):
            status, answer = await shipper(
                "POST", f"/api/v1/orders/{order}/invitations/by-contact", {"phone": phone}
            )
            assert status == 202
            told.append(
                {
                    k: v
                    for k, v in answer.items()
                    if k not in ("invitation", "created_at", "expires_at", "phone")
                }
            )
        assert told[0] == told[1]
        both = await shipper(
            "POST", f"/api/v1/orders/{order}/invitations/by-contact", {"phone": known, "code": "x" * 8}
        )
        assert both[1]["code"] == "bad_request"
        _, listed = await shipper("GET", f"/api/v1/orders/{order}/invitations")
        assert [(entry["status"], entry["driver"]) for entry in listed["invitations"]] == [("sent", None)] * 2
        first = listed["invitations"][0]["invitation"]
        assert (await shipper("DELETE", f"/api/v1/orders/{order}/invitations/{first}"))[0] == 204
    async with calling(server, haggle.accounts["drivers"][0]) as driver:
        code = (await driver("GET", "/api/v1/me/code"))[1]["code"]
        assert len(code) == 8 and (await driver("GET", "/api/v1/me/code"))[1]["code"] == code
        assert (await driver("POST", "/api/v1/me/code"))[1]["code"] != code


async def test_a_driver_hides_the_shipper_of_a_load_and_may_meet_him_again(haggle: Haggle) -> None:
    server = haggle.server
    order = await haggle.load()
    async with calling(server, haggle.accounts["drivers"][0]) as driver:
        bid = {"amount": 40_000_000}
        for wrong in ({}, {"driver": 1}, {"order": order, "company": 1}):
            assert (await driver("POST", "/api/v1/me/blocks", wrong))[1]["code"] == "bad_request"
        _, block = await driver("POST", "/api/v1/me/blocks", {"order": order, "note": "не платит"})
        assert block["shipper"] == haggle.accounts["shippers"][0]["user"]
        assert (await driver("POST", f"/api/v1/orders/{order}/bids", bid))[0] == 404
        _, listed = await driver("GET", "/api/v1/me/blocks")
        assert listed["blocks"] == [block]
        assert (await driver("DELETE", f"/api/v1/me/blocks/{block['block']}"))[0] == 204
        assert (await driver("POST", f"/api/v1/orders/{order}/bids", bid))[0] == 201


async def test_the_next_load_is_suggested_with_the_figures_that_rank_it(haggle: Haggle) -> None:
    server = haggle.server
    haul = await haggle.load(pricing="fixed")
    haggle.drive(0, ALMATY.lat, ALMATY.lon)
    async with calling(server, haggle.accounts["drivers"][0]) as driver:
        accept = {"accept_id": str(uuid.uuid4())}
        assert (await driver("POST", f"/api/v1/board/{haul}/accept", accept))[0] == 200
        near = await haggle.load(pickup=ASTANA)
        status, found = await driver("GET", "/api/v1/me/reloads?radius_m=100000")
        assert status == 200 and not found["now"]
        assert (round(found["free_lat"], 2), round(found["free_lon"], 2)) == (ASTANA.lat, ASTANA.lon)
        assert found["free_at"] > time.time() + 12 * 3600
        (entry,) = found["loads"]
        assert entry["load"]["order"] == near and entry["deadhead_m"] == 0
        assert entry["per_hour"]["amount"] > 0 and entry["per_hour"]["currency"] == "KZT"
        for step in ("at_pickup", "loaded", "in_transit", "at_drop"):
            await driver("POST", f"/api/v1/orders/{haul}/advance", {"status": step})
        assert (await driver("GET", "/api/v1/me/reloads"))[1]["now"] is True
        assert (await driver("GET", "/api/v1/me/reloads?home_city=5"))[1]["code"] == "place_unknown"


@pytest.fixture
async def watching(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    """A server that watches habits."""
    local = LocalServer(dsn, redis_url, tmp_path, extra={"DESK_WATCH_HABITS": "on"})
    await local.start()
    yield local
    await local.stop()


async def test_a_bot_is_told_in_its_language_when_to_come_back_and_the_staff_lifts_it(
    watching: LocalServer,
) -> None:
    haggle = Haggle(watching)
    bot = haggle.accounts["drivers"][0]
    async with calling(watching, bot) as driver, calling(watching, haggle.accounts["admins"][0]) as staff:

        async def accept() -> tuple[int, dict[str, Any], str]:
            owner = haggle.accounts["shippers"][0]["user"]
            order = await haggle.market.order(owner, body=haggle.body, **LOAD)
            offer = (await haggle.market.offer(order, [bot["user"]]))[bot["user"]]
            body = {"accept_id": str(uuid.uuid4())}
            headers = {**driver._headers, "Accept-Language": "ru"}
            async with driver._http.post(
                f"/api/v1/offers/{offer}/accept", json=body, headers=headers
            ) as answer:
                await haggle.market.pool.execute(
                    "UPDATE assignments SET ended_at = now() WHERE ended_at IS NULL"
                )
                return answer.status, await answer.json(), answer.headers.get("Retry-After", "")

        assert [(await accept())[0] for _ in range(5)] == [200] * 5
        status, problem, after = await accept()
        assert (status, problem["code"], problem["retry"]) == (429, "cooling_down", True)
        assert 880 <= int(after) <= 900
        _, found = await staff("GET", "/api/v1/admin/flags")
        (flag,) = found["flags"]
        assert (flag["user"], flag["kind"], flag["counts"]["fast"]) == (bot["user"], "fast_accepts", 5)
        assert flag["paused_until"] > time.time()
        path = f"/api/v1/admin/flags/{flag['flag']}/clear"
        assert (await staff("POST", path, {"note": "test", "lift": True}))[0] == 204
        assert (await staff("GET", "/api/v1/admin/flags"))[1]["flags"] == []
        assert (await accept())[0] == 200


async def scrape(caller: Caller, path: str, most: int) -> list[int]:
    return [(await caller("GET", path))[0] for _ in range(most)]


async def test_a_scraper_of_the_board_meets_the_limit_and_an_eager_reader_does_not(
    watching: LocalServer,
) -> None:
    async with calling(watching, watching.accounts["drivers"][0]) as scraper:
        statuses = await scrape(scraper, "/api/v1/board", 245)
        assert statuses[:240] == [200] * 240 and statuses[-1] == 429
    async with calling(watching, watching.accounts["drivers"][1]) as reader:
        assert set(await scrape(reader, "/api/v1/board", 30)) == {200}
