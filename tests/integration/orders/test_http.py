"""The order path over HTTP, against a served process: one haul from quote to delivery, and its refusals."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.served import Account, Server

ALMATY, KONAEV = 1526384, 1519948
ORDER = {"pickup_city": ALMATY, "drop_city": KONAEV, "cargo": "яблоки", "weight_kg": 300.0, "body": "van"}


class Caller:
    """Raw REST as one account, or as nobody."""

    def __init__(self, http: aiohttp.ClientSession, account: Account | None) -> None:
        self._http = http
        self._headers = {} if account is None else {"Authorization": f"Bearer {account['access']}"}

    async def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        async with self._http.request(
            method, path, json=body, headers={**self._headers, **headers}
        ) as answer:
            return answer.status, await answer.json(content_type=None) if answer.status != 204 else {}


@asynccontextmanager
async def calling(server: Server, account: Account | None) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(server.url) as http:
        yield Caller(http, account)


async def post(shipper: Caller, key: str = "", **changes: object) -> tuple[int, dict[str, Any]]:
    return await shipper(
        "POST", "/api/v1/orders", {**ORDER, **changes}, **{"Idempotency-Key": key or uuid.uuid4().hex}
    )


async def test_a_haul_from_quote_to_delivery_with_the_board_between(server: Server) -> None:
    van = server.accounts["drivers"][0]
    async with (
        calling(server, server.accounts["shippers"][0]) as shipper,
        calling(server, van) as driver,
        calling(server, server.accounts["admins"][0]) as admin,
    ):
        _, found = await shipper("GET", "/api/v1/cities?q=алма&lang=en&limit=1")
        assert found["cities"][0]["name"] == "Almaty"
        form = {name: ORDER[name] for name in ("pickup_city", "drop_city", "weight_kg")}
        status, quote = await shipper("POST", "/api/v1/quotes", {**form, "body": van["body"]})
        assert status == 200 and quote["distance_m"] > 50_000 and len(quote["line"]) >= 2
        status, order = await post(shipper, "first", body=van["body"])
        assert (status, order["status"], order["price"]) == (201, "open", quote["price"])
        status, again = await post(shipper, "first", body=van["body"])
        assert (status, again["order"], again["created_at"]) == (201, order["order"], order["created_at"])
        number = order["order"]
        # No truck is on the road: the search has nobody to ask and ends on the board at once.
        board: dict[str, Any] = {"loads": []}
        while not board["loads"]:
            _, board = await driver("GET", "/api/v1/board?lat=43.2&lon=76.9&radius_m=100000")
        assert [load["order"] for load in board["loads"]] == [number]
        accept = {"accept_id": str(uuid.uuid4())}
        for _ in range(2):
            status, won = await driver("POST", f"/api/v1/board/{number}/accept", accept)
            assert (status, won["status"], won["driver"]) == (200, "assigned", van["user"])
        for step in ("at_pickup", "loaded", "in_transit", "at_drop", "delivered"):
            status, state = await driver("POST", f"/api/v1/orders/{number}/advance", {"status": step})
            assert (status, state["status"]) == (200, step)
        for caller in (shipper, driver, admin):
            _, page = await caller("GET", "/api/v1/orders")
            assert [entry["order"] for entry in page["orders"]] == [number]
            _, detail = await caller("GET", f"/api/v1/orders/{number}")
            assert [event["seq"] for event in detail["events"]] == list(range(1, 9))
        assert (await admin("GET", "/api/v1/admin/orders"))[1]["orders"][0]["order"] == number


async def test_refusals_are_problems_with_their_code(server: Server) -> None:
    first, second = server.accounts["shippers"][:2]
    async with (
        calling(server, first) as shipper,
        calling(server, second) as stranger,
        calling(server, server.accounts["drivers"][0]) as driver,
        calling(server, None) as nobody,
    ):
        _, order = await post(shipper, "key")
        number = order["order"]
        accept = {"accept_id": str(uuid.uuid4())}
        told = [
            (await post(shipper, "key", cargo="груши"), 409, "idempotency_conflict"),
            (await shipper("POST", "/api/v1/orders", ORDER), 400, "bad_request"),
            (await post(shipper, "k" * 81), 400, "bad_request"),
            (await post(shipper, drop_city=10**9), 422, "place_unknown"),
            (await post(shipper, weight_kg=-1), 400, "bad_request"),
            (await post(shipper, shipper_id=second["user"]), 400, "bad_request"),
            (await post(driver), 403, "forbidden"),
            (await post(nobody), 401, "unauthenticated"),
            (await stranger("GET", f"/api/v1/orders/{number}"), 404, "not_found"),
            (await stranger("GET", "/api/v1/orders/999999"), 404, "not_found"),
            (await stranger("POST", f"/api/v1/orders/{number}/cancel", {}), 404, "not_found"),
            (
                await driver("POST", f"/api/v1/orders/{number}/advance", {"status": "loaded"}),
                404,
                "not_found",
            ),
            (await driver("POST", "/api/v1/offers/999999/accept", accept), 404, "not_found"),
            (await driver("POST", "/api/v1/offers/999999/decline", {}), 404, "not_found"),
            (await driver("GET", "/api/v1/board?lat=43.2"), 400, "bad_request"),
            (await shipper("GET", "/api/v1/board"), 403, "forbidden"),
            (await shipper("GET", "/api/v1/orders/zero"), 404, "not_found"),
        ]
        for n, ((status, problem), expected, code) in enumerate(told):
            assert (status, problem["code"]) == (expected, code), (n, problem)
        assert (await shipper("POST", f"/api/v1/orders/{number}/cancel", {"reason": "sold"}))[1][
            "status"
        ] == "cancelled"
        status, problem = await shipper("POST", f"/api/v1/orders/{number}/cancel", {})
        assert (status, problem["code"]) == (409, "transition_forbidden")


@pytest.mark.parametrize("path", ["/api/v1/offers", "/api/v1/orders"])
async def test_a_fresh_driver_has_no_offers_and_no_orders(server: Server, path: str) -> None:
    async with calling(server, server.accounts["drivers"][1]) as driver:
        assert next(iter((await driver("GET", path))[1].values())) == []
