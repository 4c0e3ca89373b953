"""Where mails are handed in and whom they come from. Without a server they go to the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path

from .mail import EmailSender, Letterhead, LogEmail
from .smtp import SmtpEmail, SmtpServer, Tls

PORTS: dict[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}  # RFC 8314, and 25 for a relay of one's own
LOCAL = ("127.0.0.1", "::1", "localhost")

VARIABLES: dict[str, str] = {
    "DESK_SMTP_HOST": "server that mails are handed in to; without it the log tells that one would go",
    "DESK_SMTP_PORT": "its port (default 587; 465 with tls, 25 with none)",
    "DESK_SMTP_TLS": "starttls (default), tls, or none: only for a relay on this machine or network",
    "DESK_SMTP_USER": "user name there; without it nobody signs in",
    "DESK_SMTP_PASSWORD": "that user's password",
    "DESK_SMTP_CA": "file with the authorities to trust for it, instead of the machine's",
    "DESK_EMAIL_FROM": "whom mails come from, e.g. Tracking Desk <desk@example.org>",
    "DESK_EMAIL_REPLY_TO": "address that answers go to (default: the sender's)",
}


@dataclass(frozen=True, slots=True)
class Post:
    """What a sender of mails is made from."""

    server: SmtpServer
    head: Letterhead


def sender(post: Post | None) -> EmailSender:
    """The server of the settings, else the log."""
    return LogEmail() if post is None else SmtpEmail(post.server, post.head)


def post_of(environ: Mapping[str, str], problems: list[str]) -> Post | None:
    """Reads the settings; what is wrong with them is added to `problems`. None where no server is named."""

    def text(name: str) -> str:
        return environ.get(name, "").strip()

    host = text("DESK_SMTP_HOST")
    if not host:
        return None
    named = text("DESK_SMTP_TLS") or "starttls"
    tls = next((known for known in PORTS if known == named), None)
    if tls is None:
        problems.append(f"DESK_SMTP_TLS is {named!r}: give starttls, tls or none")
        tls = "starttls"
    port = text("DESK_SMTP_PORT") or str(PORTS[tls])
    if not port.isdigit() or not 1 <= int(port) <= 65_535:
        problems.append(f"DESK_SMTP_PORT is {port!r}: give a whole number from 1 to 65535")
        port = "0"
    user, password, ca = text("DESK_SMTP_USER"), environ.get("DESK_SMTP_PASSWORD", ""), text("DESK_SMTP_CA")
    if bool(user) != bool(password):
        problems.append("DESK_SMTP_USER and DESK_SMTP_PASSWORD go together: give both or none")
    if user and tls == "none" and host not in LOCAL:
        problems.append(
            "DESK_SMTP_TLS is none and DESK_SMTP_USER is set: the password would be read on the way"
        )
    if ca and not Path(ca).is_file():
        problems.append(f"DESK_SMTP_CA names {ca}, which is not a file")
        ca = ""
    name, address = parseaddr(text("DESK_EMAIL_FROM"))
    reply_to = text("DESK_EMAIL_REPLY_TO") or None
    for variable, said in (("DESK_EMAIL_FROM", address), ("DESK_EMAIL_REPLY_TO", reply_to)):
        if said is not None and not _is_address(said):
            problems.append(f"{variable} is {text(variable)!r}: give an address such as desk@example.org")
    head = Letterhead(address, name, reply_to)
    return Post(SmtpServer(host, int(port), tls, user or None, password or None, ca or None), head)


def _is_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return False
    return text.isascii() and bool(address.username) and "." in address.domain
