"""Sign-in, refresh tokens and devices on real PostgreSQL: limits, races, replays (C03, C06, C07)."""

import asyncio
import uuid
from itertools import pairwise

import pytest

from dispatch.errors import Refusal
from server.signing_in import OtpLimits
from storage.identity import GRACE_S, SESSION_LIFETIME_S, IdentityStore, Replayed, SignIn
from storage.otp import LIFETIME_S, MAX_TRIES, RESEND_S
from storage.postgres import Pool
from storage.sessions import Ended

NOW = 1_800_000_000.0
PHONE = "+77011234567"


@pytest.fixture
def store(pool: Pool) -> IdentityStore:
    return IdentityStore(pool, pepper="p" * 40, limits=OtpLimits())


async def enter(store: IdentityStore, request: str, code: str, now: float = NOW) -> SignIn:
    entered = await store.sign_in(request, code, address="192.0.2.1", user_agent="test", now=now)
    assert isinstance(entered.outcome, SignIn)
    return entered.outcome


async def signed_in(store: IdentityStore, phone: str = PHONE, role: str = "driver") -> SignIn:
    code = await store.otp.issue(phone, role, NOW, LIFETIME_S)
    return await enter(store, code.request, code.code)


async def refusal(awaitable: object) -> str:
    with pytest.raises(Refusal) as refused:
        await awaitable  # type: ignore[misc]  # any coroutine of the store
    return refused.value.code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


# -- one-time codes -----------------------------------------------------------------------------------------


async def test_the_first_sign_in_makes_the_account_and_the_second_finds_it(store: IdentityStore) -> None:
    first = await signed_in(store, role="shipper")
    again = await signed_in(store, role="driver")
    assert (first.role, again.role) == ("shipper", "shipper")
    assert first.user == again.user and first.session != again.session


async def test_a_code_is_six_digits_and_is_stored_only_as_a_mac(store: IdentityStore, pool: Pool) -> None:
    code = await store.ask(PHONE, "driver", "192.0.2.1", NOW)
    assert len(code.code) == 6 and code.code.isdecimal()
    assert (code.expires_at, code.resend_at) == (NOW + LIFETIME_S, NOW + RESEND_S)
    stored = await pool.fetchval("SELECT otp_requests::text FROM otp_requests")
    assert code.code.encode().hex() not in stored and f",{code.code}," not in stored


async def test_the_same_code_for_another_request_has_another_mac(store: IdentityStore, pool: Pool) -> None:
    one, two = [await store.otp.issue(PHONE, "driver", NOW, 60) for _ in range(2)]
    assert store.otp._mac(one.request, PHONE, "000000") != store.otp._mac(two.request, PHONE, "000000")


async def test_a_code_signs_in_once(store: IdentityStore) -> None:
    code = await store.ask(PHONE, "driver", "", NOW)
    await enter(store, code.request, code.code)
    assert await refusal(enter(store, code.request, code.code)) == "code_wrong"


async def test_twenty_parallel_correct_submits_give_one_session(store: IdentityStore, pool: Pool) -> None:
    code = await store.ask(PHONE, "driver", "", NOW)
    results = await asyncio.gather(
        *(enter(store, code.request, code.code) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, SignIn) for result in results) == 1
    assert {result.code for result in results if isinstance(result, Refusal)} == {"code_wrong"}
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 1


async def test_after_five_wrong_tries_the_right_code_is_refused(store: IdentityStore) -> None:
    code = await store.ask(PHONE, "driver", "", NOW)
    for _ in range(MAX_TRIES):
        assert await refusal(enter(store, code.request, wrong(code.code))) == "code_wrong"
    assert await refusal(enter(store, code.request, code.code)) == "code_wrong"


async def test_parallel_guesses_get_five_tries_together(store: IdentityStore, pool: Pool) -> None:
    code = await store.ask(PHONE, "driver", "", NOW)
    await asyncio.gather(
        *(enter(store, code.request, wrong(code.code)) for _ in range(30)), return_exceptions=True
    )
    assert await pool.fetchval("SELECT tries FROM otp_requests") == MAX_TRIES


async def test_a_code_ends_with_its_time_and_holds_until_then(store: IdentityStore) -> None:
    late, timely = [await store.otp.issue(PHONE, "driver", NOW, LIFETIME_S) for _ in range(2)]
    assert await refusal(enter(store, late.request, late.code, NOW + LIFETIME_S)) == "code_wrong"
    await enter(store, timely.request, timely.code, NOW + LIFETIME_S - 0.5)


async def test_a_code_holds_only_for_its_own_request(store: IdentityStore) -> None:
    mine = await store.otp.issue(PHONE, "driver", NOW, 60)
    other = await store.otp.issue("+77017654321", "driver", NOW, 60)
    if mine.code != other.code:
        assert await refusal(enter(store, other.request, mine.code)) == "code_wrong"
    assert await refusal(enter(store, str(uuid.uuid4()), mine.code)) == "code_wrong"


async def test_parallel_first_sign_ins_of_one_number_agree_on_one_account(store: IdentityStore) -> None:
    codes = [await store.otp.issue(PHONE, "driver", NOW, 60) for _ in range(8)]
    entered = await asyncio.gather(*(enter(store, code.request, code.code) for code in codes))
    assert len({one.user for one in entered}) == 1 and len({one.session for one in entered}) == 8


async def test_a_new_driver_is_on_duty_from_the_first_sign_in(store: IdentityStore, pool: Pool) -> None:
    driver = await signed_in(store)
    await signed_in(store, "+77017654321", "shipper")
    assert [row["driver_id"] for row in await pool.fetch("SELECT * FROM driver_states")] == [driver.user]


async def test_a_code_can_be_asked_again_after_a_minute_and_not_before(store: IdentityStore) -> None:
    await store.ask(PHONE, "driver", "a", NOW)
    assert await refusal(store.ask(PHONE, "driver", "b", NOW + RESEND_S - 1)) == "rate_limited"
    await store.ask(PHONE, "driver", "b", NOW + RESEND_S)


async def test_the_operator_s_links_do_not_use_up_the_codes_of_the_number(store: IdentityStore) -> None:
    for _ in range(12):
        await store.otp.issue(PHONE, "admin", NOW, 600)
    await store.ask(PHONE, "driver", "192.0.2.1", NOW)


async def test_a_thousand_requests_for_one_number_send_at_most_ten_codes_a_day(store: IdentityStore) -> None:
    sent = []
    for minute in range(1000):
        try:
            await store.ask(PHONE, "driver", f"198.51.100.{minute % 250}", NOW + minute * 61)
            sent.append(minute * 61)
        except Refusal as refused:
            assert refused.code == "rate_limited"
    for start in sent:
        assert sum(start <= at < start + 3600 for at in sent) <= 5
        assert sum(start <= at < start + 86400 for at in sent) <= 10
    assert len(sent) == 10 and all(a < b for a, b in pairwise(sent))


async def test_one_address_cannot_ask_for_more_than_its_share_even_in_parallel(store: IdentityStore) -> None:
    asked = await asyncio.gather(
        *(store.ask(f"+7701{n:07d}", "driver", "127.0.0.1", NOW) for n in range(60)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in asked) == 30
    assert {result.code for result in asked if isinstance(result, Refusal)} == {"rate_limited"}
    await store.ask("+77019999999", "driver", "127.0.0.2", NOW)


async def test_parallel_requests_for_one_number_send_one_code(store: IdentityStore) -> None:
    asked = await asyncio.gather(
        *(store.ask(PHONE, "driver", f"192.0.2.{n}", NOW) for n in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in asked) == 1


async def test_a_blocked_account_neither_signs_in_nor_refreshes(store: IdentityStore, pool: Pool) -> None:
    entered = await signed_in(store)
    await pool.execute("UPDATE users SET blocked = true")
    code = await store.otp.issue(PHONE, "driver", NOW, 60)
    assert await refusal(enter(store, code.request, code.code)) == "account_blocked"
    assert await refusal(store.refresh(entered.refresh, NOW)) == "account_blocked"


async def test_old_requests_are_forgotten(store: IdentityStore, pool: Pool) -> None:
    await store.ask(PHONE, "driver", "", NOW)
    await store.otp.forget_old(NOW + 86400)
    assert await pool.fetchval("SELECT count(*) FROM otp_requests") == 1
    await store.otp.forget_old(NOW + 3 * 86400)
    assert await pool.fetchval("SELECT count(*) FROM otp_requests") == 0


# -- refresh tokens -----------------------------------------------------------------------------------------


async def rotated(store: IdentityStore, token: str, now: float) -> SignIn:
    outcome = await store.refresh(token, now)
    assert isinstance(outcome, SignIn)
    return outcome


async def test_each_refresh_gives_the_next_token_of_the_same_session(store: IdentityStore) -> None:
    entered = await signed_in(store)
    seen = {entered.refresh}
    token = entered.refresh
    for step in range(5):
        nxt = await rotated(store, token, NOW + 1000 * step)
        assert (nxt.user, nxt.role, nxt.session) == (entered.user, "driver", entered.session)
        assert nxt.refresh not in seen
        seen.add(token := nxt.refresh)


async def test_a_lost_answer_is_repeated_within_the_grace(store: IdentityStore) -> None:
    entered = await signed_in(store)
    first = await rotated(store, entered.refresh, NOW)
    assert await rotated(store, entered.refresh, NOW + GRACE_S) == first
    await rotated(store, first.refresh, NOW + GRACE_S)


async def test_parallel_refreshes_of_two_tabs_get_the_same_successor(
    store: IdentityStore, pool: Pool
) -> None:
    entered = await signed_in(store)
    results = await asyncio.gather(*(rotated(store, entered.refresh, NOW) for _ in range(20)))
    assert len(set(results)) == 1
    assert await pool.fetchval("SELECT count(*) FROM refresh_tokens") == 2


async def test_a_replay_after_the_grace_ends_the_whole_session(store: IdentityStore) -> None:
    entered = await signed_in(store)
    other = await signed_in(store)
    newest = await rotated(store, (await rotated(store, entered.refresh, NOW)).refresh, NOW + 900)
    stolen = await store.refresh(entered.refresh, NOW + 901)
    assert stolen == Replayed(entered.user, entered.session)
    assert await refusal(store.refresh(newest.refresh, NOW + 902)) == "session_revoked"
    assert await refusal(store.refresh(entered.refresh, NOW + 902)) == "session_revoked"
    assert await store.revoked_since(NOW + 900) == [Ended(entered.session, False)]
    await rotated(store, other.refresh, NOW + 902)


async def test_a_session_ends_by_sign_out_and_by_age(store: IdentityStore) -> None:
    left, aged = await signed_in(store), await signed_in(store)
    await store.sign_out(left.session, NOW)
    await store.sign_out(left.session, NOW + 5)
    assert await refusal(store.refresh(left.refresh, NOW + 1)) == "session_revoked"
    assert await store.revoked_since(NOW - 1) == [Ended(left.session, False)]
    assert await store.revoked_since(NOW) == []
    assert await refusal(store.refresh(aged.refresh, NOW + SESSION_LIFETIME_S)) == "session_revoked"


async def test_no_other_kind_of_secret_passes_for_a_refresh_token(store: IdentityStore) -> None:
    entered = await signed_in(store)
    _, device_secret = await store.register(entered.user, "phone")
    for other in (device_secret, entered.session, "", "\udc80", "x" * 4096):
        assert await refusal(store.refresh(other, NOW)) == "unauthenticated"


async def test_the_database_alone_does_not_tell_the_next_token(store: IdentityStore, pool: Pool) -> None:
    entered = await signed_in(store)
    stranger = IdentityStore(pool, pepper="q" * 40, limits=OtpLimits())
    assert stranger._successor(entered.refresh) != store._successor(entered.refresh)


async def test_tokens_are_forgotten_a_week_after_use_and_sessions_after_their_end(
    store: IdentityStore, pool: Pool
) -> None:
    entered = await signed_in(store)
    newest = await rotated(store, entered.refresh, NOW)
    day = 86400.0
    await store.forget_old(NOW + 6 * day)
    assert await pool.fetchval("SELECT count(*) FROM refresh_tokens") == 2
    await store.forget_old(NOW + 8 * day)
    assert await refusal(store.refresh(entered.refresh, NOW + 8 * day)) == "unauthenticated"
    await rotated(store, newest.refresh, NOW + 8 * day)
    await store.forget_old(NOW + SESSION_LIFETIME_S + 1)
    assert await pool.fetchval("SELECT count(*) FROM refresh_tokens") == 0
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 0


# -- devices ------------------------------------------------------------------------------------------------


async def test_a_device_is_known_by_its_own_secret_only(store: IdentityStore, pool: Pool) -> None:
    driver = await signed_in(store)
    one, secret = await store.register(driver.user, "phone")
    two, other = await store.register(driver.user, "x" * 200)
    assert await store.device(one, secret) == driver.user
    for device, attempt in ((one, other), (two, secret), (one, ""), (one + 100, secret), (one, "\udc80")):
        assert await store.device(device, attempt) is None
    await pool.execute("UPDATE devices SET revoked_at = now() WHERE id = $1", one)
    assert await store.device(one, secret) is None
    await pool.execute("UPDATE users SET blocked = true")
    assert await store.device(two, other) is None
