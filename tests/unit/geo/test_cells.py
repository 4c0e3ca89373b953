"""H3 cells: ancestors, reach and the cover of a viewport."""

from itertools import product

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import cells
from geo.distance import haversine_m

lats = st.floats(-90, 90)
lons = st.floats(-180, 180)
coarser = st.integers(0, cells.INDEX_RES)


@given(lats, lons, coarser)
def test_a_parent_is_the_one_that_the_library_names(lat: float, lon: float, res: int) -> None:
    cell = cells.cell_of(lat, lon)
    assert cells.to_text(cells.parent(cell, res)) == h3.cell_to_parent(cells.to_text(cell), res)


@given(lats, lons, coarser)
def test_a_place_lies_within_reach_of_its_ancestor(lat: float, lon: float, res: int) -> None:
    middle = cells.center(cells.parent(cells.cell_of(lat, lon), res))
    assert haversine_m(lat, lon, *middle) <= cells.reach_m(res)


@given(st.sampled_from(sorted(h3.get_pentagons(5))), st.floats(-1, 1), st.floats(-1, 1), coarser)
def test_a_place_beside_a_pentagon_lies_within_reach_too(
    pentagon: str, north: float, east: float, res: int
) -> None:
    lat, lon = h3.cell_to_latlng(pentagon)
    lat, lon = lat + north, lon + east
    middle = cells.center(cells.parent(cells.cell_of(lat, lon), res))
    assert haversine_m(lat, lon, *middle) <= cells.reach_m(res)


def test_a_disk_of_one_step_is_a_cell_and_its_six_neighbours() -> None:
    cell = cells.cell_of(43.25, 76.91)
    ring = cells.disk(cell, 1)
    assert cell in ring and len(set(ring)) == 7
    home = cells.center(cell)
    for neighbour in set(ring) - {cell}:
        metres = haversine_m(*home, *cells.center(neighbour))
        assert metres == pytest.approx(cells.spacing_m(cells.INDEX_RES), rel=0.3)


def test_a_pentagon_has_five_neighbours() -> None:
    assert len(cells.disk(int(min(h3.get_pentagons(8)), 16), 1)) == 6


def test_the_text_of_a_cell_is_the_grids_own() -> None:
    assert cells.to_text(cells.cell_of(43.25, 76.91)) == h3.latlng_to_cell(43.25, 76.91, cells.INDEX_RES)


@st.composite
def viewports(draw: st.DrawFn) -> tuple[float, float, float, float, float, float]:
    """A viewport (west, south, east, north) and a place inside it."""
    west, width = draw(lons), draw(st.sampled_from([0, 1e-4, 0.1, 1, 10, 60, 100, 179, 200, 300]))
    south = draw(lats)
    north = min(90.0, south + draw(st.sampled_from([0, 1e-4, 0.5, 5, 60, 180])))
    lat = min(north, max(south, south + draw(st.floats(0, 1)) * (north - south)))
    lon = west + draw(st.floats(0, 1)) * width
    wrap = [side if side <= 180 else side - 360 for side in (west, west + width, lon)]
    return wrap[0], south, wrap[1], north, lat, wrap[2]


@given(viewports(), st.integers(0, 3))
def test_a_cover_holds_the_cell_of_every_place_of_the_viewport(
    view: tuple[float, float, float, float, float, float], res: int
) -> None:
    west, south, east, north, lat, lon = view
    covered = cells.cover(west, south, east, north, res, 60_000)
    assert covered is not None
    assert cells.cell_of(lat, lon, res) in covered


def test_a_cover_stays_close_to_the_viewport() -> None:
    view = (76.7, 43.1, 77.1, 43.4)
    covered = cells.cover(*view, cells.INDEX_RES, 5_000)
    assert covered is not None and len(covered) == len(set(covered))
    margin = cells.reach_m(cells.INDEX_RES) * 1.5 / 80_000
    for cell in covered:
        lat, lon = cells.center(cell)
        assert 43.1 - margin <= lat <= 43.4 + margin
        assert 76.7 - margin <= lon <= 77.1 + margin


def test_a_viewport_across_the_antimeridian_touches_both_sides() -> None:
    covered = cells.cover(179, 60, -179, 61, cells.MAP_RES, 100)
    assert covered is not None
    longitudes = [cells.center(cell).lon for cell in covered]
    assert min(longitudes) < -178 and max(longitudes) > 178
    assert all(abs(lon) > 175 for lon in longitudes)


def test_the_whole_world_is_every_cell() -> None:
    covered = cells.cover(-180, -90, 180, 90, 1, 1_000)
    assert covered is not None and len(covered) == h3.get_num_cells(1)


@pytest.mark.parametrize("res", range(9))
def test_a_viewport_of_more_cells_than_the_limit_has_no_cover(res: int) -> None:
    assert cells.cover(-180, -85, 180, 85, res, 50) is None
    few = cells.cover(70, 50, 71, 51, res, 100_000)
    assert few is not None
    assert cells.cover(70, 50, 71, 51, res, len(few)) == few
    assert cells.cover(70, 50, 71, 51, res, len(few) - 1) is None


def test_a_thin_strip_around_the_globe_is_refused_like_a_large_area() -> None:
    for (south, north), res in product([(50.0, 50.0), (0.0, 1e-6)], [7, 8]):
        assert cells.cover(-180, south, 180, north, res, 2_000) is None
