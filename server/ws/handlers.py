"""What each client message does. Positions are handled in place; commands run beside them."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from dispatch.errors import Refusal
from dispatch.model import Status
from geo.cells import cell_of
from geo.types import Fix, Reason
from server.audit.as_user import READS
from server.audit.viewing import Viewport
from server.log import ORDER
from server.notices import receipts
from server.protocol.codes import Close
from server.protocol.messages import (
    AreaUnwatch,
    AreaWatch,
    Assigned,
    AuthRenew,
    Hello,
    Message,
    OfferAccept,
    OfferDecline,
    OfferSeen,
    Ok,
    OrderAdvance,
    OrderUnwatch,
    OrderWatch,
    Ping,
    Point,
    PositionGap,
    PositionLive,
    PositionReport,
    ShiftSet,
    StreamResume,
    StreamResumed,
)
from server.views import order_state

from . import bids, chat, inbox
from .session import MAX_OVER_CREDIT, Session

# The live frame ahead of a backlog has no place in the stream; it needs to be now and near.
LIVE_WINDOW_S = 120.0
LIVE_ACCURACY_M = 200.0


def fix_of(point: Point) -> Fix:
    """A point of the wire as the core knows it."""
    return Fix(point.at, point.lat, point.lon, point.speed, point.heading, point.accuracy)


# -- positions: the hot path --------------------------------------------------------------------------------


def report(session: Session, message: PositionReport) -> None:
    """Socket to durable lane and live lane, without waiting for anything."""
    mark = session.mark
    services = session.services
    if mark is None:
        session.refuse(Refusal("stream_required"))
        return
    now = time.time()
    positions, counts = services.positions, services.counts
    if mark.received - mark.committed >= positions.CREDIT:
        over_credit(session)
        return
    observe = mark.tracker.observe
    counts.points_in += len(message.points)
    for point in message.points:
        seq = point.seq
        if seq != mark.received + 1:
            if seq <= mark.received:
                counts.resent += 1  # sent again after a reconnect; its ack is on the way or was
                continue
            expected = mark.received + 1
            session.refuse(Refusal("seq_gap", "expected {expected}, got {seq}", expected=expected, seq=seq))
            return
        fix = fix_of(point)
        # The device's state is kept as it was when the point finds no room: it will come again.
        before = mark.tracker.last
        seen = observe(fix, now)
        if isinstance(seen, Reason):
            counts.flagged(seen)
            if seen.poison:
                taken = positions.add_poison(mark, seq, fix, seen, now)
            else:
                taken = positions.add(mark, seq, fix, cell_of(fix.lat, fix.lon), seen, now)
        else:
            taken = positions.add(mark, seq, fix, seen.cell, 0, now)
            if taken:
                services.live.put(mark.driver, fix, seen.cell, now)
        if not taken:
            mark.tracker.last = before
            over_credit(session)
            return
    session.over_credit = 0


def over_credit(session: Session) -> None:
    """More than was granted, or no room: the phone keeps them. One that goes on regardless is asked to leave."""
    session.services.counts.over_credit += 1
    session.over_credit += 1
    session.refuse(Refusal("credit_exceeded"))
    if session.over_credit >= MAX_OVER_CREDIT:
        session.close(Close.RATE)


def live(session: Session, message: PositionLive) -> None:
    """The newest fix ahead of a backlog: for the map only."""
    mark = session.mark
    if mark is None:
        session.refuse(Refusal("stream_required"))
        return
    now = time.time()
    fix = fix_of(message.point)
    if abs(now - fix.at) < LIVE_WINDOW_S and (fix.accuracy or 0.0) <= LIVE_ACCURACY_M:
        session.services.live.put(mark.driver, fix, cell_of(fix.lat, fix.lon), now)


def gap(session: Session, message: PositionGap) -> None:
    """The phone threw points away when its buffer was full."""
    if session.mark is None:
        session.refuse(Refusal("stream_required"))
        return
    session.services.positions.skip(session.mark, message.upto, time.time())


def resume(session: Session, message: StreamResume) -> None:
    """Opens the stream: the phone hears what is committed and how much it may send."""
    if session.principal.role != "driver":
        session.refuse(Refusal("forbidden"))
    elif session.device is None:
        session.refuse(Refusal("device_required"))
    else:
        session.carry_out(None, _resume(session, session.device, message))


async def _resume(session: Session, device: int, message: StreamResume) -> None:
    positions = session.services.positions
    mark = await positions.open(device, session.principal.user, message.stream)
    # From here to the answer without an await: no ack may leave before `stream.resumed`.
    if session.mark is not None and session.mark is not mark:
        positions.close(session.mark, session)
    session.services.hub.take_device(session, device)
    session.mark = mark
    mark.owner = session
    session.send(StreamResumed(stream=mark.stream, upto=mark.committed, credit=positions.credit()))


# -- commands -----------------------------------------------------------------------------------------------


def renew(session: Session, message: AuthRenew) -> None:
    """A fresh access token of the same sign-in, before the old one ends."""

    async def work() -> None:
        principal = session.services.authenticate(message.token)
        if (principal.user, principal.session) != (session.principal.user, session.principal.session):
            raise Refusal("unauthenticated")
        session.expires_at = principal.expires_at

    session.carry_out(message.id, work())


def ping(session: Session, message: Ping) -> None:
    """A browser asks whether we live."""
    session.send(Ok(id=message.id))


def hello(session: Session, message: Hello) -> None:
    """Only the first frame may be a hello."""
    session.refuse(Refusal("bad_frame", "hello is only for the first frame"))


def _driver(session: Session) -> int:
    if session.principal.role != "driver":
        raise Refusal("forbidden")
    return session.principal.user


def shift(session: Session, message: ShiftSet) -> None:
    """On duty: may be offered loads."""

    async def work() -> None:
        driver = _driver(session)
        await session.services.drivers.set_on_duty(driver, message.on_duty)
        session.services.live.set_flags(driver, on_duty=message.on_duty)

    session.carry_out(message.id, work())


def seen(session: Session, message: OfferSeen) -> None:
    """The phone shows the offer: no push is needed."""

    async def work() -> None:
        driver = _driver(session)
        await session.services.dispatcher.seen(driver, message.offer)
        await receipts.about(session.services, driver, "offer", message.offer)

    session.carry_out(message.id, work())


def accept(session: Session, message: OfferAccept) -> None:
    """Take the load; the database decides."""

    async def work() -> Ok:
        order = await session.services.dispatcher.accept(
            _driver(session), message.offer, UUID(message.accept_id)
        )
        return Ok(
            id=message.id, result=Assigned(order=order_state(order, session.services.live, private=True))
        )

    session.carry_out(message.id, work())


def decline(session: Session, message: OfferDecline) -> None:
    """Not this one."""

    async def work() -> None:
        await session.services.dispatcher.decline(
            _driver(session), message.offer, message.reason, message.note
        )

    session.carry_out(message.id, work())


def advance(session: Session, message: OrderAdvance) -> None:
    """The driver's next step."""

    async def work() -> None:
        driver = _driver(session)
        ORDER.set(message.order)
        try:
            status = Status(message.status)
        except ValueError:
            raise Refusal("transition_forbidden", "no such status: {status}", status=message.status) from None
        await session.services.dispatcher.advance(driver, message.order, status)

    session.carry_out(message.id, work())


def watch_order(session: Session, message: OrderWatch) -> None:
    """Snapshot, then events without a hole."""

    async def work() -> Ok:
        return Ok(id=message.id, result=await session.services.hub.watch_order(session, message.order))

    session.carry_out(message.id, work())


def unwatch_order(session: Session, message: OrderUnwatch) -> None:
    """No more of this order."""
    session.services.hub.unwatch_order(session, message.order)
    session.send(Ok(id=message.id))


def watch_area(session: Session, message: AreaWatch) -> None:
    """Snapshot and subscription without an await between: nothing can fall through."""

    async def work() -> Ok:
        hub = session.services.hub
        if session.principal.role == "admin" and message.south <= message.north:
            viewport = Viewport(message.west, message.south, message.east, message.north)
            await session.services.viewing.area(
                session.principal.user, viewport, lambda: hub.trucks_in(viewport)
            )
        snapshot = hub.watch_area(session, message.west, message.south, message.east, message.north)
        return Ok(id=message.id, result=snapshot)

    session.carry_out(message.id, work())


def unwatch_area(session: Session, message: AreaUnwatch) -> None:
    """No more of the map."""
    session.services.hub.unwatch_area(session)
    session.send(Ok(id=message.id))


# Any: each handler takes its own message type, and the key says which.
HANDLERS: dict[type[Message], Callable[[Session, Any], None]] = {
    PositionReport: report,
    PositionLive: live,
    PositionGap: gap,
    StreamResume: resume,
    Hello: hello,
    AuthRenew: renew,
    Ping: ping,
    ShiftSet: shift,
    OfferSeen: seen,
    OfferAccept: accept,
    OfferDecline: decline,
    OrderAdvance: advance,
    OrderWatch: watch_order,
    OrderUnwatch: unwatch_order,
    AreaWatch: watch_area,
    AreaUnwatch: unwatch_area,
    **bids.HANDLERS,
    **chat.HANDLERS,
    **inbox.HANDLERS,
}


def reads_only(session: Session, message: Message) -> None:
    """Staff who look as a user do nothing in the user's name."""
    session.refuse(Refusal("forbidden", READS), command_id=getattr(message, "id", None))


# What staff may send who look as a user: what only reads. Whatever is not named here is refused.
_READS = (Ping, OrderWatch, OrderUnwatch, AreaWatch, AreaUnwatch)
VIEWED: dict[type[Message], Callable[[Session, Any], None]] = {
    kind: handler if kind in _READS else reads_only for kind, handler in HANDLERS.items()
}
