"""Every message that a client may send over the websocket."""

import time
import uuid
from typing import Any

from ..matrix import Cell, Frame
from ..world import World
from .bids import ASKED, a_bid, a_countered_bid, biddable
from .chat import a_conversation

_DRIVER = frozenset({"driver"})
_SHIPPER = frozenset({"shipper"})
_STREAM = "0123456789abcdef"
_RESUME = ("stream.resume", {"stream": _STREAM, "upto": 0}, "stream.resumed")


def _point(seq: int = 1) -> list[Any]:
    return [seq, time.time(), 43.25, 76.95]


def _offer(cell: Cell) -> dict[str, Any]:
    return {"offer": cell.ids["offer"]}


def _bid(cell: Cell) -> dict[str, Any]:
    return {"bid": cell.ids["bid"]}


def _order(cell: Cell) -> dict[str, Any]:
    return {"order": cell.ids["order"]}


FRAMES = (
    # Only the first frame may be a hello; here everybody has said it already.
    Frame("hello", fields={"version": 1}, expect={"*": "bad_frame"}),
    Frame("auth.renew", fields=lambda cell: {"token": cell.person.account.get("access", "x")}),
    Frame("ping"),
    Frame("shift.set", _DRIVER, {"on_duty": True}),
    Frame("stream.resume", _DRIVER, {"stream": _STREAM, "upto": 0}, reply="stream.resumed"),
    # Positions are refused for want of a stream, which only a driver's device can open.
    Frame(
        "position.report",
        _DRIVER,
        lambda cell: {"points": [_point()]},
        (_RESUME,),
        "position.ack",
        expect={f"{role}.own": "stream_required" for role in ("logistician", "shipper", "admin")},
    ),
    Frame(
        "position.live",
        _DRIVER,
        lambda cell: {"point": _point()},
        (_RESUME,),
        "",
        expect={f"{role}.own": "stream_required" for role in ("logistician", "shipper", "admin")},
    ),
    Frame(
        "position.gap",
        _DRIVER,
        {"upto": 5},
        (_RESUME,),
        "position.ack",
        expect={f"{role}.own": "stream_required" for role in ("logistician", "shipper", "admin")},
    ),
    Frame("offer.seen", _DRIVER, _offer, own=World.offer, names=("offer",)),
    Frame(
        "offer.accept",
        _DRIVER,
        lambda cell: {**_offer(cell), "accept_id": str(uuid.uuid4())},
        own=World.offer,
        names=("offer",),
        expect={"expired.own": "subscription_expired"},
    ),
    Frame("offer.decline", _DRIVER, _offer, own=World.offer, names=("offer",)),
    Frame(
        "bid.place",
        _DRIVER,
        lambda cell: {**_order(cell), "amount": ASKED},
        own=biddable,
        names=("order",),
        shared=True,
        expect={"expired.own": "subscription_expired"},
    ),
    Frame("bid.withdraw", _DRIVER, _bid, own=a_bid, names=("bid",)),
    Frame(
        "bid.accept_counter",
        _DRIVER,
        lambda cell: {**_bid(cell), "version": 2, "accept_id": str(uuid.uuid4())},
        own=a_countered_bid,
        names=("bid",),
        expect={"expired.own": "subscription_expired"},
    ),
    Frame(
        "bid.counter",
        _SHIPPER,
        lambda cell: {**_bid(cell), "version": 1, "amount": ASKED},
        own=a_bid,
        names=("bid",),
    ),
    Frame("bid.decline", _SHIPPER, _bid, own=a_bid, names=("bid",)),
    Frame(
        "bid.pick",
        _SHIPPER,
        lambda cell: {**_bid(cell), "version": 1, "accept_id": str(uuid.uuid4())},
        own=a_bid,
        names=("bid",),
    ),
    Frame(
        "bid.seen",
        _DRIVER | _SHIPPER,
        lambda cell: {**_bid(cell), "version": 1},
        own=a_bid,
        names=("bid",),
    ),
    Frame(
        "chat.send",
        _DRIVER | _SHIPPER | {"logistician"},
        lambda cell: {**_order(cell), "message_id": str(uuid.uuid4()), "text": "слово"},
        own=a_conversation,
        names=("order",),
    ),
    Frame(
        "chat.read",
        _DRIVER | _SHIPPER | {"logistician"},
        lambda cell: {**_order(cell), "upto": 1},
        own=a_conversation,
        names=("order",),
    ),
    # Items that are somebody else's are passed over.
    Frame("inbox.seen", fields={"items": [1], "read": True}),
    Frame(
        "order.advance",
        _DRIVER,
        lambda cell: {**_order(cell), "status": "at_pickup"},
        own=World.order,
        names=("order",),
    ),
    Frame(
        "order.watch",
        None,
        _order,
        own=World.order,
        names=("order",),
    ),
    # Ends what this socket watches; of an order that it does not watch there is nothing to end or to learn.
    Frame("order.unwatch", None, _order, own=World.order, names=("order",), expect={"*": "ok"}),
    Frame(
        "area.watch",
        frozenset({"shipper", "admin"}),
        {"west": 76.0, "south": 43.0, "east": 77.0, "north": 44.0},
    ),
    Frame("area.unwatch"),
)
