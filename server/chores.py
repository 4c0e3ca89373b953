"""Work on accounts that nobody waits for: exports, erasures, papers that run out, files that nobody holds.

Every chore is claimed in PostgreSQL or harmless when two workers do it, so each worker runs them all.
"""

import asyncio
import logging
import random
import time

from storage.documents import DocumentStore
from storage.erasure import ErasureStore
from storage.exports import KNOWN as KNOWN_EXPORTS
from storage.exports import ExportStore, LeaseLost
from storage.files import SLICES, FileStore
from storage.postgres import Unreachable, after_commit, connect_pool

from .config import Config

log = logging.getLogger("desk.chores")

LOOK_S = 5.0  # for exports that were asked for at another worker, or whose worker has died
UPKEEP_S = 3600.0
SLICES_AN_HOUR = 16  # of the folders with files: all of them in 16 hours

LEDGER = "erasures.jsonl"  # beside the uploads, so that it is in their backup and not in the database's


async def reapply_erasures(config: Config) -> list[int]:
    """Ends again every account that a restored backup has brought back; their ids."""
    pool = await connect_pool(config.postgres, name="erasures", size=2, statement_timeout_s=600)
    try:
        files = FileStore(pool, config.files, config.file_limits)
        again = await ErasureStore(pool, config.files / LEDGER).replay()
        for erased in again:
            await files.remove(erased.files)
            await files.remove(erased.exports, "exports")
    finally:
        await pool.close()
    return [erased.user for erased in again]


class Chores:
    """The loops, and `wake` for who does not want to wait for the next look."""

    def __init__(
        self, files: FileStore, documents: DocumentStore, exports: ExportStore, erasures: ErasureStore
    ) -> None:
        self._files = files
        self._documents = documents
        self._exports = exports
        self._erasures = erasures
        self._asked = asyncio.Event()

    def wake(self) -> None:
        """An export was asked for."""
        after_commit(self._asked.set)

    async def run_exports(self) -> None:
        """For ever: make what is due, one at a time."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S * (0.5 + random.random())):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            try:
                while (export := await self._exports.make_one()) is not None:
                    log.info("export.made", extra={"export": export})
            except LeaseLost:
                log.info("export.lease_lost")
            except Unreachable as error:
                log.warning("export.put_off", extra={"error": repr(error)})
            except Exception:  # one user's export must not end the positions of all
                log.exception("export.broke")

    async def run_upkeep(self) -> None:
        """For ever, hourly; the first time soon, for a worker may not live for an hour."""
        pause = 60.0
        while True:
            await asyncio.sleep(pause * (0.5 + random.random()))
            pause = UPKEEP_S
            try:
                await self.upkeep(time.time())
            except Unreachable as error:
                log.warning("chores.put_off", extra={"error": repr(error)})
            except Exception:  # as above
                log.exception("chores.broke")

    async def upkeep(self, now: float) -> None:
        """Everything whose time has come."""
        while await self._erase_next(now):
            pass
        while await self._documents.warn(now):
            pass
        await self._exports.expire(now)
        await self._files.drop_unheld()
        first = int(now // UPKEEP_S) * SLICES_AN_HOUR
        slices = [(first + number) % SLICES for number in range(SLICES_AN_HOUR)]
        await self._files.sweep(slices)
        await self._files.sweep(slices, "exports", KNOWN_EXPORTS)

    async def _erase_next(self, now: float) -> bool:
        user = await self._erasures.next_due(now)
        if user is None:
            return False
        await self._erasures.forget_positions(user)
        erased = await self._erasures.erase(user, now)
        if erased is None:  # another worker is at it
            return False
        await self._files.remove(erased.files)
        await self._files.remove(erased.exports, "exports")
        log.info("erasure.done", extra={"user": user, "files": len(erased.files)})
        return True
