"""Every order of the board, page by page: nothing skipped, nothing twice, whatever comes meanwhile."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from dispatch.board import BoardSearch, Circle, Sort, Viewer, profit_terms, truck_for
from dispatch.errors import Refusal
from dispatch.trip_cost import profit_per_hour
from geo.distance import haversine_m
from geo.types import Position
from storage.board import sorts
from storage.postgres import Pool
from tests.integration.orders.market import ALMATY

from .shelf import TENT, Shelf, in_hours, place

HERE = Position(43.3, 76.9)


@pytest.fixture
def shelf(pool: Pool) -> Shelf:
    return Shelf(pool)


async def fill(shelf: Shelf, count: int, seed: int = 1) -> dict[int, dict[str, float]]:
    """Loads of all sorts, many of them equal in what they are sorted by."""
    random = Random(seed)
    posted: dict[int, dict[str, float]] = {}
    for _ in range(count):
        lat, lon = random.choice([(43.25, 76.95), (43.2, 76.8), (43.9, 77.1), (42.3, 69.6), (51.1, 71.4)])
        price = random.choice([10_000_000, 20_000_000, 30_000_000])
        distance_m = random.choice([400_000.0, 800_000.0])
        opens = random.choice([None, in_hours(24) // 3600 * 3600.0, in_hours(48) // 3600 * 3600.0])
        order = await shelf.post(
            pickup=place(lat, lon),
            price=price,
            distance_m=distance_m,
            window=(opens, None),
            weight_kg=random.choice([1_000.0, 20_000.0]),
        )
        posted[order.id] = {
            "away": haversine_m(*HERE, lat, lon),
            "per_km": price / distance_m * 1000,
            "date": opens or 0.0,
            "weight": order.load.weight_kg,
            "price": float(price),
            "metres": distance_m,
        }
    return posted


# Gathered, and walked. Profit looks among the nearest lists only, so that large counts would leave loads out.
@pytest.mark.parametrize(
    ("sort", "loads"),
    [(sort, loads) for sort in Sort for loads in (0, 1_000_000) if sort != "profit" or not loads],
)
async def test_pages_neither_skip_nor_repeat_while_loads_come_and_go(
    shelf: Shelf, sort: Sort, loads: int
) -> None:
    posted = await fill(shelf, 60)
    viewer = Viewer((await shelf.looks()).driver, TENT, HERE)
    search = BoardSearch(vehicle=TENT)
    await shelf.pool.execute("UPDATE board_areas SET loads = $1", loads)
    found: list[int] = []
    after, turn = None, 0
    while True:
        page = await shelf.board.page(viewer, search, sort, 7, after)
        found += [card.load.order for card in page.cards]
        after = page.next
        if after is None:
            break
        turn += 1
        await fill(shelf, 2, seed=turn)  # newer ones, before and behind the cursor
        gone = found[turn]  # one that was shown already
        await shelf.pool.execute("UPDATE orders SET board_at = NULL WHERE id = $1", gone)
    assert len(found) == len(set(found)), "twice"
    assert posted.keys() <= set(found), "skipped"
    assert turn >= 8


@pytest.mark.parametrize("loads", [0, 1_000_000])  # gathered, and walked
async def test_each_sort_is_in_its_order(shelf: Shelf, loads: int) -> None:
    posted = await fill(shelf, 40)
    viewer = Viewer((await shelf.looks()).driver, TENT, HERE)
    await shelf.pool.execute("UPDATE board_areas SET loads = $1", loads)
    search = BoardSearch()
    newest = await shelf.pages(viewer, search, Sort.NEWEST, 7)
    assert newest == sorted(posted, reverse=True)
    per_km = [posted[order]["per_km"] for order in await shelf.pages(viewer, search, Sort.PER_KM, 7)]
    assert per_km == sorted(per_km, reverse=True)
    dates = [posted[order]["date"] for order in await shelf.pages(viewer, search, Sort.PICKUP_DATE, 7)]
    assert dates == sorted(dates)
    away = [posted[order]["away"] for order in await shelf.pages(viewer, search, Sort.NEAREST, 7)]
    assert away == pytest.approx(sorted(away))
    assert len(per_km) == len(dates) == len(away) == 40


async def test_the_profit_that_sorts_is_the_profit_that_is_shown(shelf: Shelf) -> None:
    await fill(shelf, 40)
    viewer = Viewer((await shelf.looks()).driver, TENT, HERE)
    page = await shelf.board.page(viewer, BoardSearch(vehicle=TENT), Sort.PROFIT, 100)
    shown = [card.profit.per_hour for card in page.cards if card.profit]
    assert len(shown) == 40
    # The table of half hours and the sum over steps differ by what half an hour makes.
    for better, worse in pairwise(shown):
        assert worse <= better + abs(better) * 0.12 + 50_000


def test_the_sums_for_the_database_are_those_of_the_calculator() -> None:
    random = Random(7)
    for _ in range(200):
        body = random.choice(["tent", "reefer", "van"])
        truck = replace(TENT, body=body, capacity_kg=random.choice([1_500.0, 5_000.0, 20_000.0]))
        weight, metres = random.uniform(100, truck.capacity_kg), random.uniform(50_000, 3_000_000)
        away, price = random.uniform(0, 300_000), random.uniform(2e6, 1e8)
        terms = profit_terms(truck)
        exact = profit_per_hour(
            round(price), metres, away, weight, body, volume_m3=1.0, truck=truck_for(truck)
        )
        quick = terms.per_hour(price, weight, metres, away)
        assert quick == pytest.approx(exact.per_hour, rel=0.2, abs=100_000)


async def test_the_nearest_loads_are_found_however_far_they_are(shelf: Shelf) -> None:
    viewer = Viewer((await shelf.looks()).driver, None, HERE)
    far = [
        await shelf.post(pickup=place(lat, lon)) for lat, lon in ((55.7, 37.6), (66.0, 179.9), (66.0, -179.9))
    ]
    near = [await shelf.post(pickup=place(43.3 + number / 1000, 76.9)) for number in range(30)]
    await shelf.pool.execute("UPDATE board_areas SET loads = 1000")
    found = await shelf.ids(viewer, BoardSearch(), Sort.NEAREST)
    assert found[:30] == [order.id for order in near]
    assert found[30] == far[0].id and set(found[31:]) == {order.id for order in far[1:]}
    assert await shelf.ids(viewer, BoardSearch(weight_max_kg=1.0), Sort.NEAREST) == []


async def test_where_loads_are_many_the_nearest_come_from_the_walk_alone_and_are_the_same(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(shelf, 60)
    viewer = Viewer((await shelf.looks()).driver, TENT, HERE)
    search = BoardSearch(vehicle=TENT)
    gathered = await shelf.board.page(viewer, search, Sort.NEAREST, 20)
    await shelf.pool.execute("UPDATE board_areas SET loads = 1000000")
    monkeypatch.setattr(sorts, "ROUNDS", ())
    walked = await shelf.board.page(viewer, search, Sort.NEAREST, 20)
    assert [card.load.order for card in walked.cards] == [card.load.order for card in gathered.cards]
    assert walked.next == gathered.next  # to the last bit: a page may be walked and the next one gathered


async def test_distances_start_from_the_middle_of_the_search_then_from_the_truck(shelf: Shelf) -> None:
    west, east = await shelf.post(pickup=place(43.25, 76.0)), await shelf.post(pickup=place(43.25, 78.0))
    driver = (await shelf.looks()).driver
    by_truck = Viewer(driver, None, Position(43.25, 78.1))
    assert await shelf.ids(by_truck, BoardSearch(), Sort.NEAREST) == [east.id, west.id]
    round_west = BoardSearch(near=Circle(43.25, 76.1, 300_000.0))
    assert await shelf.ids(by_truck, round_west, Sort.NEAREST) == [west.id, east.id]
    with pytest.raises(Refusal, match="origin_unknown"):
        await shelf.ids(Viewer(driver), BoardSearch(), Sort.NEAREST)
    assert set(await shelf.ids(Viewer(driver), BoardSearch(), Sort.PROFIT)) == {west.id, east.id}


async def test_a_page_keeps_measuring_from_where_the_first_one_did(shelf: Shelf) -> None:
    orders = [await shelf.post(pickup=place(43.25, 76.0 + number / 10)) for number in range(12)]
    driver = (await shelf.looks()).driver
    first = await shelf.board.page(
        Viewer(driver, None, Position(43.25, 75.9)), BoardSearch(), Sort.NEAREST, 5
    )
    moved = Viewer(driver, None, Position(43.25, 80.0))
    rest = await shelf.board.page(moved, BoardSearch(), Sort.NEAREST, 50, first.next)
    shown = [card.load.order for card in (*first.cards, *rest.cards)]
    assert shown == [order.id for order in orders]


async def test_counts_are_exact_to_a_thousand_and_estimates_say_so(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    one = await shelf.post(kind="food", weight_kg=100.0)
    total = await shelf.board.count(viewer, BoardSearch())
    assert (total.count, total.exact) == (1, True)
    await shelf.pool.execute(
        "INSERT INTO board SELECT 1000000 + n, at, until, version, shipper_id, company_id, hidden_from,"
        " pickup_area, drop_area, pickup_lat, pickup_lon, drop_lat, drop_lon, pickup_cell, pickup_from, pickup_to,"
        " kind, bodies, sides, adr, terms, prepay, weight_kg, volume_m3, length_m, width_m, height_m, temp_min,"
        " temp_max, distance_m, duration_s, price, per_km FROM board b, generate_series(1, 40000) n"
        " WHERE order_id = $1",
        one.id,
    )
    await shelf.pool.execute("ANALYZE board")
    total = await shelf.board.count(viewer, BoardSearch(near=Circle(*ALMATY.position, 10_000.0)))
    assert not total.exact and total.count == pytest.approx(40_000, rel=0.15)
    facets = await shelf.board.facets(viewer, BoardSearch())
    assert not facets.total.exact and facets.words["kinds"]["food"] == pytest.approx(40_000, rel=0.15)
    few = await shelf.board.facets(viewer, BoardSearch(weight_min_kg=200.0))
    assert few.total.exact and few.total.count == 0 and few.words["bodies"] == {}
