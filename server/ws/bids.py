"""What the messages about bids do: the driver's and the shipper's side of the haggling."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from dispatch.bids import Bid, Terms
from dispatch.errors import Refusal
from dispatch.model import Actor, Party
from server.notices import receipts
from server.protocol.messages import (
    Assigned,
    BidAcceptCounter,
    BidCounter,
    BidDecline,
    BidPick,
    BidPlace,
    BidSeen,
    BidStands,
    BidWithdraw,
    Message,
    Ok,
)
from server.views import bid_state, order_state

from .session import Session


def place(session: Session, message: BidPlace) -> None:
    """A driver names a price, or another one."""

    async def work() -> Ok:
        terms = Terms(
            message.amount, message.valid_s, message.message, message.eta_at, message.available_from
        )
        done = await session.services.bids.place(
            _who(session, "driver").user,
            message.order,
            terms,
            seen_order=message.order_version,
            changes=message.version,
        )
        return _stands(message.id, session.services.notify.told(done))

    session.carry_out(message.id, work())


def withdraw(session: Session, message: BidWithdraw) -> None:
    """The driver takes it back."""

    async def work() -> Ok:
        done = await session.services.bids.withdraw(_who(session, "driver").user, message.bid)
        return _stands(message.id, session.services.notify.told(done))

    session.carry_out(message.id, work())


def accept_counter(session: Session, message: BidAcceptCounter) -> None:
    """The driver agrees to the shipper's price."""

    async def work() -> Ok:
        driver = _who(session, "driver").user
        done = await session.services.bids.accept(
            driver, message.bid, UUID(message.accept_id), message.version
        )
        order = session.services.notify.told(done)
        state = order_state(order, session.services.live, private=True)
        return Ok(id=message.id, result=Assigned(order=state))

    session.carry_out(message.id, work())


def counter(session: Session, message: BidCounter) -> None:
    """The shipper names another price."""

    async def work() -> Ok:
        done = await session.services.bids.counter(
            _who(session, "shipper"),
            message.bid,
            message.amount,
            message.valid_s,
            message.message,
            message.version,
        )
        return _stands(message.id, session.services.notify.told(done))

    session.carry_out(message.id, work())


def decline(session: Session, message: BidDecline) -> None:
    """The shipper does not want it."""

    async def work() -> Ok:
        done = await session.services.bids.decline(_who(session, "shipper"), message.bid, message.reason)
        return _stands(message.id, session.services.notify.told(done))

    session.carry_out(message.id, work())


def pick(session: Session, message: BidPick) -> None:
    """The load goes to this bid; the database decides."""

    async def work() -> Ok:
        party = _who(session, "shipper")
        done = await session.services.bids.pick(party, message.bid, UUID(message.accept_id), message.version)
        order = session.services.notify.told(done)
        state = order_state(order, session.services.live, private=True)
        if state.truck is not None:
            session.services.viewers.saw(session.principal, state.truck.driver, order.id)
        return Ok(id=message.id, result=Assigned(order=state))

    session.carry_out(message.id, work())


def seen(session: Session, message: BidSeen) -> None:
    """It is on the screen of whoever must answer."""

    async def work() -> None:
        user = _who(session, "driver", "shipper").user
        session.services.notify.tell(await session.services.bids.seen(user, message.bid, message.version))
        await receipts.about(session.services, user, "bid", message.bid)

    session.carry_out(message.id, work())


def _who(session: Session, *roles: str) -> Party:
    if session.principal.role not in roles:
        raise Refusal("forbidden")
    return Party(session.principal.user, Actor(session.principal.role))


def _stands(command_id: int, bid: Bid) -> Ok:
    return Ok(id=command_id, result=BidStands(bid=bid_state(bid)))


# Any: each handler takes its own message type, and the key says which.
HANDLERS: dict[type[Message], Callable[[Session, Any], None]] = {
    BidPlace: place,
    BidWithdraw: withdraw,
    BidAcceptCounter: accept_counter,
    BidCounter: counter,
    BidDecline: decline,
    BidPick: pick,
    BidSeen: seen,
}
