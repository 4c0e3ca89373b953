"""An e-mail address is proven by a code before anything is sent there."""

import asyncio
import email
import email.policy
import logging
import time

import pytest

from server.gateways.email.mail import Letterhead
from server.gateways.email.smtp import SmtpEmail, SmtpServer
from server.gateways.push import Gone, Later, Rejected
from storage.email_codes import LIFETIME_S
from tests.contract.email.server import Server
from tests.integration.accounts.conftest import Answer, Desk, Person
from tests.integration.accounts.mailboxes import Mailboxes, prove

MINE = "erlan@example.kz"


@pytest.fixture
def boxes(desk: Desk) -> Mailboxes:
    made = Mailboxes()
    desk.services.email_sender = made
    return made


async def asked(person: Person, address: str = MINE, **headers: str) -> Answer:
    return await person.call("PUT", "/me/email", {"email": address}, headers)


async def later(desk: Desk, seconds: float) -> None:
    """So much time passes for the codes."""
    await desk.pool.execute(
        "UPDATE email_requests SET created_at = created_at - make_interval(secs => $1),"
        " expires_at = expires_at - make_interval(secs => $1)",
        seconds,
    )


async def known(person: Person) -> object:
    return (await person.get("/me/settings")).body["email"]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_over_smtp_a_code_goes_to_the_address_and_proves_it(desk: Desk) -> None:
    async with Server().running() as server:
        desk.services.email_sender = SmtpEmail(
            SmtpServer("127.0.0.1", server.port, "none"), Letterhead("desk@example.org", "Tracking Desk")
        )
        answer = await asked(desk.driver, "Erlan@Example.KZ", **{"Accept-Language": "kk"})
    assert answer.status == 202 and answer.body["expires_at"] > answer.body["resend_at"]
    assert await known(desk.driver) is None
    (taken,) = server.taken
    message = email.message_from_bytes(taken.content, policy=email.policy.default)
    text = message.get_content()
    code = next(word for word in text.replace(".", " ").split() if word.isdigit() and len(word) == 6)
    assert taken.reader == MINE and code in message["Subject"] and "Код" in text
    before = (await desk.driver.get("/me/settings")).body["version"]
    form = {"request": answer.body["request"], "code": code}
    proven = await desk.driver.post("/me/email/confirm", form)
    assert proven.body["email"] == MINE and proven.body["version"] == before + 1
    assert proven.headers["ETag"] == f'"{before + 1}"'
    assert (await desk.driver.post("/me/email/confirm", form)).code == "code_wrong"  # good once


@pytest.mark.parametrize("address", ["", "no mail", "a@b", "a@b.kz\n", "a" * 65 + "@b.kz", "a@b.kz,c@d.kz x"])
async def test_what_is_no_address_is_refused(desk: Desk, boxes: Mailboxes, address: str) -> None:
    assert (await asked(desk.driver, address)).code == "bad_request"
    assert boxes.received == [] and await desk.rows("email_requests") == []


async def test_five_wrong_tries_end_a_code_and_parallel_ones_are_counted(
    desk: Desk, boxes: Mailboxes
) -> None:
    request = (await asked(desk.driver)).body["request"]
    guess = {"request": request, "code": wrong(boxes.code)}
    answers = await asyncio.gather(*(desk.driver.post("/me/email/confirm", guess) for _ in range(8)))
    assert [answer.code for answer in answers] == ["code_wrong"] * 8
    assert await desk.pool.fetchval("SELECT tries FROM email_requests") == 5
    right = {"request": request, "code": boxes.code}
    assert (await desk.driver.post("/me/email/confirm", right)).code == "code_wrong"
    assert await known(desk.driver) is None


async def test_under_a_key_wrong_tries_count_too(desk: Desk, boxes: Mailboxes) -> None:
    request = (await asked(desk.driver)).body["request"]
    for number in range(6):
        guess = {"request": request, "code": wrong(boxes.code)}
        await desk.driver.post("/me/email/confirm", guess, {"Idempotency-Key": f"key-{number}"})
    assert await desk.pool.fetchval("SELECT tries FROM email_requests") == 5


async def test_a_code_is_good_for_a_quarter_of_an_hour(desk: Desk, boxes: Mailboxes) -> None:
    request = (await asked(desk.driver)).body["request"]
    await later(desk, LIFETIME_S - 5)
    late = (await asked(desk.driver, "other@example.kz")).body["request"]
    assert (await desk.driver.post("/me/email/confirm", {"request": late, "code": boxes.code})).status == 200
    await later(desk, 10)
    form = {"request": request, "code": boxes.received[0].code}
    assert (await desk.driver.post("/me/email/confirm", form)).code == "code_wrong"


async def test_the_code_of_another_proves_nothing(desk: Desk, boxes: Mailboxes) -> None:
    request = (await asked(desk.driver)).body["request"]
    form = {"request": request, "code": boxes.code}
    assert (await desk.shipper.post("/me/email/confirm", form)).code == "code_wrong"
    assert await known(desk.shipper) is None
    assert (
        await desk.pool.fetchval("SELECT tries FROM email_requests") == 0
    )  # nor does it spend the owner's tries


async def test_codes_are_kept_as_macs_and_never_logged(
    desk: Desk, boxes: Mailboxes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await prove(desk, desk.driver, MINE)
    (row,) = await desk.pool.fetch("SELECT email_requests::text AS told FROM email_requests")
    code = desk.services.email_sender.code  # type: ignore[attr-defined]  # the mailboxes of `prove`
    assert code not in row["told"]
    told = " ".join(str(record.__dict__) for record in caplog.records)
    assert MINE not in told and code not in told


async def test_a_minute_passes_between_two_codes_of_a_user_and_to_a_mailbox(
    desk: Desk, boxes: Mailboxes
) -> None:
    assert (await asked(desk.driver)).status == 202
    assert (await asked(desk.driver, "other@example.kz")).code == "rate_limited"
    assert (await asked(desk.shipper, MINE.upper())).code == "rate_limited"
    assert (await asked(desk.shipper, "third@example.kz")).status == 202
    await later(desk, 61)
    assert (await asked(desk.driver)).status == 202


async def test_nobody_is_sent_more_than_five_codes_an_hour_whoever_asks(desk: Desk, boxes: Mailboxes) -> None:
    people = [*desk.drivers, *desk.shippers]
    statuses = []
    for person in people:
        statuses.append((await asked(person)).status)
        await later(desk, 61)
    assert statuses == [202] * 5 + [429] and len(boxes.received) == 5


async def test_parallel_requests_count_one_another(desk: Desk, boxes: Mailboxes) -> None:
    answers = await asyncio.gather(*(asked(person) for person in (*desk.drivers, *desk.shippers)))
    assert sorted(answer.status for answer in answers) == [202] + [429] * 5


async def test_one_network_address_has_thirty_codes_an_hour(desk: Desk, boxes: Mailboxes) -> None:
    await asked(desk.driver)
    await desk.pool.execute(
        "INSERT INTO email_requests (id, user_id, email, code_hmac, ip, network, created_at, expires_at)"
        " SELECT gen_random_uuid(), $1, 'x' || n || '@example.kz', '', ip, network, created_at, expires_at"
        " FROM email_requests, generate_series(1, 29) n",
        desk.drivers[1].id,
    )
    assert (await asked(desk.shipper, "fresh@example.kz")).code == "rate_limited"


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Later("421"), "email_unavailable"),
        (Gone(), "email_unreachable"),
        (Rejected("554"), "email_unreachable"),
    ],
)
async def test_a_mail_that_does_not_go_is_told_and_may_be_asked_for_at_once(
    desk: Desk, boxes: Mailboxes, outcome: object, code: str
) -> None:
    boxes.instead = [outcome] * 7  # type: ignore[list-item]  # one of the four
    for _ in range(7):  # more than an hour's share: what did not go does not count
        assert (await asked(desk.driver)).code == code
    assert (await asked(desk.driver)).status == 202


async def test_a_server_of_mails_that_hangs_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.http.email.PATIENCE_S", 0.2)
    async with Server({"rcpt": ["hang"]}).running() as server:
        head = Letterhead("desk@example.org")
        desk.services.email_sender = SmtpEmail(SmtpServer("127.0.0.1", server.port, "none"), head)
        assert (await asked(desk.driver)).code == "email_unavailable"


async def test_an_address_is_replaced_by_a_proven_one_only_and_can_be_taken_back(desk: Desk) -> None:
    await prove(desk, desk.driver, MINE)
    await later(desk, 61)
    assert (await asked(desk.driver, "new@example.kz")).status == 202
    assert await known(desk.driver) == MINE
    version = (await desk.driver.get("/me/settings")).body["version"]
    for _ in range(2):
        assert (await desk.driver.delete("/me/email")).status == 204
    answer = await desk.driver.get("/me/settings")
    assert (answer.body["email"], answer.body["version"]) == (None, version + 1)


async def test_an_office_may_share_one_address(desk: Desk) -> None:
    await prove(desk, desk.driver, MINE)
    await later(desk, 61)
    await prove(desk, desk.shipper, MINE)


async def test_old_codes_are_forgotten(desk: Desk, boxes: Mailboxes) -> None:
    await asked(desk.driver)
    await later(desk, 2 * 86_400 + 60)
    await asked(desk.shipper, "new@example.kz")
    await desk.services.email_codes.forget_old(time.time())
    assert await desk.pool.fetchval("SELECT array_agg(email) FROM email_requests") == ["new@example.kz"]
