"""Settings of map services: order, keys, limits by the vendors' terms."""

import pytest

from server.gateways.settings import DAY, Maps, maps_of

GOOGLE = "AIza" + "x" * 35


def read(**environ: str) -> tuple[Maps, list[str]]:
    problems: list[str] = []
    return maps_of(environ, problems), problems


def test_defaults_ask_nobody() -> None:
    maps, problems = read()
    assert (maps.routes, maps.geocoders, problems) == (("embedded",), ("embedded",), [])
    assert maps == Maps()


def test_a_chain_is_read_in_its_order() -> None:
    maps, problems = read(
        DESK_ROUTE_PROVIDERS="valhalla, osrm,google,embedded",
        DESK_VALHALLA_URL="http://valhalla:8002/",
        DESK_OSRM_URL="http://osrm:5000",
        DESK_GOOGLE_MAPS_KEY=GOOGLE,
        DESK_GOOGLE_CACHE_DAYS="30",
        DESK_ROUTE_BUDGET_MS="1500",
    )
    assert problems == []
    assert maps.routes == ("valhalla", "osrm", "google", "embedded")
    assert (maps.valhalla_url, maps.google_keep_s, maps.budget_s) == ("http://valhalla:8002", 30 * DAY, 1.5)
    assert GOOGLE not in repr(maps)


def test_the_switch_keeps_nothing_of_googles() -> None:
    assert read(DESK_GOOGLE_CACHE_DAYS="0")[0].google_keep_s == 0


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DESK_ROUTE_PROVIDERS": "mapbox"}, "mapbox"),
        ({"DESK_ROUTE_PROVIDERS": "valhalla"}, "DESK_VALHALLA_URL"),
        ({"DESK_ROUTE_PROVIDERS": "google"}, "DESK_GOOGLE_MAPS_KEY"),
        ({"DESK_ROUTE_PROVIDERS": "embedded,embedded"}, "twice"),
        ({"DESK_GEOCODERS": "nominatim"}, "DESK_NOMINATIM_URL"),
        ({"DESK_GEOCODERS": "osrm"}, "osrm"),
        ({"DESK_GOOGLE_CACHE_DAYS": "31"}, "30"),
        ({"DESK_ROUTE_BUDGET_MS": "slow"}, "whole number"),
        ({"DESK_OSRM_URL": "osrm:5000"}, "http"),
        ({"DESK_ROUTE_PROVIDERS": "google-legacy", "DESK_GOOGLE_MAPS_KEY": "secret"}, "AIza"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(environ: dict[str, str], told: str) -> None:
    _, problems = read(**environ)
    assert len(problems) == 1 and told in problems[0]
