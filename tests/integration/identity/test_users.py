"""Superadmins and accounts: finding, appointing, blocking; each change is written down and ends sign-ins."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from dispatch.rights import Grade
from server.provision import Wanted, accounts

from .desk import Desk

Account = dict[str, Any]
WHY = {"reason": "asked for by the owner"}


@pytest.fixture
async def people(desk: Desk) -> dict[str, list[Account]]:
    staff = (Grade.SUPPORT, Grade.MODERATOR, Grade.FINANCE)
    wanted = Wanted(drivers=3, shippers=2, admins=2, logisticians=1, staff=staff)
    return await accounts(desk.services.pool, desk.services.tokens, wanted, time.time())


async def found(desk: Desk, who: Account, query: str) -> list[int]:
    content = await desk.ok("GET", f"/admin/users?{query}", who["access"])
    return [user["user"] for user in content["users"]]


async def test_an_account_is_found_by_name_by_number_and_by_id(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    top, driver, shipper = people["admins"][0], people["drivers"][1], people["shippers"][0]
    await desk.services.pool.execute(
        "UPDATE users SET name = 'Айдос Беков_100%' WHERE id = $1", driver["user"]
    )
    for query in (
        "q=айдос",
        "q=БЕКОВ",
        "q=ков_100%25",
        f"q={driver['phone'][1:]}",
        f"q=8{driver['phone'][2:]}",
        f"q={driver['phone'][-6:]}&role=driver",
        f"q={driver['user']}",
    ):
        assert driver["user"] in await found(desk, top, query), query
    assert await found(desk, top, "q=%25") == [driver["user"]]  # a character, no wildcard
    assert await found(desk, top, "q=Беков&role=shipper") == []
    assert await found(desk, top, "role=shipper") == [people["shippers"][1]["user"], shipper["user"]]
    one = await desk.ok("GET", f"/admin/users/{driver['user']}", top["access"])
    assert (one["phone"], one["role"], one["blocked"]) == (driver["phone"], "driver", False)
    assert await desk.refused("GET", "/admin/users/999999", top["access"]) == "not_found"


async def test_pages_go_on_below_the_last_account(desk: Desk, people: dict[str, list[Account]]) -> None:
    top, seen, before = people["admins"][0], [], ""
    while True:
        page = await desk.ok("GET", f"/admin/users?limit=4{before}", top["access"])
        seen += [user["user"] for user in page["users"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == len(seen) == 11


async def test_who_may_not_see_numbers_sees_them_masked_and_finds_nobody_by_a_part_of_one(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    finance, driver = people["admins"][4], people["drivers"][0]
    assert finance["grade"] == "finance"
    one = await desk.ok("GET", f"/admin/users/{driver['user']}", finance["access"])
    assert one["phone"] == f"{driver['phone'][:5]}***{driver['phone'][-4:]}"
    assert await found(desk, finance, f"q={driver['phone'][-7:]}") == []
    assert await found(desk, finance, f"q={driver['phone'][1:]}") == [driver["user"]]  # who calls has told it


async def test_grades_see_and_change_what_the_table_of_rights_says(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    driver = people["drivers"][0]["user"]
    for admin in people["admins"]:
        may_find = admin["grade"] in ("superadmin", "support", "finance")
        answer = await desk.call("GET", "/admin/users", admin["access"])
        assert answer.status == (200 if may_find else 403)
        if admin["grade"] == "superadmin":
            continue
        for method, path, body in (
            ("PUT", f"/admin/users/{driver}/role", {"role": "shipper", **WHY}),
            ("POST", f"/admin/users/{driver}/block", WHY),
            ("POST", f"/admin/users/{driver}/unblock", WHY),
            ("POST", f"/admin/users/{driver}/second-factor/reset", WHY),
            ("GET", "/admin/actions", None),
        ):
            assert await desk.refused(method, path, admin["access"], json=body) == "forbidden"


async def test_an_appointment_ends_the_sign_ins_and_is_written_down(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    top, shipper = people["admins"][0], people["shippers"][0]
    path = f"/admin/users/{shipper['user']}/role"
    form = {"role": "admin", "grade": "moderator", "reason": "joins the team"}
    changed = await desk.ok("PUT", path, top["access"], json=form)
    assert (changed["role"], changed["grade"]) == ("admin", "moderator")
    assert await desk.refused("GET", "/me", shipper["access"]) == "session_revoked"
    gone = await desk.refused("POST", "/auth/refresh", json={"refresh": shipper["refresh"]})
    assert gone == "session_revoked"
    await desk.ok("PUT", path, top["access"], json=form)  # the same again changes nothing and writes nothing
    back = await desk.ok("PUT", path, top["access"], json={"role": "shipper", "reason": "leaves the team"})
    assert (back["role"], back["grade"]) == ("shipper", None)
    listed = await desk.ok("GET", f"/admin/actions?user={shipper['user']}", top["access"])
    lines = [(line["what"], line["before"], line["after"], line["reason"]) for line in listed["actions"]]
    assert lines == [
        ("role.set", "admin, moderator", "shipper", "leaves the team"),
        ("role.set", "shipper", "admin, moderator", "joins the team"),
    ]
    assert {line["staff"] for line in listed["actions"]} == {top["user"]}


@pytest.mark.parametrize(
    "form",
    [
        {"role": "admin", **WHY},
        {"role": "driver", "grade": "support", **WHY},
        {"role": "king", **WHY},
        {"role": "driver"},
        {"role": "driver", "reason": ""},
    ],
)
async def test_a_grade_belongs_to_staff_alone_and_a_reason_to_every_change(
    desk: Desk, people: dict[str, list[Account]], form: dict[str, str]
) -> None:
    path = f"/admin/users/{people['drivers'][0]['user']}/role"
    assert await desk.refused("PUT", path, people["admins"][0]["access"], json=form) == "bad_request"


async def test_nobody_changes_what_is_under_way(desk: Desk, people: dict[str, list[Account]]) -> None:
    top, shipper = people["admins"][0], people["shippers"][0]
    path = f"/admin/users/{shipper['user']}/role"
    from tests.integration.orders.market import Market, new_order

    order = await Market(desk.services.pool).orders.add(new_order(shipper["user"]))
    moved = {"role": "driver", **WHY}
    assert await desk.refused("PUT", path, top["access"], json=moved) == "user_busy"
    await desk.services.pool.execute("UPDATE orders SET ended_at = now() WHERE id = $1", order.id)
    assert (await desk.ok("PUT", path, top["access"], json=moved))["role"] == "driver"


async def test_nobody_appoints_dismisses_or_blocks_himself(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    top = people["admins"][0]
    role = {"role": "admin", "grade": "support", **WHY}
    me = f"/admin/users/{top['user']}"
    assert await desk.refused("PUT", f"{me}/role", top["access"], json=role) == "forbidden"
    assert await desk.refused("POST", f"{me}/block", top["access"], json=WHY) == "forbidden"
    assert await desk.refused("POST", f"{me}/second-factor/reset", top["access"], json=WHY) == "forbidden"


async def test_two_superadmins_who_dismiss_each_other_at_once_leave_one(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    one, two = people["admins"][:2]
    form = {"role": "admin", "grade": "support", **WHY}
    answers = await asyncio.gather(
        desk.call("PUT", f"/admin/users/{two['user']}/role", one["access"], json=form),
        desk.call("PUT", f"/admin/users/{one['user']}/role", two["access"], json=form),
    )
    assert sorted(answer.status for answer in answers)[0] == 200
    assert sorted(answer.status for answer in answers)[1] in (401, 403)
    left = await desk.services.pool.fetchval("SELECT count(*) FROM users WHERE grade = 'superadmin'")
    assert left == 1


async def test_a_blocked_account_is_out_until_it_is_let_in_again(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    top, driver = people["admins"][0], people["drivers"][0]
    path = f"/admin/users/{driver['user']}"
    for _ in range(2):  # twice is once
        assert (await desk.ok("POST", f"{path}/block", top["access"], json=WHY))["blocked"] is True
    assert await desk.refused("GET", "/me", driver["access"]) == "session_revoked"
    refresh = {"refresh": driver["refresh"]}
    assert await desk.refused("POST", "/auth/refresh", json=refresh) == "account_blocked"
    asked = await desk.ask(driver["phone"])  # the answer to a stranger does not tell it
    assert await desk.refused("POST", "/auth/verify", json=asked) == "account_blocked"
    assert await desk.services.identity.device(driver["device"], driver["device_secret"]) is None
    assert (await desk.ok("POST", f"{path}/unblock", top["access"], json=WHY))["blocked"] is False
    await desk.services.pool.execute("UPDATE otp_requests SET created_at = created_at - interval '61 s'")
    assert (await desk.sign_in(driver["phone"]))["user"] == driver["user"]
    listed = await desk.ok("GET", f"/admin/actions?user={driver['user']}", top["access"])
    assert [line["what"] for line in listed["actions"]] == ["user.unblock", "user.block"]


async def test_a_block_and_a_sign_in_at_the_same_moment_leave_no_session(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    top, driver = people["admins"][0], people["drivers"][0]
    codes = [
        await desk.services.identity.otp.issue(driver["phone"], "driver", time.time(), 60) for _ in range(8)
    ]
    entering = [
        desk.call("POST", "/auth/verify", json={"request": code.request, "code": code.code}) for code in codes
    ]
    block = desk.call("POST", f"/admin/users/{driver['user']}/block", top["access"], json=WHY)
    await asyncio.gather(*entering[:4], block, *entering[4:])
    alive = "SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL"
    assert await desk.services.pool.fetchval(alive, driver["user"]) == 0


async def test_what_staff_did_can_be_neither_changed_nor_deleted(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    top, driver = people["admins"][0], people["drivers"][0]
    await desk.ok("POST", f"/admin/users/{driver['user']}/block", top["access"], json=WHY)
    for statement in ("UPDATE staff_actions SET reason = ''", "DELETE FROM staff_actions"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await desk.services.pool.execute(statement)


async def test_dangerous_steps_want_a_fresh_second_factor(
    desk: Desk, people: dict[str, list[Account]]
) -> None:
    top, driver = people["admins"][0], people["drivers"][0]
    session = desk.services.tokens.verify(top["access"]).session
    stale, _ = desk.services.tokens.mint(
        top["user"], "admin", session, time.time(), grade="superadmin", factor_at=time.time() - 301
    )
    bare, _ = desk.services.tokens.mint(top["user"], "admin", session, time.time(), grade="superadmin")
    for token in (stale, bare):
        for method, path, body in (
            ("POST", "/block", WHY),
            ("POST", "/unblock", WHY),
            ("POST", "/second-factor/reset", WHY),
            ("PUT", "/role", {"role": "shipper", **WHY}),
        ):
            refused = await desk.refused(method, f"/admin/users/{driver['user']}{path}", token, json=body)
            assert refused == "step_up_required"
        await desk.ok("GET", "/admin/users", token)
