"""Notices by SMS: what must be heard and was not seen elsewhere, within the day's budgets."""

from collections.abc import Sequence

from server.i18n import sms
from storage.notices.ledger import Ledger

from .push import Delivered, Later, Outcome, Push, Rejected
from .settings import SmsBudget
from .sms import Sent, Trouble
from .texting import Texting

# What will not get better by trying again: the number, and our own text or sender's name.
FOR_GOOD = frozenset({Trouble.NUMBER, Trouble.REFUSED})

RETRY_S = 30.0  # a gateway that keeps failing is left alone for as long


class SmsSender:
    """Sends to the phones of accounts. An SMS is counted before the gateway is asked, whatever comes of it: what
    may have gone is paid for."""

    def __init__(self, texting: Texting, ledger: Ledger, budget: SmsBudget) -> None:
        self._texting = texting
        self._ledger = ledger
        self._budget = budget
        self.over_budget = 0

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """One after the other: they are few, and gateways throttle."""
        return [await self._send(push) for push in pushes]

    async def close(self) -> None:
        """The gateways belong to the codes, too, and are closed with them."""

    async def _send(self, push: Push) -> Outcome:
        if not await self._ledger.spend_sms(push.endpoint.user, *self._budget):
            self.over_budget += 1
            return Rejected("budget")
        came = await self._texting.send(push.endpoint.address, sms.notice(*push.text))
        if isinstance(came, Sent):
            return Delivered()
        reason = f"{came.trouble.value}: {came.detail}"
        return Rejected(reason) if came.trouble in FOR_GOOD else Later(reason, RETRY_S)
