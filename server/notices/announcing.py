"""The loop that announces: events of the outbox become items of inboxes, and sockets hear of them. Safe on any
worker.

It is woken after each COMMIT of this worker that told anybody anything; every worker runs it, so nobody else
needs to be woken. Its poll finds what was written without telling.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC

from dispatch.loops import repeat
from dispatch.notices import HAPPENINGS, Channel, facts_of, ids_of, words_of
from dispatch.telling import DEFAULT, Due, Reach, Turn, plan
from server.i18n.notices import WRITTEN_BY_STAFF
from storage.content.broadcasts import BroadcastStore
from storage.notices.announcing import Announcement, News, NewsStore
from storage.postgres import Unreachable

from .views import Noticed

log = logging.getLogger("desk.announcing")

BATCH = 200
POLL_S = 0.5
TOGETHER_S = 0.005  # events of the same moment are announced by one COMMIT


class Announcing:
    """`tell` brings items to sockets here and elsewhere, `here` knows who has one in this worker, `rung` wakes the
    loop that sends. `senders` by kind say what this installation has besides inbox and push."""

    def __init__(
        self,
        store: NewsStore,
        broadcasts: BroadcastStore,
        tell: Callable[[Sequence[Noticed]], object],
        here: Callable[[int], bool],
        rung: Callable[[], object],
        senders: Mapping[str, object],
    ) -> None:
        self._store = store
        self._broadcasts = broadcasts
        self._tell = tell
        self._here = here
        self._rung = rung
        self._senders = senders
        self._wanted = asyncio.Event()
        self.announced = 0

    def wake(self) -> None:
        """Something was committed."""
        self._wanted.set()

    async def run(self) -> None:
        """For ever."""
        await repeat("announce", self._round, POLL_S, Unreachable, self._wanted)

    async def once(self) -> int:
        """Announces one batch; how many events it had."""
        channels = frozenset(channel for channel in Channel if channel in self._senders)
        made = await self._store.announce(BATCH, lambda news: planned(news, self._here, channels))
        if not made:
            return 0
        self.announced += len(made)
        fresh = [each for each in made if each.facts is not None and not each.news.acted_on]
        written = await self._written(fresh)
        self._tell([_noticed(each, written) for each in fresh])
        self._rung()
        return len(made)

    async def _round(self) -> int:
        await asyncio.sleep(TOGETHER_S)
        done = 0
        while (count := await self.once()) > 0:
            done += count
            if count < BATCH:
                break
        return done

    async def _written(self, fresh: Sequence[Announcement]) -> dict[int, dict[str, dict[str, str]]]:
        """What staff wrote, by broadcast."""
        ids = {
            ids_of(each.news.payload).get("broadcast", 0)
            for each in fresh
            if each.news.kind == WRITTEN_BY_STAFF
        }
        if not ids:
            return {}
        told = await self._broadcasts.texts(sorted(ids))
        return {id: {lang: dict(text) for lang, text in one.texts.items()} for id, one in told.items()}


def planned(news: News, here: Callable[[int], bool], channels: frozenset[Channel]) -> Announcement:
    """What becomes of an event. Of its payload an item keeps what may be told."""
    happening = HAPPENINGS.get(news.kind)
    if happening is None:  # the loop that sends closes it, and calls a person
        return Announcement(news, None, False, 0.0, news.rings)
    ids, facts = ids_of(news.payload), facts_of(news.payload)
    turns: dict[Channel, Turn] = {}
    if not news.acted_on:
        # Wishes are asked when a turn has come: they may change until then, and most events are only pushed.
        due = Due(news.written, news.rings, news.ends)
        reach = Reach(channels | {Channel.PUSH}, here(news.user))
        made = plan(happening, words_of(facts), DEFAULT, UTC, due, reach, news.now)
        turns = {turn.channel: turn for turn in made if turn.at is not None}
    push = turns.get(Channel.PUSH)
    return Announcement(
        news,
        {**ids, **facts},
        happening.live,
        happening.keep_s,
        news.rings if push is None or push.at is None else push.at,
        [
            (channel.value, turn.at)
            for channel, turn in turns.items()
            if channel in (Channel.SMS, Channel.EMAIL) and turn.at is not None
        ],
    )


def _noticed(made: Announcement, written: dict[int, dict[str, dict[str, str]]]) -> Noticed:
    news = made.news
    facts = dict(made.facts or {})
    return Noticed(
        user=news.user,
        item=news.id,
        kind=news.kind,
        facts=facts,
        at=news.written,
        over_at=news.ends if made.live else None,
        written=written.get(int(str(facts["broadcast"]))) if "broadcast" in facts else None,
    )
