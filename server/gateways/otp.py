"""Bringing one-time codes to phones: the log of a developer, or a chain of SMS gateways."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from dispatch.errors import Refusal
from server.i18n import Lang, sms

from .breaker import Breaker, Patience
from .sms import NotSent, Sent, SmsGateway, Trouble

log = logging.getLogger("desk.otp")

# A person must act: retrying changes nothing, and nobody gets a code through this gateway meanwhile.
FOR_A_PERSON = frozenset({Trouble.ACCOUNT, Trouble.REFUSED})
PATIENCE = Patience(failures=5, first_s=30.0)


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

    def __init__(self, gateways: Sequence[SmsGateway], host: str) -> None:
        self._gateways = list(gateways)
        self._breakers = {gateway.name: Breaker() for gateway in gateways}
        self._host = host
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def send(self, phone: str, code: str, lang: Lang) -> None:
        """Tries the gateways in order; one that keeps failing is left out for a while."""
        text = sms.otp(lang, code, self._host)
        troubles: list[Trouble] = []
        for gateway in self._gateways:
            breaker, may = self._breakers[gateway.name].ask(time.monotonic(), PATIENCE)
            self._breakers[gateway.name] = breaker
            if not may:
                self.outcomes[gateway.name, "left_out"] += 1
                continue
            outcome = await gateway.send(phone, text)
            if isinstance(outcome, Sent):
                self._breakers[gateway.name] = Breaker()
                self.outcomes[gateway.name, "sent"] += 1
                log.info(
                    "otp.sent", extra={"gateway": gateway.name, "phone": masked(phone), "sms": outcome.id}
                )
                return
            self._failed(gateway, outcome, phone)
            troubles.append(outcome.trouble)
        if troubles and all(trouble is Trouble.NUMBER for trouble in troubles):
            raise Refusal("phone_invalid")
        raise Refusal("sms_unavailable")

    def _failed(self, gateway: SmsGateway, outcome: NotSent, phone: str) -> None:
        trouble, breaker = outcome.trouble, self._breakers[gateway.name]
        self.outcomes[gateway.name, trouble.value] += 1
        about = {"gateway": gateway.name, "trouble": trouble.value, "detail": outcome.detail}
        if trouble in (Trouble.NUMBER, Trouble.THROTTLED):
            self._breakers[gateway.name] = breaker.succeeded()  # it answers; this number is the matter
            log.info("otp.not_sent", extra={**about, "phone": masked(phone)})
            return
        at_once = trouble is Trouble.ACCOUNT
        self._breakers[gateway.name] = breaker.failed(time.monotonic(), PATIENCE, at_once=at_once)
        if trouble in FOR_A_PERSON:
            log.error("otp.gateway_refuses", extra=about)
        else:
            log.warning("otp.gateway_down", extra=about)

    async def close(self) -> None:
        """Closes the gateways' connections."""
        for gateway in self._gateways:
            await gateway.close()


def masked(phone: str) -> str:
    """A number that its owner recognises and nobody else can call: +7701***4567."""
    return f"{phone[:5]}***{phone[-4:]}" if len(phone) > 9 else "***"
