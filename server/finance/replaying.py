"""A stored message of an acquirer, read and applied once more: by the same code that takes new ones."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from billing.acquiring import Acquirer, Malformed
from dispatch.errors import Refusal
from server.paying.meters import PaymentMeters
from storage.billing.inbox import Inbox, Receipt
from storage.billing.notices import NoticeStore
from storage.postgres import Pool, whole
from storage.staff import record

log = logging.getLogger("desk.paying")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it: how many messages the body held, how many of them had not been stored, and how many
    bookings were missing in the books. All of it is none when the first time was right."""

    read: int
    stored: int
    booked: int
    receipts: tuple[Receipt, ...]


class Replaying:
    """For finance. A message keeps the verdict that it got: facts are never changed."""

    def __init__(
        self,
        pool: Pool,
        acquirers: Mapping[str, Acquirer],
        notices: NoticeStore,
        inbox: Inbox,
        meters: PaymentMeters,
    ) -> None:
        self._pool = pool
        self._acquirers = acquirers
        self._notices = notices
        self._inbox = inbox
        self._meters = meters

    async def replay(self, staff: int, notice: int) -> Replayed:
        """Refusals `not_found` without a body, `payment_unavailable` for an acquirer that is not set up,
        `notice_unreadable` for what still cannot be read."""
        body = await self._notices.body(notice)
        acquirer = self._acquirers.get(body.provider)
        if acquirer is None:
            raise Refusal("payment_unavailable")
        try:
            told = acquirer.again(body.kind, body.headers, body.raw)
        except Malformed as error:
            log.warning("replay.malformed", extra={"notice": notice, "error": str(error)})
            raise Refusal("notice_unreadable") from None
        receipts, booked = [], 0
        async with whole(self._pool) as connection:
            for each in told:
                receipt = await self._inbox.receive(body.provider, each, raw=body.raw, headers=body.headers)
                self._meters.received(body.provider, each.kind, receipt)
                receipts.append(receipt)
                booked += len(receipt.booked)
                if each.transaction is not None and not receipt.new:
                    booked += len(await self._inbox.apply_again(body.provider, each.transaction))
            stored = sum(receipt.new for receipt in receipts)
            detail = {"notice": str(notice), "stored": str(stored), "booked": str(booked)}
            await record(connection, staff, "notice.replay", None, "", detail)
        return Replayed(len(receipts), stored, booked, tuple(receipts))
