"""Who is told what: personal messages, watched orders, watched areas. One worker's sockets; the bus joins them.

Two lanes. Events (offers, order changes) go out at once, in order, and are never dropped. Positions go out once
a tick, newest a truck only, each truck encoded once, with one write a socket.
"""

import asyncio
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from dispatch.errors import Refusal
from dispatch.model import Actor
from dispatch.sharing import PAUSED, RESUMED, WATCHABLE, after_trip
from dispatch.visibility import GRACE_S, Viewer, sees_private
from geo.cells import COARSE_RES, MAP_RES, cover, parent, to_text
from server.audit.viewing import Viewport
from server.i18n import Lang
from server.protocol.codec import CODECS, Codec
from server.protocol.codes import Close
from server.protocol.messages import (
    AreaCells,
    AreaDensity,
    AreaMoved,
    AreaSnapshot,
    OrderChanged,
    OrderMoved,
    OrderSnapshot,
    ServerMessage,
)
from server.views import order_state, truck_of
from storage.live import Live

from . import frames

if TYPE_CHECKING:
    from server.auth import Principal
    from server.services import Services

    from .session import Session

log = logging.getLogger("desk.hub")

MAP_CELLS = 4_000  # ~48 million km2: more than any map of one country shows at once
COARSE_CELLS = 6_000  # ~1.5 million km2 of the finer counts, the whole of Eurasia of the larger ones
MAX_WATCHED = 50  # orders a session
LATE_S = 60.0  # a snapshot is not read for longer


@dataclass(slots=True)
class Area:
    """One session's viewport as cells: map cells with trucks for operators, coarse counts for shippers."""

    cells: frozenset[int] | None  # None: the whole world
    res: int = MAP_RES
    viewport: Viewport | None = None  # of staff, whose looks are written down


@dataclass(slots=True)
class Topic:
    """One watched order in this worker."""

    offset: int  # of the last event that went to the watchers
    driver: int | None = None  # followed while the right lasts
    ended: float | None = None  # when the haul was over: some time later the right to see the truck ends
    paused: bool = False  # the driver holds the position back from the shipper's side
    watchers: set["Session"] = field(default_factory=set)


class Hub:
    """Sessions and what they follow. Synchronous but for reading snapshots and repairing holes."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self.epoch = secrets.token_hex(4)  # of area frames: another worker, another epoch
        self._area_frames = frames.AreaFrames(self.epoch)
        self._tick = 0
        self.sessions: set[Session] = set()
        self._users: defaultdict[int, set[Session]] = defaultdict(set)
        self._devices: dict[int, Session] = {}
        self._areas: set[Session] = set()  # with an area of trucks
        self._coarse: set[Session] = set()  # with an area of counts
        self._topics: dict[int, Topic] = {}
        self._followed: defaultdict[int, set[int]] = defaultdict(set)  # driver -> watched orders
        self._pauses: dict[
            int, tuple[int, float]
        ] = {}  # order -> offset of its last pause, when it was heard

    # -- sessions -------------------------------------------------------------------------------------------

    def join(self, session: "Session") -> None:
        """A session may now be told things."""
        self.sessions.add(session)
        if session.principal.viewing is None:  # staff who look as a user are not the user
            self._users[session.principal.user].add(session)

    def leave(self, session: "Session") -> None:
        """It is gone."""
        self.sessions.discard(session)
        if session.principal.viewing is None:
            self._leave_user(session)
        if session.device is not None and self._devices.get(session.device) is session:
            del self._devices[session.device]
        self.unwatch_area(session)
        for order in list(session.watched or ()):
            self.unwatch_order(session, order)

    def _leave_user(self, session: "Session") -> None:
        user = session.principal.user
        mine = self._users[user]
        mine.discard(session)
        if not mine:
            del self._users[user]
            self._services.live.forget_flags(user)

    def end_view(self, view: int) -> None:
        """Staff do not look as a user any more: the sockets of the view end."""
        for session in list(self.sessions):
            if session.principal.viewing is not None and session.principal.viewing.view == view:
                session.close(Close.UNAUTHENTICATED)

    def connected(self, user: int) -> bool:
        """Whether the user has a socket in this worker."""
        return user in self._users

    def people(self, role: str) -> list[int]:
        """The users of this role who have a socket here."""
        return [
            user
            for user, mine in self._users.items()
            if any(session.principal.role == role for session in mine)
        ]

    def take_device(self, session: "Session", device: int) -> None:
        """The newest connection of a device wins; the older one is told not to come back by itself."""
        self.release_device(device, session)
        self._devices[device] = session
        self._services.notify.device_taken(device)

    def release_device(self, device: int, keep: "Session | None" = None) -> None:
        """Ends the session that holds a device here, unless it is the one to keep."""
        holder = self._devices.get(device)
        if holder is not None and holder is not keep:
            holder.close(Close.REPLACED)

    def end_sessions(self, sign_in: str, blocked: bool = False) -> None:
        """A sign-in was revoked, perhaps with its whole account: its sockets end at once."""
        for session in list(self.sessions):
            if session.principal.session == sign_in:
                if blocked and session.principal.role == "driver":
                    self.off_map(session.principal.user)
                session.close(Close.FORBIDDEN if blocked else Close.UNAUTHENTICATED)

    # -- personal messages ----------------------------------------------------------------------------------

    def to_user(self, user: int, message: ServerMessage) -> int:
        """Sends to all sockets of a user in this worker; returns how many.

        News of an order come to its watchers in sequence, so those sockets are passed over.
        """
        sessions = self._users.get(user, ())
        watched = message.order if isinstance(message, OrderChanged) else None
        ready: dict[Codec, bytes] = {}
        for session in list(sessions):
            if watched is not None and session.watched is not None and watched in session.watched:
                continue
            codec = session.codec
            if codec not in ready:
                ready[codec] = frames.message(message, codec)
            session.write(ready[codec])
        return len(sessions)

    def to_users(self, users: Iterable[int], told: Callable[[Lang], ServerMessage]) -> None:
        """Sends to all sockets of these users in this worker, to each in the language of its reader."""
        ready: dict[tuple[Codec, Lang], bytes] = {}
        for user in users:
            for session in list(self._users.get(user, ())):
                form = session.codec, session.lang
                if form not in ready:
                    ready[form] = frames.message(told(session.lang), session.codec)
                session.write(ready[form])

    # -- one order ------------------------------------------------------------------------------------------

    async def watch_order(self, session: "Session", order_id: int) -> OrderSnapshot:
        """Authorises, subscribes, reads the state; what happens while it reads comes as events behind it."""
        watched = session.watched if session.watched is not None else set()
        if len(watched) >= MAX_WATCHED and order_id not in watched:
            raise Refusal(
                "rate_limited",
                "at most {n} order at once",
                plural="at most {n} orders at once",
                n=MAX_WATCHED,
            )
        services = self._services
        party = await services.party_to(session.principal, order_id)
        order = await services.orders.visible_to(party, order_id)
        if session.principal.role == "admin":
            await services.viewing.truck(session.principal.user, order.driver, order_id)
        topic = self._topics.get(order_id)
        if topic is None:
            topic = self._topics[order_id] = Topic(offset=order.seq)
            self._follow(order_id, topic, order.driver, order.status in WATCHABLE)
        elif topic.offset < order.seq:
            # The read overtook the bus: the others get the missing events from the repair loop.
            self._services.repair.set()
        # What was read may be older than what the topic knows, or than a pause that was heard of meanwhile.
        if order.unshared is not None and order.seq >= topic.offset:
            topic.paused = True
        if self._pauses.get(order_id, (0, 0.0))[0] > topic.offset:
            topic.paused = True
        topic.watchers.add(session)
        watched.add(order_id)
        session.watched = watched
        exact = party.actor is not Actor.SHIPPER
        may_see = order.status in WATCHABLE and (exact or not topic.paused)
        state = order_state(
            order,
            services.live if may_see else None,
            private=sees_private(order, Viewer(party, session.principal.grade), time.time()),
            exact=exact,
        )
        if state.truck is not None:
            services.viewers.saw(session.principal, state.truck.driver, order_id)
        return OrderSnapshot(epoch=services.epoch, offset=order.seq, state=state)

    def unwatch_order(self, session: "Session", order: int) -> None:
        """Forgets a watcher, and the topic with its last one."""
        if session.watched is not None:
            session.watched.discard(order)
        topic = self._topics.get(order)
        if topic is None:
            return
        topic.watchers.discard(session)
        if not topic.watchers:
            self._unfollow(order, topic)
            del self._topics[order]

    def order_changed(self, event: OrderChanged) -> None:
        """One event to the order's watchers: in sequence, once, never across a hole."""
        if event.event == PAUSED:
            self._pauses[event.order] = (event.offset, time.time())
        topic = self._topics.get(event.order)
        if topic is None or event.offset <= topic.offset:
            return
        if event.event == PAUSED:
            topic.paused = True  # at once, also across a hole
        if event.offset > topic.offset + 1:
            self._services.repair.set()
            return
        topic.offset = event.offset
        self._follow(event.order, topic, event.driver, event.status in WATCHABLE)
        self._send(topic.watchers, event)
        if event.event == RESUMED:
            topic.paused = False
            entry = None if topic.driver is None else self._services.live.get(topic.driver)
            if entry is not None:  # it may stand still, and would else not be seen until it moves
                self._tell_watchers(event.order, topic, entry)

    def to_watchers(self, order: int, message: ServerMessage) -> None:
        """What is no event of the order's, to those who watch it here."""
        topic = self._topics.get(order)
        if topic is None or topic.ended is not None:
            return
        # How far the truck still is says where it is.
        withheld = self._withheld(topic)
        self._send(
            [each for each in topic.watchers if not (withheld and each.principal.role == "shipper")], message
        )

    def _send(self, sessions: Iterable["Session"], message: ServerMessage) -> None:
        ready: dict[Codec, bytes] = {}
        for session in list(sessions):
            codec = session.codec
            if codec not in ready:
                ready[codec] = frames.message(message, codec)
            session.write(ready[codec])

    def _follow(self, order: int, topic: Topic, driver: int | None, watchable: bool) -> None:
        """Opens the view of the truck with the assignment, and closes it some time after the end."""
        if driver is not None and watchable:
            topic.driver, topic.ended = driver, None
            self._followed[driver].add(order)
        elif topic.driver is not None and topic.ended is None:
            topic.ended = time.time()

    def _unfollow(self, order: int, topic: Topic) -> None:
        if topic.driver is not None:
            followed = self._followed[topic.driver]
            followed.discard(order)
            if not followed:
                del self._followed[topic.driver]
            topic.driver = topic.ended = None

    def offsets(self) -> dict[int, int]:
        """Watched orders and how far their watchers know them: what the repair loop asks PostgreSQL about."""
        return {order: topic.offset for order, topic in self._topics.items()}

    def end_rights(self, now: float) -> None:
        """Closes the view of trucks whose order ended longer than the grace ago."""
        for order, topic in self._topics.items():
            if topic.ended is not None and topic.ended + GRACE_S <= now:
                self._unfollow(order, topic)
        for order, (_, heard) in list(self._pauses.items()):
            if heard < now - LATE_S:
                del self._pauses[order]

    def _withheld(self, topic: Topic) -> bool:
        """Whether the driver shares the position of this haul with its shipper's side no more, or not now."""
        if topic.paused or topic.driver is None:
            return True
        sharing = self._services.sharing.of(topic.driver)
        return topic.ended is not None and not after_trip(sharing, topic.ended, time.time())

    def watching(self) -> Iterator[tuple["Principal", int, int]]:
        """Who is being shown the truck of which order now, as (who, driver, order)."""
        for order, topic in self._topics.items():
            if topic.driver is None or self._services.live.get(topic.driver) is None:
                continue
            withheld = self._withheld(topic)
            for session in topic.watchers:
                if not (withheld and session.principal.role == "shipper"):
                    yield session.principal, topic.driver, order

    # -- an area --------------------------------------------------------------------------------------------

    def watch_area(
        self, session: "Session", west: float, south: float, east: float, north: float
    ) -> AreaSnapshot | AreaDensity:
        """Subscribes to a viewport and returns what is in it; no await between, so nothing falls through."""
        if north < south:
            raise Refusal("bad_request", "north is south of south")
        role = session.principal.role
        if role == "admin":
            cells = cover(west, south, east, north, MAP_RES, MAP_CELLS)
            self.unwatch_area(session)
            viewport = Viewport(west, south, east, north)
            session.area = Area(None if cells is None else frozenset(cells), viewport=viewport)
            self._areas.add(session)
            trucks = [truck_of(entry) for entry in self._services.live.inside(session.area.cells)]
            return AreaSnapshot(epoch=self.epoch, offset=self._tick, trucks=trucks)
        if role == "shipper":
            # Counts of cells with edges of 8 km; of a whole country or continent, of larger ones.
            for res in (COARSE_RES, MAP_RES):
                cells = cover(west, south, east, north, res, COARSE_CELLS)
                if cells is not None:
                    break
            else:
                raise Refusal("bad_request", "the viewport is too large: zoom in")
            self.unwatch_area(session)
            session.area = Area(frozenset(cells), res)
            self._coarse.add(session)
            return AreaDensity(cells=self._density(session.area))
        raise Refusal("forbidden")

    def trucks_in(self, viewport: Viewport) -> int:
        """How many trucks a map of this viewport would show."""
        cells = cover(*viewport, MAP_RES, MAP_CELLS)
        return len(self._services.live.inside(None if cells is None else frozenset(cells)))

    def maps_of_staff(self) -> list[tuple[int, Viewport, Callable[[], int]]]:
        """Every open map of trucks: whose, of what, and how to count what is in it."""
        return [
            (session.principal.user, area.viewport, partial(self.trucks_in, area.viewport))
            for session in self._areas
            if (area := session.area) is not None and area.viewport is not None
        ]

    def unwatch_area(self, session: "Session") -> None:
        """No more of the map."""
        session.area = None
        self._areas.discard(session)
        self._coarse.discard(session)

    def _density(self, area: Area) -> list[tuple[str, int]]:
        counts = self._services.live.density(area.cells or frozenset(), area.res)
        return sorted((to_text(cell), count) for cell, count in counts.items())

    def tell_density(self) -> None:
        """New counts for the shippers' maps; every few seconds, so that no single truck can be followed."""
        for session in list(self._coarse):
            if session.area is not None:
                session.write_latest(
                    frames.message(AreaCells(cells=self._density(session.area)), session.codec)
                )

    # -- one tick -------------------------------------------------------------------------------------------

    def publish(self, changed: Iterable[Live]) -> int:
        """Sends what moved since the last tick; returns the number of frames written."""
        self._tick += 1
        by_cell: defaultdict[int, list[Live]] = defaultdict(list)
        written = 0
        for entry in changed:
            if self._followed and entry.driver in self._followed:
                written += self._tell_followers(entry)
            cell = parent(entry.cell, MAP_RES)
            by_cell[cell].append(entry)
            if entry.map_cell != cell:
                # Watchers of the cell it left see it leave, instead of a truck that stands there for ever.
                if entry.map_cell:
                    by_cell[entry.map_cell].append(entry)
                entry.map_cell = cell
        return written + (self._tell_areas(by_cell) if self._areas else 0)

    def _tell_followers(self, entry: Live) -> int:
        return sum(
            self._tell_watchers(order, self._topics[order], entry) for order in self._followed[entry.driver]
        )

    def _tell_watchers(self, order: int, topic: Topic, entry: Live) -> int:
        written = 0
        ready: dict[Codec, bytes] = {}
        moved = OrderMoved(order=order, truck=truck_of(entry))
        withheld = self._withheld(topic)
        for session in list(topic.watchers):
            if withheld and session.principal.role == "shipper":
                continue
            codec = session.codec
            if codec not in ready:
                ready[codec] = frames.message(moved, codec)
            written += session.write_latest(ready[codec])
        return written

    def _tell_areas(self, by_cell: dict[int, list[Live]]) -> int:
        changed_cells = frozenset(by_cell)
        encoded: dict[tuple[Codec, int], list[bytes]] = {}
        ready: dict[tuple[Codec, frozenset[int]], bytes] = {}
        written = 0
        for session in list(self._areas):
            area, codec = session.area, session.codec
            if area is None:
                continue
            if session.behind_since is not None:
                # It missed ticks: as soon as it reads again, it gets everything at once.
                written += session.write_latest(self._whole(area, codec))
                continue
            cells = changed_cells if area.cells is None else area.cells & changed_cells
            if not cells:
                continue
            frame = ready.get((codec, cells))
            if frame is None:
                trucks: list[bytes] = []
                for cell in cells:
                    if (codec, cell) not in encoded:
                        encoded[codec, cell] = self._area_frames.trucks(by_cell[cell], codec)
                    trucks += encoded[codec, cell]
                frame = ready[codec, cells] = self._area_frames.moved(trucks, self._tick, codec)
            written += session.write_latest(frame)
        return written

    def _whole(self, area: Area, codec: Codec) -> bytes:
        entries = self._services.live.inside(area.cells)
        return self._area_frames.moved(self._area_frames.trucks(entries, codec), self._tick, codec)

    def off_map(self, user: int) -> None:
        """A driver who was shut out, or is none any more, leaves every map here at once."""
        entry = self._services.live.drop(user, time.time())
        if entry is not None:
            self.tell_gone([entry])

    def tell_gone(self, gone: list[Live]) -> None:
        """Trucks that left the map for good."""
        ids = [entry.driver for entry in gone]
        if not ids:
            return
        moved = AreaMoved(epoch=self.epoch, offset=self._tick, trucks=[], gone=ids)
        ready = {codec: frames.message(moved, codec) for codec in CODECS.values()}
        for session in list(self._areas):
            session.write(ready[session.codec])

    # -- the end --------------------------------------------------------------------------------------------

    async def drain(self, slice_size: int = 500, pause_s: float = 0.1) -> None:
        """Asks everybody to come back later, in slices, so that they do not come back all at once."""
        sessions = list(self.sessions)
        for start in range(0, len(sessions), slice_size):
            for number, session in enumerate(sessions[start : start + slice_size]):
                session.drain(retry_after=0.5 + 4.0 * number / slice_size)
            await asyncio.sleep(pause_s)
