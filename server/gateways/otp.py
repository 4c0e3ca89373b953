"""Bringing one-time codes to phones."""

import logging
from typing import Protocol

log = logging.getLogger("desk.otp")


class OtpSender(Protocol):
    """An SMS provider, or what stands in for one."""

    async def send(self, phone: str, code: str) -> None:
        """Brings the code to this E.164 number."""


class LogOtp:
    """The development default: the code appears in the server's log, the number masked.

    Whoever reads this log can sign in as anybody, so a deployment with real users configures a real sender.
    """

    async def send(self, phone: str, code: str) -> None:
        """One line at INFO, event `otp.code`."""
        log.info("otp.code", extra={"phone": masked(phone), "code": code})


def masked(phone: str) -> str:
    """A number that its owner recognises and nobody else can call: +7701***4567."""
    return f"{phone[:5]}***{phone[-4:]}" if len(phone) > 9 else "***"
