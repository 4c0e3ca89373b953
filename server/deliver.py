"""The loop that sends: claims what is due, asks whether its user wants it now, sends, closes. Safe on any
worker."""

import asyncio
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from dispatch.content import Texts
from dispatch.notices import HAPPENINGS, Channel, ids_of
from server.gateways.push import Delivered, Gone, Later, LogSender, Outcome, Push, PushSender, Rejected
from server.i18n.notices import WRITTEN_BY_STAFF
from server.notices.turns import OUTCOMES, account_of, attempt, backoff, nowhere, push_of, turn_now, withheld
from storage.accounts import AccountStore, Endpoint
from storage.content.broadcasts import BroadcastStore
from storage.notices.ledger import Attempt, Ledger
from storage.notices.preferences import PreferenceStore, Reader
from storage.outbox import Notice, Outbox
from storage.postgres import Unreachable

log = logging.getLogger("desk.deliver")

BATCH = 200
AT_ONCE = 4  # batches: a vendor that hangs holds up the one that met it
POLL_S = 0.5
TOGETHER_S = 0.005  # what is announced within a moment is claimed by one statement
FORGET_EVERY_S = 3600.0
# An SMS is paid for whatever comes of it, and a gateway that was silent may have sent it.
SMS_TRIES = 3


class Deliveries:
    """Brings notices to phones. `senders` by endpoint kind (SMS and e-mail are kinds, too); a kind without a
    sender is written to the log. `outcomes` counts what came of attempts, by means."""

    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        preferences: PreferenceStore,
        ledger: Ledger,
        senders: Mapping[str, PushSender],
        *,
        broadcasts: BroadcastStore | None = None,
        jitter: Callable[[], float] = random.random,
        observe_lag: Callable[[float], object] = lambda seconds: None,
    ) -> None:
        self._outbox = outbox
        self._accounts = accounts
        self._preferences = preferences
        self._ledger = ledger
        self._senders = senders
        self._broadcasts = broadcasts
        self._log = LogSender()
        self._jitter = jitter
        self._observe_lag = observe_lag
        self._wanted = asyncio.Event()
        self.outcomes: Counter[tuple[str, str]] = Counter()

    def wake(self) -> None:
        """Something may be due."""
        self._wanted.set()

    async def run(self) -> None:
        """For ever: deliver what is due, rest when nothing is."""
        forget_at = time.monotonic() + FORGET_EVERY_S * self._jitter()
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                self._wanted.clear()  # before the look: a wish that comes during it starts the next one
                await room.acquire()
                claimed: list[Notice] = []
                try:
                    claimed = await self._outbox.claim(BATCH)
                    if time.monotonic() >= forget_at:
                        await self._outbox.forget_old()
                        forget_at = time.monotonic() + FORGET_EVERY_S
                except Unreachable as error:
                    log.warning("deliver.database_down", extra={"error": repr(error)})
                if claimed:
                    group.create_task(self._batch(claimed, room), name="deliver.batch")
                else:
                    room.release()
                if len(claimed) < BATCH:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S * (0.5 + self._jitter())):
                            await self._wanted.wait()
                    await asyncio.sleep(TOGETHER_S)

    async def once(self) -> int:
        """Claims and delivers one batch; how many notices it had."""
        notices = await self._outbox.claim(BATCH)
        if notices:
            await self._deliver(notices)
        return len(notices)

    async def _batch(self, notices: Sequence[Notice], room: asyncio.Semaphore) -> None:
        try:
            await self._deliver(notices)
        except Unreachable as error:
            # Their lease ends, and then they are due again.
            log.warning("deliver.database_down", extra={"error": repr(error)})
        finally:
            room.release()

    async def _deliver(self, claimed: Sequence[Notice]) -> None:
        started = time.monotonic()
        notices, written = await self._written(claimed)
        due, readers = await self._due(notices)
        pushes = [
            (notice, push_of(notice, endpoint, written.get(notice.id)))
            for notice, endpoint in await self._addressed(due, readers)
        ]
        came_of: dict[int, list[Outcome]] = defaultdict(list)
        attempts: list[Attempt] = []
        for (notice, push), outcome in zip(pushes, await self._send([p for _, p in pushes]), strict=True):
            came_of[notice.id].append(outcome)
            if isinstance(outcome, Gone) and push.endpoint.id:
                await self._accounts.gone(push.endpoint)
            lag_s = notice.age_s + time.monotonic() - started
            attempts.append(attempt(notice, push.endpoint, outcome, lag_s))
            if notice.attempt == 1 and notice.channel == Channel.PUSH:
                self._observe_lag(lag_s)
        await self._close(due, came_of)
        await self._ledger.add(attempts)

    async def _written(self, notices: Sequence[Notice]) -> tuple[list[Notice], dict[int, Texts]]:
        """The notices that still are to go out, and what staff wrote for those of them that say it."""
        theirs = {
            notice.id: ids_of(notice.payload).get("broadcast", 0)
            for notice in notices
            if notice.kind == WRITTEN_BY_STAFF
        }
        told = (
            await self._broadcasts.texts(sorted(set(theirs.values()))) if theirs and self._broadcasts else {}
        )
        off = {id for id, broadcast in theirs.items() if broadcast in told and told[broadcast].cancelled}
        off |= {notice.id for notice in notices if notice.called_off}
        if off:
            await self._outbox.call_off([notice for notice in notices if notice.id in off])
        texts = {id: told[broadcast].texts for id, broadcast in theirs.items() if broadcast in told}
        return [notice for notice in notices if notice.id not in off], texts

    async def _due(self, notices: Sequence[Notice]) -> tuple[list[Notice], dict[int, Reader]]:
        """Those whose turn is now, and their users. The others wait for their turn, or have none."""
        readers = await self._preferences.readers([notice.user for notice in notices])
        now = time.time()
        due: list[Notice] = []
        silent: list[Attempt] = []
        for notice in notices:
            if notice.kind not in HAPPENINGS:
                await self._outbox.dead(notice, f"no text for {notice.kind}")
                log.error("deliver.unknown_kind", extra={"kind": notice.kind, "notice": notice.id})
                continue
            reader = readers.get(notice.user)
            if reader is None:
                await self._outbox.dead(notice, "the account is closed")
                continue
            turn = turn_now(notice, reader, now)
            if turn.at is None:
                silent.append(withheld(notice, turn.reason))
                close = self._outbox.lapse if turn.reason == "quiet_hours" else self._outbox.dead
                await close(notice, turn.reason)
            elif turn.at > now:
                await self._outbox.put_off(notice, turn.at - now, "quiet_hours", tried=False)
            else:
                due.append(notice)
        await self._ledger.add(silent)
        return due, readers

    async def _addressed(
        self, due: Sequence[Notice], readers: Mapping[int, Reader]
    ) -> list[tuple[Notice, Endpoint]]:
        """Each notice with every endpoint that it goes to."""
        pushed = [notice.user for notice in due if notice.channel == Channel.PUSH]
        by_user: dict[int, list[Endpoint]] = defaultdict(list)
        for endpoint in await self._accounts.endpoints(pushed) if pushed else ():
            by_user[endpoint.user].append(endpoint)
        found: list[tuple[Notice, Endpoint]] = []
        for notice in due:
            if notice.channel == Channel.PUSH:
                found += [(notice, endpoint) for endpoint in by_user[notice.user] or [nowhere(notice.user)]]
            else:
                found.append((notice, account_of(notice, readers[notice.user])))
        return found

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
                self.outcomes[kind, OUTCOMES[type(outcome)]] += 1

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
            outcomes = came_of[notice.id]
            later = [outcome for outcome in outcomes if isinstance(outcome, Later)]
            rejected = [outcome.reason for outcome in outcomes if isinstance(outcome, Rejected)]
            tried = any(outcome.tried for outcome in later)
            if any(isinstance(outcome, Delivered) for outcome in outcomes):
                sent.append(notice)
            elif later and not (tried and _in_vain(notice)):
                asked = max(outcome.after_s or 0.0 for outcome in later)
                wait = max(asked, backoff(notice.attempt, self._jitter()))
                await self._outbox.put_off(notice, wait, later[0].reason, tried=tried)
            else:
                why = rejected or [outcome.reason for outcome in later]
                await self._outbox.dead(notice, "; ".join(why) or "every endpoint is gone")
        if sent:
            await self._outbox.sent(sent)


def _in_vain(notice: Notice) -> bool:
    """Whether it was tried as often as may be."""
    return notice.channel == Channel.SMS and notice.attempt >= SMS_TRIES
