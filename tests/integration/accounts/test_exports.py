"""All of a user's data as one file."""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from dispatch.errors import Refusal
from storage import exports as storage_exports
from storage.export_rows import NOT_EXPORTED, PAGED, RANGED, WHOLE
from storage.exports import ExportStore, LeaseLost
from storage.postgres import Pool
from tests.integration.accounts.conftest import TRUCK, Desk, Person, until
from tests.integration.accounts.mailboxes import prove
from tests.integration.accounts.test_documents import paper
from tests.papers import jpeg


async def drive(pool: Pool, driver: Person, points: int) -> None:
    """A stream of positions of the driver's device."""
    await pool.execute(
        "INSERT INTO positions (device_id, recorded_at, stream_id, seq, driver_id, received_at, point, cell, flag,"
        " speed) SELECT $1, now() - make_interval(secs => n), 1, n, $2, now(),"
        " ST_SetSRID(ST_MakePoint(-76.9 - n * 1e-5, 43.25), 4326), 0, 0, 20 FROM generate_series(1, $3) n",
        driver.account["device"],
        driver.id,
        points,
    )


async def archive(person: Person, export: int) -> Mapping[str, bytes]:
    got = await person.get(f"/me/exports/{export}/file")
    assert got.status == 200 and got.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(got.content)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


async def made(desk: Desk, person: Person) -> int:
    """Asks and makes."""
    asked = await person.post("/me/exports")
    assert asked.status == 202 and asked.body["state"] == "due", asked.content
    assert await desk.services.exports.make_one() == asked.body["export"]
    return int(asked.body["export"])


async def test_a_driver_gets_everything_and_nothing_of_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_exports, "POINTS", 100)
    monkeypatch.setattr(storage_exports, "PAGE", 1)
    driver, other = desk.drivers[:2]
    settings = await driver.get("/me/settings")
    await driver.patch("/me/settings", {"name": "=cmd()"}, settings.version)
    await prove(desk, driver, "mine@example.kz")
    await driver.post("/vehicles", TRUCK)
    document = (await paper(driver)).body["document"]
    upload = (await driver.upload(jpeg())).body["file"]
    await paper(other)
    for _ in range(3):
        order = await desk.assign(driver)
        await desk.finish(order)
    await desk.pool.execute(
        "UPDATE remittances SET unpaid_at = now(), unpaid_note = 'nothing came' WHERE order_id = $1", order
    )
    await drive(desk.pool, driver, 1050)
    await drive(desk.pool, other, 50)
    await desk.fleet(driver)
    export = await made(desk, driver)
    files = await archive(driver, export)
    assert set(files) == {
        *(f"{section}.json" for section in (*WHOLE, *PAGED, *RANGED)),
        f"documents/{document}-driver_licence.jpg",
        f"files/{upload}.jpg",
        "positions.csv",
    }
    told: dict[str, Any] = {
        name.removesuffix(".json"): json.loads(content)
        for name, content in files.items()
        if name.endswith(".json")
    }
    assert told["profile"][0]["name"] == "=cmd()" and told["profile"][0]["email"] == "mine@example.kz"
    assert len(told["sessions"]) == 1 and len(told["devices"]) == 1 and len(told["vehicles"]) == 2
    assert len(told["carried"]) == 3 and len(told["offers"]) == 3 and told["orders"] == []
    assert told["fleets"][0]["company"] and told["access"][0]["ends_at"]
    assert [each["id"] for each in told["documents"]] == [document]
    (missed,) = told["missed_payments"]
    assert (missed["order"], missed["note"]) == (order, "nothing came")
    points = list(csv.reader(io.StringIO(files["positions.csv"].decode())))
    assert len(points) == 1051 and all(len(row) == 8 for row in points)
    assert {row[0] for row in points[1:]} == {str(driver.account["device"])}
    assert points[1][2] == "43.25" and float(points[1][3]) < -76.9
    everything = b"".join(files.values())
    for secret in (other.phone, desk.logistician.phone, "secret_hash", "token_hash"):
        assert secret.encode() not in everything


async def test_a_shipper_gets_the_loads_with_all_that_was_said(desk: Desk) -> None:
    shipper = desk.shippers[1]
    order = await desk.assign(desk.driver)
    await desk.pool.execute(
        "INSERT INTO order_events (order_id, seq, kind, status) VALUES ($1, 1, 'placed', 'open')", order
    )
    files = await archive(shipper, await made(desk, shipper))
    (told,) = json.loads(files["orders.json"])
    assert told["id"] == order and told["cargo"] == "мука" and told["events"][0]["kind"] == "placed"
    assert told["pickup_point"]["coordinates"] == [76.95, 43.25]


async def test_progress_is_told_and_the_file_is_its_owners_for_a_week(desk: Desk) -> None:
    asked = (await desk.driver.post("/me/exports")).body
    path = f"/me/exports/{asked['export']}"
    assert (await desk.driver.get(path)).body["progress"] == 0
    assert (await desk.driver.get(f"{path}/file")).code == "not_ready"
    again = await desk.driver.post("/me/exports")
    assert again.body["export"] == asked["export"]  # one at a time
    await desk.services.exports.make_one()
    ready = (await desk.driver.get(path)).body
    assert (ready["state"], ready["progress"]) == ("ready", 100) and ready["size"] > 0
    assert ready["expires_at"] == pytest.approx(ready["ready_at"] + 7 * 86_400)
    kinds = await desk.pool.fetch("SELECT kind FROM outbox WHERE user_id = $1", desk.driver.id)
    assert [row["kind"] for row in kinds] == ["export.ready"]
    for who in (desk.drivers[1], desk.superadmin, desk.shipper):
        assert (await who.get(path)).code == (await who.get(f"{path}/file")).code == "not_found"
    assert len(desk.on_disk()) == 1
    assert await desk.services.exports.expire(ready["expires_at"] - 1) == 0
    assert await desk.services.exports.expire(ready["expires_at"] + 1) == 1
    assert desk.on_disk() == [] and (await desk.driver.get(path)).body["state"] == "expired"
    assert (await desk.driver.get(f"{path}/file")).code == "not_found"


async def test_three_a_day_are_enough(desk: Desk) -> None:
    for _ in range(3):
        await made(desk, desk.driver)
    assert (await desk.driver.post("/me/exports")).code == "rate_limited"
    assert len((await desk.driver.get("/me/exports")).body["exports"]) == 3


async def test_a_killed_worker_is_followed_by_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stops in the middle, its lease runs out, and when it comes back it finishes nothing."""
    asked = (await desk.driver.post("/me/exports")).body["export"]
    first, second = (ExportStore(desk.pool, desk.services.files) for _ in range(2))
    go_on = asyncio.Event()

    async def sleeps(*_: object) -> None:
        await go_on.wait()

    monkeypatch.setattr(first, "_positions", sleeps)
    stuck = asyncio.create_task(first.make_one())
    await until(lambda: any(path.parent.name == "tmp" for path in desk.on_disk()))
    assert await second.make_one() is None  # the lease holds
    await desk.pool.execute("UPDATE data_exports SET lease_until = now() - interval '1 second'")
    assert await second.make_one() == asked
    go_on.set()
    with pytest.raises(LeaseLost):
        await stuck
    assert len(desk.on_disk()) == 1
    files = await archive(desk.driver, asked)
    assert "positions.csv" in files


async def test_an_export_that_always_fails_ends_as_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = (await desk.driver.post("/me/exports")).body["export"]
    exports = desk.services.exports

    async def breaks(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(exports, "_positions", breaks)
    for _ in range(storage_exports.MAX_ATTEMPTS):
        with pytest.raises(ValueError, match="a bug"):
            await exports.make_one()
        await desk.pool.execute("UPDATE data_exports SET lease_until = now() - interval '1 second'")
    assert await exports.make_one() is None
    assert (await desk.driver.get(f"/me/exports/{asked}")).body["state"] == "failed"
    assert desk.on_disk() == []
    monkeypatch.undo()
    assert await made(desk, desk.driver)


async def test_an_export_whose_owner_has_left_is_nobodys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.driver.post("/me/exports")
    exports = desk.services.exports

    async def leaves(*_: object) -> None:
        await desk.pool.execute("DELETE FROM data_exports")

    monkeypatch.setattr(exports, "_positions", leaves)
    with pytest.raises(LeaseLost):
        await exports.make_one()
    assert desk.on_disk() == []


async def test_however_much_there_is_a_page_of_it_is_in_memory(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_exports, "POINTS", 500)
    await drive(desk.pool, desk.driver, 5000)
    written: list[int] = []
    write = zipfile._ZipWriteFile.write  # type: ignore[attr-defined]

    def watched(self: Any, data: bytes) -> int:
        written.append(len(data))
        size: int = write(self, data)
        return size

    monkeypatch.setattr(zipfile._ZipWriteFile, "write", watched)  # type: ignore[attr-defined]
    await made(desk, desk.driver)
    assert sum(written) > 250_000 and max(written) < 60_000


async def test_two_workers_make_two_exports_and_none_twice(desk: Desk) -> None:
    asked = [(await who.post("/me/exports")).body["export"] for who in desk.drivers]
    stores = [ExportStore(desk.pool, desk.services.files) for _ in range(4)]
    done = await asyncio.gather(*(store.make_one() for store in stores))
    assert sorted(export for export in done if export is not None) == sorted(asked)


async def test_every_statement_of_an_export_prepares(pool: Pool) -> None:
    async with pool.acquire() as connection:
        for text in (*WHOLE.values(), *PAGED.values(), *(each for pair in RANGED.values() for each in pair)):
            await connection.prepare(text)


def test_every_section_has_a_file_of_its_own() -> None:
    names = [*WHOLE, *PAGED, *RANGED]
    assert len(names) == len(set(names))


async def test_an_unknown_export_is_not_there(desk: Desk) -> None:
    with pytest.raises(Refusal, match="not_found"):
        await desk.services.exports.export(desk.driver.id, 999)
    assert NOT_EXPORTED
