"""Why signing in breaks on iPhones, point by point of the checklist, and that it does not here."""

import asyncio
import hashlib
import logging
import time
from pathlib import Path

import pytest

from server.config import ConfigError, load
from server.oidc.idtoken import LEEWAY_S
from tests.contract.oidc.issuer import Issuer
from tests.served import ROOT
from tests.unit.server.test_config import GOOD
from tests.unit.server.test_signing_in import GOOGLE

from .desk import WEB as OUR_PAGE
from .oidc import BUNDLE_ID, PHONE, PUBLIC, SERVICES_ID, Browser, content, told, user_field


async def test_1_apple_s_form_comes_from_another_site_without_any_cookie_of_ours(
    browser: Browser, apple: Issuer
) -> None:
    address = await browser.start("apple")
    assert "response_mode=form_post" in address and "response_type=code+id_token" in address
    browser.desk.client.session.cookie_jar.clear()
    answer = await browser.back("apple", apple.visit(address))
    assert "Set-Cookie" not in answer.headers
    assert (await browser.finish(told(answer)["flow"])).status == 202


async def test_1_the_callback_looks_at_no_cookie_even_if_one_comes(browser: Browser, apple: Issuer) -> None:
    joined = await browser.joined("apple")
    given = apple.visit(await browser.start("apple"), "somebody-new")
    headers = {"Cookie": f"desk_refresh={joined['refresh']}", "Origin": apple.url, **OUR_PAGE}
    answer = await browser.desk.call(
        "POST", "/auth/apple/callback", data=given, headers=headers, allow_redirects=False
    )
    assert "Set-Cookie" not in answer.headers
    assert (await browser.finish(told(answer)["flow"])).status == 202


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"state=x&code=y", "text/plain"),
        (b"--x", "multipart/form-data; boundary=x"),
        (b"\xff\xfe&&&=", "application/x-www-form-urlencoded"),
        (b"a=1&" * 1000, "application/x-www-form-urlencoded"),
        (b"state=%00&code=%00", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ],
)
async def test_1_what_is_not_apple_s_form_leads_back_to_our_page(
    browser: Browser, body: bytes, kind: str
) -> None:
    answer = await browser.desk.call(
        "POST", "/auth/apple/callback", data=body, headers={"Content-Type": kind}, allow_redirects=False
    )
    assert told(answer)["problem"] in ("provider_refused", "challenge_over")


async def test_2_the_name_comes_once_and_is_stored_before_anything_can_fail(
    browser: Browser, apple: Issuer
) -> None:
    apple.faults = [503]
    given = apple.visit(await browser.start("apple"))
    first = {**given, "user": user_field("Айдос", "Беков")}
    assert told(await browser.back("apple", first)) == {"problem": "provider_unavailable"}
    # The next time Apple does not tell it any more.
    waiting = await content(await browser.travel("apple"), 202)
    assert waiting["name"] == "Айдос Беков" and waiting["email"] == "person-1@example.org"
    joined = await browser.desk.sign_in(PHONE, identity=waiting["identity"])
    assert (await browser.desk.ok("GET", "/me", joined["access"]))["name"] == "Айдос Беков"


async def test_2_a_name_that_makes_no_sense_keeps_nobody_out(browser: Browser, apple: Issuer) -> None:
    for number, field in enumerate(("", "{", "[]", '{"name": 7}', '{"name": {"firstName": null}}', "\x00")):
        given = apple.visit(await browser.start("apple"), f"person-{number}") | {"user": field}
        flow = told(await browser.back("apple", given))["flow"]
        assert (await content(await browser.finish(flow), 202))["name"] == ""


async def test_3_tokens_are_for_the_bundle_id_or_the_services_id_and_for_nobody_else(
    browser: Browser, apple: Issuer
) -> None:
    for audience, status in ((BUNDLE_ID, 202), (SERVICES_ID, 202), ("kz.somebody.else", 401)):
        started = await browser.desk.ok("POST", "/auth/apple/start", status=201, json={})
        nonce = hashlib.sha256(started["nonce"].encode()).hexdigest()
        token = apple.sign(apple.claims(audience, nonce=nonce))
        form = {"id_token": token, "nonce": started["nonce"]}
        assert (await browser.desk.call("POST", "/auth/apple/native", json=form)).status == status


async def test_4_an_app_s_origin_needs_no_cookie_its_refresh_token_is_in_the_body(browser: Browser) -> None:
    for origin in ("capacitor://localhost", "https://localhost"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        allowed = await browser.desk.call("OPTIONS", "/auth/google/native", headers=asked)
        assert allowed.status == 204 and allowed.headers["Access-Control-Allow-Origin"] == origin
        started = await browser.desk.ok(
            "POST", "/auth/google/start", status=201, json={}, headers={"Origin": origin}
        )
        google = browser.issuers["google"]
        form = {
            "id_token": google.sign(google.claims("ios.apps", nonce=started["nonce"])),
            "nonce": started["nonce"],
        }
        answer = await browser.desk.call("POST", "/auth/google/native", json=form, headers={"Origin": origin})
        if answer.status == 202:
            waiting = await answer.json()
            await browser.desk.sign_in(PHONE, identity=waiting["identity"])
        else:
            assert (await answer.json())["refresh"] and "Set-Cookie" not in answer.headers


def test_5_google_is_never_opened_in_a_web_view() -> None:
    guide = (ROOT / "docs" / "operations" / "sign-in.md").read_text()
    assert "disallowed_useragent" in guide and "/auth/google/native" in guide


async def test_6_the_trip_is_a_full_page_redirect_and_needs_no_opener(
    browser: Browser, apple: Issuer
) -> None:
    answer = await browser.back("apple", apple.visit(await browser.start("apple")))
    assert answer.status == 303 and answer.headers["Location"].startswith(f"{PUBLIC}/#/enter?flow=")
    assert await answer.read() == b""  # no script, no window.opener, no message to another window


@pytest.mark.parametrize("off", [-LEEWAY_S + 5, LEEWAY_S - 5])
async def test_7_a_clock_that_is_off_by_less_than_two_minutes_signs_in(
    browser: Browser, apple: Issuer, off: float
) -> None:
    now = int(time.time() + off)
    answer = await browser.travel("apple", iat=now, exp=now + (1 if off < 0 else 600))
    assert answer.status == 202


async def test_8_apple_is_offered_whenever_google_is(browser: Browser) -> None:
    methods = await browser.desk.ok("GET", "/auth/methods")
    assert methods["google"] and methods["apple"] == [SERVICES_ID, BUNDLE_ID]
    with pytest.raises(ConfigError, match="App Store"):
        load({**GOOD, **GOOGLE})


async def test_9_a_callback_that_comes_twice_opens_one_session(
    browser: Browser, apple: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "desk.oidc")
    await browser.joined("apple")
    given = apple.visit(await browser.start("apple"))
    apple.faults, before = ["slow"], len(apple.asked)
    copies = await asyncio.gather(*(browser.back("apple", given) for _ in range(3)))
    later = await browser.back("apple", given)
    flows = {told(answer)["flow"] for answer in (*copies, later)}
    assert flows == {given["state"]} and len(apple.asked) == before + 1  # the code was used once
    answers = await asyncio.gather(*(browser.finish(given["state"]) for _ in range(3)))
    entered = [await content(answer) for answer in answers]
    assert len({one["refresh"] for one in entered}) == 1
    sessions = {browser.desk.services.tokens.verify(one["access"]).session for one in entered}
    assert len(sessions) == 1
    # Another code with the same state is somebody else's.
    other = {**given, "code": "another"}
    assert told(await browser.back("apple", other)) == {"problem": "challenge_over"}
    # And after seconds the page gets nothing any more.
    await browser.desk.services.pool.execute("UPDATE oidc_flows SET answered_at = now() - interval '31 s'")
    assert (await browser.finish(given["state"])).status == 401


async def test_9_a_page_that_asks_twice_gets_its_cookie_twice(browser: Browser) -> None:
    await browser.joined("google")
    given = browser.issuers["google"].visit(await browser.start("google"))
    flow = told(await browser.back("google", given))["flow"]
    form = {"flow": flow, "verifier": browser.verifier}
    cookies = []
    for _ in range(2):
        answer = await browser.desk.call("POST", "/auth/finish", json=form, headers=OUR_PAGE)
        assert (await content(answer))["refresh"] is None
        cookies.append(answer.cookies["desk_refresh"].value)
    assert cookies[0] == cookies[1]


def test_the_guide_goes_through_all_nine() -> None:
    guide = Path(ROOT / "docs" / "operations" / "sign-in.md").read_text()
    assert all(f"\n{number}. " in guide for number in range(1, 10))
