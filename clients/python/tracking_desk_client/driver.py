"""A driver's side: positions up, offers down, one load at a time."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from types import TracebackType
from typing import Self
from uuid import uuid4

from .api import Api
from .bidding import DriverBids
from .chat import Chats
from .connection import Answer, Connection
from .errors import ApiError, DeskError
from .inbox import News
from .mailbox import Mailbox
from .messages import (
    Assigned,
    DeclineReason,
    Error,
    OfferAccept,
    OfferCard,
    OfferClosed,
    OfferDecline,
    OfferMade,
    OfferSeen,
    OrderAdvance,
    OrderState,
    Point,
    PositionAck,
    Rejection,
    SearchMatched,
    ServerMessage,
    ShiftSet,
    StreamResumed,
    Welcome,
)
from .queue import Fix, PointQueue
from .uplink import Uplink

log = logging.getLogger("tracking_desk_client")

STALLED_S = 20.0  # points in flight, or a resume, without any answer: open the stream again
RESUME_AGAIN_S = (0.2, 1.0)  # after the server lost the thread; drawn, so that a fleet does not answer as one
ACCEPTS_REMEMBERED = 100
STEPS = ("at_pickup", "loaded", "in_transit", "at_drop", "delivered")


class DriverClient:
    """One driver with one device.

    `report` keeps fixes until the desk has them in its database; everything else may be lost with the
    connection and is said again. Callbacks run on the event loop: `on_acked(stream, upto, rejected)` when
    points are committed, `on_offer_closed(message)` when an offer is over, `on_search(message)` for a load
    that suits a saved search. `bids` is the haggling, `chats` the conversations, `inbox` what you are told.
    """

    def __init__(self, api: Api, device: int, secret: str, queue: PointQueue, *, app: str = "") -> None:
        queue.claim(str(device))
        self.api = api
        self.queue = queue
        self.connection = Connection(api, device=(device, secret), app=app)
        self.connection.on_welcome = self._welcomed
        self.connection.on_message = self._received
        self.connection.on_lost = self._lost
        self.connection.on_end = self._ended
        self.on_acked: Callable[[str, int, Sequence[Rejection]], None] = lambda stream, upto, rejected: None
        self.on_offer_closed: Callable[[OfferClosed], None] = lambda message: None
        self.on_search: Callable[[SearchMatched], None] = lambda message: None
        self.bids = DriverBids(self.connection, api)
        self.chats = Chats(self.connection, api)
        self.inbox = News(self.connection)
        self.live_offers: dict[int, OfferCard] = {}
        self._uplink = Uplink(queue)
        self._news: Mailbox[OfferCard] = Mailbox()
        self._accept_ids: dict[int, str] = {}
        self._heard_at = 0.0  # of the last answer about the stream, steady clock
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._restarting: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.connection.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection. Unacknowledged points stay in the queue, which is the caller's to close."""
        await self.connection.close()
        await self.chats.close()
        for timer in self._timers.values():
            timer.cancel()
        left = [task for task in (self._restarting, self._forgetting) if task]
        await asyncio.gather(*left, return_exceptions=True)

    # -- positions ------------------------------------------------------------------------------------------

    async def report(self, *fixes: Fix) -> list[Point]:
        """Keep the fixes, send them now or when the desk is back; returns them with their numbers."""
        points = await self.queue.append(fixes)
        self._pump()
        return points

    async def drained(self) -> None:
        """Return once every reported point is acknowledged; raises what ended the session if it did."""
        while len(self.queue):
            if self.connection.ended:
                raise self.connection.ended
            await asyncio.sleep(0.05)

    # -- loads ----------------------------------------------------------------------------------------------

    async def set_duty(self, on_duty: bool) -> None:
        """Go on duty (offers may come) or off."""
        await self.connection.call(lambda id: ShiftSet(id, on_duty))

    async def offers(self) -> AsyncGenerator[OfferCard, None]:
        """Each offer once, as it comes; those already over are left out. For one reader."""
        async for offer in self._news:
            if offer.offer in self.live_offers and offer.expires_at > self.server_time():
                yield offer

    async def accept(self, offer: OfferCard | int, timeout: float = 30.0) -> OrderState:
        """Take the load. Tried again over a lost connection with the same accept id, as is a second call.

        Raises ApiError (`offer_taken`, `offer_expired`, ...) when it is not yours, Disconnected when that is
        still unknown after `timeout` seconds.
        """
        number = offer if isinstance(offer, int) else offer.offer
        accept_id = self.accept_id(number)
        answer = await self.connection.call(lambda id: OfferAccept(id, number, accept_id), timeout)
        if not isinstance(answer, Assigned):
            raise DeskError(f"an accept was answered by {answer!r}")
        self.live_offers.pop(number, None)
        return answer.order

    def accept_id(self, offer: int) -> str:
        """The id under which this client accepts the offer: made once, the same for every retry."""
        if offer not in self._accept_ids:
            while len(self._accept_ids) >= ACCEPTS_REMEMBERED:
                del self._accept_ids[next(iter(self._accept_ids))]
            self._accept_ids[offer] = str(uuid4())
        return self._accept_ids[offer]

    async def decline(self, offer: OfferCard | int, reason: DeclineReason = "unsaid", note: str = "") -> None:
        """Turn the offer down, and say why; it will not come again."""
        number = offer if isinstance(offer, int) else offer.offer
        await self.connection.call(lambda id: OfferDecline(id, number, reason, note))
        self.live_offers.pop(number, None)

    async def advance(self, order: int, status: str, timeout: float = 30.0) -> None:
        """The next step of the load: at_pickup, loaded, in_transit, at_drop, delivered."""
        tries = 0

        def build(id: int) -> OrderAdvance:
            nonlocal tries
            tries += 1
            return OrderAdvance(id, order, status)

        try:
            await self.connection.call(build, timeout)
        except ApiError as error:
            # The first try may have been carried out and only its answer lost.
            if error.code != "transition_forbidden" or tries == 1:
                raise
            if (await self.api.order(order)).order.status != status:
                raise

    def server_time(self) -> float:
        """Now by the desk's clock, epoch seconds."""
        return time.time() + self.connection.clock_offset

    # -- what the connection tells --------------------------------------------------------------------------

    def _welcomed(self, _: Welcome) -> None:
        self._resume()

    def _lost(self) -> None:
        self._uplink.close()

    def _ended(self, why: DeskError) -> None:
        self._news.close(why)

    def _received(self, message: ServerMessage) -> None:
        match message:
            case PositionAck():
                self._heard_at = time.monotonic()
                self._uplink.acked(message)
                self.on_acked(message.stream, message.upto, message.rejected)
                self._forget()
                self._pump()
            case StreamResumed():
                self._heard_at = time.monotonic()
                if self._uplink.resumed(message):
                    self.on_acked(message.stream, message.upto, ())
                    self._pump()
                else:
                    self._restarting = asyncio.create_task(self._restart(), name="desk-restart-stream")
            case OfferMade():
                self._offered(message.offer)
            case OfferClosed():
                self.live_offers.pop(message.offer, None)
                self.on_offer_closed(message)
            case SearchMatched():
                self.on_search(message)
            case Error():
                # Without a retry the app must act (register the device, update itself): say so where it is seen.
                log.log(
                    logging.INFO if message.retry else logging.WARNING,
                    "refused: %s %s", message.code, message.message,
                )  # fmt: skip
                if message.retry:
                    self._uplink.close()
                    self._later("resume", self.connection.random.uniform(*RESUME_AGAIN_S), self._resume)
            case _:
                self.bids.heard(message) or self.chats.heard(message) or self.inbox.heard(message)

    def _offered(self, offer: OfferCard) -> None:
        self.connection.post(OfferSeen(self.connection.expect(_ignore), offer.offer))
        if offer.offer in self.live_offers:
            return  # each connect brings all live offers again
        now = self.server_time()
        self.live_offers = {id: card for id, card in self.live_offers.items() if card.expires_at > now}
        self.live_offers[offer.offer] = offer
        self._news.put(offer)

    # -- the stream -----------------------------------------------------------------------------------------

    def _resume(self) -> None:
        self._heard_at = time.monotonic()
        self.connection.post(self._uplink.resume())
        self._later("stall", STALLED_S, self._check)

    def _pump(self) -> None:
        while frame := self._uplink.next_frame():
            self.connection.post(frame)

    def _check(self) -> None:
        """An answer that never came (the server lost it in a fault) must not hold up the queue for good."""
        waiting = self._uplink.in_flight or not self._uplink.open
        if self.connection.connected and waiting and time.monotonic() - self._heard_at >= STALLED_S:
            self._resume()
        elif self.connection.connected:
            self._later("stall", STALLED_S, self._check)

    async def _restart(self) -> None:
        log.warning("the queue file is older than what the desk has: its points go into a new stream")
        await self.queue.restart()
        self._resume()

    def _forget(self) -> None:
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = None
            if self.queue.wants_to_forget:
                self._forgetting = asyncio.create_task(self.queue.forget(), name="desk-forget")

    def _later(self, name: str, delay: float, then: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(delay, then)


def _ignore(answer: Answer | DeskError) -> None:
    """For commands that need no answer: the next connect tells what is live."""
