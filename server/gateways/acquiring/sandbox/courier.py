"""Brings the sandbox's notifications to our own webhook, over HTTP like another company's: signed, and again and
again until they are answered `{"code": 0}`."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

import aiohttp

from billing.acquiring import Card, Kind, Transaction
from server.gateways import http
from storage.postgres import Unreachable
from storage.sandbox.deliveries import Due, SandboxDeliveries
from storage.sandbox.rows import Deal

from .. import notices
from ..reasons import advice_of
from .cards import BY_LAST_FOUR

log = logging.getLogger("desk.sandbox")

POLL_S = 0.5
AT_ONCE = 16
TIMEOUT_S = 30.0  # how long the vendor waits
# As the vendor sends again: minutes, the last one until there have been a hundred attempts.
WAITS_S = (60.0, 120.0, 300.0, 600.0, 1800.0)
ATTEMPTS = 100


class Courier:
    """The loop. `address` is where our webhook listens, without the kind. Safe on any worker: rows are claimed."""

    def __init__(
        self,
        queue: SandboxDeliveries,
        secret: bytes,
        address: str,
        *,
        timeout_s: float = TIMEOUT_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue = queue
        self._secret = secret
        self._address = address
        self._timeout_s = timeout_s
        self._jitter = jitter
        self._session: aiohttp.ClientSession | None = None
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something may be due: no need to wait for the next look."""
        self._news.set()

    async def run(self) -> None:
        """For ever: what is due, then rest."""
        while True:
            self._news.clear()
            if await self.drain() == 0:
                try:
                    async with asyncio.timeout(POLL_S * (0.5 + self._jitter())):
                        await self._news.wait()
                except TimeoutError:
                    pass

    async def drain(self) -> int:
        """One round of what is due; how many attempts that took."""
        try:
            due = await self._queue.claim(AT_ONCE)
            await asyncio.gather(*(self._bring(one) for one in due))
        except Unreachable as error:  # leases end, and all is brought again
            log.warning("sandbox.database_down", extra={"error": repr(error)})
            return 0
        return len(due)

    async def ask(self, deal: Deal) -> int | None:
        """What the shop says to a Check: its code, None when it says nothing that can be understood."""
        _, code, _ = await self._post(Kind.CHECK, deal)
        return code

    async def close(self) -> None:
        """Lets connections go."""
        if self._session is not None:
            await self._session.close()

    async def _bring(self, due: Due) -> None:
        status, code, error = await self._post(due.kind, due.deal)
        if code == 0 and status is not None:
            await self._queue.taken(due, status)
            return
        wait = WAITS_S[min(due.attempt, len(WAITS_S)) - 1]
        await self._queue.missed(due, status, error, None if due.attempt >= ATTEMPTS else wait)

    async def _post(self, kind: Kind, deal: Deal) -> tuple[int | None, int | None, str]:
        """(HTTP status, code of the answer, what was wrong) of one notification."""
        if self._session is None:
            self._session = http.client(self._timeout_s, parallel=AT_ONCE)
        raw = notices.write(kind, transaction_of(deal), deal.description)
        headers = {**notices.sign(self._secret, raw), "Content-Type": f"{notices.FORM}; charset=utf-8"}
        try:
            status, answer, _ = await http.ask(
                self._session, "POST", f"{self._address}/{kind}", body=raw, headers=headers
            )
            code = http.json_object(answer).get("code")
        except http.NoAnswer as error:
            return None, None, str(error)
        if status != 200 or not isinstance(code, int):
            return status, None, f"HTTP {status}"
        return status, code, f"code {code}"


def transaction_of(deal: Deal) -> Transaction:
    """A row of the sandbox as every acquirer tells it."""
    reason, card = deal.reason, BY_LAST_FOUR.get(deal.last_four or "")
    return Transaction(
        str(deal.id),
        deal.state,
        deal.money,
        str(deal.invoice),
        deal.account,
        deal.at,
        None if deal.refunds is None else str(deal.refunds),
        Card(deal.token, deal.last_four or "", card.brand if card else "Visa", deal.expires)
        if deal.token
        else None,
        None if reason is None else f"{reason} {REASONS.get(reason, 'Declined')}",
        None if reason is None else advice_of(reason),
        test=True,
    )


REASONS: Mapping[int, str] = {
    5005: "DoNotHonor",
    5043: "StolenCard",
    5051: "InsufficientFunds",
    5206: "3dSecureAuthFailed",
}
