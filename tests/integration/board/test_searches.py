"""Saved searches: whose, how many, and that an alert says what the board would."""

import asyncio
import time
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.board import BoardSearch, Box, Circle, Corridor, Sort, Viewer
from dispatch.errors import Refusal
from dispatch.events import OfferMade, SearchMatched
from dispatch.model import OfferStatus, Policy
from geo.areas import area
from geo.gazetteer import Gazetteer
from geo.plane import route
from geo.roads import RoadGraph
from geo.types import Position
from storage import searches
from storage.live import LiveIndex
from storage.postgres import Connection, Pool
from storage.searches import MOST, SearchNote, SearchStore
from tests.integration.board.shelf import Shelf, place
from tests.integration.dispatch.test_dispatcher import dispatcher
from tests.integration.orders.market import ALMATY, Market

GAZETTEER = Gazetteer.load()
ROADS = RoadGraph.load(GAZETTEER)


@pytest.fixture
def shelf(pool: Pool) -> Shelf:
    return Shelf(pool)


@pytest.fixture
def store(pool: Pool) -> SearchStore:
    return SearchStore(pool)


def note(name: str = "домой", **asked: object) -> SearchNote:
    return SearchNote(name, {"fits": False}, BoardSearch(**asked), fits=False)  # type: ignore[arg-type]


async def matched(pool: Pool, order: int) -> set[int]:
    async with pool.acquire() as connection:
        return {match.search for match in await searches.matches(connection, order)}


async def test_searches_are_ones_own(store: SearchStore, shelf: Shelf) -> None:
    one, other = await shelf.market.driver(), await shelf.market.driver()
    kept = await store.add(one, note(per_km_min=20_000.0))
    assert await store.one(one, kept.id) == kept and await store.all(one) == [kept]
    for act in (
        store.one(other, kept.id),
        store.remove(other, kept.id),
        store.viewed(other, kept.id),
        store.change(other, kept.id, 1, note()),
    ):
        with pytest.raises(Refusal, match="not_found"):
            await act
    changed = await store.change(one, kept.id, 1, replace(note("на юг"), active=False, quiet=(1320, 420)))
    assert (changed.name, changed.version, changed.active, changed.quiet) == ("на юг", 2, False, (1320, 420))
    with pytest.raises(Refusal, match="version_stale"):
        await store.change(one, kept.id, 1, note())
    await store.add(one, note())
    with pytest.raises(Refusal, match="search_exists"):
        await store.add(one, note())
    with pytest.raises(Refusal, match="search_exists"):
        await store.change(one, kept.id, 2, note())
    before = time.time()
    await store.viewed(one, kept.id)
    assert (await store.one(one, kept.id)).viewed_at >= before - 1
    await store.remove(one, kept.id)
    assert len(await store.all(one)) == 1


async def test_a_driver_keeps_so_many_and_no_more(store: SearchStore, shelf: Shelf) -> None:
    driver = await shelf.market.driver()
    for number in range(MOST):
        await store.add(driver, note(f"{number}"))
    with pytest.raises(Refusal, match="limit_reached"):
        await store.add(driver, note("one more"))


async def test_text_that_is_code_elsewhere_is_text_here(store: SearchStore, shelf: Shelf) -> None:
    driver = await shelf.market.driver()
    name = "'; DROP TABLE orders; --<script>alert(1)</script>%s{0}"
    kept = await store.add(driver, replace(note(name), given={"x": '"; $1 <img onerror=x>'}))
    assert (await store.one(driver, kept.id)).name == name
    hostile = BoardSearch(
        kinds=("'); DELETE FROM board; --", "{from_lat}", "$1"), bodies=("tent' OR '1'='1",)
    )
    await shelf.post()
    viewer = await shelf.looks()
    assert await shelf.ids(viewer, hostile) == []
    assert len(await shelf.ids(viewer)) == 1


towns = st.sampled_from(
    [(43.25, 76.95), (43.3, 77.2), (42.3, 69.6), (51.17, 71.43), (53.2, 63.6), (46.85, 75.0)]
)
circles = st.builds(lambda at, r: Circle(*at, r), towns, st.sampled_from([5_000.0, 60_000.0, 700_000.0]))
BOX = Box(70.0, 42.0, 78.0, 50.0)
OUTLINE = area([Position(42, 69), Position(42, 78), Position(47, 78), Position(50, 70)])
WAY = ROADS.route(Position(43.25, 76.95), Position(51.17, 71.43))
ALONG = Corridor(route(WAY.line, WAY.distance_m, Corridor.reach_m(50_000.0)), 50_000.0)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


asked = st.builds(
    BoardSearch,
    near=maybe(circles),
    to=maybe(circles),
    box=maybe(st.just(BOX)),
    polygon=maybe(st.just(OUTLINE)),
    corridor=maybe(st.just(ALONG)),
    bodies=st.sampled_from([(), (), ("tent",), ("reefer", "flatbed")]),
    kinds=st.sampled_from([(), (), ("food",), ("metal", "grain")]),
    weight_min_kg=maybe(st.sampled_from([1_000.0, 10_000.0])),
    weight_max_kg=maybe(st.sampled_from([5_000.0, 20_000.0])),
    volume_max_m3=maybe(st.sampled_from([20.0, 80.0])),
    price_min=maybe(st.sampled_from([10_000_000, 50_000_000])),
    per_km_min=maybe(st.sampled_from([10_000.0, 40_000.0])),
    pickup_after=maybe(st.sampled_from([1_900_000_000.0, 1_900_400_000.0])),
    pickup_before=maybe(st.sampled_from([1_900_100_000.0, 1_900_500_000.0])),
    dangerous=st.sampled_from([None, None, True, False]),
    pricings=st.sampled_from([(), ("bids",), ("fixed", "negotiable")]),
    methods=st.sampled_from([(), ("cash", "card")]),
    whens=st.sampled_from([(), ("deferred",)]),
    vat=st.sampled_from([None, True, False]),
    prepay_min=maybe(st.just(30)),
    rating_min=maybe(st.just(4.0)),
)  # fmt: skip
posted = st.fixed_dictionaries(
    {
        "pickup": towns,
        "drop": towns,
        "distance_m": st.sampled_from([150_000.0, 900_000.0, 1_220_000.0]),
        "price": st.sampled_from([5_000_000, 46_000_000]),
        "body": st.sampled_from(["tent", "reefer", "flatbed"]),
        "other_bodies": st.sampled_from([(), ("isotherm",), ("tent",)]),
        "kind": st.sampled_from(["general", "food", "metal"]),
        "weight_kg": st.sampled_from([800.0, 5_000.0, 20_000.0]),
        "volume_m3": st.sampled_from([4.0, 40.0, 80.0]),
        "window": st.sampled_from(
            [(None, None), (1_900_200_000.0, 1_900_300_000.0), (1_900_450_000.0, None)]
        ),
        "adr": st.sampled_from([None, None, "3", "1.4"]),
        "pricing": st.sampled_from(["fixed", "bids"]),
        "method": st.sampled_from(["transfer", "cash"]),
        "when": st.sampled_from(["deferred", "on_loading"]),
        "vat": st.booleans(),
        "prepay_percent": st.sampled_from([0, 50]),
    }
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(asked, min_size=3, max_size=12), st.lists(posted, min_size=1, max_size=4), st.booleans())
async def test_an_order_matches_a_saved_search_exactly_when_the_search_finds_it_on_the_board(
    pool: Pool, wishes: list[BoardSearch], loads: list[dict[str, object]], blocked: bool
) -> None:
    shelf, store = Shelf(pool), SearchStore(pool)
    await pool.execute("DELETE FROM saved_searches")  # of the example before
    random = Random(len(wishes))
    shipper = await shelf.market.shipper()
    await pool.execute("INSERT INTO shipper_stats VALUES ($1, 4.4, 3)", shipper)
    trucks = [("tent", 22_000.0, 90.0), ("reefer", 6_000.0, 40.0), ("flatbed", 25_000.0, 90.0)]
    kept: dict[int, tuple[Viewer, BoardSearch]] = {}
    for number, wish in enumerate(wishes):
        body, capacity, room = random.choice(trucks)
        driver = await shelf.market.driver(body=body, capacity_kg=capacity, volume_m3=room)
        viewer = await shelf.board.viewer(driver)
        fits = random.random() < 0.5
        saved = await store.add(driver, SearchNote(f"{number}", {}, wish, fits=fits))
        kept[saved.id] = (viewer, replace(wish, vehicle=viewer.vehicle if fits else None))
        if blocked and number == 0:
            put = (
                "INSERT INTO blocks (made_by, shipper_id, driver_id, actor_id) VALUES ('carrier', $1, $2, $2)"
            )
            await pool.execute(put, shipper, driver)
    orders = []
    for given_load in loads:
        content = dict(given_load)
        ends = {name: place(*content.pop(name)) for name in ("pickup", "drop")}  # type: ignore[misc]
        orders.append(await shelf.post(**content, **ends, shipper=random.choice([shipper, None])))
    for order in orders:
        told = await matched(pool, order.id)
        shown = {
            search
            for search, (viewer, wish) in kept.items()
            if order.id in await shelf.pages(viewer, wish, Sort.NEWEST, 100)
        }
        assert told == shown


async def test_what_is_paused_or_private_or_over_is_not_matched(store: SearchStore, shelf: Shelf) -> None:
    driver = await shelf.market.driver()
    kept = await store.add(driver, note())
    order = await shelf.post(boarded=False)
    assert await matched(shelf.pool, order.id) == {kept.id}, "also before it is on the board"
    await store.change(driver, kept.id, 1, replace(note(), active=False))
    assert await matched(shelf.pool, order.id) == set()
    await store.change(driver, kept.id, 2, note())
    for private in (await shelf.post(boarded=False, private=True), await shelf.post(valid_s=-1.0)):
        assert await matched(shelf.pool, private.id) == set()
    assert await matched(shelf.pool, order.id) == {kept.id}


async def test_a_version_of_an_order_is_matched_once_on_whichever_worker(
    store: SearchStore, shelf: Shelf
) -> None:
    driver = await shelf.market.driver()
    await store.add(driver, note())
    order = await shelf.post(boarded=False)

    async def claim() -> int:
        async with shelf.pool.acquire() as connection:
            return len(await searches.matches_once(connection, order.id))

    assert [await claim() for _ in range(3)] == [1, 0, 0]
    await shelf.pool.execute("UPDATE orders SET version = 2 WHERE id = $1", order.id)
    assert [await claim() for _ in range(2)] == [1, 0]


# -- in the dispatch ----------------------------------------------------------------------------------------


async def events_of(market: Market, policy: Policy) -> list[object]:
    await dispatcher(market, policy).seek_due()
    return list(market.heard.events)


async def test_whoever_searches_for_it_joins_the_first_wave_from_afar_and_says_why(
    store: SearchStore, shelf: Shelf
) -> None:
    market = shelf.market
    near = await market.driver()
    far = await market.driver(lat=49.8, lon=73.1)  # Karaganda, outside of every wave
    await store.add(far, note(near=Circle(*ALMATY.position, 100_000.0)))
    bystander = await market.driver(lat=49.8, lon=73.1)
    order = await market.order()
    events = await events_of(market, Policy())
    made = {event.driver: event.offer for event in events if isinstance(event, OfferMade)}
    assert made.keys() == {near, far} and bystander not in made
    assert made[far].reasons["search"] == Policy().weight_search and made[near].reasons["search"] == 0
    assert made[far].status is OfferStatus.LIVE and made[far].order == order.id
    assert not [event for event in events if isinstance(event, SearchMatched)], (
        "who has the offer needs no alert"
    )


async def test_whoever_is_not_offered_it_is_alerted_once_by_socket_and_push(
    store: SearchStore, shelf: Shelf
) -> None:
    market = shelf.market
    quiet_now = _around_now()
    people = {
        "silent": await market.driver(),  # no fresh position: taken off the live index below
        "off_duty": await market.driver(on_duty=False),
        "small": await market.driver(capacity_kg=1_000.0),
        "unpaid": await market.driver(paid_s=-1.0),
        "muted": await market.driver(on_duty=False),
        "asleep": await market.driver(on_duty=False),
    }
    for name, driver in people.items():
        kept = note(name)
        if name == "muted":
            kept = replace(kept, notify=False)
        if name == "asleep":
            kept = replace(kept, quiet=quiet_now)
        await store.add(driver, kept)
        await store.add(driver, replace(kept, name=f"{name}, once more"))
    market.live = LiveIndex()
    order = await market.order()
    events = await events_of(market, Policy())
    told = {event.driver: event.name for event in events if isinstance(event, SearchMatched)}
    expected = {people[name]: name for name in ("silent", "off_duty", "small", "asleep")}
    assert told == expected
    pushed = await market.pool.fetch("SELECT user_id FROM outbox WHERE kind = 'search.matched'")
    assert {row["user_id"] for row in pushed} == expected.keys() - {people["asleep"]}
    await market.pool.execute("UPDATE orders SET version = 2, seek_at = now() WHERE id = $1", order.id)
    market.heard.events.clear()
    assert not [event for event in await events_of(market, Policy()) if isinstance(event, SearchMatched)]


async def test_a_search_that_is_deleted_while_its_load_is_found_alerts_nobody_and_harms_nobody(
    store: SearchStore, shelf: Shelf
) -> None:
    market = shelf.market
    fickle, faithful = [await market.driver(on_duty=False) for _ in range(2)]
    gone = await store.add(fickle, note())
    await store.add(faithful, note())
    order = await market.order()
    async with market.pool.acquire() as finds, market.pool.acquire() as deletes:
        found = await searches.matches(finds, order.id)
        assert {match.driver for match in found} == {fickle, faithful}
        async with deletes.transaction():
            await deletes.execute("DELETE FROM saved_searches WHERE id = $1", gone.id)
            telling = asyncio.create_task(searches.alert(finds, order, found, Policy()))
            await _waits_for_a_lock(deletes)
        assert [event.driver for event in await telling if isinstance(event, SearchMatched)] == [faithful]


async def _waits_for_a_lock(connection: Connection) -> None:
    async with asyncio.timeout(10):
        while not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_alerts_are_bounded_an_order_and_an_hour(store: SearchStore, shelf: Shelf) -> None:
    market = shelf.market
    policy = Policy(alerts_an_order=3, alerts_an_hour=2)
    drivers = [await market.driver(on_duty=False) for _ in range(5)]
    for driver in drivers:
        await store.add(driver, note())
    shipper = await market.shipper()
    for turn, expected in enumerate((3, 3, 3, 1, 0)):
        await market.order(shipper)
        market.heard.events.clear()
        told = [event for event in await events_of(market, policy) if isinstance(event, SearchMatched)]
        assert len(told) == expected, turn


def _around_now() -> tuple[int, int]:
    """Quiet minutes that hold this one in Almaty, whatever the hour."""
    minute = int((time.time() + 5 * 3600) % 86_400 // 60)
    return (minute - 30) % 1440, (minute + 30) % 1440
