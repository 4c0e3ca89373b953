"""Where one is signed in, ending that here and elsewhere, and moving to another phone number."""

import time

from .desk import WEB, Desk

PHONE, NEW = "+77011234567", "+77017654321"
CHROME = (
    "Mozilla/5.0 (Linux; Android 15; SM-A556E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile"
    " Safari/537.36"
)


async def test_each_sign_in_is_listed_with_its_program_and_a_coarse_address(desk: Desk) -> None:
    await desk.sign_in(PHONE)
    asked = await desk.ask(PHONE)
    seen = {"User-Agent": CHROME, "X-Forwarded-For": "203.0.113.77"}
    now = time.time()
    mine = await (await desk.call("POST", "/auth/verify", json=asked, headers=seen)).json()
    listed = (await desk.ok("GET", "/me/sessions", mine["access"]))["sessions"]
    assert [one["current"] for one in listed] == [True, False]
    current = listed[0]
    assert (current["program"], current["network"]) == ("Chrome, Android", "203.0.113.0/24")
    assert current["method"] == "otp" and abs(current["created_at"] - now) < 60
    assert "203.0.113.77" not in str(listed)


async def test_a_refresh_moves_the_time_of_last_use(desk: Desk) -> None:
    first = await desk.sign_in(PHONE)
    await desk.services.pool.execute("UPDATE sessions SET created_at = created_at - interval '1 day'")
    again = await desk.ok("POST", "/auth/refresh", json={"refresh": first["refresh"]})
    (one,) = (await desk.ok("GET", "/me/sessions", again["access"]))["sessions"]
    assert one["used_at"] - one["created_at"] > 86_000


async def test_one_sign_in_ends_and_the_others_go_on(desk: Desk) -> None:
    lost, kept = await desk.sign_in(PHONE), await desk.sign_in(PHONE)
    listed = (await desk.ok("GET", "/me/sessions", kept["access"]))["sessions"]
    (session,) = (one["session"] for one in listed if not one["current"])
    await desk.ok("DELETE", f"/me/sessions/{session}", kept["access"], status=204)
    assert await desk.refused("GET", "/me", lost["access"]) == "session_revoked"
    gone = await desk.refused("POST", "/auth/refresh", json={"refresh": lost["refresh"]})
    assert gone == "session_revoked"
    await desk.ok("GET", "/me", kept["access"])
    assert await desk.refused("DELETE", f"/me/sessions/{session}", kept["access"]) == "not_found"


async def test_nobody_ends_a_stranger_s_sign_in(desk: Desk) -> None:
    mine, other = await desk.sign_in(PHONE), await desk.sign_in(NEW)
    session = desk.services.tokens.verify(other["access"]).session
    for name in (session, session.upper(), "x", "00000000-0000-4000-8000-000000000000"):
        assert await desk.refused("DELETE", f"/me/sessions/{name}", mine["access"]) == "not_found"
    await desk.ok("GET", "/me", other["access"])


async def test_signing_out_elsewhere_keeps_this_one_and_everywhere_does_not(desk: Desk) -> None:
    old = [await desk.sign_in(PHONE) for _ in range(3)]
    stranger = await desk.sign_in(NEW)
    mine = old.pop()
    assert await desk.ok("POST", "/me/sessions/end", mine["access"], json={}) == {"ended": 2}
    for one in old:
        assert await desk.refused("GET", "/me", one["access"]) == "session_revoked"
    await desk.ok("GET", "/me", mine["access"])
    assert await desk.ok("POST", "/me/sessions/end", mine["access"], json={"scope": "all"}) == {"ended": 1}
    assert await desk.refused("GET", "/me", mine["access"]) == "session_revoked"
    await desk.ok("GET", "/me", stranger["access"])


async def test_a_browser_that_ends_its_own_sign_in_forgets_its_cookie(desk: Desk) -> None:
    asked = await desk.ask(PHONE)
    mine = await desk.ok("POST", "/auth/verify", json=asked, headers=WEB)
    session = desk.services.tokens.verify(mine["access"]).session
    out = await desk.call("DELETE", f"/me/sessions/{session}", mine["access"], headers=WEB)
    assert out.status == 204 and 'desk_refresh=""' in out.headers["Set-Cookie"]


# -- the phone number ---------------------------------------------------------------------------------------


async def test_the_account_moves_to_a_number_that_gave_its_code_and_signs_out_elsewhere(desk: Desk) -> None:
    elsewhere, mine = await desk.sign_in(PHONE), await desk.sign_in(PHONE)
    asked = await desk.ok(
        "POST", "/me/phone/code", mine["access"], status=201, json={"phone": "8 701 765 43 21"}
    )
    assert desk.phones.received[-1][0] == NEW
    form = {"request": asked["request"], "code": desk.phones.code}
    changed = await desk.ok("POST", "/me/phone", mine["access"], json=form)
    assert changed == {"phone": NEW, "ended": 1}
    assert (await desk.ok("GET", "/me", mine["access"]))["phone"] == NEW
    assert await desk.refused("GET", "/me", elsewhere["access"]) == "session_revoked"
    assert await desk.refused("POST", "/me/phone", mine["access"], json=form) == "code_wrong"
    await desk.services.pool.execute("UPDATE otp_requests SET created_at = created_at - interval '61 s'")
    assert (await desk.sign_in(NEW))["user"] == mine["user"]


async def test_an_old_sign_in_must_be_renewed_before_the_number_changes(desk: Desk) -> None:
    mine = await desk.sign_in(PHONE)
    await desk.services.pool.execute("UPDATE sessions SET created_at = created_at - interval '11 min'")
    for path, form in (
        ("/me/phone/code", {"phone": NEW}),
        ("/me/phone", {"request": "00000000-0000-4000-8000-000000000000", "code": "123456"}),
    ):
        assert await desk.refused("POST", path, mine["access"], json=form) == "sign_in_again"
    assert len(desk.phones.received) == 1


async def test_a_number_with_an_account_is_refused_only_to_who_holds_that_number(desk: Desk) -> None:
    mine, _ = await desk.sign_in(PHONE), await desk.sign_in(NEW)
    asked = await desk.ok("POST", "/me/phone/code", mine["access"], status=201, json={"phone": NEW})
    form = {"request": asked["request"], "code": desk.phones.code}
    assert await desk.refused("POST", "/me/phone", mine["access"], json=form) == "phone_taken"
    assert (await desk.ok("GET", "/me", mine["access"]))["phone"] == PHONE


async def test_a_code_opens_only_what_it_was_asked_for(desk: Desk) -> None:
    mine, other = await desk.sign_in(PHONE), await desk.sign_in("+77023334455")
    asked = await desk.ok("POST", "/me/phone/code", mine["access"], status=201, json={"phone": NEW})
    form = {"request": asked["request"], "code": desk.phones.code}
    assert await desk.refused("POST", "/auth/verify", json=form) == "code_wrong"
    assert await desk.refused("POST", "/me/phone", other["access"], json=form) == "code_wrong"
    await desk.services.pool.execute("UPDATE otp_requests SET created_at = created_at - interval '61 s'")
    sign_in = await desk.ask(NEW)
    assert await desk.refused("POST", "/me/phone", mine["access"], json=sign_in) == "code_wrong"
    assert await desk.ok("POST", "/me/phone", mine["access"], json=form)


async def test_a_key_on_a_request_that_sends_an_sms_holds_no_lock_while_it_is_sent(desk: Desk) -> None:
    # Under an Idempotency-Key other requests are one transaction; this one would hold the day's budget in it.
    mine = await desk.sign_in(PHONE)
    seen: list[int] = []
    send = desk.phones.send

    async def watching(phone: str, code: str, lang: str) -> None:
        locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        ours = " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        seen.append(await desk.services.pool.fetchval(locks + ours))
        await send(phone, code, lang)

    desk.phones.send = watching  # type: ignore[method-assign]  # the provider, watched
    key = {"Idempotency-Key": "one"}
    await desk.ok("POST", "/me/phone/code", mine["access"], status=201, json={"phone": NEW}, headers=key)
    assert seen == [0]
