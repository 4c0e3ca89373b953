"""Bids over HTTP: the same haggling as over the socket, and the page on which a shipper compares."""

import time
from typing import Literal
from uuid import UUID

from dispatch.bids import Bid, BidVersion, Terms, bounds
from dispatch.model import Money
from server import views
from server.notices import receipts
from server.protocol.messages import BidState, OrderState
from server.protocol.rest.bids import (
    BidAcceptForm,
    BidDeclineForm,
    BidDetail,
    BiddingForm,
    BidForm,
    BidSeenForm,
    BidsQuery,
    BidVersionView,
    CounterForm,
    OrderBids,
    OwnBid,
    OwnBids,
    OwnBidsQuery,
)

from . import acting
from .comparing import lines
from .parties import party_of, state
from .route import Call, Route, Versioned

# -- the driver ---------------------------------------------------------------------------------------------


async def place(call: Call[BidForm, None]) -> Versioned:
    """A driver's first bid on a load; `bid_exists` when one is live."""
    done = await call.services.bids.place(
        await call.services.fleets.driver_for(call, call.body.driver),
        call.path_id("order"),
        _terms(call.body),
        seen_order=call.body.order_version,
        actor=call.caller.user,
    )
    return _versioned(call.services.notify.told(done))


async def change(call: Call[BidForm, None]) -> Versioned:
    """Another price for a live bid, also as the answer to a counter-offer."""
    party = await acting.side_of_bid(call, call.path_id("bid"))
    found, _ = await call.services.bids.one(party, call.path_id("bid"))
    done = await call.services.bids.place(
        party.user,
        found.order,
        _terms(call.body),
        seen_order=call.body.order_version,
        changes=call.expected_version,
        actor=call.caller.user,
    )
    return _versioned(call.services.notify.told(done))


async def withdraw(call: Call[None, None]) -> Versioned:
    """The driver takes the bid back."""
    bid = call.path_id("bid")
    done = await call.services.bids.withdraw(await acting.of_bid(call, bid), bid)
    return _versioned(call.services.notify.told(done))


async def accept(call: Call[BidAcceptForm, None]) -> OrderState:
    """The driver takes the counter-offer; the database decides, once for each accept_id."""
    bid = call.path_id("bid")
    done = await call.services.bids.accept(
        await acting.of_bid(call, bid),
        bid,
        UUID(call.body.accept_id),
        call.expected_version,
        actor=call.caller.user,
    )
    return views.order_state(call.services.notify.told(done), call.services.live, private=True)


async def mine(call: Call[None, OwnBidsQuery]) -> OwnBids:
    """A driver's bids, newest first, with their loads."""
    query = call.query
    driver = await call.services.fleets.driver_for(call, query.driver)
    found = await call.services.bids.of_driver(driver, query.before, query.limit)
    return OwnBids(
        [OwnBid(views.bid_state(bid), views.board_load(order)) for bid, order in found],
        found[-1][0].id if len(found) == query.limit else None,
    )


# -- the shipper --------------------------------------------------------------------------------------------


async def compare(call: Call[None, BidsQuery]) -> OrderBids:
    """Every bid on a load with what tells them apart: price, way to the pickup, rating, reliability, arrival."""
    services = call.services
    order, found = await services.bids.of_order(await party_of(call), call.path_id("order"))
    low, high = bounds(order.price, services.policy)
    currency = order.price.currency
    return OrderBids(
        order.id,
        views.money(order.price),
        views.money(Money(low, currency)),
        views.money(Money(high, currency)),
        lines(order, found, services, time.time(), call.query.sort),
    )


async def counter(call: Call[CounterForm, None]) -> Versioned:
    """The shipper's price for the driver to think about."""
    form = call.body
    done = await call.services.bids.counter(
        await party_of(call),
        call.path_id("bid"),
        form.amount,
        form.valid_s,
        form.message,
        call.expected_version,
    )
    return _versioned(call.services.notify.told(done))


async def decline(call: Call[BidDeclineForm, None]) -> Versioned:
    """The shipper does not want the bid."""
    done = await call.services.bids.decline(await party_of(call), call.path_id("bid"), call.body.reason)
    return _versioned(call.services.notify.told(done))


async def pick(call: Call[BidAcceptForm, None]) -> OrderState:
    """The load goes to this bid; the database decides, once for each accept_id."""
    party = await party_of(call)
    done = await call.services.bids.pick(
        party, call.path_id("bid"), UUID(call.body.accept_id), call.expected_version
    )
    return state(call, call.services.notify.told(done), party)


async def bidding(call: Call[BiddingForm, None]) -> None:
    """Whether bidders are told that they were outbid."""
    call.services.notify.tell(
        await call.services.bids.open_bidding(await party_of(call), call.path_id("order"), call.body.open)
    )


# -- both ---------------------------------------------------------------------------------------------------


async def detail(call: Call[None, None]) -> Versioned:
    """A bid with all its changes, for its driver and for the load's shipper."""
    party = await acting.side_of_bid(call, call.path_id("bid"))
    bid, versions = await call.services.bids.one(party, call.path_id("bid"))
    found = BidDetail(views.bid_state(bid), [_version(version) for version in versions])
    return Versioned(found, bid.version)


async def seen(call: Call[BidSeenForm, None]) -> None:
    """This version is on the screen of whoever must answer: no push, and the other side knows."""
    call.services.notify.tell(
        await call.services.bids.seen(call.caller.user, call.path_id("bid"), call.body.version)
    )
    await receipts.about(call.services, call.caller.user, "bid", call.path_id("bid"))


def _terms(form: BidForm) -> Terms:
    return Terms(form.amount, form.valid_s, form.message, form.eta_at, form.available_from)


def _versioned(bid: Bid) -> Versioned:
    return Versioned(views.bid_state(bid), bid.version)


def _version(version: BidVersion) -> BidVersionView:
    side: Literal["driver", "shipper"] = "shipper" if version.side == "shipper" else "driver"
    return BidVersionView(
        version.version,
        side,
        views.money(version.price),
        version.message,
        version.expires_at,
        version.at,
        version.eta_at,
        version.available_from,
    )


_SHIPPER = frozenset({"shipper"})
_CHANGES = ("not_found", "bid_closed", "bid_expired", "bid_turn", "bids_too_many", "bid_out_of_range", "busy")
_BIDDING = (
    "cooling_down",
    "order_closed",
    "offer_taken",
    "bids_refused",
    "subscription_expired",
    "vehicle_required",
    "vehicle_unfit",
    "driver_busy",
    "forbidden",
    "version_stale",
)
_TAKES = (
    "not_found",
    "offer_taken",
    "order_closed",
    "bid_closed",
    "bid_expired",
    "bid_changed",
    "bid_turn",
    "idempotency_conflict",
    "busy",
)
_IF_MATCH = ("If-Match",)

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/{order}/bids",
        place,
        "Bid on a load",
        "bids",
        request=BidForm,
        response=BidState,
        status=201,
        roles=acting.DRIVERS,
        errors=(*_CHANGES, *_BIDDING, "bid_exists"),
        location="/api/v1/bids/{bid}",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/bids",
        compare,
        "The bids on a load, to compare",
        "bids",
        query=BidsQuery,
        response=OrderBids,
        roles=frozenset({"shipper", "admin"}),
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "PUT",
        "/api/v1/orders/{order}/bidding",
        bidding,
        "Open or sealed bidding",
        "bids",
        request=BiddingForm,
        status=204,
        roles=_SHIPPER,
        errors=("not_found", "busy"),
        scope="bids:write",
    ),
    Route(
        "GET",
        "/api/v1/bids",
        mine,
        "Own bids, newest first",
        "bids",
        query=OwnBidsQuery,
        response=OwnBids,
        roles=acting.DRIVERS,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/bids/{bid}",
        detail,
        "A bid with its changes",
        "bids",
        response=BidDetail,
        roles=acting.DRIVERS | {"shipper", "admin"},
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "PUT",
        "/api/v1/bids/{bid}",
        change,
        "Another price for a live bid",
        "bids",
        request=BidForm,
        response=BidState,
        roles=acting.DRIVERS,
        errors=(*_CHANGES, *_BIDDING),
        headers=_IF_MATCH,
    ),
    Route(
        "POST",
        "/api/v1/bids/{bid}/withdraw",
        withdraw,
        "Take a bid back",
        "bids",
        response=BidState,
        roles=acting.DRIVERS,
        errors=("not_found", "bid_closed", "bid_expired", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/bids/{bid}/accept",
        accept,
        "Take a counter-offer",
        "bids",
        request=BidAcceptForm,
        response=OrderState,
        roles=acting.DRIVERS,
        errors=(
            *_TAKES,
            "subscription_expired",
            "vehicle_required",
            "vehicle_unfit",
            "driver_busy",
            "forbidden",
            "cooling_down",
        ),
        headers=_IF_MATCH,
    ),
    Route(
        "POST",
        "/api/v1/bids/{bid}/counter",
        counter,
        "Answer a bid with another price",
        "bids",
        request=CounterForm,
        response=BidState,
        roles=_SHIPPER,
        errors=(*_CHANGES, "version_stale"),
        headers=_IF_MATCH,
        scope="bids:write",
    ),
    Route(
        "POST",
        "/api/v1/bids/{bid}/decline",
        decline,
        "Turn a bid down",
        "bids",
        request=BidDeclineForm,
        response=BidState,
        roles=_SHIPPER,
        errors=("not_found", "bid_closed", "bid_expired", "busy"),
        scope="bids:write",
    ),
    Route(
        "POST",
        "/api/v1/bids/{bid}/pick",
        pick,
        "Give the load to a bid",
        "bids",
        request=BidAcceptForm,
        response=OrderState,
        roles=_SHIPPER,
        errors=(*_TAKES, "driver_unavailable"),
        headers=_IF_MATCH,
        scope="bids:write",
    ),
    Route(
        "POST",
        "/api/v1/bids/{bid}/seen",
        seen,
        "A bid is on the screen",
        "bids",
        request=BidSeenForm,
        status=204,
        roles=frozenset({"driver", "shipper"}),
        errors=("not_found",),
        scope="bids:write",
    ),
)
