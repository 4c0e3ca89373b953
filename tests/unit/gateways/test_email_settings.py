"""Settings of e-mail: none needs none, and whatever would lose or leak mails stops the start."""

from pathlib import Path

import pytest

from server.gateways.email.mail import Letterhead, LogEmail
from server.gateways.email.settings import Post, post_of, sender
from server.gateways.email.smtp import SmtpEmail, SmtpServer

GOOD = {"DESK_SMTP_HOST": "mail.example.org", "DESK_EMAIL_FROM": "Tracking Desk <desk@example.org>"}


def read(**changes: str) -> tuple[Post | None, list[str]]:
    problems: list[str] = []
    return post_of({**GOOD, **changes}, problems), problems


def test_without_a_server_mails_go_to_the_log() -> None:
    post, problems = read(DESK_SMTP_HOST="", DESK_EMAIL_FROM="")
    assert (post, problems) == (None, []) and isinstance(sender(post), LogEmail)


def test_a_server_and_a_sender_are_enough() -> None:
    post, problems = read()
    head = Letterhead("desk@example.org", "Tracking Desk")
    assert (post, problems) == (Post(SmtpServer("mail.example.org", 587), head), [])
    assert isinstance(sender(post), SmtpEmail)


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_each_kind_of_encryption_has_its_port(tls: str, port: int) -> None:
    post, problems = read(DESK_SMTP_TLS=tls)
    assert post is not None and (post.server.tls, post.server.port, problems) == (tls, port, [])


def test_everything_may_be_said(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    post, problems = read(
        DESK_SMTP_PORT="2525",
        DESK_SMTP_TLS="tls",
        DESK_SMTP_USER="desk",
        DESK_SMTP_PASSWORD=" spaces count ",
        DESK_SMTP_CA=str(tmp_path / "ca.pem"),
        DESK_EMAIL_FROM="desk@example.org",
        DESK_EMAIL_REPLY_TO="office@example.org",
    )
    server = SmtpServer("mail.example.org", 2525, "tls", "desk", " spaces count ", str(tmp_path / "ca.pem"))
    assert problems == []
    assert post == Post(server, Letterhead("desk@example.org", "", "office@example.org"))
    assert "spaces" not in repr(post)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DESK_SMTP_PORT", "mail"),
        ("DESK_SMTP_PORT", "70000"),
        ("DESK_SMTP_TLS", "ssl"),
        ("DESK_SMTP_USER", "desk"),
        ("DESK_SMTP_PASSWORD", "x"),
        ("DESK_SMTP_CA", "/nowhere/ca.pem"),
        ("DESK_EMAIL_FROM", ""),
        ("DESK_EMAIL_FROM", "Tracking Desk"),
        ("DESK_EMAIL_FROM", "desk@localhost"),
        ("DESK_EMAIL_FROM", "почта@example.org"),
        ("DESK_EMAIL_REPLY_TO", "office"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    _, problems = read(**{name: value})
    assert len(problems) == 1 and name in problems[0]


def test_a_password_does_not_travel_in_the_clear_but_to_this_machine() -> None:
    signed = {"DESK_SMTP_TLS": "none", "DESK_SMTP_USER": "desk", "DESK_SMTP_PASSWORD": "x"}
    _, problems = read(**signed)
    assert len(problems) == 1 and "DESK_SMTP_TLS" in problems[0]
    assert read(**signed, DESK_SMTP_HOST="127.0.0.1")[1] == []
