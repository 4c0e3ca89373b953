"""A mail, the port that brings it, and the message that goes over the wire (RFC 5322, RFC 2045)."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

from ..push import Delivered, Outcome

log = logging.getLogger("desk.email")

# Seven bits pass every relay, whatever it says of 8BITMIME: Cyrillic goes as base64 or quoted-printable.
POLICY = SMTP.clone(cte_type="7bit")
LONGEST = 200  # characters of a subject or a name: more is no subject


@dataclass(frozen=True, slots=True)
class Attachment:
    """A PDF that goes with a mail; `name` as the reader's machine is to call it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one reader, in their language. `kind` is what the log may tell of it.

    `key` names it for ever: sent again after a lost answer it has the same Message-ID, by which servers and
    readers' programs drop the copy.
    """

    to: str
    kind: str
    key: str
    subject: str
    text: str
    name: str = ""  # the reader's
    attachment: Attachment | None = None
    code: str | None = None  # that the text holds, for a developer without a mail server


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Whom mails come from, and where an answer goes (to the sender, without it)."""

    address: str
    name: str = ""
    reply_to: str | None = None

    @property
    def domain(self) -> str:
        """Whose mails these are."""
        return self.address.rpartition("@")[2]


class EmailSender(Protocol):
    """Brings mails."""

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """What came of each mail, in order; never raises for one mail's sake. Delivered: a server answers for it
        from here on."""

    async def close(self) -> None:
        """Gives connections back."""


class LogEmail:
    """The default: the log tells that a mail would go, and neither where to nor what it says but for a code, by
    which a developer goes on."""

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Logs each mail's kind and calls it delivered."""
        for mail in mails:
            log.info("email.logged", extra={"kind": mail.kind, **({"code": mail.code} if mail.code else {})})
        return [Delivered() for _ in mails]

    async def close(self) -> None:
        """Nothing to give back."""


def composed(mail: Mail, head: Letterhead, now: float) -> bytes:
    """The message, every line ended by CRLF; `now` in epoch seconds. ValueError where the address is none."""
    try:
        reader = Address(one_line(mail.name), addr_spec=mail.to)
    except (MessageError, ValueError, IndexError) as error:  # the library's parser fails in all three ways
        raise ValueError("not an address") from error
    if not mail.to.isascii() or any(not " " < character < "\x7f" for character in mail.to):
        raise ValueError("not an address that every server takes")
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(one_line(head.name), addr_spec=head.address)
    message["To"] = reader
    if head.reply_to is not None:
        message["Reply-To"] = Address(addr_spec=head.reply_to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = datetime.fromtimestamp(now, UTC)
    message["Message-ID"] = f"<{hashlib.sha256(mail.key.encode()).hexdigest()[:40]}@{head.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers that its owner is on leave
    message.set_content(mail.text)
    if mail.attachment is not None:
        message.add_attachment(
            mail.attachment.content,
            maintype="application",
            subtype="pdf",
            filename=one_line(mail.attachment.name),
        )
    return message.as_bytes()


def one_line(text: str) -> str:
    """Fit for a header: what ends a line or cannot be seen is a space, so that nobody's name adds a header."""
    seen = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(seen.split())[:LONGEST]
