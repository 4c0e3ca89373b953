"""Prices that staff set: they count in quotes and posted loads at once and everywhere, and change no old one."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from redis.asyncio import Redis

from tests.served import LocalServer

from .people import People, Person

ALMATY, ASTANA, KONAEV = 1526384, 1526273, 1519948
HAUL = {"pickup_city": ALMATY, "drop_city": ASTANA, "weight_kg": 22_000.0}
TABLE = {
    "rates": [
        {"body": "tent", "per_km": 60_000},
        {"body": "tent", "upto_km": 300, "per_km": 90_000},
        {"body": "reefer", "per_km": 80_000},
    ],
    "factors": [{"kind": "grain", "factor": 0.5}],
    "minimum": 5_000_000,
    "loading_fee": 1_000_000,
    "note": "с 1 июня",
}
FAR = 4_000_000_000.0


async def quote(person: Person, **changes: object) -> dict[str, Any]:
    answer = await person.done("POST", "/quotes", {**HAUL, **changes})
    return dict(answer.body)


async def post(person: Person, key: str) -> dict[str, Any]:
    body = {**HAUL, "cargo": "мука", "kind": "general", "allow_duplicate": True}
    return dict((await person.done("POST", "/orders", body, key=key)).body)


async def test_what_is_set_counts_at_once_and_what_was_quoted_before_stays(people: People) -> None:
    before = await quote(people.shipper)
    old = await post(people.shipper, "before")
    assert (before["price_origin"], before["price_version"]) == ("default", None)
    assert old["price"] == before["price"]

    put = await people.finance.done("PUT", "/admin/tariff", TABLE, if_match="0")
    assert put.tag == '"1"' and put.body["set_by"] == people.finance.user

    after = await quote(people.shipper)
    assert (after["price_origin"], after["price_version"]) == ("tariff", 1)
    whole = 60_000 * after["distance_m"] / 1000 + 1_000_000
    assert after["price"]["amount"] == pytest.approx(whole, abs=5_000)
    assert after["price_range"]["typical"] == after["price"]
    assert (await post(people.shipper, "after"))["price"] == after["price"]
    assert (await people.shipper.get(f"/orders/{old['order']}"))["order"]["price"] == old["price"]


async def test_distance_kind_and_minimum_make_the_price_and_other_bodies_stay_coded(people: People) -> None:
    await people.finance.done("PUT", "/admin/tariff", TABLE, if_match="0")
    near = await quote(people.shipper, drop_city=KONAEV)
    assert near["price"]["amount"] == pytest.approx(90_000 * near["distance_m"] / 1000 + 1_000_000, abs=5_000)
    small = await quote(people.shipper, drop_city=KONAEV, weight_kg=300.0)
    assert small["price"]["amount"] == 5_000_000
    assert (await quote(people.shipper, body="lowboy"))["price_origin"] == "default"
    body = {**HAUL, "cargo": "пшеница", "kind": "grain"}
    grain = (await people.shipper.done("POST", "/orders", body, key="grain")).body
    plain = await quote(people.shipper)
    assert grain["price"]["amount"] - 1_000_000 == pytest.approx(
        (plain["price"]["amount"] - 1_000_000) / 2, abs=10_000
    )


async def test_a_lane_has_its_own_price_until_it_is_taken_back(people: People) -> None:
    await people.finance.done("PUT", "/admin/tariff", TABLE, if_match="0")
    lane = {
        "pickup_city": ALMATY,
        "drop_city": ASTANA,
        "kind": "total",
        "amount": 70_000_000,
        "note": "Китай",
    }
    await people.finance.done("PUT", "/admin/tariff/lanes", lane, if_match="0")
    found = await quote(people.shipper)
    assert (found["price"]["amount"], found["price_origin"]) == (70_000_000, "lane-set")
    through = await quote(people.shipper, stops=[{"city": KONAEV}])
    assert through["price_origin"] == "tariff"  # a detour is not what the price was set for
    assert (await quote(people.shipper, pickup_city=ASTANA, drop_city=ALMATY))["price_origin"] == "tariff"

    reefers = {**lane, "body": "reefer", "kind": "per_km", "amount": 100_000}
    await people.finance.done("PUT", "/admin/tariff/lanes", reefers, if_match="0")
    cool = await quote(people.shipper, body="reefer", weight_kg=20_000.0)
    assert cool["price"]["amount"] == pytest.approx(
        100_000 * cool["distance_m"] / 1000 + 1_000_000, abs=5_000
    )

    taken_back = {**lane, "kind": "none", "amount": 0}
    put = await people.finance.done("PUT", "/admin/tariff/lanes", taken_back, if_match="1")
    assert put.tag == '"2"'
    assert (await quote(people.shipper))["price_origin"] == "tariff"
    listed = await people.finance.get(f"/admin/tariff/lanes?pickup_city={ALMATY}")
    assert [(each["body"], each["kind"], each["version"]) for each in listed["lanes"]] == [
        (None, "none", 2),
        ("reefer", "per_km", 1),
    ]
    past = await people.finance.get(
        f"/admin/tariff/lanes/history?pickup_city={ALMATY}&drop_city={ASTANA}&limit=1"
    )
    assert [each["version"] for each in past["lanes"]] == [2] and past["next"] == 2
    assert [detail["is"] for _, _, detail in await people.log("tariff.lane")] == [
        "total 70000000",
        "per_km 100000",
        "none 0",
    ]


async def test_what_is_planned_waits_and_what_is_over_counts_no_more(people: People) -> None:
    planned = {**TABLE, "valid_from": FAR}
    await people.finance.done("PUT", "/admin/tariff", planned, if_match="0")
    assert (await quote(people.shipper))["price_origin"] == "default"
    now = await people.finance.get("/admin/tariff")
    assert now["version"] == 1 and now["in_force"] is None and len(now["coming"]) == 1

    await people.finance.done("PUT", "/admin/tariff", TABLE, if_match="1")
    now = await people.finance.get("/admin/tariff")
    assert now["in_force"]["version"] == 2 and now["coming"] == []  # the newer one takes its place
    lane = {"pickup_city": ALMATY, "drop_city": ASTANA, "kind": "total", "amount": 1_000_000_000}
    await people.pool.execute(
        "INSERT INTO tariff_lanes (pickup_city, drop_city, version, kind, amount, valid_from, valid_until, set_by)"
        " VALUES ($1, $2, 1, 'total', 1, now() - interval '2 day', now() - interval '1 day', $3)",
        ALMATY,
        ASTANA,
        people.finance.user,
    )
    assert (await quote(people.shipper))["price_origin"] == "tariff"
    refused = await people.finance.ask(
        "PUT", "/admin/tariff/lanes", {**lane, "valid_from": 1e9}, if_match="1"
    )
    assert refused.code == "window_past"
    refused = await people.finance.ask(
        "PUT", "/admin/tariff/lanes", {**lane, "valid_until": 1e9}, if_match="1"
    )
    assert refused.code == "window_invalid"


async def test_two_who_set_prices_at_once_do_not_overwrite_each_other(people: People) -> None:
    answers = await asyncio.gather(
        *(
            person.ask("PUT", "/admin/tariff", TABLE, if_match="0")
            for person in (people.finance, people.chief)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 412]
    assert (await people.finance.ask("PUT", "/admin/tariff", TABLE)).code == "precondition_required"
    assert (await people.finance.get("/admin/tariff/versions"))["versions"][0]["version"] == 1
    (line,) = await people.log("tariff.set")
    assert line[1:] == ("с 1 июня", {"was": "version 0", "is": "version 1"})


async def test_a_table_that_leaves_a_distance_without_price_is_refused(people: People) -> None:
    for rates, path in (
        ([{"body": "tent", "upto_km": 100, "per_km": 50_000}], "rates[0].upto_km"),
        ([{"body": "tent", "per_km": 50_000}, {"body": "tent", "per_km": 60_000}], "rates[1].upto_km"),
    ):
        refused = await people.finance.ask("PUT", "/admin/tariff", {"rates": rates}, if_match="0")
        assert (refused.code, refused.body["path"]) == ("bad_request", path)


async def test_the_database_keeps_every_version_as_it_was(people: People) -> None:
    await people.finance.done("PUT", "/admin/tariff", TABLE, if_match="0")
    for statement in ("UPDATE tariffs SET minimum = 0", "DELETE FROM tariffs"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await people.pool.execute(statement)


async def test_another_worker_quotes_the_new_price_as_soon_as_it_hears_of_it(
    people: People, dsn: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    other = LocalServer(dsn, redis_url, tmp_path)
    await other.start()
    try:
        async with aiohttp.ClientSession() as http:
            there = Person(http, other.accounts["shippers"][0], other.url)
            assert (await quote(there))["price_origin"] == "default"  # held from here on
            async with asyncio.timeout(10):  # both listen to the bus once they are connected
                while not (people.server.services.bus.connected and other.services.bus.connected):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await people.finance.done("PUT", "/admin/tariff", TABLE, if_match="0")
            async with asyncio.timeout(10):  # the message is under way; the minute is not waited for
                while (await quote(there))["price_origin"] == "default":  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
    finally:
        await other.stop()


async def test_prices_of_diesel_have_a_history_and_leave_a_line_in_the_log(people: People) -> None:
    for amount in (33_000, 34_000):
        await people.finance.done(
            "PUT", "/admin/fuel-prices", {"country": "KZ", "amount": amount, "valid_from": 1e9}
        )
    await people.finance.done("PUT", "/admin/fuel-prices", {"country": "RU", "amount": 50_000})
    found = await people.support.get("/admin/fuel-prices/history?country=KZ")
    assert [each["price"]["price"]["amount"] for each in found["prices"]] == [34_000]  # corrected, not twice
    assert found["prices"][0]["set_by"] == people.finance.user
    assert [(detail["was"], detail["is"]) for _, _, detail in await people.log("fuel_price.set")] == [
        ("", "33000"),
        ("33000", "34000"),
        ("", "50000"),
    ]
