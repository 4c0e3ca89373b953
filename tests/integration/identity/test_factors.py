"""The second factor of staff (C10): no token before it, enrolled at the first sign-in, good once, throttled."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from server.provision import Wanted, accounts, sign_in_link
from storage.factors import MAX_FAILED, MAX_TRIES

from .desk import Desk

PHONE = "+77012223344"
WHY = {"reason": "lost the phone"}


class Clock:
    """The seconds of the authenticator; each code is of a step that was not used yet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        real = time.time
        monkeypatch.setattr("server.http.factors.time.time", lambda: real() + self.ahead)

    def code(self, secret: str) -> str:
        """The next code, half a minute later."""
        self.ahead += 30
        return pyotp.TOTP(secret).at(int(time.time()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
async def admin(desk: Desk) -> int:
    """A superadmin who has never signed in."""
    user: int = await desk.services.pool.fetchval(
        "INSERT INTO users (phone, role, grade) VALUES ($1, 'admin', 'superadmin') RETURNING id", PHONE
    )
    return user


async def enrolled(desk: Desk, clock: Clock) -> tuple[str, dict[str, Any]]:
    """The secret and the answer of a first staff sign-in."""
    asked = await desk.sign_in(PHONE, status=202)
    form = {"challenge": asked["challenge"], "code": clock.code(asked["secret"])}
    return asked["secret"], await desk.ok("POST", "/auth/second-factor", json=form)


async def test_a_right_code_alone_gives_staff_no_token(desk: Desk, admin: int) -> None:
    asked = await desk.sign_in(PHONE, status=202)
    assert set(asked) == {"challenge", "expires_at", "enrol", "secret", "otpauth"}
    assert await desk.services.pool.fetchval("SELECT count(*) FROM sessions") == 0
    for path, form in (("/auth/refresh", {"refresh": asked["challenge"]}),):
        assert await desk.refused("POST", path, json=form) == "unauthenticated"
    assert await desk.refused("GET", "/me", asked["challenge"]) == "unauthenticated"


async def test_the_first_sign_in_sets_the_app_up_and_gives_recovery_codes_once(
    desk: Desk, admin: int, clock: Clock
) -> None:
    asked = await desk.sign_in(PHONE, status=202)
    assert asked["enrol"] is True
    told = urlsplit(asked["otpauth"])
    assert told.scheme == "otpauth" and parse_qs(told.query)["secret"] == [asked["secret"]]
    stored = await desk.services.pool.fetchval("SELECT second_factors::text FROM second_factors")
    assert asked["secret"] not in stored and asked["secret"].encode().hex() not in stored
    form = {"challenge": asked["challenge"], "code": clock.code(asked["secret"])}
    entered = await desk.ok("POST", "/auth/second-factor", json=form)
    assert entered["user"] == admin and entered["grade"] == "superadmin"
    assert len(entered["recovery_codes"]) == 10
    principal = desk.services.tokens.verify(entered["access"])
    assert principal.factor_at is not None and principal.grade == "superadmin"
    again = await desk.sign_in(PHONE, status=202)
    assert (again["enrol"], again["secret"], again["otpauth"]) == (False, None, None)
    form = {"challenge": again["challenge"], "code": clock.code(asked["secret"])}
    assert (await desk.ok("POST", "/auth/second-factor", json=form))["recovery_codes"] is None


async def test_a_secret_shown_to_an_earlier_sign_in_never_comes_in_force(
    desk: Desk, admin: int, clock: Clock
) -> None:
    # Somebody with the SIM saw the first QR code; the owner sets up with the second.
    first = await desk.sign_in(PHONE, status=202)
    second = await desk.sign_in(PHONE, status=202)
    assert first["secret"] != second["secret"]
    wrong = {"challenge": second["challenge"], "code": clock.code(first["secret"])}
    assert await desk.refused("POST", "/auth/second-factor", json=wrong) == "code_wrong"
    right = {"challenge": second["challenge"], "code": clock.code(second["secret"])}
    assert await desk.ok("POST", "/auth/second-factor", json=right)


async def test_a_code_and_a_challenge_are_good_once_even_in_parallel(
    desk: Desk, admin: int, clock: Clock
) -> None:
    secret, _ = await enrolled(desk, clock)
    one, two = await desk.sign_in(PHONE, status=202), await desk.sign_in(PHONE, status=202)
    code = clock.code(secret)
    tried = [
        desk.call("POST", "/auth/second-factor", json={"challenge": asked["challenge"], "code": code})
        for asked in (one, two, one, two)
    ]
    statuses = sorted(answer.status for answer in await asyncio.gather(*tried))
    assert statuses == [200, 401, 401, 401]
    assert await desk.services.pool.fetchval("SELECT count(*) FROM sessions") == 2
    for asked in (one, two):
        form = {"challenge": asked["challenge"], "code": code}
        assert await desk.refused("POST", "/auth/second-factor", json=form) in (
            "challenge_over",
            "code_wrong",
        )


async def test_a_challenge_has_five_tries_and_ten_minutes(desk: Desk, admin: int, clock: Clock) -> None:
    secret, _ = await enrolled(desk, clock)
    asked = await desk.sign_in(PHONE, status=202)
    for _ in range(MAX_TRIES):
        wrong = {"challenge": asked["challenge"], "code": "000000"}
        assert await desk.refused("POST", "/auth/second-factor", json=wrong) == "code_wrong"
    form = {"challenge": asked["challenge"], "code": clock.code(secret)}
    assert await desk.refused("POST", "/auth/second-factor", json=form) == "challenge_over"
    late = await desk.sign_in(PHONE, status=202)
    clock.ahead += 600
    form = {"challenge": late["challenge"], "code": pyotp.TOTP(secret).at(int(time.time()))}
    assert await desk.refused("POST", "/auth/second-factor", json=form) == "challenge_over"
    unknown = {"challenge": "x" * 43, "code": "000000"}
    assert await desk.refused("POST", "/auth/second-factor", json=unknown) == "challenge_over"


async def test_guessing_over_many_challenges_is_throttled_for_a_quarter_of_an_hour(
    desk: Desk, admin: int, clock: Clock
) -> None:
    secret, entered = await enrolled(desk, clock)
    told: list[str] = []
    for _ in range(3):
        asked = await desk.sign_in(PHONE, status=202)
        for _ in range(MAX_TRIES):
            wrong = {"challenge": asked["challenge"], "code": "000000"}
            told.append(await desk.refused("POST", "/auth/second-factor", json=wrong))
    assert told == ["code_wrong"] * MAX_FAILED + ["rate_limited"] * (len(told) - MAX_FAILED)
    # The same count holds for a signed-in session, and the right code waits as well.
    form = {"code": clock.code(secret)}
    assert await desk.refused("POST", "/auth/step-up", entered["access"], json=form) == "rate_limited"
    clock.ahead += 901
    asked = await desk.sign_in(PHONE, status=202)
    await desk.services.pool.execute("UPDATE pending_sign_ins SET expires_at = now() + interval '1 hour'")
    right = {"challenge": asked["challenge"], "code": clock.code(secret)}
    assert await desk.ok("POST", "/auth/second-factor", json=right)


async def test_a_recovery_code_stands_in_for_a_lost_phone_once(desk: Desk, admin: int, clock: Clock) -> None:
    _, entered = await enrolled(desk, clock)
    code = entered["recovery_codes"][3]
    for typed, outcome in ((f" {code.upper()} ", "ok"), (code, "code_wrong")):
        asked = await desk.sign_in(PHONE, status=202)
        form = {"challenge": asked["challenge"], "code": typed}
        if outcome == "ok":
            entered = await desk.ok("POST", "/auth/second-factor", json=form)
        else:
            assert await desk.refused("POST", "/auth/second-factor", json=form) == outcome
    left = await desk.ok("GET", "/me/second-factor", entered["access"])
    assert left["recovery_codes"] == 9 and left["since"] is not None


async def test_step_up_makes_the_second_factor_fresh_and_a_refresh_keeps_its_age(
    desk: Desk, admin: int, clock: Clock
) -> None:
    secret, entered = await enrolled(desk, clock)
    driver = await desk.sign_in("+77017654321")
    await desk.services.pool.execute("UPDATE sessions SET factor_at = factor_at - interval '10 min'")
    aged = await desk.ok("POST", "/auth/refresh", json={"refresh": entered["refresh"]})
    path = f"/admin/users/{driver['user']}/block"
    assert await desk.refused("POST", path, aged["access"], json=WHY) == "step_up_required"
    assert (
        await desk.refused("POST", "/auth/step-up", aged["access"], json={"code": "000000"}) == "code_wrong"
    )
    code = {"code": clock.code(secret)}
    fresh = await desk.ok("POST", "/auth/step-up", aged["access"], json=code)
    assert await desk.refused("POST", "/auth/step-up", aged["access"], json=code) == "code_wrong"  # used
    assert await desk.refused("POST", path, aged["access"], json=WHY) == "step_up_required"
    assert (await desk.ok("POST", path, fresh["access"], json=WHY))["blocked"] is True


async def test_a_new_app_is_set_up_within_a_session_and_the_old_one_holds_until_then(
    desk: Desk, admin: int, clock: Clock
) -> None:
    old, entered = await enrolled(desk, clock)
    shown = await desk.ok("POST", "/me/second-factor", entered["access"], status=201)
    form = {"code": clock.code(old)}
    entered["access"] = (await desk.ok("POST", "/auth/step-up", entered["access"], json=form))["access"]
    wrong = {"code": clock.code(old)}
    assert (
        await desk.refused("POST", "/me/second-factor/confirm", entered["access"], json=wrong) == "code_wrong"
    )
    right = {"code": clock.code(shown["secret"])}
    codes = await desk.ok("POST", "/me/second-factor/confirm", entered["access"], json=right)
    assert len(codes["codes"]) == 10 and not set(codes["codes"]) & set(entered["recovery_codes"])
    assert (
        await desk.refused("POST", "/auth/step-up", entered["access"], json={"code": clock.code(old)})
        == "code_wrong"
    )
    form = {"code": clock.code(shown["secret"])}
    assert await desk.ok("POST", "/auth/step-up", entered["access"], json=form)
    new = await desk.ok("POST", "/me/second-factor/recovery-codes", entered["access"], status=201)
    spent = {"code": codes["codes"][0]}
    assert await desk.refused("POST", "/auth/step-up", entered["access"], json=spent) == "code_wrong"
    assert await desk.ok("POST", "/auth/step-up", entered["access"], json={"code": new["codes"][0]})


async def test_a_superadmin_takes_another_s_lost_factor_away_and_it_is_written_down(
    desk: Desk, admin: int, clock: Clock
) -> None:
    secret, entered = await enrolled(desk, clock)
    (other,) = (await accounts(desk.services.pool, desk.services.tokens, Wanted(admins=1), time.time()))[
        "admins"
    ]
    path = f"/admin/users/{admin}/second-factor/reset"
    view = await desk.ok("POST", path, other["access"], json=WHY)
    assert view["second_factor"] is False
    assert await desk.refused("GET", "/me", entered["access"]) == "session_revoked"
    assert await desk.refused("POST", path, other["access"], json=WHY) == "not_found"
    asked = await desk.sign_in(PHONE, status=202)
    assert asked["enrol"] is True and asked["secret"] != secret
    (line,) = (await desk.ok("GET", f"/admin/actions?user={admin}", other["access"]))["actions"]
    assert (line["what"], line["staff"], line["reason"]) == (
        "second_factor.reset",
        other["user"],
        "lost the phone",
    )


async def test_a_link_made_at_the_machine_counts_as_both_factors(
    desk: Desk, admin: int, clock: Clock
) -> None:
    link = await sign_in_link(desk.services.config, "admin")
    asked = {name: values[0] for name, values in parse_qs(link.partition("?")[2]).items()}
    entered = await desk.ok("POST", "/auth/verify", json=asked)
    assert desk.services.tokens.verify(entered["access"]).factor_at is not None
    (session,) = (await desk.ok("GET", "/me/sessions", entered["access"]))["sessions"]
    assert session["method"] == "link"
    shown = await desk.ok("POST", "/me/second-factor", entered["access"], status=201)
    form = {"code": clock.code(shown["secret"])}
    assert await desk.ok("POST", "/me/second-factor/confirm", entered["access"], json=form)


async def test_somebody_who_was_appointed_goes_on_only_with_a_second_factor(desk: Desk) -> None:
    entered = await desk.sign_in(PHONE)
    # Whatever did not end the session: its refresh token gives staff nothing.
    await desk.services.pool.execute("UPDATE users SET role = 'admin', grade = 'support'")
    gone = await desk.refused("POST", "/auth/refresh", json={"refresh": entered["refresh"]})
    assert gone == "session_revoked"
    assert (await desk.sign_in(PHONE, status=202))["enrol"] is True


async def test_a_fresh_install_has_no_account_at_all(desk: Desk) -> None:
    assert await desk.services.pool.fetchval("SELECT count(*) FROM users") == 0
    for phone in (PHONE, "+77019000000"):
        assert (await desk.sign_in(phone))["role"] == "driver"


async def test_a_blocked_admin_does_not_pass_the_challenge(desk: Desk, admin: int, clock: Clock) -> None:
    secret, _ = await enrolled(desk, clock)
    asked = await desk.sign_in(PHONE, status=202)
    await desk.services.pool.execute("UPDATE users SET blocked = true")
    form = {"challenge": asked["challenge"], "code": clock.code(secret)}
    assert await desk.refused("POST", "/auth/second-factor", json=form) == "account_blocked"
