"""Bringing one-time codes to phones: the log of a developer, or a chain of SMS gateways."""

import logging
from collections import Counter
from typing import Protocol

from dispatch.errors import Refusal
from server.i18n import Lang, sms

from .sms import Sent, Trouble
from .texting import Texting, masked

log = logging.getLogger("desk.otp")


class OtpSender(Protocol):
    """What brings a code to a phone."""

    outcomes: Counter[tuple[str, str]]

    async def send(self, phone: str, code: str, lang: Lang) -> None:
        """Brings the code to this E.164 number. Refusal `phone_invalid`, `sms_unavailable` when it did not go."""

    async def close(self) -> None:
        """Gives connections back."""


class LogOtp:
    """The development default: the code appears in the server's log, the number masked.

    Whoever reads this log can sign in as anybody, so a deployment with real users configures a real sender.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def send(self, phone: str, code: str, lang: Lang) -> None:
        """One line at INFO, event `otp.code`."""
        self.outcomes["log", "sent"] += 1
        log.info("otp.code", extra={"phone": masked(phone), "code": code})

    async def close(self) -> None:
        """Nothing to give back."""


class SmsChain:
    """SMS by the first gateway that takes it. The answer is the same whether or not the number has an account.

    `host` is the page's own: the last line of the text lets a browser fill in the code there and nowhere else.
    """

    def __init__(self, texting: Texting, host: str) -> None:
        self._texting = texting
        self._host = host
        self.outcomes = texting.outcomes

    async def send(self, phone: str, code: str, lang: Lang) -> None:
        """Tries the gateways in order; one that keeps failing is left out for a while."""
        came = await self._texting.send(phone, sms.otp(lang, code, self._host))
        if isinstance(came, Sent):
            return
        raise Refusal("phone_invalid" if came.trouble is Trouble.NUMBER else "sms_unavailable")

    async def close(self) -> None:
        """Closes the gateways' connections."""
        await self._texting.close()
