"""What users say of themselves."""

import pytest

from tests.integration.accounts.conftest import Desk


async def test_settings_are_read_and_changed(desk: Desk) -> None:
    first = await desk.driver.get("/me/settings")
    assert first.body == {
        "name": "driver 1",
        "email": None,
        "locale": "ru",
        "time_zone": "Asia/Almaty",
        "version": 1,
    }
    changes = {"name": "Ержан", "locale": "kk", "time_zone": "Asia/Aqtobe"}
    changed = await desk.driver.patch("/me/settings", changes, first.version)
    assert changed.body == {**changes, "email": None, "version": 2} and changed.headers["ETag"] == '"2"'
    assert (await desk.driver.patch("/me/settings", {"name": "x"}, first.version)).code == "version_stale"
    assert (await desk.driver.patch("/me/settings", {"name": "x"})).code == "precondition_required"
    me = (await desk.driver.get("/me")).body
    assert (me["name"], me["locale"]) == ("Ержан", "kk")
    same = await desk.driver.get("/me/settings", **{"If-None-Match": changed.headers["ETag"]})
    assert same.status == 304


@pytest.mark.parametrize(
    "wrong",
    [
        {"locale": "de"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "/etc/passwd"},
        {"time_zone": "Asia/Almaty\n"},
        {"email": "e@example.kz"},  # proven, not said: /me/email
        {"name": "x" * 121},
        {"name": "a\x00b"},
        {"name": 5},
    ],
)
async def test_what_cannot_be_is_refused(desk: Desk, wrong: dict[str, object]) -> None:
    first = await desk.driver.get("/me/settings")
    assert (await desk.driver.patch("/me/settings", wrong, first.version)).code == "bad_request"
    assert (await desk.driver.get("/me/settings")).body == first.body


async def test_every_column_that_is_not_on_the_form_is_refused(desk: Desk) -> None:
    from server.protocol.rest.account import SettingsPatch

    first = await desk.driver.get("/me/settings")
    before = await desk.rows("users")
    columns = await desk.pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'users'"
    )
    foreign = [row[0] for row in columns if row[0] not in SettingsPatch.__struct_fields__]
    assert {"role", "grade", "blocked", "phone", "erased_at", "version"} <= set(foreign)
    for column in [*foreign, "balance", "paid_until", "password", "verified", "company"]:
        assert (
            await desk.driver.patch("/me/settings", {column: "admin"}, first.version)
        ).code == "bad_request"
    assert await desk.rows("users") == before


async def test_markup_comes_back_as_the_text_that_it_is(desk: Desk) -> None:
    first = await desk.driver.get("/me/settings")
    for text in ("<script>alert(1)</script>", "'; DROP TABLE users; --", "{{7*7}}", "\u202e\u0000"[:1]):
        changed = await desk.driver.patch("/me/settings", {"name": text}, first.version)
        assert changed.body["name"] == text
        first = changed
