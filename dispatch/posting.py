"""The shipper's side of an order's life: post, publish, edit, confirm, and what staff say to it. Like the
dispatcher it holds no truth: rules judge, stores decide, and everybody is told after COMMIT."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from geo.gazetteer import Gazetteer

from .asked import Asked, content_of, merged
from .dictionaries import Words
from .editing import changes, may_edit
from .errors import Refusal
from .events import Event, OrderPlaced
from .loops import repeat
from .model import Load, Money, NewOrder, Order, Party, Status, Stop
from .moderation import Moderation, Moderator, grounds, holds, needs_record, weighed
from .orders_rules import problems
from .places import located
from .ports import Cases, Drafts, Edits, Measured, Notifier, Orders

TEND_POLL_S = 5.0  # reminders, loads that nobody confirms, hauls that nobody disputes: not to the second
BATCH = 20  # orders written in one transaction: their locks stay short of an accept's patience


async def _no_words() -> Words:
    return Words()


Measure = Callable[[Sequence[Stop], Load], Awaitable[Measured]]


class Poster:
    """Turns what is asked for into orders, and orders into what is asked for now."""

    def __init__(
        self,
        orders: Orders,
        drafts: Drafts,
        edits: Edits,
        cases: Cases,
        measure: Measure,
        seek: Callable[[], object],
        notifier: Notifier,
        gazetteer: Gazetteer,
        moderation: Moderation,
        *,
        confirm_s: float | None = None,
        close_after_s: float = 72 * 3600.0,
        words: Callable[[], Awaitable[Words]] = _no_words,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`measure` gives a way through stops its length, time and suggested price; `seek` wakes the search;
        `confirm_s` is how often a load is to be confirmed when its shipper says nothing; `close_after_s` after
        its delivery a haul that nobody disputes is closed; `words` gives what staff say of the words of a load."""
        self._orders = orders
        self._drafts = drafts
        self._edits = edits
        self._cases = cases
        self._measure = measure
        self._seek = seek
        self._notifier = notifier
        self._gazetteer = gazetteer
        self._moderation = moderation
        self._confirm_s = confirm_s
        self._close_after_s = close_after_s
        self._words = words
        self._clock = clock

    # -- new loads ------------------------------------------------------------------------------------------

    async def place(
        self, shipper: int, asked: Asked, *, company: int | None = None, allow_duplicate: bool = False
    ) -> Order:
        """Stores the order and starts its search at once, unless somebody should look at it first."""
        order = await self._judged(shipper, company, asked, allow_duplicate)
        return self._placed(await self._orders.add(order))

    async def publish(
        self, party: Party, order: int, version: int, *, allow_duplicate: bool = False
    ) -> Order:
        """The draft is posted under its own number. `version` is that of the draft."""
        draft = await self._drafts.draft(party, order)
        if draft.version != version:
            raise Refusal("version_stale")
        asked = Asked.of(draft.content)
        new = await self._judged(draft.shipper, draft.company, asked, allow_duplicate)
        return self._placed(await self._drafts.publish(draft, new, party.user))

    def missing(self, content: Mapping[str, Any], words: Words | None = None) -> list[Refusal]:
        """What keeps a draft from being published now; `words` is what staff say of its words."""
        asked = Asked.of(content)
        found = [*problems(asked, self._clock()), *(words or Words()).refusals(asked)]
        if not found:
            try:
                for number, stop in enumerate(asked.stops):
                    located(stop, self._gazetteer, f"stops[{number}]")
            except Refusal as refusal:
                found.append(refusal)
        return found

    # -- published loads ------------------------------------------------------------------------------------

    async def edit(self, party: Party, order: int, version: int, said: Mapping[str, Any]) -> Order:
        """Changes what is published, as the next version. Offers of the version before end, the search begins
        again; a load that is held is judged anew."""
        before = await self._orders.visible_to(party, order)
        if before.version != version:
            raise Refusal("version_stale")
        old = content_of(before)
        asked = Asked.of(merged(old, said))
        new, suggestion = await self._prepared(before.shipper, before.company, asked, before)
        valid_s = asked.valid_s if said.get("valid_s") is not None else None
        made = changes(old, content_of(new))
        if valid_s is not None:
            made = replace(made, fields=(*made.fields, "valid_s"))
        may_edit(before, made)
        if not made.fields:
            return before
        if before.driver is None:
            cleared = await self._cases.cleared(order)
            new = await self._suspected(new, suggestion, order=order, cleared=cleared)
        edited, events = await self._edits.edit(before, new, made, party, valid_s)
        self._tell(events)
        self._seek()
        return edited

    async def confirm(self, party: Party, order: int) -> Order:
        """The load still stands: it stays on the board, or comes back to it."""
        confirmed, events = await self._edits.confirm(party, order)
        self._tell(events)
        self._seek()
        return confirmed

    async def acknowledge(self, party: Party, order: int, version: int) -> Order:
        """The assigned driver agrees to the times as they stand in `version`."""
        agreed, events = await self._edits.acknowledge(party, order, version)
        self._tell(events)
        return agreed

    # -- moderation -----------------------------------------------------------------------------------------

    async def appeal(self, party: Party, order: int, text: str) -> Order:
        """The shipper asks for a second look at a load that was turned down; once."""
        appealed, events = await self._cases.appeal(party, order, text, self._moderation.appeal_sla_s)
        self._tell(events)
        return appealed

    async def approve(self, moderator: Moderator, case: int, note: str) -> None:
        """The load goes out, for as long as it was meant to be out."""
        self._tell(await self._cases.approve(moderator, case, note))
        self._seek()

    async def reject(self, moderator: Moderator, case: int, reasons: Sequence[str], note: str) -> None:
        """The load stays in, or is taken off the board; its shipper is told why."""
        self._tell(await self._cases.reject(moderator, case, list(reasons), note))

    async def decide(
        self, moderator: Moderator, case: int, reasons: Sequence[str] | None, note: str
    ) -> str | None:
        """One of many decisions: rejected for `reasons`, approved when they are None. The code of its refusal."""
        try:
            if reasons is None:
                await self.approve(moderator, case, note)
            elif not reasons:
                raise Refusal("reason_invalid")
            else:
                await self.reject(moderator, case, reasons, note)
        except Refusal as refusal:
            return refusal.code
        return None

    # -- the loop: idempotent, on any worker ----------------------------------------------------------------

    async def tend_due(self) -> int:
        """Closes what was delivered long ago, reminds shippers, and takes unconfirmed loads off the board."""
        done = 0
        while events := await self._orders.close_delivered(BATCH, self._close_after_s):
            self._tell(events)
            done += len(events)
        seen = BATCH
        while seen == BATCH:
            seen, events = await self._edits.tend(BATCH)
            self._tell(events)
            done += seen
        return done

    async def run_tend(self) -> None:
        """Tends for ever."""
        await repeat("tend", self.tend_due, TEND_POLL_S, self._orders.faults)

    # -- what they share ------------------------------------------------------------------------------------

    async def _judged(
        self, shipper: int, company: int | None, asked: Asked, allow_duplicate: bool
    ) -> NewOrder:
        order, suggestion = await self._prepared(shipper, company, asked)
        return await self._suspected(order, suggestion, refuse_own=not allow_duplicate)

    async def _prepared(
        self, shipper: int, company: int | None, asked: Asked, before: Order | None = None
    ) -> tuple[NewOrder, Money]:
        """The order that is asked for, in its place and with its price, and the price that is usual.

        The first thing wrong is refused. `before` is the order as it stands when this is an edit.
        """
        begun = before is not None and before.driver is not None
        for problem in problems(asked, self._clock(), begun=begun):
            raise problem
        said = None if before is None else Asked.of(content_of(before))
        for problem in (await self._words()).refusals(asked, said):
            raise problem
        stops = tuple(
            located(stop, self._gazetteer, f"stops[{number}]") for number, stop in enumerate(asked.stops)
        )
        haul, suggestion = await self._measure(stops, asked.load)
        price = suggestion if asked.price is None else Money(asked.price, suggestion.currency)
        confirm_s = asked.confirm_s or self._confirm_s
        order = NewOrder(
            shipper, haul, asked.load, price, asked.valid_s, asked.terms, company, asked.private, confirm_s
        )
        return order, suggestion

    async def _suspected(
        self,
        new: NewOrder,
        suggestion: Money,
        *,
        order: int | None = None,
        cleared: frozenset[str] = frozenset(),
        refuse_own: bool = False,
    ) -> NewOrder:
        """The order with what staff should look at. `order` is its number when it is posted already, `cleared`
        what they have seen of it and let pass."""
        policy = self._moderation
        facts = await self._cases.facts(new, order, policy)
        if refuse_own and facts.own is not None:
            raise Refusal("order_duplicate", "it looks the same as order {order}", order=facts.own)
        found = grounds(new, suggestion, facts, policy)
        if needs_record(found, policy):
            found = weighed(found, await self._cases.record(new.shipper, policy), policy)
        found = tuple(ground for ground in found if ground not in cleared)
        status = Status.MODERATION if holds(found) else Status.OPEN
        return replace(new, status=status, grounds=found, alike=facts.other, judge_within_s=policy.sla_s)

    def _placed(self, order: Order) -> Order:
        if order.status is Status.OPEN:
            self._seek()
        self._tell([OrderPlaced(order)])
        return order

    def _tell(self, events: list[Event]) -> None:
        if events:
            self._notifier.tell(events)
