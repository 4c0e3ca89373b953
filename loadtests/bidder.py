"""A simulated driver's side of a price: names one, hears the shipper's, agrees or lets it be."""

import asyncio
from collections.abc import Callable
from random import Random

from tracking_desk_client import ApiError, DeskError, Disconnected, DriverClient
from tracking_desk_client.messages import BidState, OfferCard, OrderState

from . import haggling
from .ledger import UNKNOWN, WON, Ledger
from .tally import THINK_S, Tally


class Bidder:
    """One driver's bids. `hired` takes a load that was won; `busy` says whether there is one already."""

    def __init__(
        self,
        user: int,
        client: DriverClient,
        ledger: Ledger,
        tally: Tally,
        random: Random,
        busy: Callable[[], bool],
        hired: Callable[[OrderState], None],
    ) -> None:
        self._user = user
        self._client = client
        self._ledger = ledger
        self._tally = tally
        self._random = random
        self._busy = busy
        self._hired = hired
        self._news: asyncio.Queue[BidState] = asyncio.Queue(1000)
        client.bids.on_news = self._heard

    async def bid(self, offer: OfferCard) -> None:
        """Name a price for a load that was offered; raises ApiError when the desk will not have it."""
        amount = haggling.asked(self._random, offer.price.amount)
        bid = await self._client.bids.place(offer.order, amount, order_version=offer.version, valid_s=600)
        self._note(bid)
        self._tally.bids += 1

    async def run(self) -> None:
        """Answer counter-offers and take up what was won, for ever."""
        while True:
            bid = await self._news.get()
            try:
                if bid.status == "countered":
                    await self._consider(bid)
                elif bid.status == "accepted" and not self._busy():
                    self._hired((await self._client.api.order(bid.order)).order)
            except ApiError as refused:
                self._tally.count(refused.code)
            except (Disconnected, DeskError, OSError, TimeoutError):
                self._tally.count(UNKNOWN)

    async def _consider(self, bid: BidState) -> None:
        self._tally.countered += 1
        await asyncio.sleep(self._random.uniform(*THINK_S))
        now = self._client.bids.live.get(bid.bid)
        if now is None or now.status != "countered" or now.counter is None or self._busy():
            return
        if not haggling.agrees(self._random, now.counter.amount, now.price.amount):
            return  # the counter-offer runs out by itself
        key = self._client.bids.accept_id(now)
        self._ledger.accepting(key, self._user, 0, now.order)
        try:
            order = await self._client.bids.accept_counter(now)
        except ApiError as refused:
            if not refused.retry:
                self._ledger.answered(key, refused.code)
            raise
        self._ledger.answered(key, WON)
        self._tally.counters_taken += 1
        self._hired(order)

    def _heard(self, bid: BidState) -> None:
        self._note(bid)
        if bid.status in ("countered", "accepted") and not self._news.full():
            self._news.put_nowait(bid)

    def _note(self, bid: BidState) -> None:
        on_table = bid.price if bid.counter is None else bid.counter
        self._ledger.bid(bid.bid, bid.driver, bid.order, bid.status, bid.version, on_table.amount)
