"""The hourly look at each acquirer's list: what a lost notification has left out is applied, and every difference
is a row, a count and an error in the log. This, not the notifications, is the guarantee."""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from uuid import UUID

from billing.acquiring import Acquirer, Rejected, State, Transaction, Unavailable, Unknown
from billing.payments import FINE, payment_of
from billing.reconciling import Difference, Ours, compare, moving, totals
from storage.billing.inbox import Inbox
from storage.billing.reconciling import ReconciliationStore
from storage.postgres import Unreachable

from .cashier import call
from .meters import PaymentMeters

log = logging.getLogger("desk.paying")

LOOK_S = 30.0
# Twice an hour, so that a lost notification is made good within the hour (fault F27) even when one look fails.
PERIOD_S = 1800.0
LEASE_S = 300.0  # of the worker that looks; one that fails looks again after it
LAG_S = 300.0  # what is newer is still on its way to us
OVERLAP_S = 3600.0  # lists are filed late


class Reconciling:
    """One acquirer after the other, by whichever worker comes first."""

    def __init__(
        self,
        acquirers: Mapping[str, Acquirer],
        inbox: Inbox,
        store: ReconciliationStore,
        meters: PaymentMeters,
    ) -> None:
        self._acquirers = acquirers
        self._inbox = inbox
        self._store = store
        self._meters = meters

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_S * (0.5 + random.random()))
            for acquirer in list(self._acquirers.values()):
                try:
                    await self.once(acquirer)
                except (Unavailable, Unknown, Rejected) as error:
                    self._meters.alert(acquirer.name, "no_list", error=repr(error))
                except Unreachable as error:
                    log.warning("reconciling.put_off", extra={"error": repr(error)})
                except Exception:  # one acquirer must not end the loop of all
                    self._meters.alert(acquirer.name, "no_list")
                    log.exception("reconciling.broke", extra={"provider": acquirer.name})

    async def once(self, acquirer: Acquirer) -> list[Difference] | None:
        """Compares if it is due; what differed. Raises what acquirers raise."""
        claimed = await self._store.claim(acquirer.name, LEASE_S)
        if claimed is None:
            return None
        since, until = claimed[0] - OVERLAP_S, claimed[1] - LAG_S
        listed = await call(acquirer.listed(since, until))
        real = [each for each in listed if self._inbox.test_allowed or not each.test]
        found = await self.compare(acquirer, real, since, until)
        await self._store.ran(acquirer.name, until, PERIOD_S, len(real), len(found))
        self._meters.compared(acquirer.name, until)
        self._meters.waiting(differences=await self._store.count_open())
        return found

    async def compare(
        self, acquirer: Acquirer, listed: Sequence[Transaction], since: float, until: float
    ) -> list[Difference]:
        """Both directions by transaction, then what both come to by currency."""
        name = acquirer.name
        ours = await self._store.ours(name, since, until, [payment_of(each) for each in listed])
        found = compare(listed, ours, since, until)
        by_id = {(each.id, each.state is State.REFUNDED): each for each in listed}
        invoices = {each.transaction: each.invoice for each in ours}
        differences: list[Difference] = []
        for difference in found:
            healed = False
            if difference.kind == "missing_here":
                healed = await self._heal(name, by_id, difference)
            elif difference.kind == "missing_there" and await self._filed_elsewhere(
                acquirer, difference, ours, invoices[difference.transaction]
            ):
                continue
            differences.append(difference)
            await self._tell(name, difference, healed=healed)
        # A declined or held one moves no money, but an invoice waits for it.
        for each in listed:
            if each.state in (State.DECLINED, State.HELD, State.CANCELLED):
                await self._inbox.learn(name, each, "listed")
        booked = await self._store.booked(name, [each.id for each in moving(listed)])
        for difference in totals(listed, booked, f"{since:.0f}-{until:.0f}"):
            differences.append(difference)
            await self._tell(name, difference, healed=False)
        return differences

    async def _heal(
        self, provider: str, by_id: Mapping[tuple[str, bool], Transaction], difference: Difference
    ) -> bool:
        """Applies what was never told; False when it fits no invoice."""
        transaction = by_id.get((difference.transaction, False)) or by_id[difference.transaction, True]
        learnt = await self._inbox.learn(provider, transaction, "listed")
        if learnt is None:
            return False
        self._meters.received(provider, learnt.kind, learnt.receipt)
        return learnt.receipt.verdict in FINE

    async def _filed_elsewhere(
        self, acquirer: Acquirer, difference: Difference, ours: Sequence[Ours], invoice: UUID | None
    ) -> bool:
        """Whether the acquirer knows it all the same: it lists by another of its moments than it told us."""
        if invoice is None:
            return False
        mine = next(each for each in ours if each.transaction == difference.transaction)
        state = State.REFUNDED if mine.refund else State.PAID
        return any(
            each.id == mine.transaction and each.state is state and each.money == mine.money
            for each in await call(acquirer.find(invoice))
        )

    async def _tell(self, provider: str, difference: Difference, *, healed: bool) -> None:
        if not await self._store.found(provider, difference, healed=healed):
            return
        self._meters.differed(provider, difference.kind, healed=healed)
        self._meters.alert(
            provider,
            "difference",
            kind=difference.kind,
            transaction=difference.transaction,
            ours=str(difference.ours),
            theirs=str(difference.theirs),
        )
