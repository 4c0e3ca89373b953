"""The loop that brings order events to companies' endpoints: claimed, signed, sent, tried again for a day."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable

import msgspec

from server.gateways.webhook import Attempt, WebhookSender
from storage.postgres import Unreachable
from storage.seal import Seal, Unsealable
from storage.webhooks import Delivery, WebhookStore

log = logging.getLogger("desk.hooks")

POLL_S = 0.5
AT_ONCE = 32  # attempts under way in this worker
OF_EACH = 4  # of them at one endpoint: a slow one holds up no other
# After each failed attempt, 23.7 hours in all; then the delivery is dead.
WAITS_S = (10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 28800.0)
# An endpoint that has failed so often in a row, and for so long, is switched off.
GIVE_UP_FAILURES, GIVE_UP_S = 20, 86400.0
GONE = 410

_JSON = msgspec.json.Encoder()


class Hooks:
    """Deliveries of all companies. Safe on any worker: rows are claimed with a lease."""

    def __init__(
        self,
        store: WebhookStore,
        sender: WebhookSender,
        seal: Seal,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._sender = sender
        self._seal = seal
        self._jitter = jitter
        self._busy: Counter[int] = Counter()  # endpoint -> attempts under way here
        self._free = asyncio.Event()

    async def run(self) -> None:
        """For ever: as many attempts at once as there is room for, rest when nothing is due."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._free.clear()
                claimed = await self._claim()
                for delivery in claimed:
                    self._busy[delivery.webhook] += 1
                    group.create_task(self._deliver(delivery), name=f"delivery {delivery.id}")
                if not claimed:
                    await asyncio.sleep(POLL_S * (0.5 + self._jitter()))
                elif self._busy.total() >= AT_ONCE:
                    await self._free.wait()

    async def drain(self) -> int:
        """Delivers what is due now, one round, and returns how many attempts that took; for tests and tools."""
        claimed = await self._claim()
        for delivery in claimed:
            self._busy[delivery.webhook] += 1
        await asyncio.gather(*(self._deliver(delivery) for delivery in claimed))
        return len(claimed)

    async def _claim(self) -> list[Delivery]:
        room = AT_ONCE - self._busy.total()
        full = [webhook for webhook, count in self._busy.items() if count >= OF_EACH]
        try:
            return await self._store.claim(room, OF_EACH, full) if room > 0 else []
        except Unreachable as error:
            log.warning("hooks.database_down", extra={"error": repr(error)})
            return []

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            attempt = await self._attempt(delivery)
            await self._close(delivery, attempt)
        except Unreachable as error:
            # The lease ends and it is sent again, under the same id.
            log.warning("hooks.not_noted", extra={"delivery": delivery.id, "error": repr(error)})
        finally:
            self._busy[delivery.webhook] -= 1
            self._busy += Counter()  # forgets the zeros
            self._free.set()

    async def _attempt(self, delivery: Delivery) -> Attempt:
        try:
            secrets = [
                self._seal.open(sealed, secret_context(delivery.webhook))
                for sealed in (delivery.secret, delivery.old_secret)
                if sealed is not None
            ]
        except Unsealable:  # the pepper is another one now
            return Attempt(None, "the secret cannot be read: set a new one")
        return await self._sender.post(
            delivery.url, body_of(delivery), secrets, delivery=delivery.id, kind=delivery.kind
        )

    async def _close(self, delivery: Delivery, attempt: Attempt) -> None:
        if attempt.took:
            await self._store.delivered(delivery, attempt.status or 200)
            return
        failures, failing_s = await self._store.failed(
            delivery, attempt.status, attempt.error, self._next_s(delivery.attempt, attempt.after_s)
        )
        if attempt.status == GONE:
            await self._store.disable(delivery.webhook, "gone")
        elif failures >= GIVE_UP_FAILURES and failing_s >= GIVE_UP_S:
            await self._store.disable(delivery.webhook, "failing")
            log.warning("hooks.disabled", extra={"webhook": delivery.webhook, "failures": failures})

    def _next_s(self, attempt: int, asked_s: float) -> float | None:
        """Seconds until the next attempt, a tenth more or less by chance; None after the last."""
        if attempt > len(WAITS_S):
            return None
        return max(asked_s, WAITS_S[attempt - 1] * (0.9 + self._jitter() / 5))


def body_of(delivery: Delivery) -> bytes:
    """What is sent, the same bytes in every attempt."""
    return _JSON.encode(
        {
            "delivery": delivery.id,
            "webhook": delivery.webhook,
            "type": delivery.kind,
            "created_at": delivery.created_at,
            "data": delivery.payload,
        }
    )


def secret_context(webhook: int) -> str:
    """What a sealed secret belongs to: another endpoint's cannot be opened in its place."""
    return f"webhook {webhook}"
