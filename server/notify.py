"""From what happened to who is told: sockets here, the bus for sockets elsewhere, the outbox for the rest.

Tells after COMMIT, never waits and never fails. What gets lost on the way (a bus that is down, a worker that
dies) is in PostgreSQL: the outbox pushes unseen offers, the repair loop finds missed order events.
"""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dispatch import events
from dispatch.events import Event, OfferEnded, OfferMade, OrderPlaced
from dispatch.events import OrderChanged as OrderEvent
from dispatch.model import ENDED
from dispatch.sharing import PAUSED, RESUMED, Sharing
from server.chat import views as chat
from server.notices import views as notices
from server.notices.views import Noticed
from server.protocol.messages import (
    AccessChanged,
    BidChanged,
    BidClosed,
    BidMade,
    ChatEntry,
    ChatMarked,
    InboxMarked,
    OfferClosed,
    OrderChanged,
    OrderEta,
    SearchMatched,
)
from server.protocol.messages import OfferMade as OfferMadeMessage
from server.trips.views import forecast
from server.views import bid_state, bidder_card, offer_card, search_matched
from storage.postgres import after_commit

if TYPE_CHECKING:
    from .services import Services

log = logging.getLogger("desk.notify")


# News that reach a party's sockets also when they do not watch the order. A watcher knows them by their offset.
OF_A_DISPUTE = frozenset(
    {"disputed", "dispute_answered", "dispute_message", "dispute_withdrawn", "dispute_decided"}
)
OF_A_PAYMENT = frozenset(
    {
        "payment_marked", "payment_confirmed", "payment_contested", "payment_withdrawn", "payment_missed",
        "payment_due", "payment_overdue",
    }
)  # fmt: skip
FOR_THE_DRIVER = (
    frozenset({"edited", "cancelled", "closed", "arrived", "left", "proof_demanded", "payment_unconfirmed"})
    | OF_A_DISPUTE
    | OF_A_PAYMENT
)
FOR_THE_SHIPPER = (
    frozenset({"approved", "rejected", "lapsed", "acknowledged", "delayed", "incident", PAUSED, RESUMED})
    | OF_A_DISPUTE
    | OF_A_PAYMENT
)

PersonalMessage = (
    OfferMadeMessage
    | OfferClosed
    | OrderChanged
    | BidMade
    | BidChanged
    | BidClosed
    | SearchMatched
    | InboxMarked
    | AccessChanged
)
T = TypeVar("T")


class Personal(msgspec.Struct, tag="personal"):
    """For one user's sockets on other workers."""

    user: int
    message: PersonalMessage


class Changed(msgspec.Struct, tag="changed"):
    """For an order's watchers on other workers."""

    change: OrderChanged


class Reckoned(msgspec.Struct, tag="reckoned"):
    """New arrivals, for an order's watchers on other workers."""

    eta: OrderEta


class DeviceTaken(msgspec.Struct, tag="device"):
    """A device signed on at the sending worker."""

    device: int


class OffMap(msgspec.Struct, tag="off_map"):
    """A driver was shut out, or is none any more."""

    driver: int


class SharingSet(msgspec.Struct, tag="sharing"):
    """A driver has changed what is shared of where he is."""

    driver: int
    sharing: Sharing


class ViewEnded(msgspec.Struct, tag="view_ended"):
    """Staff look as a user no more."""

    view: int


class Stale(msgspec.Struct, tag="stale"):
    """Staff have changed what every worker holds: `Held.name`."""

    what: str


class Written(msgspec.Struct, tag="written"):
    """A message for the people of a conversation on other workers, who each read it in their language."""

    users: tuple[int, ...]
    entry: ChatEntry


class Marked(msgspec.Struct, tag="marked"):
    """Somebody has read a conversation: for its people on other workers."""

    users: tuple[int, ...]
    mark: ChatMarked


class News(msgspec.Struct, tag="news"):
    """Items of inboxes, for their users on other workers, who each read them in their language."""

    items: tuple[Noticed, ...]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(
    Personal
    | Changed
    | Reckoned
    | DeviceTaken
    | OffMap
    | SharingSet
    | ViewEnded
    | Written
    | Marked
    | Stale
    | News
)


class Notify:
    """The dispatcher's voice, and the ear for other workers'."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._hauls: dict[int, set[int]] = {}  # of drivers connected here: a second load may follow the first

    def told(self, done: tuple[T, Sequence[Event]]) -> T:
        """What a store method came to, its events told."""
        result, happened = done
        self.tell(happened)
        return result

    def tell(self, events: Sequence[Event]) -> None:
        """Tells everybody concerned, now or when the open unit of work has committed."""
        after_commit(lambda: self._tell_all(events))

    def _tell_all(self, events: Sequence[Event]) -> None:
        self._services.announcing.wake()  # what was committed with them stands in the outbox
        for event in events:
            try:
                self._tell(event)
            except Exception:
                # One event that cannot be told must not silence the others; it is in the database.
                log.exception("notify.failed", extra={"kind": type(event).__name__})

    def _tell(self, event: Event) -> None:
        if isinstance(event, OfferMade):
            self._services.counts.offers_made += 1
            if event.offer.wave == 1:  # later waves are late on purpose
                self._services.metrics.offer.observe(max(time.time() - event.order.created_at, 0.0))
            self._personal(event.driver, OfferMadeMessage(offer=offer_card(event)))
        elif isinstance(event, OfferEnded):
            self._personal(
                event.driver, OfferClosed(offer=event.offer, order=event.order, reason=event.reason)
            )
        elif isinstance(event, OrderPlaced):
            log.info("order.placed", extra={"order": event.order.id})
        elif isinstance(event, events.SearchMatched):
            self._personal(event.driver, search_matched(event))
        elif isinstance(event, events.AccessChanged):
            self._personal(event.user, AccessChanged(entitled=event.until > time.time(), until=event.until))
        elif isinstance(event, events.Forecast):
            eta = forecast(event)
            self._services.hub.to_watchers(event.order, eta)
            self._services.bus.publish_event(_ENCODER.encode(Reckoned(eta)))
        elif isinstance(event, events.BidMade | events.BidChanged | events.BidClosed):
            self._tell_bid(event)
        elif isinstance(event, events.ChatWritten):
            self._everywhere(Written(event.users, chat.entry(event.message)))
        elif isinstance(event, events.ChatRead):
            mark = ChatMarked(
                order=event.order, user=event.user, side=event.side.value, upto=event.upto, at=event.at
            )
            self._everywhere(Marked(event.users, mark))
        else:
            log.info("order." + event.kind, extra={"order": event.order, "seq": event.seq})
            change = self.wire(event)
            self._changed(change)
            self._services.bus.publish_event(_ENCODER.encode(Changed(change)))
            if event.driver is not None and event.kind in FOR_THE_DRIVER:
                self._personal(event.driver, change)
            if event.kind in FOR_THE_SHIPPER:
                self._personal(event.shipper, change)

    def _tell_bid(self, event: events.BidMade | events.BidChanged | events.BidClosed) -> None:
        bid, state = event.bid, bid_state(event.bid)
        if isinstance(event, events.BidMade):
            self._personal(bid.shipper, BidMade(bid=state, bidder=bidder_card(event.bidder)))
            self._personal(bid.driver, BidMade(bid=state))
            return
        message = BidChanged(bid=state) if isinstance(event, events.BidChanged) else BidClosed(bid=state)
        self._personal(bid.driver, message)
        if not (isinstance(event, events.BidChanged) and event.driver_only):
            self._personal(bid.shipper, message)

    def wire(self, event: OrderEvent) -> OrderChanged:
        """An order event as clients see it."""
        return OrderChanged(
            order=event.order,
            epoch=self._services.epoch,
            offset=event.seq,
            event=event.kind,
            status=event.status,
            at=event.at,
            driver=event.driver,
            fields=list(event.fields),
        )

    def noticed(self, items: Sequence[Noticed]) -> None:
        """New items of inboxes, to all sockets of their users."""
        self._noticed(items)
        if items:
            self._services.bus.publish_event(_ENCODER.encode(News(tuple(items))))

    def _noticed(self, items: Sequence[Noticed]) -> None:
        for item in items:
            self._services.hub.to_users((item.user,), notices.told(item))

    def inbox_read(self, user: int, items: Sequence[int], unread: int) -> None:
        """A user has read items, once that stands: all their sockets hear of it."""
        if items:
            after_commit(lambda: self._personal(user, InboxMarked(items=list(items), unread=unread)))

    def wake_announcing(self) -> None:
        """Something was written to the outbox that no event tells of."""
        after_commit(self._services.announcing.wake)

    def device_taken(self, device: int) -> None:
        """A device has connected here: sockets of it on other workers end."""
        self._services.bus.publish_event(_ENCODER.encode(DeviceTaken(device)))

    def off_map(self, driver: int) -> None:
        """A driver was shut out: the truck leaves the maps of all workers, once that stands."""
        after_commit(lambda: self._off_map(driver))

    def _off_map(self, driver: int) -> None:
        self._services.hub.off_map(driver)
        self._services.bus.publish_event(_ENCODER.encode(OffMap(driver)))

    def sharing_set(self, driver: int, sharing: Sharing) -> None:
        """A driver has changed what he shares: all workers obey, once that stands."""
        after_commit(lambda: self._sharing_set(driver, sharing))

    def _sharing_set(self, driver: int, sharing: Sharing) -> None:
        self._services.sharing.put(driver, sharing, time.time())
        self._services.bus.publish_event(_ENCODER.encode(SharingSet(driver, sharing)))

    def view_ended(self, view: int) -> None:
        """A view of an account is over: its sockets end at all workers, once that stands."""
        after_commit(lambda: self._view_ended(view))

    def _view_ended(self, view: int) -> None:
        self._services.hub.end_view(view)
        self._services.bus.publish_event(_ENCODER.encode(ViewEnded(view)))

    def stale(self, what: str) -> None:
        """Staff have changed what every worker holds: it is read again everywhere, once that stands."""
        after_commit(lambda: self._stale(what))

    def _stale(self, what: str) -> None:
        self._services.stale(what)
        self._services.bus.publish_event(_ENCODER.encode(Stale(what)))

    def heard(self, payload: bytes) -> None:
        """News of another worker."""
        try:
            news = _DECODER.decode(payload)
        except msgspec.MsgspecError:
            # A worker of another version during a deploy.
            log.warning("bus.unreadable", extra={"bytes": len(payload)})
            return
        if isinstance(news, Personal):
            self._to_user(news.user, news.message)
        elif isinstance(news, Changed):
            self._changed(news.change)
        elif isinstance(news, Reckoned):
            self._services.hub.to_watchers(news.eta.order, news.eta)
        elif isinstance(news, OffMap):
            self._services.hub.off_map(news.driver)
        elif isinstance(news, SharingSet):
            self._services.sharing.put(news.driver, news.sharing, time.time())
        elif isinstance(news, ViewEnded):
            self._services.hub.end_view(news.view)
        elif isinstance(news, Written | Marked):
            self._conversed(news)
        elif isinstance(news, Stale):
            self._services.stale(news.what)
        elif isinstance(news, News):
            self._noticed(news.items)
        else:
            self._services.hub.release_device(news.device)

    def _everywhere(self, news: Written | Marked) -> None:
        self._conversed(news)
        self._services.bus.publish_event(_ENCODER.encode(news))

    def _conversed(self, news: Written | Marked) -> None:
        """To all sockets of both sides here."""
        if isinstance(news, Written):
            self._services.hub.to_users(news.users, chat.told(news.entry))
            return
        mark = news.mark
        self._services.hub.to_users(news.users, lambda lang: mark)

    def _personal(self, user: int, message: PersonalMessage) -> None:
        self._to_user(user, message)
        self._services.bus.publish_event(_ENCODER.encode(Personal(user, message)))

    def _to_user(self, user: int, message: PersonalMessage) -> None:
        self._services.hub.to_user(user, message)
        if isinstance(message, AccessChanged):
            self._services.access_ends.put(user, message.until)

    def _changed(self, change: OrderChanged) -> None:
        services = self._services
        if change.driver is not None:
            self._haul(change.driver, change.order, change.status not in ENDED)
        services.hub.order_changed(change)

    def _haul(self, driver: int, order: int, going: bool) -> None:
        """Keeps the busy mark of a driver who is connected here; elsewhere and later the database says it."""
        if not self._services.hub.connected(driver):
            self._hauls.pop(driver, None)
            return
        hauls = self._hauls.setdefault(driver, set())
        if going:
            hauls.add(order)
        else:
            hauls.discard(order)
        self._services.live.set_flags(driver, busy=bool(hauls))
        if not hauls:
            del self._hauls[driver]
