"""A simulated shipper: posts loads, asks drivers by name, haggles, thinks again, follows them to the drop."""

import asyncio
import time
from dataclasses import replace
from random import Random
from uuid import uuid4

import aiohttp

from tracking_desk_client import ApiError, DeskError, ShipperClient
from tracking_desk_client.messages import BidState, OrderEdit, OrderForm, OrderState

from . import haggling
from .haggling import Answer
from .ledger import WON, Ledger
from .tally import THINK_S, Tally

WATCHED = 40  # loads that one shipper follows at a time; the desk allows 50 a session
# Of loads, all assumed: called off within half a minute, given another price, begun as a draft, kept private.
CALLED_OFF = 0.03
EDITED = 0.08
DRAFTED = 0.15
PRIVATE = 0.06
ASKED = 5  # drivers asked for a private load
RAISE = (1.03, 1.15)
AWAY = (aiohttp.ClientError, TimeoutError, OSError)


class Shipper:
    """One shipper at work. A desk that cannot be reached costs the load, not the run."""

    def __init__(
        self, user: int, client: ShipperClient, ledger: Ledger, tally: Tally, random: Random
    ) -> None:
        self.user = user
        self.client = client
        self.posted: dict[int, float] = {}  # order -> steady clock when the call was made
        self.news = 0
        self._ledger = ledger
        self._tally = tally
        self._random = random
        self._watches = asyncio.Semaphore(WATCHED)
        self._guides: dict[int, int] = {}  # order -> its price in minor units
        self._offers: asyncio.Queue[BidState] = asyncio.Queue(1000)
        client.bids.on_news = self._bid_news

    async def trade(self, form: OrderForm) -> None:
        """Post one load and follow it to its end."""
        # Drawn before anything can fail, so that the same seed means the same things for each load.
        called_off = self._random.random() < CALLED_OFF
        edited = not called_off and self._random.random() < EDITED
        drafted = self._random.random() < DRAFTED
        patience = self._random.uniform(5, 30)
        form = replace(
            form,
            pricing=haggling.pricing(self._random),
            private=self._random.random() < PRIVATE,
            allow_duplicate=True,  # what looks the same to the desk is another truckload
        )
        order = await self._post(form, drafted)
        if order is None:
            return
        self._guides[order.order] = order.price.amount
        second = asyncio.create_task(
            self._second_thoughts(order, patience, called_off, edited), name="second"
        )
        try:
            if form.private:
                await self._invite(order.order)
            async with self._watches:
                async for _ in self.client.watch(order.order):
                    self.news += 1
        finally:
            second.cancel()
            self._guides.pop(order.order, None)

    async def answer_bids(self) -> None:
        """Looks at every new price for a load, for ever."""
        async with asyncio.TaskGroup() as answers:
            while True:
                answers.create_task(self._answer(await self._offers.get()), name="answer")

    # -- posting --------------------------------------------------------------------------------------------

    async def _post(self, form: OrderForm, drafted: bool) -> OrderState | None:
        key = str(uuid4())  # not by the seed: another run of it posts other loads
        began = time.monotonic()
        try:
            if drafted:
                order = await self._publish(form)
            else:
                self._ledger.placing(key, self.user)
                order = await self.client.place(form, key=key, timeout=60)
                self._ledger.placed(key, order.order)
        except ApiError as refused:
            self._tally.count(refused.code)
            return None
        except AWAY:
            return None
        self.posted[order.order] = began
        return order

    async def _publish(self, form: OrderForm) -> OrderState:
        """The same load by way of a draft: the ends first, the rest on the way to the warehouse."""
        wire = form.to_wire()
        ends = [
            {"kind": kind, "city": wire.pop(name)}
            for kind, name in (("pickup", "pickup_city"), ("drop", "drop_city"))
        ]
        wire.pop("allow_duplicate", None)
        draft = await self.client.api.begin_draft(OrderEdit.from_wire({"stops": ends, "cargo": form.cargo}))
        draft = await self.client.api.save_draft(draft.order, draft.version, OrderEdit.from_wire(wire))
        return await self.client.api.publish(draft.order, draft.version, allow_duplicate=True)

    async def _invite(self, order: int) -> None:
        try:
            near = await self.client.api.candidates(order, limit=ASKED)
            drivers = [candidate.bidder.driver for candidate in near.drivers]
            if not drivers:
                return
            made = await self.client.api.invite(order, drivers, note="как в прошлый раз")
        except ApiError as refused:
            self._tally.count(refused.code)
        except AWAY:
            pass
        else:
            for invitation in made.invitations:
                if invitation.driver is not None:
                    self._ledger.invite(order, invitation.driver)
                    self._tally.invitations += 1

    # -- second thoughts ------------------------------------------------------------------------------------

    async def _second_thoughts(
        self, order: OrderState, patience: float, called_off: bool, edited: bool
    ) -> None:
        if not (called_off or edited):
            return
        await asyncio.sleep(patience)
        try:
            if called_off:
                await self.client.api.cancel(order.order, "sold elsewhere", "sold_elsewhere")
                self._ledger.cancelled(order.order)
            else:
                price = round(order.price.amount * self._random.uniform(*RAISE) / 10_000) * 10_000
                changed = await self.client.api.edit(order.order, order.version, OrderEdit(price=price))
                self._guides[order.order] = changed.price.amount
                self._ledger.edited(order.order, changed.version)
                self._tally.edits += 1
        except ApiError as refused:  # taken or loaded meanwhile: the load goes on as it is
            self._tally.count(refused.code)
        except AWAY:
            pass

    # -- bids -----------------------------------------------------------------------------------------------

    def _bid_news(self, bid: BidState) -> None:
        on_table = bid.price if bid.counter is None else bid.counter
        self._ledger.bid(bid.bid, bid.driver, bid.order, bid.status, bid.version, on_table.amount)
        if bid.status == "live" and not bid.seen and not self._offers.full():
            self._offers.put_nowait(bid)

    async def _answer(self, bid: BidState) -> None:
        await asyncio.sleep(self._random.uniform(*THINK_S))
        now = self.client.bids.live.get(bid.bid)
        guide = self._guides.get(bid.order)
        if guide is None or now is None or now.status != "live" or now.version != bid.version:
            return
        choice = haggling.judged(self._random, now.price.amount, guide)
        try:
            await self.client.bids.seen(now)
            if choice is Answer.PICK:
                await self._pick(now)
            elif choice is Answer.COUNTER:
                await self.client.bids.counter(now, haggling.between(now.price.amount, guide))
            elif choice is Answer.DECLINE:
                await self.client.bids.decline(now, "price")
        except ApiError as refused:
            self._tally.count(refused.code)
        except (DeskError, *AWAY):
            self._tally.count("unknown")

    async def _pick(self, bid: BidState) -> None:
        key = self.client.bids.accept_id(bid)
        self._ledger.accepting(key, bid.driver, 0, bid.order)
        try:
            await self.client.bids.pick(bid)
        except ApiError as refused:
            if not refused.retry:
                self._ledger.answered(key, refused.code)
            raise
        self._ledger.answered(key, WON)
        self._tally.picked += 1
