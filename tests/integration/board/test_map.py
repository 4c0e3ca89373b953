"""The board on a map: cells or loads, of all or of what a search leaves; and how loads divide."""

from random import Random

import pytest

from dispatch.board import BoardSearch, Box, Circle, Viewer
from geo.cells import cell_of, to_text
from geo.types import Position
from storage.board import clusters
from storage.board.clusters import FEW, Clusters, resolution_of
from storage.postgres import Pool
from tests.integration.orders.market import ALMATY

from .shelf import TENT, Shelf, place

KZ = Box(46.0, 40.0, 88.0, 56.0)


@pytest.fixture
def shelf(pool: Pool) -> Shelf:
    return Shelf(pool)


async def many(shelf: Shelf, count: int) -> list[tuple[float, float, int]]:
    random = Random(3)
    made = []
    for _ in range(count):
        lat, lon = random.gauss(43.25, 0.5), random.gauss(76.9, 0.5)
        price = random.randrange(1, 9) * 1_000_000
        await shelf.post(pickup=place(lat, lon), price=price, kind=random.choice(["food", "metal"]))
        made.append((lat, lon, price))
    await shelf.upkeep.look(least_s=0.0)
    return made


def summed(found: Clusters) -> tuple[int, int, int, int]:
    cells = found.cells
    return (
        sum(cell.loads for cell in cells),
        sum(cell.price_sum for cell in cells),
        min(cell.price_min for cell in cells),
        max(cell.price_max for cell in cells),
    )


async def test_a_window_with_few_loads_shows_the_loads(shelf: Shelf) -> None:
    await many(shelf, FEW)
    viewer = await shelf.looks()
    found, cards = await shelf.board.clusters(viewer, BoardSearch(box=KZ), 4)
    assert found.cells == [] and len(cards) == FEW and found.exact
    found, cards = await shelf.board.clusters(viewer, BoardSearch(box=Box(10.0, 10.0, 20.0, 20.0)), 4)
    assert found.cells == [] and cards == []


async def test_cells_of_all_loads_add_up_at_every_zoom(shelf: Shelf) -> None:
    made = await many(shelf, 80)
    viewer = await shelf.looks()
    expected = (80, sum(m[2] for m in made), min(m[2] for m in made), max(m[2] for m in made))
    for zoom in (0, 4, 5, 6, 7, 8, 9, 10, 12, 22):
        found, cards = await shelf.board.clusters(viewer, BoardSearch(box=KZ), zoom)
        assert cards == [] and found.exact and summed(found) == expected, zoom
        assert {cell.cell for cell in found.cells} == {
            to_text(cell_of(lat, lon, resolution_of(zoom))) for lat, lon, _ in made
        } or zoom < 12


async def test_cells_of_a_search_count_what_it_leaves(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    await many(shelf, 120)
    viewer = await shelf.looks()
    food = await shelf.pool.fetchrow("SELECT count(*) AS n, sum(price) AS sum FROM board WHERE kind = 'food'")
    assert food is not None
    search = BoardSearch(box=KZ, kinds=("food",))
    counted, _ = await shelf.board.clusters(viewer, search, 6)
    assert counted.exact and summed(counted)[:2] == (food["n"], food["sum"])
    # More than are gathered: estimated from a sample, which is the whole of a small board.
    monkeypatch.setattr(clusters, "GATHERED", 5)
    clusters._gathered.cache_clear()
    sampled, _ = await shelf.board.clusters(viewer, search, 6)
    assert summed(sampled)[:2] == (food["n"], food["sum"])
    clusters._gathered.cache_clear()


async def test_facets_divide_what_a_search_leaves(shelf: Shelf) -> None:
    await shelf.post(body="reefer", kind="meat", adr="3", pricing="bids")
    await shelf.post(other_bodies=("isotherm",), kind="food", pickup=place(44.0, 76.95))
    await shelf.post(kind="food", weight_kg=100.0, pickup=place(51.0, 71.0))
    viewer = Viewer((await shelf.looks()).driver, TENT, Position(*ALMATY.position))
    found = await shelf.board.facets(viewer, BoardSearch())
    assert found.total.count == 3 and found.total.exact
    assert found.words["bodies"] == {"tent": 2, "reefer": 1, "isotherm": 1}
    assert found.words["kinds"] == {"food": 2, "meat": 1}
    assert found.words["pricings"] == {"fixed": 2, "bids": 1}
    assert found.words["adr"] == {"3": 1, "none": 2}
    assert found.words["methods"] == {"transfer": 3} and found.words["whens"] == {"on_delivery": 3}
    assert found.distances == [(50_000, 1), (100_000, 1), (200_000, 0), (500_000, 0), (None, 1)]
    near = await shelf.board.facets(viewer, BoardSearch(near=Circle(*ALMATY.position, 10_000.0)))
    assert near.words["bodies"] == {"reefer": 1}
    nowhere = await shelf.board.facets(Viewer(viewer.driver), BoardSearch())
    assert nowhere.distances == []
