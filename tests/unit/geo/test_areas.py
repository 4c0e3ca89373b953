"""Outlines that people draw: what is an area, what is none, and what happens at the edge of the map."""

from math import cos, pi, sin

import pytest
import shapely

from geo.areas import MOST_VERTICES, BadArea, area, area_of, box_area, boxes_area
from geo.types import Position

SQUARE = [Position(40, 60), Position(40, 70), Position(50, 70), Position(50, 60)]


def inside(found: object, lat: float, lon: float) -> bool:
    return bool(shapely.from_wkb(found.wkb).intersects(shapely.Point(lon, lat)))  # type: ignore[attr-defined]


def test_a_ring_may_be_closed_or_open_and_run_either_way() -> None:
    areas = {area(ring).wkb for ring in (SQUARE, [*SQUARE, SQUARE[0]], SQUARE[::-1])}
    assert len(areas) == 1
    found = area(SQUARE)
    assert (found.west, found.south, found.east, found.north) == (60, 40, 70, 50)
    assert inside(found, 45, 65) and inside(found, 40, 60) and not inside(found, 39.9, 65)


@pytest.mark.parametrize(
    ("ring", "why"),
    [
        ([], "vertices"),
        (SQUARE[:2], "vertices"),
        ([SQUARE[0]] * 3, "vertices"),
        ([Position(45 + sin(n), 65 + cos(n)) for n in range(MOST_VERTICES + 1)], "vertices"),
        ([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]], "itself"),
        ([Position(40, 60), Position(45, 60), Position(50, 60)], "nothing|itself"),
        ([Position(40, 60), Position(40, 70), Position(50, 70), Position(40, 65)], "itself"),
        ([Position(0, -70), Position(0, 69), Position(10, 0)], "larger"),
        ([Position(-40, 0), Position(40, 0), Position(0, 10)], "larger"),
        ([Position(80, lon) for lon in (-180, -90, 0, 90)], "pole"),
    ],
)
def test_what_is_no_area_is_refused_with_a_reason(ring: list[Position], why: str) -> None:
    with pytest.raises(BadArea, match=why):
        area(ring)


def test_as_many_vertices_as_are_allowed_make_an_area() -> None:
    circle = [
        Position(45 + sin(2 * pi * n / MOST_VERTICES), 65 + cos(2 * pi * n / MOST_VERTICES))
        for n in range(MOST_VERTICES)
    ]
    assert inside(area(circle), 45, 65)


def test_a_ring_across_the_antimeridian_lies_on_both_sides_of_it() -> None:
    found = area([Position(55, 175), Position(55, -175), Position(65, -175), Position(65, 175)])
    assert inside(found, 60, 179) and inside(found, 60, -179) and not inside(found, 60, 0)
    assert (found.west, found.east) == (-180, 180)


def test_a_rectangle_inside_the_map_is_what_cutting_it_there_would_give() -> None:
    for west, south, east, north in ((60, 40, 70, 50), (-180, -90, 180, 90), (-71.5, -33.25, -70.25, -33)):
        assert box_area(west, south, east, north) == area_of(shapely.box(west, south, east, north))


def test_boxes_may_cross_the_antimeridian_and_overlap() -> None:
    across = box_area(170, 50, -170, 60)
    assert inside(across, 55, 175) and inside(across, 55, -175) and not inside(across, 55, 0)
    both = boxes_area(((60, 40, 70, 50), (65, 45, 75, 55)))
    assert inside(both, 41, 61) and inside(both, 54, 74) and not inside(both, 41, 74)
