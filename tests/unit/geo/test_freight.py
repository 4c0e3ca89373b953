from collections import Counter
from random import Random
from statistics import median

import pytest

from geo.freight import BODIES, CARGO, SECTIONS, WEIGHTS, Hauls, draw_load, draw_price
from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


@pytest.fixture(scope="module")
def roads(gazetteer: Gazetteer) -> RoadGraph:
    return RoadGraph.load(gazetteer)


def test_the_tables_are_whole() -> None:
    assert sum(share for share, *_ in BODIES.values()) == pytest.approx(1)
    assert sum(share for share, *_ in WEIGHTS) == pytest.approx(1)
    assert sum(cargo.share for cargo in CARGO) == pytest.approx(100)
    assert all(body in BODIES for cargo in CARGO for body in cargo.bodies)


def test_every_section_is_a_road_between_towns_of_the_gazetteer(
    gazetteer: Gazetteer, roads: RoadGraph
) -> None:
    for section in SECTIONS:
        a, b = (gazetteer.search(name, "en", 1)[0] for name in section[:2])
        assert a.country == b.country == "KZ"
        assert roads.route(a.position, b.position).origin == "embedded"


def test_busy_sections_carry_more_loads(gazetteer: Gazetteer) -> None:
    hauls, random = Hauls.corridors(gazetteer), Random(1)
    ends = Counter(town.names["en"] for _ in range(4000) for town in hauls.draw(random))
    assert ends["Almaty"] > ends["Shymkent"] > ends["Pavlodar"] > ends["Aktau"] > 0


def test_hauls_have_two_ends_and_some_are_long(gazetteer: Gazetteer, roads: RoadGraph) -> None:
    hauls, random = Hauls.corridors(gazetteer), Random(2)
    lengths = []
    for _ in range(400):
        a, b = hauls.draw(random)
        assert a.id != b.id
        lengths.append(roads.route(a.position, b.position).distance_m)
    assert 100e3 < median(lengths) < 600e3
    assert max(lengths) > 1000e3


def test_time_lapse_hauls_are_short_and_stay_in_the_country(gazetteer: Gazetteer, roads: RoadGraph) -> None:
    hauls, random = Hauls.short(gazetteer, roads), Random(3)
    seen = set()
    for _ in range(500):
        a, b = hauls.draw(random)
        seen.add((a.id, b.id))
        assert a.country == b.country == "KZ"
        assert roads.route(a.position, b.position).distance_m < 60e3
    assert len(seen) > 15


def test_a_load_fits_a_truck_of_its_body_and_its_cargo_goes_into_it() -> None:
    random = Random(4)
    by_name = {cargo.name: cargo for cargo in CARGO}
    for _ in range(3000):
        name, body, weight_kg, volume_m3 = draw_load(random, BODIES)
        _, tonnes, cubic, _ = BODIES[body]
        assert 0 < weight_kg <= tonnes * 1000
        assert 0 < volume_m3 <= cubic + 0.1
        assert body in by_name[name].bodies


def test_only_bodies_of_the_fleet_are_asked_for() -> None:
    random = Random(5)
    assert {draw_load(random, ["reefer", "tank"])[1] for _ in range(300)} == {"reefer", "tank"}
    with pytest.raises(ValueError, match="no cargo"):
        draw_load(random, [])


def test_the_mix_follows_its_shares() -> None:
    random = Random(6)
    loads = [draw_load(random, BODIES) for _ in range(6000)]
    kinds = Counter(name for name, *_ in loads)
    assert kinds["овощи и фрукты"] / 6000 == pytest.approx(0.294, abs=0.03)
    assert 0.35 < sum(weight > 10_000 for *_, weight, _ in loads) / 6000 < 0.75


def test_a_full_tent_truck_costs_what_the_curve_says() -> None:
    random = Random(7)
    rates = sorted(draw_price(random, 500e3, "tent", 22_000) / 500 for _ in range(4000))
    assert rates[2000] == pytest.approx(350, rel=0.06)  # 380 with three loads in ten at three quarters
    assert 220 < rates[200] < 290
    assert 480 < rates[3800] < 600


def test_short_hauls_cost_more_a_kilometre_and_nothing_is_carried_for_nothing() -> None:
    short = median(draw_price(Random(seed), 150e3, "tent", 22_000) / 150 for seed in range(500))
    long = median(draw_price(Random(seed), 1500e3, "tent", 22_000) / 1500 for seed in range(500))
    assert short > 1.2 * long
    assert draw_price(Random(1), 1e3, "van", 10) >= 20_000


def test_the_same_seed_gives_the_same_market(gazetteer: Gazetteer) -> None:
    def market(seed: int) -> list[object]:
        random, hauls = Random(seed), Hauls.corridors(gazetteer)
        return [(*(town.id for town in hauls.draw(random)), draw_load(random, BODIES)) for _ in range(50)]

    assert market(8) == market(8)
    assert market(8) != market(9)
