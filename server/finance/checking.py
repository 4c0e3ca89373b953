"""The loop that holds the books against the facts once a day, and when staff ask for it."""

import asyncio
import logging
import random

from server.paying.meters import PaymentMeters
from storage.billing.checks import CheckStore
from storage.billing.verify import Report, verify
from storage.postgres import Pool, Unreachable, connect_pool

log = logging.getLogger("desk.paying")

LOOK_S = 30.0
STATEMENT_S = 600.0


class Checking:
    """By whichever worker comes first. `dsn`: a check reads for minutes, and does so by a connection of its
    own."""

    def __init__(self, store: CheckStore, dsn: str, meters: PaymentMeters) -> None:
        self._store = store
        self._dsn = dsn
        self._meters = meters

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_S * (0.5 + random.random()))
            try:
                await self.once()
            except Unreachable as error:
                log.warning("money_check.put_off", extra={"error": repr(error)})

    async def once(self) -> Report | None:
        """Checks if it is time; what was found."""
        check = await self._store.claim()
        if check is None:
            return None
        pool: Pool = await connect_pool(
            self._dsn, name="money check", size=1, statement_timeout_s=STATEMENT_S
        )
        try:
            report = await verify(pool)
        finally:
            await pool.close()
        await self._store.end(check, report)
        log.info("money_check.done", extra={"bookings": report.bookings, "broken": report.broken})
        for fault in report.faults:
            self._meters.alert("books", "money_wrong", kind=fault.kind.value, fault=fault.what)
        return report
