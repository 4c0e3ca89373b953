"""Each filter of the board leaves out what it should, and nothing else."""

import time
from dataclasses import replace

import pytest

from dispatch.board import BoardSearch, Box, Circle, Sort, Viewer
from dispatch.errors import Refusal
from dispatch.model import Actor, Money, Order, Party, Vehicle
from geo.areas import area
from geo.distance import destination, haversine_m
from geo.types import Position
from storage.postgres import Pool
from tests.integration.orders.market import ALMATY, ASTANA

from .shelf import TENT, Shelf, in_hours, place


@pytest.fixture
def shelf(pool: Pool) -> Shelf:
    return Shelf(pool)


async def test_only_a_paid_subscription_reads_the_board(shelf: Shelf) -> None:
    for driver in (await shelf.market.driver(paid_s=-1), await shelf.market.user("driver")):
        with pytest.raises(Refusal, match="subscription_expired"):
            await shelf.board.viewer(driver)
    with pytest.raises(Refusal, match="not_found"):
        await shelf.board.viewer(await shelf.shipper())
    driver = await shelf.market.driver(body="reefer", capacity_kg=20_000.0, volume_m3=60.0)
    seen = await shelf.board.viewer(driver)
    assert seen.vehicle is not None and (seen.vehicle.body, seen.vehicle.volume_m3) == ("reefer", 60.0)


async def test_another_truck_than_the_active_one_must_be_ones_own(shelf: Shelf) -> None:
    one, other = await shelf.market.driver(), await shelf.market.driver()
    own = (await shelf.board.viewer(one)).vehicle
    assert own is not None
    assert (await shelf.board.viewer(one, own.id)).vehicle == own
    with pytest.raises(Refusal, match="not_found"):
        await shelf.board.viewer(other, own.id)


async def test_the_board_holds_what_is_open_public_in_time_and_confirmed(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    good = await shelf.post()
    await shelf.post(boarded=False)
    await shelf.post(private=True)
    await shelf.post(valid_s=-1.0)
    stale, gone, won = await shelf.post(), await shelf.post(), await shelf.post()
    await shelf.pool.execute("UPDATE orders SET confirm_by = now() - interval '1 s' WHERE id = $1", stale.id)
    await shelf.market.orders.cancel(Party(gone.shipper, Actor.SHIPPER), gone.id)
    await shelf.pool.execute("UPDATE orders SET status = 'assigned' WHERE id = $1", won.id)
    assert await shelf.ids(viewer) == [good.id]
    await shelf.pool.execute("UPDATE orders SET confirm_by = now() + interval '1 h' WHERE id = $1", stale.id)
    assert await shelf.ids(viewer) == [stale.id, good.id]
    await shelf.pool.execute("UPDATE orders SET private = true WHERE id = $1", good.id)
    assert await shelf.ids(viewer) == [stale.id]
    await shelf.pool.execute("DELETE FROM order_events WHERE order_id = $1", stale.id)
    await shelf.pool.execute("DELETE FROM orders WHERE id = $1", stale.id)
    assert await shelf.ids(viewer) == []
    assert await shelf.pool.fetchval("SELECT count(*) FROM board WHERE until > now()") == 0


async def test_an_edit_is_on_the_board_at_once_and_keeps_its_place(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    first, second = await shelf.post(), await shelf.post(body="reefer")
    await shelf.pool.execute(
        "UPDATE orders SET version = 2, weight_kg = 900, pickup_point = ST_SetSRID(ST_MakePoint(71.4, 51.1), 4326)"
        " WHERE id = $1",
        first.id,
    )
    assert await shelf.ids(viewer) == [second.id, first.id]
    assert await shelf.ids(viewer, BoardSearch(weight_max_kg=1_000.0)) == [first.id]
    near = BoardSearch(near=Circle(51.17, 71.43, 50_000.0))
    assert await shelf.ids(viewer, near) == [first.id]
    (card,) = (await shelf.board.page(viewer, near, Sort.NEWEST, 5)).cards
    assert card.load.version == 2


async def test_a_truck_sees_what_it_can_carry(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    loads = {
        "plain": await shelf.post(),
        "small": await shelf.post(weight_kg=800.0, volume_m3=3.0),
        "cold": await shelf.post(body="reefer", temp_min_c=-20.0, temp_max_c=-15.0),
        "either": await shelf.post(body="container", other_bodies=("tent",)),
        "long": await shelf.post(length_m=15.0),
        "from_top": await shelf.post(sides=("top",)),
        "adr": await shelf.post(adr="3"),
        "odd": await shelf.post(adr="1.4"),
    }

    async def seen(vehicle: Vehicle) -> set[str]:
        found = await shelf.ids(viewer, BoardSearch(vehicle=vehicle))
        return {name for name, order in loads.items() if order.id in found}

    assert await seen(TENT) == {"plain", "small", "either", "long", "from_top"}
    assert await seen(replace(TENT, capacity_kg=1_500.0, volume_m3=9.0)) == {"small"}
    assert await seen(replace(TENT, length_m=13.6, sides=("rear", "side"))) == {"plain", "small", "either"}
    assert await seen(replace(TENT, length_m=13.6, sides=("full",))) == {
        "plain",
        "small",
        "either",
        "from_top",
    }
    assert await seen(replace(TENT, adr=("3", "8"), length_m=1.0)) == {
        "plain",
        "small",
        "either",
        "from_top",
        "adr",
    }
    cold = replace(TENT, body="reefer", temp_min_c=-25.0, temp_max_c=25.0, sides=("rear",), length_m=13.0)
    assert await seen(cold) == {"plain", "small", "cold", "either"}
    assert "cold" not in await seen(replace(cold, temp_min_c=-10.0))
    assert await seen(replace(TENT, body="container", capacity_kg=26_000.0)) == {"either"}


async def test_words_of_cargo_bodies_and_terms(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    a = await shelf.post(
        kind="food", pricing="bids", method="cash", when="on_loading", vat=True, prepay_percent=50
    )
    b = await shelf.post(
        kind="metal", pricing="fixed", method="transfer", when="deferred", days=14, body="flatbed"
    )
    c = await shelf.post(
        kind="food", pricing="negotiable", method="card", adr="8", prepay_percent=20, body="reefer"
    )

    async def found(**asked: object) -> set[int]:
        return set(await shelf.ids(viewer, BoardSearch(**asked)))  # type: ignore[arg-type]

    assert await found() == {a.id, b.id, c.id}
    assert await found(kinds=("food",)) == {a.id, c.id}
    assert await found(kinds=("metal", "timber")) == {b.id}
    assert await found(bodies=("flatbed", "reefer")) == {b.id, c.id}
    assert await found(pricings=("bids", "negotiable")) == {a.id, c.id}
    assert await found(methods=("card",)) == {c.id}
    assert await found(whens=("on_loading", "deferred")) == {a.id, b.id}
    assert await found(vat=True) == {a.id}
    assert await found(vat=False) == {b.id, c.id}
    assert await found(prepay_min=20) == {a.id, c.id}
    assert await found(prepay_min=21) == {a.id}
    assert await found(dangerous=True) == {c.id}
    assert await found(dangerous=False) == {a.id, b.id}
    assert await found(kinds=("food",), dangerous=False, vat=False) == set()


async def test_numbers_bound_weight_room_price_and_price_a_kilometre(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    cheap = await shelf.post(price=10_000_000, distance_m=1_000_000.0, weight_kg=5_000.0, volume_m3=10.0)
    dear = await shelf.post(price=20_000_000, distance_m=400_000.0, weight_kg=20_000.0, volume_m3=80.0)
    foreign = await shelf.post(price=Money(2_000_00, "USD"), weight_kg=12_000.0)

    async def found(**asked: object) -> set[int]:
        return set(await shelf.ids(viewer, BoardSearch(**asked)))  # type: ignore[arg-type]

    assert await found(weight_min_kg=5_000.0, weight_max_kg=12_000.0) == {cheap.id, foreign.id}
    assert await found(volume_max_m3=40.0) == {cheap.id, foreign.id}
    assert await found(price_min=10_000_000) == {cheap.id, dear.id}
    assert await found(price_min=10_000_001) == {dear.id}
    assert await found(per_km_min=10_000.0) == {cheap.id, dear.id}
    assert await found(per_km_min=10_001.0) == {dear.id}
    assert await found(per_km_min=50_001.0) == set()


async def test_a_pickup_window_that_overlaps_the_asked_one_is_found(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    anytime = await shelf.post()
    tomorrow = await shelf.post(window=(in_hours(24), in_hours(30)))
    from_then = await shelf.post(window=(in_hours(48), None))

    async def found(after: float | None, before: float | None) -> list[int]:
        return await shelf.ids(viewer, BoardSearch(pickup_after=after, pickup_before=before))

    assert await found(None, None) == [from_then.id, tomorrow.id, anytime.id]
    assert await found(in_hours(25), in_hours(26)) == [tomorrow.id, anytime.id]
    assert await found(in_hours(31), in_hours(47)) == [anytime.id]
    assert await found(in_hours(31), None) == [from_then.id, anytime.id]
    assert await found(None, in_hours(23)) == [anytime.id]


async def test_rating_is_asked_only_when_it_is_asked(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    loads: dict[float | None, Order] = {}
    for rating in (None, 3.9, 4.6):
        shipper = await shelf.market.shipper()
        if rating is not None:
            await shelf.pool.execute("INSERT INTO shipper_stats VALUES ($1, $2, 7)", shipper, rating)
        loads[rating] = await shelf.post(shipper=shipper)
    assert len(await shelf.ids(viewer)) == 3
    assert await shelf.ids(viewer, BoardSearch(rating_min=4.5)) == [loads[4.6].id]
    assert await shelf.ids(viewer, BoardSearch(rating_min=0.0)) == [loads[4.6].id, loads[3.9].id]


async def test_sides_that_do_not_want_to_meet_do_not(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    shipper = await shelf.market.shipper()
    theirs, company = await shelf.post(shipper=shipper), await shelf.post(company=77)
    other = await shelf.post()
    assert await shelf.ids(viewer) == [other.id, company.id, theirs.id]
    put = "INSERT INTO blocks (made_by, shipper_id, company_id, driver_id, actor_id) VALUES ($1, $2, $3, $4, $4)"
    await shelf.pool.execute(put, "shipper", shipper, None, viewer.driver)
    await shelf.pool.execute(put, "carrier", None, 77, viewer.driver)
    assert await shelf.ids(viewer) == [other.id]
    assert len(await shelf.ids(await shelf.looks())) == 3


CENTRES = ((43.25, 76.95), (71.0, 25.8), (-33.9, 151.2), (66.0, 179.9), (-17.0, -179.95), (89.7, 10.0))


@pytest.mark.parametrize(("lat", "lon"), CENTRES)
async def test_a_circle_holds_exactly_the_pickups_within_its_radius_also_at_the_edges_of_the_map(
    shelf: Shelf, lat: float, lon: float
) -> None:
    viewer = await shelf.looks()
    for radius_m in (1_000.0, 200_000.0, 2_000_000.0):
        await shelf.pool.execute("UPDATE orders SET board_at = NULL")
        inside = []
        for bearing in range(0, 360, 45):
            for share in (0.0, 0.999, 1.001):
                at = destination(lat, lon, bearing, radius_m * share)
                order = await shelf.post(pickup=place(*at))
                if haversine_m(lat, lon, *at) <= radius_m:
                    inside.append(order.id)
        found = await shelf.ids(viewer, BoardSearch(near=Circle(lat, lon, radius_m)))
        assert len(inside) == 16 and found == inside[::-1], (lat, lon, radius_m)


async def test_origin_and_destination_are_both_meant(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    there = await shelf.post()
    back = await shelf.post(pickup=ASTANA, drop=ALMATY)
    here, far = Circle(*ALMATY.position, 20_000.0), Circle(*ASTANA.position, 20_000.0)
    assert await shelf.ids(viewer, BoardSearch(near=here)) == [there.id]
    assert await shelf.ids(viewer, BoardSearch(to=here)) == [back.id]
    assert await shelf.ids(viewer, BoardSearch(near=here, to=far)) == [there.id]
    assert await shelf.ids(viewer, BoardSearch(near=far, to=here)) == [back.id]
    assert await shelf.ids(viewer, BoardSearch(near=here, to=here)) == []
    wide = BoardSearch(near=here, to=Circle(*ASTANA.position, 1_000_000.0))
    assert await shelf.ids(viewer, wide) == [there.id]


async def test_a_window_of_the_map_may_cross_the_antimeridian(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    west, east, _ = [await shelf.post(pickup=place(60.0, lon)) for lon in (179.5, -179.5, 0.0)]
    assert set(await shelf.ids(viewer, BoardSearch(box=Box(170.0, 50.0, -170.0, 70.0)))) == {west.id, east.id}
    assert await shelf.ids(viewer, BoardSearch(box=Box(179.0, 50.0, 180.0, 70.0))) == [west.id]
    assert await shelf.ids(viewer, BoardSearch(box=Box(179.5, 60.0, 179.5, 60.0))) == [west.id]
    assert len(await shelf.ids(viewer, BoardSearch(box=Box(-180.0, -90.0, 180.0, 90.0)))) == 3


async def test_a_polygon_holds_what_is_inside_also_across_the_antimeridian(shelf: Shelf) -> None:
    viewer = await shelf.looks()
    inside = await shelf.post(pickup=place(50.0, 70.0))
    await shelf.post(pickup=place(50.0, 80.0))
    notch = area([Position(45, 65), Position(45, 75), Position(55, 75), Position(55, 65), Position(50, 69)])
    assert await shelf.ids(viewer, BoardSearch(polygon=notch)) == [inside.id]
    ends = [await shelf.post(pickup=place(60.0, lon)) for lon in (178.0, -178.0)]
    across = area([Position(55, 175), Position(55, -175), Position(65, -175), Position(65, 175)])
    assert await shelf.ids(viewer, BoardSearch(polygon=across)) == [order.id for order in ends[::-1]]
    both = BoardSearch(polygon=across, box=Box(170.0, 50.0, 180.0, 70.0))
    assert await shelf.ids(viewer, both) == [ends[0].id]


async def test_what_the_counts_say_never_changes_what_is_found(shelf: Shelf) -> None:
    """Hints that are wrong in either direction choose another way to the same page."""
    viewer = await shelf.looks()
    posted = [(await shelf.post(pickup=place(43.0 + number / 100, 76.9))).id for number in range(40)]
    searches = (
        BoardSearch(near=Circle(43.2, 76.9, 15_000.0)),
        BoardSearch(near=Circle(43.2, 76.9, 15_000.0), to=Circle(*ASTANA.position, 50_000.0)),
        BoardSearch(weight_max_kg=1.0),
        BoardSearch(),
    )
    expected = [await shelf.ids(viewer, search) for search in searches]
    assert expected[0] and expected[0] == expected[1] and not expected[2] and expected[3] == posted[::-1]
    for loads in (0, 20_000, 10_000_000):
        await shelf.pool.execute("UPDATE board_areas SET loads = $1", loads)
        await shelf.pool.execute("UPDATE board_drops SET loads = $1", loads)
        assert [await shelf.ids(viewer, search) for search in searches] == expected
        assert (await shelf.board.count(viewer, searches[0])).count == len(expected[0])


async def test_cards_show_towns_and_public_names_and_why_a_load_suits(shelf: Shelf) -> None:
    shipper = await shelf.shipper()
    await shelf.pool.execute("UPDATE users SET name = 'ТОО Мельница' WHERE id = $1", shipper)
    await shelf.post(prepay_percent=30)
    viewer = Viewer((await shelf.looks()).driver, TENT, Position(43.3, 76.9))
    search = BoardSearch(vehicle=TENT, to=Circle(*ASTANA.position, 50_000.0))
    (card,) = (await shelf.board.page(viewer, search, Sort.NEWEST, 10)).cards
    assert card.load.poster.name == "ТОО Мельница" and card.load.poster.rating is None
    assert card.deadhead_m == pytest.approx(haversine_m(43.3, 76.9, *ALMATY.position))
    assert card.fits and card.profit is not None and card.profit.per_hour > 0
    assert {str(reason) for reason in card.reasons} == {
        "near",
        "destination",
        "body",
        "fills_truck",
        "prepaid",
    }
    assert card.load.per_km == 38_000 and card.load.stops == 2
    assert "Абая" not in repr(card) and "+7701" not in repr(card)
    assert time.time() - card.load.created_at < 60
