"""The end of an account: asked for with proof, waited for, carried out, remembered."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable

import pytest

from server.chores import reapply_erasures
from storage.erasure import ErasureStore
from storage.erasure_rules import ERASE, KEPT
from storage.export_rows import NOT_EXPORTED, PAGED, RANGED, WHOLE
from storage.postgres import Pool
from storage.schema import metadata
from tests.integration.accounts.conftest import COMPANY, TRUCK, Desk, Person
from tests.integration.accounts.mailboxes import prove
from tests.integration.accounts.test_documents import paper
from tests.integration.accounts.test_exports import drive, made

DAY = 86_400.0
# Where the phone of a person, or their name, may stand.
PERSONAL = ("Ержан Сериков", "erzhan@example.kz", "123ABC02")


@pytest.fixture
def code(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """The newest one-time code, read where a developer reads it."""
    caplog.set_level(logging.INFO, "desk.otp")

    def newest() -> str:
        records = [record for record in caplog.records if record.getMessage() == "otp.code"]
        return str(records[-1].__dict__["code"])

    return newest


async def old(desk: Desk) -> None:
    """Every sign-in was an hour ago."""
    await desk.pool.execute("UPDATE sessions SET created_at = created_at - interval '1 hour'")


async def ask(desk: Desk, person: Person) -> float:
    """Asks for the end right after signing in; when it will be."""
    answer = await person.post("/me/deletion")
    assert answer.status == 200, answer.content
    return float(answer.body["erased_at"])


async def everything(pool: Pool, *, but: tuple[str, ...] = ()) -> str:
    """Every row of every table as text."""
    told = []
    for table in metadata.sorted_tables:
        if table.name not in but:
            rows = await pool.fetch(f"SELECT to_jsonb(t)::text FROM {table.name} t")
            told += [f"{table.name}: {row[0]}" for row in rows]
    return "\n".join(told)


async def live(desk: Desk, driver: Person) -> int:
    """A driver with something in every corner; the order that was carried."""
    settings = await driver.get("/me/settings")
    await driver.patch("/me/settings", {"name": PERSONAL[0]}, settings.version)
    await prove(desk, driver, PERSONAL[1])
    vehicle = (await driver.post("/vehicles", TRUCK)).body["vehicle"]
    await driver.post(f"/vehicles/{vehicle}/activate")
    await paper(driver, "driver_licence", number="LICENCE-77")
    await paper(driver, "insurance", vehicle=vehicle)
    await desk.fleet(driver, shares=True)
    order = await desk.assign(driver)
    await desk.finish(order)
    await drive(desk.pool, driver, 30)
    await desk.pool.execute(
        "INSERT INTO last_positions (driver_id, recorded_at, point, cell)"
        " VALUES ($1, now(), ST_SetSRID(ST_MakePoint(76.9, 43.2), 4326), 0)",
        driver.id,
    )
    await desk.pool.execute(
        "INSERT INTO streams (device_id, stream) VALUES ($1, '0123456789abcdef')", driver.account["device"]
    )
    await desk.pool.execute(
        "INSERT INTO push_endpoints (user_id, kind, address) VALUES ($1, 'fid', 'secret-endpoint')", driver.id
    )
    await made(desk, driver)
    return order


async def code_request(desk: Desk, person: Person) -> str:
    """Asks for the code that confirms; its request."""
    await desk.pool.execute("DELETE FROM otp_requests")
    asked = await person.post("/me/deletion/code")
    assert asked.status == 201, asked.content
    return str(asked.body["request"])


async def test_a_fresh_sign_in_or_a_code_proves_who_asks(desk: Desk, code: Callable[[], str]) -> None:
    await old(desk)
    assert (await desk.driver.post("/me/deletion")).code == "sign_in_again"
    wrong = {"request": await code_request(desk, desk.driver), "code": "000000"}
    assert (await desk.driver.post("/me/deletion", wrong)).code == "code_wrong"
    # Somebody else's code proves somebody else, and a code to sign in with is for signing in.
    other = {"request": await code_request(desk, desk.drivers[1]), "code": code()}
    assert (await desk.driver.post("/me/deletion", other)).code == "code_wrong"
    asked = await desk.driver.call("POST", "/auth/otp", {"phone": desk.driver.phone})
    to_sign_in = {"request": asked.body["request"], "code": code()}
    assert (await desk.driver.post("/me/deletion", to_sign_in)).code == "code_wrong"
    assert (await desk.driver.post("/me/deletion", {"request": str(uuid.uuid4())})).code == "sign_in_again"
    right = {"request": await code_request(desk, desk.driver), "code": code()}
    signing_in = await desk.driver.call("POST", "/auth/verify", right)
    assert signing_in.code == "code_wrong"  # nor the other way round
    assert (await desk.driver.post("/me/deletion", right)).status == 200


async def test_tries_are_counted_also_under_a_key(desk: Desk, code: Callable[[], str]) -> None:
    """A stolen access token must not make a guessing machine of this route."""
    await old(desk)
    request = await code_request(desk, desk.driver)
    for number in range(5):
        wrong = {"request": request, "code": f"{number:06d}"}
        headers = {"Idempotency-Key": f"try-{number}"}
        assert (await desk.driver.post("/me/deletion", wrong, headers)).code == "code_wrong"
    right = {"request": request, "code": code()}
    assert (await desk.driver.post("/me/deletion", right)).code == "code_wrong"


async def test_asking_ends_every_sign_in_and_takes_the_driver_off_duty(desk: Desk) -> None:
    ended: list[str] = []
    desk.services.revocations.listen(lambda session, blocked: ended.append(session))
    due_at = await ask(desk, desk.driver)
    assert due_at == pytest.approx(time.time() + 14 * DAY, abs=60)
    assert (await desk.driver.get("/me")).code == "session_revoked"
    assert len(ended) == 1
    assert not await desk.pool.fetchval(
        "SELECT on_duty FROM driver_states WHERE driver_id = $1", desk.driver.id
    )
    assert await desk.services.erasures.next_due(due_at - 1) is None


async def test_nobody_goes_while_a_load_is_on(desk: Desk) -> None:
    order = await desk.assign(desk.driver)
    assert (await desk.driver.post("/me/deletion")).code == "trip_on"
    assert (await desk.shippers[1].post("/me/deletion")).code == "trip_on"
    assert (await desk.driver.get("/me")).status == 200  # a refusal ends nothing
    await desk.finish(order)
    due_at = await ask(desk, desk.driver)
    # A load that came all the same (a bid was picked) puts the end off.
    await desk.pool.execute("UPDATE assignments SET ended_at = NULL WHERE order_id = $1", order)
    assert await desk.services.erasures.next_due(due_at + 1) is None
    assert await desk.services.erasures.next_due(due_at + 2) is None
    await desk.finish(order)
    assert await desk.services.erasures.next_due(due_at + DAY + 2) == desk.driver.id


async def test_signing_in_keeps_the_account(desk: Desk, code: Callable[[], str]) -> None:
    due_at = await ask(desk, desk.driver)
    request = (await desk.shipper.call("POST", "/auth/otp", {"phone": desk.driver.phone})).body["request"]
    verified = await desk.shipper.call("POST", "/auth/verify", {"request": request, "code": code()})
    assert verified.body["user"] == desk.driver.id
    assert await desk.services.erasures.next_due(due_at + 1) is None
    states = await desk.pool.fetch("SELECT state FROM erasures")
    assert [row["state"] for row in states] == ["cancelled"]


async def test_nothing_personal_is_left_and_business_goes_on(desk: Desk, code: Callable[[], str]) -> None:
    driver, phone = desk.driver, desk.driver.phone
    order = await live(desk, driver)
    await desk.shipper.call("POST", "/auth/otp", {"phone": phone})
    before = await everything(desk.pool)
    for personal in (*PERSONAL, phone, "LICENCE-77", "secret-endpoint"):
        assert personal in before
    assert len(desk.on_disk()) == 3
    due_at = await ask(desk, driver)
    await desk.services.chores.upkeep(due_at - 1)
    assert phone in await everything(desk.pool)
    await desk.services.chores.upkeep(due_at + 1)
    after = await everything(desk.pool)
    for personal in (*PERSONAL, phone, "LICENCE-77", "secret-endpoint", str(driver.account["refresh"])):
        assert personal not in after
    assert desk.on_disk() == []
    for table, column in (
        ("devices", "user_id"),
        ("push_endpoints", "user_id"),
        ("last_positions", "driver_id"),
        ("positions", "driver_id"),
        ("data_exports", "user_id"),
        ("documents", "user_id"),
        ("idempotency_keys", "user_id"),
        ("outbox", "user_id"),
    ):
        assert (
            await desk.pool.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", driver.id) == 0
        ), table
    assert (
        await desk.pool.fetchval(
            "SELECT count(*) FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id"
            " WHERE s.user_id = $1",
            driver.id,
        )
        == 0
    )
    # The shipper still sees a load that somebody carried.
    carried = await desk.pool.fetchrow(
        "SELECT driver_id, vehicle_id FROM assignments WHERE order_id = $1", order
    )
    user = await desk.pool.fetchrow("SELECT * FROM users WHERE id = $1", driver.id)
    assert carried["driver_id"] == driver.id and user["name"] == "—" and user["blocked"] and user["erased_at"]
    truck = await desk.pool.fetchrow("SELECT * FROM vehicles WHERE id = $1", carried["vehicle_id"])
    assert truck["archived_at"] and truck["plate"] == "" and truck["body"] == "tent"
    assert (await desk.logistician.get("/fleet/drivers")).body["drivers"] == []
    # The number is free, and whoever has it now is somebody else.
    await desk.pool.execute("DELETE FROM otp_requests")
    request = (await desk.shipper.call("POST", "/auth/otp", {"phone": phone})).body["request"]
    again = await desk.shipper.call("POST", "/auth/verify", {"request": request, "code": code()})
    assert again.body["user"] != driver.id


async def test_the_last_owner_hands_a_company_on(desk: Desk) -> None:
    owner, manager = desk.shippers[:2]
    contact = {"contact_name": "Тайный Контакт", "contact_email": "c@example.kz"}
    await owner.post("/company", {**COMPANY, **contact})
    asked = await owner.post("/company/invitations", {"phone": manager.phone, "joins": "manager"})
    await manager.post(f"/invitations/{asked.body['invitation']}/accept")
    await paper(owner, "company_registration", for_company=True)
    await desk.services.chores.upkeep(await ask(desk, owner) + 1)
    own = (await manager.get("/company")).body
    assert own["role"] == "owner" and own["contact_name"] == contact["contact_name"]
    (document,) = (await manager.get("/documents")).body["documents"]
    assert (await manager.get(f"/documents/{document['document']}/file")).status == 200  # it is the company's
    await desk.services.chores.upkeep(await ask(desk, manager) + 1)
    left = await everything(desk.pool)
    assert COMPANY["legal_name"] in left and contact["contact_name"] not in left
    assert "c@example.kz" not in left


async def test_the_people_to_ask_for_at_own_loads_are_forgotten(desk: Desk) -> None:
    shipper = desk.shippers[1]
    order = await desk.assign(desk.driver)
    stop = {"kind": "pickup", "contact_name": 'Ася "Кладовщик" \\', "contact_phone": "+77770001122"}
    content = {"stops": [stop], "load": {"contact_name": "Ася"}}
    await desk.pool.execute("UPDATE orders SET stops = $2 WHERE id = $1", order, [stop, stop])
    await desk.pool.execute("UPDATE orders SET draft = $2 WHERE id = $1", order, content)
    await desk.pool.execute(
        "INSERT INTO order_versions (order_id, version, content) VALUES ($1, 1, $2)", order, content
    )
    await desk.finish(order)
    await desk.services.chores.upkeep(await ask(desk, shipper) + 1)
    left = await everything(desk.pool)
    assert "Ася" not in left and "+77770001122" not in left
    stops = await desk.pool.fetchval("SELECT stops FROM orders WHERE id = $1", order)
    assert stops == [{"kind": "pickup", "contact_name": "", "contact_phone": ""}] * 2


async def test_an_erasure_that_is_cut_off_is_done_by_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(desk, desk.driver)
    due_at = await ask(desk, desk.driver)
    before = await everything(desk.pool, but=("positions",))
    erasures = desk.services.erasures

    def dies(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("storage.erasure._append", dies)
    with pytest.raises(OSError, match="full"):
        await desk.services.chores.upkeep(due_at + 1)
    assert await everything(desk.pool, but=("positions",)) == before
    assert len(desk.on_disk()) == 3
    monkeypatch.undo()
    # Two workers at once: one does it.
    done = await asyncio.gather(*(erasures.erase(desk.driver.id, due_at + 1) for _ in range(3)))
    assert sum(1 for each in done if each is not None) == 1


async def test_what_a_restored_backup_brings_back_is_erased_again(desk: Desk) -> None:
    driver, other = desk.drivers[:2]
    await live(desk, driver)
    users = await desk.pool.fetch("SELECT * FROM users WHERE id = $1", driver.id)
    due_at = await ask(desk, driver)
    await desk.services.chores.upkeep(due_at + 1)
    ledger = desk.files / "erasures.jsonl"
    (line,) = [json.loads(text) for text in ledger.read_text().splitlines()]
    assert line["user"] == driver.id and set(line) == {"user", "account_created_at", "erased_at"}
    again = ErasureStore(desk.pool, ledger)
    assert await again.replay() == []  # nothing has come back
    # The backup is older than the erasure, even than its request.
    await desk.pool.execute(
        "UPDATE users SET phone = $2, name = $3, blocked = false, erased_at = NULL WHERE id = $1",
        driver.id,
        users[0]["phone"],
        users[0]["name"],
    )
    await desk.pool.execute("DELETE FROM erasures")
    # And an id that the backup does not know has meanwhile been given to somebody else.
    with ledger.open("a") as file:
        file.write(json.dumps({"user": other.id, "account_created_at": 1.0, "erased_at": 2.0}) + "\n")
        file.write(json.dumps({"user": 10**9, "account_created_at": 1.0, "erased_at": 2.0}) + "\n")
    assert await reapply_erasures(desk.services.config) == [driver.id]
    assert driver.phone not in await everything(desk.pool)
    assert (await other.get("/me")).body["phone"] == other.phone
    assert await again.replay() == []


async def test_what_google_and_apple_hold_is_given_back(desk: Desk) -> None:
    await desk.pool.execute(
        "INSERT INTO identities (provider, subject, user_id, email, name, refresh_sealed, refresh_client,"
        " linked_at)"
        " VALUES ('apple', 'sub-1', $1, 'relay@example.kz', 'Ержан', 'sealed', 'kz.desk', now())",
        desk.driver.id,
    )
    await desk.services.chores.upkeep(await ask(desk, desk.driver) + 1)
    assert await desk.rows("identities") == []
    given_back = await desk.pool.fetchrow("SELECT provider, client, token_sealed FROM token_revocations")
    assert tuple(given_back) == ("apple", "kz.desk", b"sealed")


async def test_staff_is_not_erased_from_here(desk: Desk) -> None:
    assert (await desk.superadmin.post("/me/deletion")).code == "forbidden"


def columns_of_people() -> set[str]:
    """Every column that points at a user, or is called as if it did."""
    found = set()
    for table in metadata.tables.values():
        for column in table.columns:
            points = any(key.column.table.name == "users" for key in column.foreign_keys)
            called = column.name in (
                "user_id",
                "driver_id",
                "owner_id",
                "actor_id",
                "acted_by",
                "phone",
                "contact_phone",
            )
            if (points or called) and table.name != "users":
                found.add(f"{table.name}.{column.name}")
    return found


def test_every_column_that_names_a_user_has_its_end() -> None:
    """A new table that names users: say in storage.erasure_rules what becomes of its rows when the user goes."""
    assert columns_of_people() - set(ERASE) - KEPT == set()
    assert not set(ERASE) & KEPT
    there = {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns}
    assert {*ERASE, *KEPT, *NOT_EXPORTED} <= there


def test_every_table_that_names_a_user_is_exported_or_says_why_not() -> None:
    """The same for storage.export_rows: what is stored of a user, the user may have."""
    text = " ".join([*WHOLE.values(), *PAGED.values(), *(query for _, query in RANGED.values())])
    unknown = {
        column
        for column in columns_of_people() - set(NOT_EXPORTED)
        if f" {column.partition('.')[0]} " not in text.replace("\n", " ") + " "
    }
    assert unknown == {"positions.driver_id"}  # as CSV


async def test_every_statement_of_an_erasure_prepares(pool: Pool) -> None:
    async with pool.acquire() as connection:
        for text in ERASE.values():
            await connection.prepare(text)
