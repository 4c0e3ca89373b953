"""One-time codes over HTTP: what a stranger learns (C08), what they cost (C07), what a guesser gets (C05), and
what is told when they do not arrive."""

import logging
import time
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse

from server.config import Config
from server.metrics import Metrics
from server.provision import sign_in_link
from server.signing_in import OtpLimits, Sms

from .desk import Desk, code_of

PHONE = "+77011234567"


@pytest.fixture
def limits() -> OtpLimits:
    return OtpLimits()


@pytest.fixture
def config(config: Config, limits: OtpLimits) -> Config:
    fixed = Sms(fixed={"+77009999999": "482913"})
    return replace(config, signing_in=replace(config.signing_in, otp=limits, sms=fixed))


class TestBudget:
    @pytest.fixture
    def limits(self) -> OtpLimits:
        return OtpLimits(per_address_hour=1000, per_network_hour=1000, daily_budget=20)

    async def test_a_thousand_requests_cost_the_day_s_budget_and_call_a_person_once(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        statuses = []
        for number in range(60):
            answer = await desk.call("POST", "/auth/otp", json={"phone": f"+7701{number:07d}"})
            statuses.append(answer.status)
        assert await code_of(answer) == "sms_unavailable"
        assert statuses == [201] * 20 + [503] * 40 and len(desk.phones.received) == 20
        (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert record.getMessage() == "sms.budget_spent" and record.__dict__["budget"] == 20
        assert metric(desk.services.metrics, "desk_otp_over_budget") == 40
        # Tomorrow is another day.
        await desk.services.pool.execute("UPDATE sms_days SET day = day - 1")
        await desk.ask("+77019999999")

    async def test_a_code_that_did_not_go_is_paid_back(self, desk: Desk) -> None:
        desk.phones.refuse = "sms_unavailable"
        for number in range(30):
            answer = await desk.call("POST", "/auth/otp", json={"phone": f"+7701{number:07d}"})
            assert answer.status == 503
        assert await desk.services.pool.fetchval("SELECT sent FROM sms_days") == 0

    async def test_reviewers_and_links_cost_nothing(self, desk: Desk, config: Config) -> None:
        await desk.call("POST", "/auth/otp", json={"phone": "+77009999999"})
        await sign_in_link(config, "driver")
        assert await desk.services.pool.fetchval("SELECT count(*) FROM sms_days") == 0


class TestNetwork:
    @pytest.fixture
    def limits(self) -> OtpLimits:
        return OtpLimits(per_address_hour=5, per_network_hour=12)

    @pytest.mark.parametrize(
        ("inside", "outside"),
        [("203.0.113.{}", "203.0.114.1"), ("2001:db8:7:{}::1", "2001:db8:8::1")],
    )
    async def test_a_network_of_many_addresses_has_one_share(
        self, desk: Desk, inside: str, outside: str
    ) -> None:
        statuses = [await self.asked(desk, number, inside.format(number)) for number in range(20)]
        assert statuses == [201] * 12 + [429] * 8
        assert await self.asked(desk, 99, outside) == 201

    async def asked(self, desk: Desk, number: int, address: str) -> int:
        form = {"phone": f"+7701{number:07d}"}
        answer = await desk.call("POST", "/auth/otp", json=form, headers={"X-Forwarded-For": address})
        return answer.status


def metric(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"{name}_total", {"worker": "0"})


async def test_the_code_comes_in_the_language_of_the_request(desk: Desk) -> None:
    for number, lang in enumerate(("kk", "zh", "en", "ru")):
        form = {"phone": f"+7701000000{number}"}
        await desk.call("POST", "/auth/otp", json=form, headers={"Accept-Language": lang})
    assert [lang for _, _, lang in desk.phones.received] == ["kk", "zh", "en", "ru"]


async def test_numbers_of_other_countries_are_refused_before_anything_is_sent(desk: Desk) -> None:
    form = {"phone": "+62 812 3456 789"}
    assert await desk.refused("POST", "/auth/otp", json=form) == "phone_country"
    assert desk.phones.received == []


async def test_a_code_that_no_gateway_takes_is_told_and_may_be_asked_for_at_once(desk: Desk) -> None:
    await desk.sign_in(PHONE)  # known; the other is not
    answers = []
    for phone in (PHONE, "+77017654321"):
        desk.phones.refuse = "sms_unavailable"
        for _ in range(7):  # more than a number's share an hour: what did not go does not count
            answer = await desk.call("POST", "/auth/otp", json={"phone": phone})
            content = await answer.json(content_type="application/problem+json")
            answers.append({**content, "request": ""})
        desk.phones.refuse = None
        await desk.ask(phone)
    assert {answer["code"] for answer in answers} == {"sms_unavailable"}
    assert all(answer == answers[0] for answer in answers)  # byte for byte, account or none


async def test_a_reviewer_signs_in_with_the_fixed_code_and_no_sms(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = await desk.ok("POST", "/auth/otp", status=201, json={"phone": "+77009999999"})
    assert desk.phones.received == []
    form = {"request": asked["request"], "code": "482913"}
    assert (await desk.ok("POST", "/auth/verify", json=form))["role"] == "driver"
    assert all(
        "482913" not in str(record.__dict__) for record in caplog.records if record.name.startswith("desk")
    )
    # Anybody else's code is not that one.
    other = await desk.ask(PHONE)
    if other["code"] != "482913":
        guess = {**other, "code": "482913"}
        assert await desk.refused("POST", "/auth/verify", json=guess) == "code_wrong"


async def without_id(answer: ClientResponse) -> bytes:
    """The body, byte for byte, but for the request's own id."""
    return (await answer.read()).replace(answer.headers["X-Request-Id"].encode(), b"")


async def told(desk: Desk, phone: str, code: str | None = None) -> list[tuple[int, Any]]:
    """Every answer of a sign-in that goes wrong, with what differs by chance left out."""
    answers: list[tuple[int, Any]] = []
    first = await desk.call("POST", "/auth/otp", json={"phone": phone})
    asked = await first.json()
    answers.append((first.status, sorted(asked)))
    for form in (
        {"request": asked["request"], "code": "000000" if desk.phones.code != "000000" else "000001"},
        {"request": "00000000-0000-4000-8000-000000000000", "code": "000000"},
    ):
        answer = await desk.call("POST", "/auth/verify", json=form)
        answers.append((answer.status, await without_id(answer)))
    again = await desk.call("POST", "/auth/otp", json={"phone": phone})
    answers.append((again.status, await without_id(again)))
    headers = {
        name: value for name, value in again.headers.items() if name.lower() not in ("date", "x-request-id")
    }
    return [*answers, (again.status, {n: v for n, v in headers.items() if not n.startswith("RateLimit")})]


async def test_c08_every_answer_is_the_same_for_a_known_a_blocked_a_staff_and_an_unknown_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr("server.http.identity.time.time", lambda: now)  # "in 60 s", not in 59
    pool = desk.services.pool
    await pool.execute("INSERT INTO users (phone, role) VALUES ($1, 'driver')", PHONE)
    await pool.execute("INSERT INTO users (phone, role, blocked) VALUES ('+77017654321', 'driver', true)")
    await pool.execute(
        "INSERT INTO users (phone, role, grade) VALUES ('+77012223344', 'admin', 'superadmin')"
    )
    known = [await told(desk, phone) for phone in (PHONE, "+77017654321", "+77012223344", "+77018887766")]
    assert known[0] == known[1] == known[2] == known[3]


async def test_c08_asking_for_a_code_looks_at_no_account(desk: Desk) -> None:
    # No statement, no time: the same statements run whoever it is, and none reads the table of accounts.
    await desk.services.pool.execute("INSERT INTO users (phone, role) VALUES ($1, 'driver')", PHONE)
    ran: list[list[str]] = []
    for phone in (PHONE, "+77018887766"):
        seen: list[str] = []
        connections = {holder._con for holder in desk.services.pool._holders if holder._con is not None}
        for connection in connections:
            connection.add_query_logger(lambda record, seen=seen: seen.append(record.query))
        await desk.ask(phone)
        for connection in connections:
            connection._query_loggers.clear()
        ran.append([query for query in seen if "otp" in query or "users" in query or "advisory" in query])
    assert ran[0] == ran[1] and ran[0] and not any("users" in query for query in ran[0])


async def test_c05_guessing_at_one_account_is_throttled_and_its_owner_goes_on(desk: Desk) -> None:
    owner = await desk.sign_in(PHONE)
    waiting = await desk.ask(PHONE)
    wrong = f"{(int(waiting['code']) + 1) % 1_000_000:06d}"
    tries = 0
    for number in range(100):
        address = {"X-Forwarded-For": f"198.51.{number}.7"}
        await desk.services.pool.execute("UPDATE otp_requests SET created_at = created_at - interval '61 s'")
        answer = await desk.call("POST", "/auth/otp", json={"phone": PHONE}, headers=address)
        if answer.status == 201:
            form = {"request": (await answer.json())["request"], "code": wrong}
            for _ in range(10):
                assert (await desk.call("POST", "/auth/verify", json=form, headers=address)).status == 401
            tries += 5
    judged = await desk.services.pool.fetchval("SELECT sum(tries) FROM otp_requests WHERE used_at IS NULL")
    assert judged == tries <= 50  # of a million codes
    # The owner's signed-in phone is not disturbed, and the code that came before the attack still holds.
    await desk.ok("POST", "/auth/refresh", json={"refresh": owner["refresh"]})
    assert (await desk.ok("POST", "/auth/verify", json=waiting))["user"] == owner["user"]


async def test_c05_one_address_cannot_go_through_a_hundred_accounts(desk: Desk) -> None:
    statuses = [
        (await desk.call("POST", "/auth/otp", json={"phone": f"+7701{number:07d}"})).status
        for number in range(100)
    ]
    assert statuses == [201] * 30 + [429] * 70
