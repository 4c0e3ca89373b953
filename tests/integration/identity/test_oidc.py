"""Google and Apple over HTTP against local issuers: trips there and back, faults on the way, links, leaving."""

import asyncio
import hashlib
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from server.oidc import revoker
from storage.oidc import release
from storage.postgres import transaction
from tests.contract.oidc.issuer import OTHER_RSA, Issuer, public_jwk

from .desk import Desk
from .oidc import ANDROID, BUNDLE_ID, PHONE, SERVICES_ID, WEB, Browser, content, problem, told

PROVIDERS = ("google", "apple")


# -- somebody new, and somebody known -----------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_somebody_new_confirms_a_phone_and_is_known_from_then_on(
    browser: Browser, provider: str
) -> None:
    waiting = await content(await browser.travel(provider), 202)
    assert waiting["provider"] == provider and waiting["email"] == "person-1@example.org"
    desk = browser.desk
    assert await desk.refused("GET", "/me", waiting["identity"]) == "unauthenticated"
    assert await desk.services.pool.fetchval("SELECT count(*) FROM users") == 0  # nobody acts without a phone
    joined = await desk.sign_in(PHONE, "shipper", identity=waiting["identity"])
    assert joined["linked"] is True and joined["role"] == "shipper"
    again = await content(await browser.travel(provider))
    assert again["user"] == joined["user"] and again["linked"] is None
    (session, _) = (await desk.ok("GET", "/me/sessions", again["access"]))["sessions"]
    assert session["method"] == provider


async def test_the_same_address_at_google_and_apple_is_two_people_until_the_owner_links_them(
    browser: Browser,
) -> None:
    joined = await browser.joined("google")
    other = await content(await browser.travel("apple", "person-1"), 202)
    assert other["email"] == "person-1@example.org"  # the same, and no reason to let anybody in
    linked = await browser.desk.ok(
        "POST", "/me/identities", joined["access"], json={"identity": other["identity"]}
    )
    assert [one["provider"] for one in linked["identities"]] == ["google", "apple"]
    assert (await content(await browser.travel("apple", "person-1")))["user"] == joined["user"]


async def test_a_phone_that_has_an_account_is_signed_in_and_gets_no_stranger_s_identity(
    browser: Browser,
) -> None:
    # A page that somebody else prepared may ask for the code: the account's owner decides afterwards.
    owner = await browser.desk.sign_in(PHONE)
    waiting = await content(await browser.travel("google", "attacker"), 202)
    entered = await browser.desk.sign_in(PHONE, identity=waiting["identity"])
    assert entered["user"] == owner["user"] and entered["linked"] is False
    assert (await browser.desk.ok("GET", "/me/identities", entered["access"])) == {"identities": []}
    assert (await browser.travel("google", "attacker")).status == 202
    # It can be linked by a step of the owner's own, with the same token.
    form = {"identity": waiting["identity"]}
    assert (await browser.desk.ok("POST", "/me/identities", entered["access"], json=form))["identities"]
    assert (
        await browser.desk.refused("POST", "/me/identities", entered["access"], json=form) == "challenge_over"
    )


async def test_an_invented_or_old_waiting_identity_spends_no_code(browser: Browser) -> None:
    desk = browser.desk
    asked = await desk.ask(PHONE)
    refused = await desk.refused("POST", "/auth/verify", json={**asked, "identity": "x" * 43})
    assert refused == "challenge_over"
    waiting = await content(await browser.travel("google"), 202)
    await desk.services.pool.execute("UPDATE pending_sign_ins SET expires_at = now() - interval '1 s'")
    refused = await desk.refused("POST", "/auth/verify", json={**asked, "identity": waiting["identity"]})
    assert refused == "challenge_over"
    assert (await desk.ok("POST", "/auth/verify", json=asked))["linked"] is None


async def test_staff_show_their_second_factor_after_google_as_well(browser: Browser) -> None:
    joined = await browser.joined("google")
    await browser.desk.services.pool.execute("UPDATE users SET role = 'admin', grade = 'support'")
    asked = await content(await browser.travel("google"), 202)
    assert asked["enrol"] is True and "access" not in asked
    assert await browser.desk.refused("POST", "/auth/refresh", json={"refresh": joined["refresh"]})


async def test_a_blocked_account_stays_out(browser: Browser) -> None:
    await browser.joined("apple")
    await browser.desk.services.pool.execute("UPDATE users SET blocked = true")
    assert await problem(await browser.travel("apple")) == "account_blocked"


# -- the trip -----------------------------------------------------------------------------------------------


async def test_the_browser_is_sent_with_state_nonce_and_pkce_of_its_own(browser: Browser) -> None:
    asked = [dict(parse_qsl(urlsplit(await browser.start("google")).query)) for _ in range(2)]
    for one in asked:
        assert one["client_id"] == WEB and one["response_type"] == "code"
        assert one["redirect_uri"] == "https://desk.example.org/api/v1/auth/google/callback"
        assert one["code_challenge_method"] == "S256" and set(one["scope"].split()) == {
            "openid",
            "email",
            "profile",
        }
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name] and len(asked[0][name]) == 43
    stored = await browser.desk.services.pool.fetchval(
        "SELECT string_agg(oidc_flows::text, '') FROM oidc_flows"
    )
    for one in asked:
        assert one["state"] not in stored and one["nonce"] not in stored


async def test_a_callback_signs_in_only_the_browser_that_began(browser: Browser) -> None:
    # Somebody else's trip, whose address is opened in the victim's browser.
    await browser.joined("google", "attacker")
    given = browser.issuers["google"].visit(await browser.start("google"), "attacker")
    flow = told(await browser.back("google", given))["flow"]
    for verifier in ("x" * 43, flow):
        assert await problem(await browser.finish(flow, verifier)) == "challenge_over"
    assert (await content(await browser.finish(flow)))["user"]


async def test_a_flow_that_is_not_back_yet_or_was_never_begun_opens_nothing(browser: Browser) -> None:
    address = await browser.start("google")
    state = dict(parse_qsl(urlsplit(address).query))["state"]
    assert await problem(await browser.finish(state)) == "challenge_over"
    for given in ({"state": "x" * 43, "code": "c"}, {"state": state}, {"code": "c"}, {}):
        assert "flow" not in told(await browser.back("google", given))


async def test_a_state_of_google_is_no_state_of_apple(browser: Browser) -> None:
    given = browser.issuers["google"].visit(await browser.start("google"))
    assert told(await browser.back("apple", given)) == {"problem": "challenge_over"}
    assert "flow" in told(await browser.back("google", given))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_somebody_who_says_no_is_sent_back_with_the_reason(browser: Browser, provider: str) -> None:
    state = dict(parse_qsl(urlsplit(await browser.start(provider)).query))["state"]
    given = {"state": state, "error": "access_denied"}
    assert told(await browser.back(provider, given)) == {"problem": "provider_refused"}
    assert await problem(await browser.finish(state)) == "provider_refused"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["aud", "nonce", "expired", "none", "kid"])
async def test_a_token_that_does_not_prove_who_came_opens_nothing(
    browser: Browser, provider: str, fault: str
) -> None:
    issuer = browser.issuers[provider]
    issuer.faults = [fault]
    given = issuer.visit(await browser.start(provider))
    assert told(await browser.back(provider, given)) == {"problem": "provider_refused"}
    assert await problem(await browser.finish(given["state"])) == "provider_refused"


async def test_two_people_in_one_answer_of_apple_are_nobody(browser: Browser, apple: Issuer) -> None:
    apple.faults = ["subject"]
    given = apple.visit(await browser.start("apple"))
    assert told(await browser.back("apple", given)) == {"problem": "provider_refused"}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", [500, 503, 429])
async def test_a_provider_that_is_down_is_told_and_the_same_callback_may_come_again(
    browser: Browser, provider: str, fault: int
) -> None:
    issuer = browser.issuers[provider]
    issuer.faults = [fault]
    given = issuer.visit(await browser.start(provider))
    assert told(await browser.back(provider, given)) == {"problem": "provider_unavailable"}
    assert "flow" in told(await browser.back(provider, given))
    assert (await browser.finish(given["state"])).status == 202


async def test_a_provider_that_hangs_is_given_up(
    browser: Browser, google: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import aiohttp

    session = browser.desk.services.trips.providers["google"]._session
    monkeypatch.setattr(session, "_timeout", aiohttp.ClientTimeout(total=0.2))
    google.faults = ["hang"]
    given = google.visit(await browser.start("google"))
    assert told(await browser.back("google", given)) == {"problem": "provider_unavailable"}


@pytest.mark.parametrize("fault", [500, "issuer"])
async def test_without_discovery_the_trip_does_not_begin(
    browser: Browser, google: Issuer, fault: int | str
) -> None:
    google.discovery_faults = [fault]
    form = {"challenge": "x" * 43}
    for _ in range(2):  # the second does not even ask
        refused = await browser.desk.refused("POST", "/auth/google/start", json=form)
        assert refused == "provider_unavailable"


async def test_our_own_wrong_registration_calls_a_person(
    browser: Browser, google: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    google.secrets = {WEB: "another"}
    given = google.visit(await browser.start("google"))
    assert told(await browser.back("google", given)) == {"problem": "provider_refused"}
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == "oidc.refused" and record.__dict__["error"] == "invalid_client"


async def test_a_turned_key_is_found_without_a_restart(
    browser: Browser, google: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.joined("google")
    google.key, google.kid = OTHER_RSA, "key-2"
    google.published = [public_jwk(OTHER_RSA, "key-2")]
    assert google.key_requests == 1
    monkeypatch.setattr("server.oidc.jwks.UNKNOWN_EVERY_S", 0.0)
    monkeypatch.setattr("server.oidc.jwks.COLD_EVERY_S", 0.0)
    assert (await browser.travel("google")).status == 200
    assert google.key_requests == 2


async def test_apple_s_elliptic_keys_would_do_as_well(browser: Browser, apple: Issuer) -> None:
    from tests.contract.oidc.issuer import EC

    apple.key, apple.algorithm = EC, "ES256"
    assert (await browser.travel("apple")).status == 202


async def test_a_provider_that_is_not_set_up_is_not_there(desk: Desk) -> None:
    for path in ("/auth/google/start", "/auth/apple/start"):
        assert await desk.refused("POST", path, json={"challenge": "x" * 43}) == "not_found"
    assert await desk.ok("GET", "/auth/methods") == {"phone": True, "google": [], "apple": []}


async def test_old_trips_and_strangers_are_forgotten(browser: Browser) -> None:
    await browser.travel("google")
    external, pool = browser.desk.services.external, browser.desk.services.pool
    await external.forget_old(time.time() + 7200)
    for table in ("oidc_flows", "pending_sign_ins"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await pool.fetchval("SELECT count(*) FROM identities") == 1
    await external.forget_old(time.time() + 91 * 86400)
    assert await pool.fetchval("SELECT count(*) FROM identities") == 0


# -- apps ---------------------------------------------------------------------------------------------------


async def native(browser: Browser, provider: str, client: str, **changes: Any) -> Any:
    """An app's dialogue: our nonce goes in, a token comes out."""
    desk, issuer = browser.desk, browser.issuers[provider]
    started = await desk.ok("POST", f"/auth/{provider}/start", status=201, json={})
    assert started["redirect"] is None
    nonce = started["nonce"]
    given = hashlib.sha256(nonce.encode()).hexdigest() if provider == "apple" else nonce
    claims = issuer.claims(client, **{"nonce": given, **changes})
    return {"id_token": issuer.sign(claims), "nonce": nonce}


@pytest.mark.parametrize(
    ("provider", "audience"), [("google", ANDROID), ("google", WEB), ("apple", BUNDLE_ID)]
)
async def test_an_app_signs_in_with_its_dialogue_s_token(
    browser: Browser, provider: str, audience: str
) -> None:
    form = await native(browser, provider, audience)
    waiting = await browser.desk.ok("POST", f"/auth/{provider}/native", status=202, json=form)
    joined = await browser.desk.sign_in(PHONE, identity=waiting["identity"])
    form = await native(browser, provider, audience)
    entered = await browser.desk.ok("POST", f"/auth/{provider}/native", json=form)
    assert entered["user"] == joined["user"]
    again = await browser.desk.ok("POST", f"/auth/{provider}/native", json=form)  # the answer was lost
    assert again["refresh"] == entered["refresh"]
    await browser.desk.services.pool.execute("UPDATE oidc_flows SET answered_at = now() - interval '31 s'")
    refused = await browser.desk.refused("POST", f"/auth/{provider}/native", json=form)
    assert refused == "challenge_over"


async def test_an_app_s_token_must_carry_the_nonce_that_we_gave(browser: Browser) -> None:
    desk = browser.desk
    other = await native(browser, "google", ANDROID, nonce="a-nonce-of-another-place-that-is-long-enough-too")
    assert await desk.refused("POST", "/auth/google/native", json=other) == "provider_refused"
    invented = {**await native(browser, "google", ANDROID), "nonce": "x" * 43}
    assert await desk.refused("POST", "/auth/google/native", json=invented) == "challenge_over"
    # Google is not given a hash, and Apple not the nonce itself.
    nonce = (await native(browser, "google", ANDROID))["nonce"]
    hashed = browser.issuers["google"].claims(ANDROID, nonce=hashlib.sha256(nonce.encode()).hexdigest())
    form = {"nonce": nonce, "id_token": browser.issuers["google"].sign(hashed)}
    assert await desk.refused("POST", "/auth/google/native", json=form) == "provider_refused"
    plain = await native(browser, "apple", BUNDLE_ID)
    claims = browser.issuers["apple"].claims(BUNDLE_ID, nonce=plain["nonce"])
    form = {"nonce": plain["nonce"], "id_token": browser.issuers["apple"].sign(claims)}
    assert await desk.refused("POST", "/auth/apple/native", json=form) == "provider_refused"


async def test_a_second_person_cannot_use_the_first_one_s_nonce(browser: Browser) -> None:
    form = await native(browser, "google", ANDROID)
    assert await browser.desk.ok("POST", "/auth/google/native", status=202, json=form)
    claims = browser.issuers["google"].claims(ANDROID, "person-2", nonce=form["nonce"])
    other = {**form, "id_token": browser.issuers["google"].sign(claims)}
    assert await browser.desk.refused("POST", "/auth/google/native", json=other) == "provider_refused"


async def test_a_page_s_flow_cannot_be_ended_by_an_app(browser: Browser, google: Issuer) -> None:
    given = google.visit(await browser.start("google"))
    nonce = dict(parse_qsl(urlsplit(browser.redirect).query))["nonce"]
    token = google.sign(google.claims(WEB, nonce=nonce))
    for key in (nonce, given["state"]):
        form = {"id_token": token, "nonce": key}
        assert await browser.desk.refused("POST", "/auth/google/native", json=form) == "challenge_over"


# -- links and leaving --------------------------------------------------------------------------------------


async def test_linking_is_a_fresh_step_of_the_owner_and_an_identity_has_one_account(browser: Browser) -> None:
    desk = browser.desk
    mine, other = await browser.joined("google"), await browser.joined("google", "person-2", "+77017654321")
    given = browser.issuers["google"].visit(await browser.start("google", mine["access"], "link"), "person-2")
    flow = told(await browser.back("google", given))["flow"]
    assert await problem(await browser.finish(flow)) == "identity_taken"
    # A second one of the same provider waits until the first is unlinked.
    given = browser.issuers["google"].visit(await browser.start("google", mine["access"], "link"), "person-3")
    waiting = await content(await browser.finish(told(await browser.back("google", given))["flow"]), 202)
    form = {"identity": waiting["identity"]}
    assert await desk.refused("POST", "/me/identities", mine["access"], json=form) == "identity_taken"
    (linked,) = (await desk.ok("GET", "/me/identities", mine["access"]))["identities"]
    path = f"/me/identities/{linked['identity']}"
    assert await desk.refused("DELETE", path, other["access"]) == "not_found"
    await desk.ok("DELETE", path, mine["access"], status=204)
    assert await desk.refused("DELETE", path, mine["access"]) == "not_found"
    assert await desk.ok("POST", "/me/identities", mine["access"], json=form)
    assert (await content(await browser.travel("google", "person-3")))["user"] == mine["user"]
    assert (await browser.travel("google", "person-1")).status == 202
    # An open laptop is not the owner.
    await desk.services.pool.execute("UPDATE sessions SET created_at = created_at - interval '11 min'")
    for route, body in (("/me/identities", form), ("/auth/google/start", {"purpose": "link"})):
        assert await desk.refused("POST", route, mine["access"], json=body) == "sign_in_again"
    assert await desk.refused("POST", "/auth/google/start", json={"purpose": "link"}) == "unauthenticated"


async def test_whoever_leaves_gets_apple_s_token_revoked_also_after_apple_was_down(
    browser: Browser, apple: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    services = browser.desk.services
    joined = await browser.joined("apple")
    stored = await services.pool.fetchval("SELECT identities::text FROM identities")
    assert "refresh-of-person-1" not in stored and b"refresh-of-person-1".hex() not in stored
    async with transaction(services.pool) as connection:  # what deleting an account does
        assert await release(connection, joined["user"])
        assert not await release(connection, joined["user"])
    assert (await browser.travel("apple")).status == 202
    apple.revoke_faults = [500, 503]
    for _ in range(4):
        await revoker.once(services.external, services.trips.providers, time.time())
        await services.pool.execute("UPDATE token_revocations SET due_at = now()")  # the pause is over
    (revoked,) = apple.revoked
    assert revoked["token"] == "refresh-of-person-1" and revoked["client_id"] == SERVICES_ID
    assert await services.pool.fetchval("SELECT count(*) FROM token_revocations") == 0


async def test_an_app_s_code_gives_a_token_to_revoke_and_its_failure_costs_nothing(
    browser: Browser, apple: Issuer
) -> None:
    desk = browser.desk
    for subject, phone, fault in (("person-1", PHONE, None), ("person-2", "+77017654321", 500)):
        form = await native(browser, "apple", BUNDLE_ID, sub=subject)
        claims = apple.claims(BUNDLE_ID, subject, nonce=hashlib.sha256(form["nonce"].encode()).hexdigest())
        apple.faults = [fault] if fault else []
        form["code"] = apple.grant(BUNDLE_ID, claims)
        waiting = await desk.ok("POST", "/auth/apple/native", status=202, json=form)
        entered = await desk.sign_in(phone, identity=waiting["identity"])
        async with transaction(desk.services.pool) as connection:
            await release(connection, entered["user"])
    await revoker.once(desk.services.external, desk.services.trips.providers, time.time())
    assert [(one["token"], one["client_id"]) for one in apple.revoked] == [("refresh-of-person-1", BUNDLE_ID)]


async def test_two_workers_give_a_token_back_once(browser: Browser, apple: Issuer) -> None:
    services = browser.desk.services
    joined = await browser.joined("apple")
    async with transaction(services.pool) as connection:
        await release(connection, joined["user"])
    rounds = [revoker.once(services.external, services.trips.providers, time.time()) for _ in range(5)]
    assert sum(await asyncio.gather(*rounds)) == 1 and len(apple.revoked) == 1


async def test_c02_no_secret_of_signing_in_opens_another_s_door(browser: Browser) -> None:
    desk = browser.desk
    signed_in = await browser.joined("google")
    waiting = (await content(await browser.travel("google", "somebody-new"), 202))["identity"]
    await desk.services.pool.execute(
        "INSERT INTO users (phone, role, grade) VALUES ('+77012223344', 'admin', 'support')"
    )
    challenge = (await desk.sign_in("+77012223344", status=202))["challenge"]
    given = browser.issuers["google"].visit(await browser.start("google"))
    flow = told(await browser.back("google", given))["flow"]
    nonce = (await desk.ok("POST", "/auth/google/start", status=201, json={}))["nonce"]
    ticket = (await desk.ok("POST", "/ws-ticket", signed_in["access"], status=201))["ticket"]
    secrets = {
        "access": signed_in["access"],
        "refresh": signed_in["refresh"],
        "identity": waiting,
        "challenge": challenge,
        "flow": flow,
        "verifier": browser.verifier,
        "nonce": nonce,
        "ticket": ticket,
    }
    asked = await desk.ask(PHONE)
    for kind, secret in secrets.items():
        doors = {
            "access": ("GET", "/me", secret, None),
            "refresh": ("POST", "/auth/refresh", None, {"refresh": secret}),
            "challenge": ("POST", "/auth/second-factor", None, {"challenge": secret, "code": "000000"}),
            "identity": ("POST", "/auth/verify", None, {**asked, "identity": secret}),
            "linking": ("POST", "/me/identities", signed_in["access"], {"identity": secret}),
            "flow": ("POST", "/auth/finish", None, {"flow": secret[:128], "verifier": "v" * 43}),
            "nonce": ("POST", "/auth/google/native", None, {"id_token": "x.y.z", "nonce": secret[:43]}),
        }
        own = {"identity": {"identity", "linking"}}.get(kind, {kind})
        for door, (method, path, token, form) in doors.items():
            if door in own:
                continue
            refused = await desk.refused(method, path, token, json=form)
            assert refused in ("unauthenticated", "challenge_over", "bad_request"), (kind, door, refused)
