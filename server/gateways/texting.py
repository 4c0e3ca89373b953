"""SMS through a chain of gateways: the first that takes a message carries it, one that keeps failing is left
out."""

import logging
import time
from collections import Counter
from collections.abc import Sequence

from .breaker import Breaker, Patience
from .sms import NotSent, Outcome, Sent, SmsGateway, Trouble

log = logging.getLogger("desk.sms")

# A person must act: retrying changes nothing, and nobody gets a message through this gateway meanwhile.
FOR_A_PERSON = frozenset({Trouble.ACCOUNT, Trouble.REFUSED})
PATIENCE = Patience(failures=5, first_s=30.0)


class Texting:
    """One-time codes and notices share it, and so what is known of each gateway."""

    def __init__(self, gateways: Sequence[SmsGateway]) -> None:
        self._gateways = list(gateways)
        self._breakers = {gateway.name: Breaker() for gateway in gateways}
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def send(self, phone: str, text: str) -> Outcome:
        """Tries the gateways in order. When none took it: that the number cannot be reached, if all say so, else
        the last trouble of another kind."""
        troubles: list[NotSent] = []
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
                    "sms.sent", extra={"gateway": gateway.name, "phone": masked(phone), "sms": outcome.id}
                )
                return outcome
            self._failed(gateway, outcome, phone)
            troubles.append(outcome)
        others = [each for each in troubles if each.trouble is not Trouble.NUMBER]
        if others:
            return others[-1]
        return troubles[-1] if troubles else NotSent(Trouble.DOWN, "every gateway is left out")

    def _failed(self, gateway: SmsGateway, outcome: NotSent, phone: str) -> None:
        trouble, breaker = outcome.trouble, self._breakers[gateway.name]
        self.outcomes[gateway.name, trouble.value] += 1
        about = {"gateway": gateway.name, "trouble": trouble.value, "detail": outcome.detail}
        if trouble in (Trouble.NUMBER, Trouble.THROTTLED):
            self._breakers[gateway.name] = breaker.succeeded()  # it answers; this number is the matter
            log.info("sms.not_sent", extra={**about, "phone": masked(phone)})
            return
        at_once = trouble is Trouble.ACCOUNT
        self._breakers[gateway.name] = breaker.failed(time.monotonic(), PATIENCE, at_once=at_once)
        if trouble in FOR_A_PERSON:
            log.error("sms.gateway_refuses", extra=about)
        else:
            log.warning("sms.gateway_down", extra=about)

    async def close(self) -> None:
        """Closes the gateways' connections."""
        for gateway in self._gateways:
            await gateway.close()


def masked(phone: str) -> str:
    """A number that its owner recognises and nobody else can call: +7701***4567."""
    return f"{phone[:5]}***{phone[-4:]}" if len(phone) > 9 else "***"
