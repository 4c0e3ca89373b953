"""How much of the board, or of the drivers nearby, one user reads: more than a person would is a scraper (C56).

Counted in Redis, by each worker alone while Redis is away (server.limits). Whoever overdoes it waits and is
flagged for the staff; what was flagged once is flagged again an hour later, not with every further request.
"""

import asyncio
import logging
from typing import NamedTuple

from dispatch.sniping import Flag, Watch
from storage.buckets import Limit
from storage.habits import FlagStore, paused
from storage.postgres import Unreachable

from .limits import Limits

log = logging.getLogger("desk.habits")

FLAG_AGAIN_S = 3600.0
MAX_FLAGGED = 10_000
FLAGS = {"board": Flag.BOARD_SCRAPED, "candidates": Flag.CANDIDATES_SCRAPED}


class ReadLimits(NamedTuple):
    """Pages, by what is read."""

    board: Limit
    candidates: Limit

    def of(self, bucket: str) -> Limit:
        """The limit of what is read."""
        limit: Limit = getattr(self, bucket)
        return limit

    @classmethod
    def by(cls, watch: Watch) -> "ReadLimits":
        """The limits of a watch."""
        board, candidates = watch.board_pages, watch.candidate_lists
        return cls(Limit(board[0] / 3600, board[1]), Limit(candidates[0] / 3600, candidates[1]))


class ReadHabits:
    """Says yes, or `cooling_down`. Without limits (no watch) it always says yes."""

    def __init__(self, limits: Limits | None, flags: FlagStore) -> None:
        self._limits = limits
        self._flags = flags
        self._flagged: dict[tuple[int, str], float] = {}

    async def read(self, what: str, user: int) -> None:
        """One more page of `board` or `candidates` for this user."""
        if self._limits is None:
            return
        _, taken = await self._limits.take(what, f"habit:{user}", 1)
        if taken.allowed:
            return
        await self._flag(what, user)
        raise paused(taken.wait_s)

    async def _flag(self, what: str, user: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._flagged.get((user, what), -FLAG_AGAIN_S) < FLAG_AGAIN_S:
            return
        while len(self._flagged) >= MAX_FLAGGED:
            del self._flagged[next(iter(self._flagged))]
        self._flagged[user, what] = now
        try:
            await self._flags.put_up(user, FLAGS[what], {"what": what})
        except Unreachable as error:
            del self._flagged[user, what]
            log.warning("habits.unflagged", extra={"user": user, "error": repr(error)})
