"""The SMTP sender against a local server: what goes over the wire, and the one meaning of each refusal."""

import asyncio
import email
import email.policy
import logging
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gateways.email.mail import Attachment, Letterhead, LogEmail, Mail, composed
from server.gateways.email.smtp import MOST_DROPS, PARALLEL, SmtpEmail, SmtpServer
from server.gateways.push import Delivered, Gone, Later, Rejected

from .server import Reaction, Server, certified

HEAD = Letterhead("desk@example.kz", "Трекинг Деск", "office@example.kz")
TEXT = "Здравствуйте, Ержан!\n.\nОплачено 9 900,00 ₸.\n"


def mail(to: str = "erlan@example.org", **changes: object) -> Mail:
    fields: dict[str, object] = {
        "to": to,
        "kind": "receipt",
        "key": f"receipt 17 to {to}",
        "subject": "Чек № 17",
        "text": TEXT,
        "name": "Ержан С.",
    }
    return Mail(**{**fields, **changes})  # type: ignore[arg-type]  # a builder's fields


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as running:
        yield running


def sender_to(server: Server) -> SmtpEmail:
    return SmtpEmail(SmtpServer("127.0.0.1", server.port, "none"), HEAD)


@pytest.fixture
def sender(server: Server) -> SmtpEmail:
    return sender_to(server)


async def test_a_mail_arrives_with_its_text_its_paper_and_who_it_is_from(
    server: Server, sender: SmtpEmail
) -> None:
    paper = Attachment("чек 17.pdf", b"%PDF-1.4\r\n.\r\n\x00\xff")
    assert await sender.send([mail(attachment=paper)]) == [Delivered()]
    (taken,) = server.taken
    assert (taken.sender, taken.reader) == ("desk@example.kz", "erlan@example.org")
    assert taken.content.isascii()  # every relay passes it on
    message = read(taken.content)
    assert message["From"] == "Трекинг Деск <desk@example.kz>"
    assert message["To"] == '"Ержан С." <erlan@example.org>'
    assert (message["Reply-To"], message["Subject"]) == ("office@example.kz", "Чек № 17")
    assert message["Date"].datetime.tzinfo is not None
    assert message["Auto-Submitted"] == "auto-generated"
    text, pdf = message.iter_parts()
    assert text.get_content_type() == "text/plain" and text.get_content().replace("\r\n", "\n") == TEXT
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", "чек 17.pdf")
    assert pdf.get_content() == paper.content
    assert not message.defects


async def test_a_mail_without_paper_is_plain_text(server: Server, sender: SmtpEmail) -> None:
    await sender.send([mail()])
    message = read(server.taken[0].content)
    assert message.get_content_type() == "text/plain" and not message.is_multipart()


async def test_sent_again_a_mail_has_the_same_message_id_and_another_has_another(
    server: Server, sender: SmtpEmail
) -> None:
    await sender.send([mail(), mail("aigul@example.org")])
    await sender.send([mail(subject="Ещё раз")])
    first, other, again = (read(taken.content)["Message-ID"] for taken in server.taken)
    assert first == again != other and first.endswith("@example.kz>")


async def test_a_batch_goes_over_one_connection(server: Server, sender: SmtpEmail) -> None:
    mails = [mail(f"reader{number}@example.org") for number in range(20)]
    assert await sender.send(mails) == [Delivered()] * 20
    assert [taken.reader for taken in server.taken] == [one.to for one in mails]
    assert server.connections == 1 and server.said[0] == "EHLO example.kz" and server.said[-1] == "QUIT"


@given(
    name=st.text(max_size=300),
    subject=st.text(max_size=300),
    paper=st.text(min_size=1, max_size=100).filter(lambda text: text.strip()),
)
def test_no_name_or_subject_adds_a_header_or_a_reader(name: str, subject: str, paper: str) -> None:
    plain = mail(name="x", subject="x", attachment=Attachment("x", b"%PDF"))
    hostile = mail(name=name, subject=subject, attachment=Attachment(paper, b"%PDF"))
    message = read(composed(hostile, HEAD, 1.8e9))
    assert message.keys() == read(composed(plain, HEAD, 1.8e9)).keys()
    (reader,) = message["To"].addresses
    assert reader.addr_spec == hostile.to


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\x00"])
def test_a_line_s_end_in_a_name_is_a_space(end: str) -> None:
    hostile = mail(name=f"Ержан{end}Bcc: all@example.org", subject=f"Чек{end}{end}Bcc: all@example.org")
    message = read(composed(hostile, HEAD, 1.8e9))
    assert message["Bcc"] is None
    assert message["Subject"] == "Чек Bcc: all@example.org"
    assert message["To"].addresses[0].display_name == "Ержан Bcc: all@example.org"


@pytest.mark.parametrize(
    "address",
    ["", "@", "a@", "no mail", "a@b.kz\r\nBcc: c@d.kz", "a@b.kz>\r\nDATA", "a b@c.kz", "a@b.kz, c@d.kz", "я@b.kz",
     '"a b"@c.kz', "<a@b.kz>", "a@b.kz\x00"],
)  # fmt: skip
async def test_what_is_no_address_is_refused_and_the_others_go(
    server: Server, sender: SmtpEmail, address: str
) -> None:
    refused, taken = await sender.send([mail(address), mail()])
    assert isinstance(refused, Rejected) and taken == Delivered()
    assert [one.reader for one in server.taken] == ["erlan@example.org"]


@pytest.mark.parametrize(
    ("step", "reply", "outcome"),
    [
        ("rcpt", "450 4.2.1 mailbox busy", Later("450 4.2.1 (reader)")),
        ("rcpt", "452 too many", Later("452 (reader)")),
        ("rcpt", "550 5.1.1 <erlan@example.org> no such user", Gone()),
        ("rcpt", "550 no such user", Gone()),
        ("rcpt", "551 5.1.6 moved away", Gone()),
        ("rcpt", "553 no such name", Gone()),
        ("rcpt", "554 5.1.1 never heard of", Gone()),
        ("rcpt", "550 5.7.1 relaying denied", Rejected("550 5.7.1 (reader)")),
        ("rcpt", "552 5.2.2 mailbox full", Rejected("552 5.2.2 (reader)")),
        ("rcpt", "550 5.1.8 sender's domain not found", Later("550 5.1.8 (sender)")),
        ("data", "451 4.3.0 try again", Later("451 4.3.0 (content)")),
        ("content", "452 4.3.1 disk full", Later("452 4.3.1 (content)")),
        ("content", "554 5.6.0 what is that", Rejected("554 5.6.0 (content)")),
        ("content", "550 5.7.1 looks like spam", Rejected("550 5.7.1 (content)")),
        ("content", "550 5.1.1 no such user after all", Gone()),
        ("mail", "451 4.7.1 greylisted", Later("451 4.7.1 (sender)")),
        ("mail", "552 5.3.4 too large", Rejected("552 5.3.4 (sender)")),
        ("mail", "550 5.7.1 who are you", Later("550 5.7.1 (sender)")),
    ],
)
async def test_each_refusal_has_one_meaning_and_the_next_mail_goes(
    server: Server, sender: SmtpEmail, step: str, reply: Reaction, outcome: object
) -> None:
    server.script = {step: [reply]}
    assert await sender.send([mail(), mail("aigul@example.org")]) == [outcome, Delivered()]
    assert [taken.reader for taken in server.taken] == ["aigul@example.org"] and server.connections == 1


async def test_a_refused_sender_calls_a_person(
    server: Server, sender: SmtpEmail, caplog: pytest.LogCaptureFixture
) -> None:
    server.script = {"mail": ["550 5.7.1 who are you"]}
    await sender.send([mail()])
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "email.sender_refused")
    ]


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "content"])
@pytest.mark.parametrize("trouble", ["cut", "421 4.3.2 going down"])
async def test_a_connection_that_is_lost_is_opened_again_for_the_next_mail(
    server: Server, sender: SmtpEmail, step: str, trouble: Reaction
) -> None:
    server.script = {step: [trouble]}
    lost, taken = await sender.send([mail(), mail("aigul@example.org")])
    assert isinstance(lost, Later) and taken == Delivered()
    assert server.connections == 2


async def test_a_server_that_cuts_every_connection_is_left_alone_after_two(
    server: Server, sender: SmtpEmail
) -> None:
    server.script = {"rcpt": ["cut"] * 10}
    outcomes = await sender.send([mail(f"reader{number}@example.org") for number in range(10)])
    assert all(isinstance(outcome, Later) for outcome in outcomes)
    assert server.connections == MOST_DROPS and server.taken == []


@pytest.mark.parametrize("step", ["connect", "ehlo", "mail", "rcpt", "data", "content"])
async def test_a_server_that_hangs_is_given_up(
    server: Server, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.email.smtp.TIMEOUT_S", 0.2)
    server.script = {step: ["hang"]}
    (outcome,) = await sender_to(server).send([mail()])
    assert isinstance(outcome, Later) and server.taken == []


@pytest.mark.parametrize("step", ["connect", "rcpt", "content"])
async def test_an_answer_that_is_no_smtp_is_for_later_and_nothing_after_it_is_believed(
    server: Server, sender: SmtpEmail, step: str
) -> None:
    server.script = {step: ["<html>"]}
    (outcome,) = await sender.send([mail()])
    assert isinstance(outcome, Later)


@pytest.mark.parametrize(
    ("script", "level"),
    [
        ({"connect": ["554 5.7.1 go away"]}, "ERROR"),
        ({"connect": ["421 4.3.2 too many"]}, "WARNING"),
        ({"connect": ["cut"]}, "WARNING"),
        ({"ehlo": ["cut"]}, "WARNING"),
    ],
)
async def test_without_a_connection_the_whole_batch_waits_and_one_try_is_made(
    server: Server,
    sender: SmtpEmail,
    script: dict[str, list[Reaction]],
    level: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script = script
    first, second = await sender.send([mail(), mail("aigul@example.org")])
    assert isinstance(first, Later) and second == Later("no connection")
    assert server.connections == 1 and [record.levelname for record in caplog.records] == [level]


async def test_nobody_listening_is_for_later() -> None:
    (outcome,) = await SmtpEmail(SmtpServer("127.0.0.1", 1, "none"), HEAD).send([mail()])
    assert outcome == Later("SMTPConnectError")


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_the_user_is_named_and_the_mail_sent_only_over_tls(tls: str, tmp_path: Path) -> None:
    context, ca = certified(tmp_path, "127.0.0.1")
    wanted = Server(tls=context, starttls=tls == "starttls", users={"desk": "not-a-password"})
    async with wanted.running() as server:
        at = SmtpServer("127.0.0.1", server.port, tls, "desk", "not-a-password", ca)  # type: ignore[arg-type]  # a literal
        assert await SmtpEmail(at, HEAD).send([mail()]) == [Delivered()]
        assert server.taken[0].encrypted
        if tls == "starttls":
            assert server.said.index("STARTTLS") < next(
                number for number, said in enumerate(server.said) if said.startswith("AUTH")
            )


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_certificate_of_somebody_else_calls_a_person_and_nothing_is_said(
    tls: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context, ca = certified(tmp_path, "elsewhere.example")
    async with Server(tls=context, starttls=tls == "starttls", users={"desk": "x"}).running() as server:
        at = SmtpServer("127.0.0.1", server.port, tls, "desk", "x", ca)  # type: ignore[arg-type]  # a literal
        (outcome,) = await SmtpEmail(at, HEAD).send([mail()])
    assert isinstance(outcome, Later) and server.taken == []
    assert not any(said.startswith(("AUTH", "MAIL")) for said in server.said)
    assert ("ERROR", "email.server_refuses") in [
        (record.levelname, record.getMessage()) for record in caplog.records if record.name == "desk.email"
    ]


async def test_without_starttls_on_offer_nothing_goes_in_the_clear(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.users = {"desk": "x"}
    at = SmtpServer("127.0.0.1", server.port, "starttls", "desk", "x")
    (outcome,) = await SmtpEmail(at, HEAD).send([mail()])
    assert isinstance(outcome, Later) and server.taken == []
    assert not any(said.startswith(("AUTH", "MAIL")) for said in server.said)
    assert [record.getMessage() for record in caplog.records] == ["email.server_refuses"]


@pytest.mark.parametrize(
    ("reply", "event"),
    [(None, "email.credentials_refused"), ("454 4.7.0 not now", "email.server_down")],
)
async def test_a_wrong_password_calls_a_person_and_no_mail_is_given_up_for_it(
    server: Server, reply: Reaction | None, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.users = {"desk": "right"}
    server.script = {"auth": [reply]} if reply else {}
    at = SmtpServer("127.0.0.1", server.port, "none", "desk", "wrong")
    first, second = await SmtpEmail(at, HEAD).send([mail(), mail()])
    assert isinstance(first, Later) and second == Later("no connection")
    assert [record.getMessage() for record in caplog.records] == [event]
    assert "wrong" not in repr(at)


async def test_many_batches_at_once_share_a_few_connections(server: Server, sender: SmtpEmail) -> None:
    server.script = {"rcpt": ["hang"] * PARALLEL}
    batches = [asyncio.create_task(sender.send([mail(f"reader{number}@example.org")])) for number in range(9)]
    for _ in range(PARALLEL):
        await server.hanging.acquire()
    assert server.connections == PARALLEL and server.taken == []
    for batch in batches[:PARALLEL]:
        batch.cancel()
    assert await asyncio.gather(*batches[PARALLEL:]) == [[Delivered()]] * (9 - PARALLEL)


async def test_a_developer_reads_a_code_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await LogEmail().send([mail(code="048213")])
    assert caplog.records[0].code == "048213"  # type: ignore[attr-defined]  # a field of the line


async def test_the_default_logs_that_a_mail_would_go_and_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        assert await LogEmail().send([mail(), mail("aigul@example.org")]) == [Delivered()] * 2
    for record in caplog.records:
        assert (record.getMessage(), record.kind) == ("email.logged", "receipt")  # type: ignore[attr-defined]
        told = str(vars(record))
        assert not any(secret in told for secret in ("@", "Чек", "Ержан", "Оплачено"))
