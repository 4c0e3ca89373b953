"""The outbox loop: claims notices, pushes each to the user's endpoints, closes them. Safe on any worker."""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from dispatch.content import Texts
from server.gateways.push import (
    Delivered,
    Gone,
    Later,
    LogSender,
    Outcome,
    Push,
    PushSender,
    Rejected,
)
from server.i18n.notices import IDS, NOTICES, WRITTEN_BY_STAFF, facts_of, ids_of
from storage.accounts import AccountStore, Endpoint
from storage.content.broadcasts import BroadcastStore
from storage.outbox import Notice, Outbox
from storage.postgres import Unreachable

log = logging.getLogger("desk.deliver")

BATCH = 200
POLL_S = 0.5
FORGET_EVERY_S = 3600.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0


class Deliveries:
    """Brings notices to phones. `senders` by endpoint kind; a kind without a sender is written to the log."""

    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        senders: Mapping[str, PushSender],
        *,
        broadcasts: BroadcastStore | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._accounts = accounts
        self._senders = senders
        self._broadcasts = broadcasts
        self._log = LogSender()
        self._jitter = jitter

    async def run(self) -> None:
        """For ever: deliver what is due, rest when nothing is."""
        forget_at = time.monotonic() + FORGET_EVERY_S * self._jitter()
        while True:
            full = False
            try:
                full = await self.once() == BATCH
                if time.monotonic() >= forget_at:
                    await self._outbox.forget_old()
                    forget_at = time.monotonic() + FORGET_EVERY_S
            except Unreachable as error:
                log.warning("deliver.database_down", extra={"error": repr(error)})
            if not full:
                await asyncio.sleep(POLL_S * (0.5 + self._jitter()))

    async def once(self) -> int:
        """Claims and delivers one batch; how many notices it had."""
        notices = await self._outbox.claim(BATCH)
        if not notices:
            return 0
        claimed = len(notices)
        notices, written = await self._written(notices)
        by_user: dict[int, list[Endpoint]] = defaultdict(list)
        for endpoint in await self._accounts.endpoints([notice.user for notice in notices]):
            by_user[endpoint.user].append(endpoint)
        known = [notice for notice in notices if notice.kind in NOTICES]
        pushes = [
            (notice, push_of(notice, endpoint, written.get(notice.id)))
            for notice in known
            for endpoint in by_user[notice.user] or [nowhere(notice.user)]
        ]
        came_of: dict[int, list[Outcome]] = defaultdict(list)
        for (notice, push), outcome in zip(pushes, await self._send([p for _, p in pushes]), strict=True):
            came_of[notice.id].append(outcome)
            if isinstance(outcome, Gone):
                await self._accounts.gone(push.endpoint)
        await self._close(notices, came_of)
        return claimed

    async def _written(self, notices: Sequence[Notice]) -> tuple[list[Notice], dict[int, Texts]]:
        """The notices that still are to go out, and what staff wrote for those of them that say it."""
        theirs = {
            notice.id: ids_of(notice.payload).get("broadcast", 0)
            for notice in notices
            if notice.kind == WRITTEN_BY_STAFF
        }
        if not theirs or self._broadcasts is None:
            return list(notices), {}
        told = await self._broadcasts.texts(sorted(set(theirs.values())))
        off = {id for id, broadcast in theirs.items() if broadcast in told and told[broadcast].cancelled}
        if off:
            await self._outbox.call_off([notice for notice in notices if notice.id in off])
        texts = {id: told[broadcast].texts for id, broadcast in theirs.items() if broadcast in told}
        return [notice for notice in notices if notice.id not in off], texts

    async def _send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """Outcomes in order; each sender has its own share and its own misfortunes."""
        by_kind: dict[str, list[int]] = defaultdict(list)
        for place, push in enumerate(pushes):
            by_kind[push.endpoint.kind].append(place)
        outcomes: list[Outcome] = [Later("not sent")] * len(pushes)

        async def share(kind: str, places: list[int]) -> None:
            try:
                sent = await self._senders.get(kind, self._log).send([pushes[place] for place in places])
            except Exception:  # an adapter's fault must not keep the other adapters' pushes from being closed
                log.exception("deliver.sender_broke", extra={"kind": kind})
                sent = [Later("sender broke")] * len(places)
            for place, outcome in zip(places, sent, strict=True):
                outcomes[place] = outcome

        await asyncio.gather(*(share(kind, places) for kind, places in by_kind.items()))
        reached = [
            push.endpoint.id
            for push, outcome in zip(pushes, outcomes, strict=True)
            if isinstance(outcome, Delivered) and push.endpoint.id
        ]
        if reached:
            await self._accounts.reached(reached)
        return outcomes

    async def _close(self, notices: Sequence[Notice], came_of: Mapping[int, list[Outcome]]) -> None:
        """One phone reached is enough: a second try would ring there again."""
        sent: list[Notice] = []
        for notice in notices:
            outcomes = came_of.get(notice.id)
            if outcomes is None:
                await self._outbox.dead(notice, f"no text for {notice.kind}")
                log.error("deliver.unknown_kind", extra={"kind": notice.kind, "notice": notice.id})
                continue
            later = [outcome for outcome in outcomes if isinstance(outcome, Later)]
            rejected = [outcome.reason for outcome in outcomes if isinstance(outcome, Rejected)]
            if any(isinstance(outcome, Delivered) for outcome in outcomes):
                sent.append(notice)
            elif later:
                asked = max(outcome.after_s or 0.0 for outcome in later)
                wait = max(asked, backoff(notice.attempt, self._jitter()))
                await self._outbox.put_off(notice, wait, later[0].reason)
            else:
                await self._outbox.dead(notice, "; ".join(rejected) or "every endpoint is gone")
        if sent:
            await self._outbox.sent(sent)


def push_of(notice: Notice, endpoint: Endpoint, written: Texts | None = None) -> Push:
    """What one endpoint is told. Of the payload only row ids leave the house, and words within the text; `written`
    is what staff wrote of a broadcast."""
    ids = ids_of(notice.payload)
    # The news of one offer, one bid or one haul replace each other on the phone.
    topic = next((f"{name}:{ids[name]}" for name in IDS if name in ids), notice.kind)
    return Push(
        endpoint,
        notice.kind,
        ids,
        topic,
        max(1, int(notice.left_s)),
        notice.kind.startswith("offer."),
        facts_of(notice.payload),
        written,
    )


def nowhere(user: int) -> Endpoint:
    """Stands for a user without endpoints, whose news go to the log."""
    return Endpoint(0, user, "log", "", {}, "ru")


def backoff(attempt: int, jitter: float) -> float:
    """Seconds before the next try: doubling from one second to a minute, the upper half of it by chance."""
    longest = min(FIRST_WAIT_S * 2.0 ** min(attempt - 1, 10), LONGEST_WAIT_S)
    return longest * (0.5 + jitter / 2)
