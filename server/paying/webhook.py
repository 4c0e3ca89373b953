"""`POST /hooks/acquirers/{name}/{kind}`: where acquirers tell us. The raw body is read before anything else, and
the reply that ends their redeliveries leaves after the COMMIT."""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from billing.acquiring import Acquirer, Answer, Forged, Kind, Malformed, Notification
from dispatch.errors import Refusal
from server.http.edge import ROUTE
from server.http.peer import PEER
from storage.postgres import Unreachable

if TYPE_CHECKING:
    from server.services import Services

    from . import Paying

log = logging.getLogger("desk.paying")

PATH = "/hooks/acquirers/{name}/{kind}"
READ_S = 10.0
# An acquirer waits a few seconds for a check and then declines: better we say no in time.
CHECK_S = 1.8
# Of the headers, what says how it was signed and by what it was sent.
KEPT = ("content-type", "content-hmac", "x-content-hmac", "stripe-signature", "user-agent", "x-request-id")
TOO_LATE: tuple[type[Exception], ...] = (TimeoutError, Refusal, *Unreachable)
FORGED_A_MINUTE = 6  # rows and log lines of a worker; the counter counts all


class AcquirerHooks:
    """The one handler, for whatever acquirers are set up."""

    def __init__(self, paying: "Paying") -> None:
        self._paying = paying
        self._minute, self._kept = 0, 0

    async def handle(self, request: web.Request) -> web.Response:
        """401 for what is not signed; else the acquirer's own form of an answer."""
        request[ROUTE] = f"POST {PATH}"
        name, kind = request.match_info["name"], request.match_info["kind"]
        acquirer = self._paying.acquirers.get(name)
        if acquirer is None:
            raise web.HTTPNotFound
        try:
            async with asyncio.timeout(READ_S):
                raw = await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        headers = {key.lower(): value for key, value in request.headers.items()}
        try:
            told = acquirer.read(kind, headers, raw)
        except Forged:
            await self._forged(name, kind, request[PEER], raw)
            return web.Response(status=401)
        except Malformed as error:
            log.warning("payments.malformed", extra={"provider": name, "kind": kind, "error": str(error)})
            answer = await self._paying.inbox.unreadable(name, kind, raw, _kept(headers))
            self._paying.meters.unreadable(name, kind)
            return _reply(acquirer, answer)
        answer = Answer.ACCEPTED
        for notification in told:
            answer = await self._take(name, notification, raw, _kept(headers))
        return _reply(acquirer, answer)

    async def _take(self, name: str, told: Notification, raw: bytes, headers: Mapping[str, str]) -> Answer:
        """Stored, applied, committed; a check that takes too long is refused and decides nothing."""
        inbox = self._paying.inbox
        if told.kind is not Kind.CHECK:
            receipt = await inbox.receive(name, told, raw=raw, headers=headers)
        else:
            try:
                async with asyncio.timeout(CHECK_S):
                    # A payer whose card was declined takes another before we are told of the first.
                    if (invoice := await inbox.in_doubt(told)) is not None:
                        await self._paying.cashier.look(invoice)
                    receipt = await inbox.receive(name, told, raw=raw, headers=headers)
            except TOO_LATE as error:
                log.warning("payments.check_refused", extra={"provider": name, "error": repr(error)})
                return Answer.NOT_NOW
        self._paying.meters.received(name, told.kind, receipt)
        return receipt.answer

    async def _forged(self, name: str, kind: str, peer: str, raw: bytes) -> None:
        self._paying.meters.forged(name)
        minute = int(asyncio.get_running_loop().time() // 60)
        if minute != self._minute:
            self._minute, self._kept = minute, 0
        self._kept += 1
        if self._kept <= FORGED_A_MINUTE:
            log.warning("payments.forged", extra={"provider": name, "kind": kind[:24], "peer": peer})
            await self._paying.notices.forged(name, kind, peer, raw)


def add_acquirer_hooks(app: web.Application, services: "Services") -> None:
    """The route. Which acquirers there are is asked with each request."""
    app.router.add_post(PATH, AcquirerHooks(services.paying).handle)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name][:300] for name in KEPT if name in headers}


def _reply(acquirer: Acquirer, answer: Answer) -> web.Response:
    status, content_type, body = acquirer.reply(answer)
    return web.Response(status=status, body=body, headers={"Content-Type": content_type})
