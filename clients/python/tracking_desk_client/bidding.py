"""Haggling over the socket: what each side may say, and the bids as they stand.

Commands are tried again over a lost connection. One that was carried out and only its answer lost is found out by
what the desk says now, so that nobody bids twice or agrees to something else.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from .api import Api
from .connection import Answer, Connection
from .errors import ApiError, DeskError
from .messages import (
    Assigned,
    BidAcceptCounter,
    BidChanged,
    BidClosed,
    BidCounter,
    BidDecline,
    BidDeclineReason,
    BidMade,
    BidPick,
    BidPlace,
    BidSeen,
    BidStands,
    BidState,
    BidWithdraw,
    OrderState,
    ServerMessage,
)

ALIVE = frozenset({"live", "countered"})
KEYS_REMEMBERED = 100


class Bids:
    """Live bids by id, as the desk tells them. `on_news(bid)` hears of every change, also of the last one."""

    def __init__(self, connection: Connection, api: Api) -> None:
        self.connection = connection
        self.api = api
        self.live: dict[int, BidState] = {}
        self.on_news: Callable[[BidState], None] = lambda bid: None
        self._keys: dict[tuple[int, int], str] = {}

    def heard(self, message: ServerMessage) -> bool:
        """Takes news of a bid; False for any other message."""
        if not isinstance(message, BidMade | BidChanged | BidClosed):
            return False
        self._keep(message.bid)
        self.on_news(message.bid)
        return True

    async def seen(self, bid: BidState) -> None:
        """The bid is on the screen; the other side is told, and no push goes out."""
        await self.connection.call(lambda id: BidSeen(id, bid.bid, bid.version))

    def accept_id(self, bid: BidState) -> str:
        """The id under which this client agrees to this version of the bid: the same for every retry."""
        known = (bid.bid, bid.version)
        if known not in self._keys:
            while len(self._keys) >= KEYS_REMEMBERED:
                del self._keys[next(iter(self._keys))]
            self._keys[known] = str(uuid4())
        return self._keys[known]

    async def _state(
        self, build: Callable[[int], Any], timeout: float, found: Callable[[], Any] | None = None
    ) -> BidState:
        """The bid after a command. `found` looks for one that a first try has made or changed."""
        tries = 0

        def counted(id: int) -> Any:
            nonlocal tries
            tries += 1
            return build(id)

        try:
            answer = await self.connection.call(counted, timeout)
        except ApiError as error:
            if tries == 1 or found is None or error.code not in ("bid_exists", "version_stale"):
                raise
            bid: BidState | None = await found()
            if bid is None:
                raise
            return self._keep(bid)
        if not isinstance(answer, BidStands):
            raise DeskError(f"a bid was answered by {answer!r}")
        return self._keep(answer.bid)

    async def _won(self, build: Callable[[int], Any], bid: BidState, timeout: float) -> OrderState:
        answer: Answer = await self.connection.call(build, timeout)
        if not isinstance(answer, Assigned):
            raise DeskError(f"a bid was answered by {answer!r}")
        self.live.pop(bid.bid, None)
        return answer.order

    def _keep(self, bid: BidState) -> BidState:
        if bid.status in ALIVE:
            self.live[bid.bid] = bid
        else:
            self.live.pop(bid.bid, None)
        return bid


class DriverBids(Bids):
    """The driver's side."""

    async def place(
        self,
        order: int,
        amount: int,
        *,
        valid_s: int = 7200,
        message: str = "",
        eta_at: float | None = None,
        available_from: float | None = None,
        order_version: int | None = None,
        instead_of: BidState | None = None,
        timeout: float = 30.0,
    ) -> BidState:
        """Name a price in minor units; `instead_of` is your live bid, when you name another one."""
        version = instead_of.version if instead_of else 0

        async def found() -> BidState | None:
            for entry in (await self.api.my_bids()).bids:
                bid = entry.bid
                if bid.order == order and bid.status == "live":
                    same = bid.version == version + 1 and bid.price.amount == amount
                    return bid if same else None
            return None

        return await self._state(
            lambda id: BidPlace(
                id, order, amount, valid_s, message, eta_at, available_from, order_version, version
            ),
            timeout,
            found,
        )

    async def withdraw(self, bid: BidState, timeout: float = 30.0) -> BidState:
        """Take the bid back."""
        return await self._state(lambda id: BidWithdraw(id, bid.bid), timeout)

    async def accept_counter(self, bid: BidState, timeout: float = 30.0) -> OrderState:
        """Agree to the counter-offer as it stands in `bid`; the load is yours."""
        key = self.accept_id(bid)
        return await self._won(lambda id: BidAcceptCounter(id, bid.bid, bid.version, key), bid, timeout)


class ShipperBids(Bids):
    """The shipper's side."""

    async def counter(
        self, bid: BidState, amount: int, *, valid_s: int = 7200, message: str = "", timeout: float = 30.0
    ) -> BidState:
        """Answer with another price in minor units."""

        async def found() -> BidState | None:
            now = (await self.api.bid_detail(bid.bid)).bid
            countered = now.counter is not None and now.counter.amount == amount
            return now if countered and now.version == bid.version + 1 else None

        return await self._state(
            lambda id: BidCounter(id, bid.bid, bid.version, amount, valid_s, message), timeout, found
        )

    async def decline(
        self, bid: BidState, reason: BidDeclineReason = "other", timeout: float = 30.0
    ) -> BidState:
        """Turn the bid down."""
        return await self._state(lambda id: BidDecline(id, bid.bid, reason), timeout)

    async def pick(self, bid: BidState, timeout: float = 30.0) -> OrderState:
        """Give the load to the bid as it stands in `bid`."""
        key = self.accept_id(bid)
        return await self._won(lambda id: BidPick(id, bid.bid, bid.version, key), bid, timeout)
