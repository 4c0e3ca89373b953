"""A small market in a real database: shippers, drivers on the road, and orders between them."""

import itertools
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from billing.access import Entry, EntryKind
from dispatch.bids import Bid, Terms
from dispatch.board import BoardSearch, Sort, Viewer
from dispatch.disputes import Complaint
from dispatch.events import Event
from dispatch.model import Actor, Haul, Load, Money, NewOrder, Order, Party, Place, Policy, Pricing, Status
from dispatch.model import Terms as OrderTerms
from dispatch.moderation import Moderation
from dispatch.posting import Poster
from dispatch.pricing import Tariff
from dispatch.service import Dispatcher
from dispatch.tariffs import Prices
from geo.cells import cell_of
from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from geo.types import Fix
from storage.bids import BidStore
from storage.billing import access
from storage.board.store import BoardStore
from storage.drafts import DraftStore
from storage.editing import EditStore
from storage.live import LiveIndex
from storage.moderation import CaseStore
from storage.orders import OrderStore
from storage.postgres import Pool, transaction

ALMATY = Place(1526384, "Алматы", 43.25, 76.95)
ASTANA = Place(1526273, "Астана", 51.17, 71.43)


@cache
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


@cache
def roads() -> RoadGraph:
    return RoadGraph.load(gazetteer())


def city(name: str) -> int:
    """A town's number by its Russian name."""
    return gazetteer().search(name, "ru", 1)[0].id


_phones = itertools.count(1)


STEPS = (Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP, Status.DELIVERED)
# A whole load as a form says it.
CONTENT: dict[str, Any] = {
    "stops": [{"kind": "pickup", "city": 1526384}, {"kind": "drop", "city": 1526273}],
    "cargo": "мука",
    "weight_kg": 20_000.0,
    "volume_m3": 40.0,
}


class CodedTariff:
    """The prices of a desk whose staff have set none."""

    async def now(self) -> Prices:
        return Prices(Tariff())


class Heard:
    """A notifier that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, events: Sequence[Event]) -> None:
        self.events += events

    def of(self, kind: type[Any]) -> list[Any]:
        """What was told of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


class Market:
    """People and trucks of one test."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.orders = OrderStore(pool)
        self.drafts = DraftStore(pool)
        self.edits = EditStore(pool)
        self.cases = CaseStore(pool)
        self.bids = BidStore(pool, Policy())
        self.live = LiveIndex()
        self.heard = Heard()

    async def user(self, role: str) -> int:
        phone = f"+7708{next(_phones):07d}"
        user: int = await self.pool.fetchval(
            "INSERT INTO users (phone, role) VALUES ($1, $2) RETURNING id", phone, role
        )
        return user

    async def shipper(self) -> int:
        return await self.user("shipper")

    async def driver(
        self,
        *,
        lat: float = ALMATY.lat,
        lon: float = ALMATY.lon,
        body: str = "tent",
        capacity_kg: float = 22_000.0,
        volume_m3: float = 90.0,
        paid_s: float = 86_400.0,
        on_duty: bool = True,
    ) -> int:
        """A driver with a truck, a subscription for `paid_s` more seconds, and a fresh position."""
        driver = await self.user("driver")
        await self.pool.execute(
            "INSERT INTO vehicles (driver_id, body, capacity_kg, volume_m3) VALUES ($1, $2, $3, $4)",
            driver,
            body,
            capacity_kg,
            volume_m3,
        )
        await self.pay(driver, paid_s)
        await self.pool.execute(
            "INSERT INTO driver_states (driver_id, on_duty) VALUES ($1, $2)", driver, on_duty
        )
        now = time.time()
        self.live.set_flags(driver, on_duty=True)
        self.live.put(driver, Fix(now, lat, lon), cell_of(lat, lon), now)
        self.live.take_own(now)
        return driver

    async def pay(self, driver: int, seconds: float) -> None:
        """Access ends so many seconds from now."""
        async with transaction(self.pool) as connection:
            now = (await access.lock(connection, driver)).now
            entry = Entry(EntryKind.STAFF, now, until=now + seconds)
            await access.enter(connection, driver, entry, f"test:{uuid.uuid4()}")

    async def order(self, shipper: int | None = None, **changes: Any) -> Order:
        """An open order from Almaty to Astana."""
        owner = await self.shipper() if shipper is None else shipper
        return await self.orders.add(new_order(owner, **changes))

    async def haul(self, status: Status, shipper: int | None = None, **changes: Any) -> tuple[int, int, int]:
        """(order, shipper, driver) of an order in this state, brought there step by step as far as steps lead."""
        owner = await self.shipper() if shipper is None else shipper
        driver = await self.driver()
        if status is Status.DRAFT:
            return (await self.drafts.add(owner, None, CONTENT)).order, owner, driver
        if status is Status.MODERATION:
            new = replace(new_order(owner, **changes), status=Status.MODERATION, grounds=("contacts",))
            return (await self.orders.add(new)).id, owner, driver
        order = await self.order(
            owner, **{"valid_s": -1.0 if status is Status.EXPIRED else 3600.0, **changes}
        )
        if status is Status.EXPIRED:
            await self.orders.expire_orders(10)
        if status in (Status.OPEN, Status.EXPIRED):
            return order.id, owner, driver
        await self.orders.accept(driver, (await self.offer(order, [driver]))[driver], uuid.uuid4())
        if status is Status.CANCELLED:
            await self.orders.cancel(Party(owner, Actor.SHIPPER), order.id)
            return order.id, owner, driver
        last = {Status.DISPUTED: Status.LOADED, Status.CLOSED: Status.DELIVERED}.get(status, status)
        for step in STEPS[: STEPS.index(last) + 1] if last in STEPS else ():
            await self.orders.advance(driver, order.id, step)
        if status is Status.DISPUTED:
            await self.orders.dispute(Party(owner, Actor.SHIPPER), order.id, Complaint("damage"))
        if status is Status.CLOSED:
            await self.orders.close(Party(owner, Actor.SHIPPER), order.id, "")
        return order.id, owner, driver

    async def offer(self, order: Order, drivers: Sequence[int], ttl_s: float = 60.0) -> dict[int, int]:
        """Live offers of an order, driver -> offer, written plainly so that a test can say how long they live."""
        await self.pool.execute("UPDATE orders SET wave = 1 WHERE id = $1", order.id)
        rows = await self.pool.fetch(
            "INSERT INTO offers (order_id, driver_id, status, wave, deadhead_m, score, reasons, expires_at) "
            "SELECT $1, d, 'live', 1, 0, 0, '{}', clock_timestamp() + make_interval(secs => $3) "
            "FROM unnest($2::bigint[]) d RETURNING driver_id, id",
            order.id,
            list(drivers),
            ttl_s,
        )
        return {row["driver_id"]: row["id"] for row in rows}

    def dispatcher(self, policy: Policy | None = None) -> Dispatcher:
        """A dispatcher whose waves do not follow each other by themselves."""
        return Dispatcher(
            self.orders, self.live, self.heard, roads(), gazetteer(), CodedTariff(),
            policy or quick_policy(wave_interval_s=60.0),
        )  # fmt: skip

    def poster(self, desk: Dispatcher, moderation: Moderation | None = None, **more: Any) -> Poster:
        """The shipper's side of this dispatcher."""
        return Poster(
            self.orders, self.drafts, self.edits, self.cases, desk.measure, desk.seek_soon, self.heard,
            gazetteer(), moderation or Moderation(), **more,
        )  # fmt: skip

    async def on_the_board(self, driver: int) -> list[int]:
        """The loads that this driver finds there, newest first."""
        page = await BoardStore(self.pool).page(Viewer(driver), BoardSearch(), Sort.NEWEST, 100)
        return [card.load.order for card in page.cards]

    async def on_board(self, order: Order) -> Order:
        """The order, open to every driver."""
        await self.pool.execute("UPDATE orders SET board_at = now(), seek_at = NULL WHERE id = $1", order.id)
        return order

    async def bid(
        self, driver: int, order: Order, amount: int = 40_000_000, *, valid_s: float = 3600.0, **changes: Any
    ) -> Bid:
        """A bid of this driver, or its next version."""
        more = {name: changes.pop(name) for name in ("seen_order", "changes", "actor") if name in changes}
        placed, _ = await self.bids.place(driver, order.id, Terms(amount, valid_s, **changes), **more)
        return placed

    async def count(self, query: str, *args: object) -> int:
        number: int = await self.pool.fetchval(query, *args)
        return number

    async def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of the order path but the stored answers, to see that a refusal changed none of them."""
        tables = (
            "orders", "order_events", "order_versions", "offers", "assignments", "outbox", "driver_states",
            "moderation_cases",
        )  # fmt: skip
        return {
            table: [tuple(row) for row in await self.pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in tables
        }


def new_order(shipper: int, **changes: Any) -> NewOrder:
    """An order as it comes from a form."""
    fields: dict[str, Any] = {
        "cargo": "мука",
        "weight_kg": 20_000.0,
        "volume_m3": 40.0,
        "body": "tent",
        "valid_s": 3600.0,
        "pickup": ALMATY,
        **changes,
    }
    haul = Haul(fields["pickup"], ASTANA, 1_220_000.0, 60_000.0, "embedded", fields.get("stops", ()))
    terms = OrderTerms(Pricing(fields.get("pricing", "fixed")))
    load = Load(fields["cargo"], fields["weight_kg"], fields["volume_m3"], fields["body"])
    return NewOrder(shipper, haul, load, Money(46_360_000, "KZT"), fields["valid_s"], terms)


def quick_policy(**changes: Any) -> Policy:
    """Waves that do not keep a test waiting."""
    return Policy(**{"wave_interval_s": 0.05, "patience_s": 0.0, **changes})
