"""Mails over SMTP (RFC 5321) by aiosmtplib: one connection a batch, and one meaning for each reply.

aiosmtplib, not the standard library's smtplib in threads: a server that hangs holds a coroutine, not one of a few
threads; it is typed, needs nothing else, and forgets what was said before TLS stood.
"""

import asyncio
import contextlib
import logging
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from ..push import Delivered, Gone, Later, Outcome, Rejected
from .mail import Letterhead, Mail, composed

log = logging.getLogger("desk.email")

TIMEOUT_S = 15.0  # of one step of the conversation; a mail has four
LEAVE_S = 2.0  # for a last word
PARALLEL = 4  # connections of this worker: relays allow a sender a few
MOST_DROPS = 2  # connections lost in one batch; then the rest of it waits
NOBODY = (550, 551, 553)  # no such mailbox, moved away, not a mailbox's name
OUR_ADDRESS = ("5.1.7", "5.1.8")  # many servers judge the sender only when they hear of the reader
TOO_LARGE = 552

Tls = Literal["starttls", "tls", "none"]
Step = Literal["sender", "reader", "content"]
_DETAIL = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")  # RFC 3463, at the beginning of a reply's text


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed in. `starttls` hands in none to a server that does not offer it; `ca` is a file with
    the authorities to trust instead of the machine's."""

    host: str
    port: int
    tls: Tls = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None


class NoConnection(Exception):
    """There is none to be had now."""


class SmtpEmail:
    """Brings mails by one server."""

    def __init__(self, server: SmtpServer, head: Letterhead) -> None:
        self._server = server
        self._head = head
        self._gate = asyncio.Semaphore(PARALLEL)
        self._tls = None if server.tls == "none" else ssl.create_default_context(cafile=server.ca)

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Sends one after the other over one connection, and over a second one when that is lost. After it, and
        when none can be had, the rest is for later."""
        outcomes: list[Outcome] = []
        drops = 0
        async with self._gate:
            line = self._line()
            try:
                for mail in mails:
                    try:
                        message = composed(mail, self._head, time.time())
                    except ValueError as error:
                        outcomes.append(Rejected(str(error)))
                        continue
                    if drops >= MOST_DROPS:
                        outcomes.append(Later("no connection"))
                        continue
                    try:
                        if not line.is_connected:
                            await _connect(line)
                        outcomes.append(await _hand_in(line, self._head.address, mail, message))
                    except NoConnection as error:
                        outcomes.append(Later(str(error)))
                        drops = MOST_DROPS
                    else:
                        drops += not line.is_connected
            finally:
                await _leave(line)
        return outcomes

    async def close(self) -> None:
        """Nothing to give back: a connection lives as long as its batch."""

    def _line(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            # What mails come from resolves, which the name of this machine may not; and finding that may block.
            local_hostname=self._head.domain,
            timeout=TIMEOUT_S,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
        )


async def _connect(line: SMTP) -> None:
    """Connects, encrypts and signs in. NoConnection; what only a person can mend is logged as an error."""
    try:
        await line.connect()
        if line.is_ehlo_or_helo_needed:
            await line.ehlo()
    except (SMTPException, OSError) as error:
        code = error.code if isinstance(error, SMTPResponseException) else None
        detail = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
        if code is not None:
            passing = code // 100 == 4
        elif isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            passing = False  # somebody else's certificate, or no cipher in common
        else:
            passing = isinstance(error, OSError)  # no route, refused, reset, cut, no answer in time
        if passing:
            log.warning("email.server_down", extra={"detail": detail})
        elif isinstance(error, SMTPAuthenticationError):
            log.error("email.credentials_refused", extra={"detail": detail})
        else:
            log.error("email.server_refuses", extra={"detail": detail})
        raise NoConnection(detail) from None


async def _hand_in(line: SMTP, sender: str, mail: Mail, message: bytes) -> Outcome:
    """What came of one mail; the line is closed when it cannot be used any more."""
    try:
        await line.sendmail(sender, [mail.to], message)
    except SMTPRecipientsRefused as refused:
        return meaning("reader", refused.recipients[0].code, refused.recipients[0].message)
    except SMTPSenderRefused as refused:
        return meaning("sender", refused.code, refused.message)
    except SMTPResponseException as refused:
        if (
            refused.code < 400
        ):  # not a reply of this protocol: what comes next would be matched to the wrong step
            line.close()
        return meaning("content", refused.code, refused.message)
    except (SMTPException, OSError) as error:
        # After the last line of a mail it may have arrived all the same: its Message-ID makes the next one a copy.
        line.close()
        return Later(type(error).__name__)
    return Delivered()


def meaning(step: Step, code: int, text: str) -> Outcome:
    """What a refusal means, by the step that it came at: MAIL, RCPT or DATA. Its text may name the reader, so only
    its codes are kept."""
    found = _DETAIL.match(text)
    detail = found[0] if found else ""
    if detail in OUR_ADDRESS:
        step = "sender"
    reason = f"{code} {detail}".strip() + f" ({step})"
    if code // 100 != 5:
        return Later(reason)
    if detail.startswith("5.1.") and step != "sender":
        return Gone()
    # 5.7: a relay that does not know us, a list that we are on. It says nothing of the reader.
    if step == "reader" and code in NOBODY and not detail.startswith("5.7."):
        return Gone()
    if step == "sender" and code != TOO_LARGE:
        # Every mail of ours would meet this: none is given up for it.
        log.error("email.sender_refused", extra={"detail": reason})
        return Later(reason)
    return Rejected(reason)


async def _leave(line: SMTP) -> None:
    if line.is_connected:
        with contextlib.suppress(SMTPException, OSError):
            await line.quit(timeout=LEAVE_S)
    line.close()
