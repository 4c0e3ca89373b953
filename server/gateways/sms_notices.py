"""Notices by SMS: what must be heard and was not seen elsewhere, within the day's budgets."""

import asyncio
import time
from collections.abc import Sequence

from server.i18n import sms
from storage.notices.ledger import Ledger

from .push import Delivered, Later, Outcome, Push, Rejected
from .settings import SmsBudget
from .sms import Sent, Trouble
from .texting import Texting

# What will not get better by trying again: the number, and our own text or sender's name.
FOR_GOOD = frozenset({Trouble.NUMBER, Trouble.REFUSED})

PARALLEL = 8
# Of the minute for which a worker holds what it has claimed; the slowest gateways together take twelve seconds.
BEGIN_WITHIN_S = 40.0
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
        """A few at a time, for gateways throttle, and none begun so late that another worker would send it,
        too."""
        gate, until = asyncio.Semaphore(PARALLEL), time.monotonic() + BEGIN_WITHIN_S

        async def one(push: Push) -> Outcome:
            async with gate:
                if time.monotonic() > until:
                    return Later("queue", 0.0, tried=False)
                return await self._send(push)

        return list(await asyncio.gather(*(one(push) for push in pushes)))

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
