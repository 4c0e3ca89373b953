"""The table `board` is what its trigger makes of orders: words as bits, and the unsaid lets every truck by."""

from itertools import chain, combinations

import pytest

from dispatch.board import BoardSearch
from dispatch.matching import CARRIES, fits
from dispatch.model import Load, Vehicle
from geo.cells import BOARD_RES, cell_of, parent
from storage.board.filters import CONDITIONS, NAMES, of_vehicle
from storage.board.words import ADR, BODIES, SIDES, TERMS, UNKNOWN_ADR, UNKNOWN_SIDE, bits, carried_by
from storage.postgres import Pool

from .shelf import Shelf, place


@pytest.fixture
def shelf(pool: Pool) -> Shelf:
    return Shelf(pool)


async def row_of(shelf: Shelf, **changes: object) -> dict[str, object]:
    order = await shelf.post(**changes)
    row = await shelf.pool.fetchrow("SELECT * FROM board WHERE order_id = $1", order.id)
    assert row is not None
    return dict(row)


async def test_migration_and_python_know_the_same_words(shelf: Shelf) -> None:
    assert set(BODIES) == set(CARRIES)
    for body in BODIES:
        assert (await row_of(shelf, body=body))["bodies"] == bits([body], BODIES)
    for adr in (*ADR, "99"):
        assert (await row_of(shelf, adr=adr))["adr"] == bits([adr], ADR, UNKNOWN_ADR)
    for sides in (*((side,) for side in SIDES), ("rear", "top"), ("roof",)):
        assert (await row_of(shelf, sides=sides))["sides"] == bits(sides, SIDES, UNKNOWN_SIDE)
    for pricing, method, when, vat in (
        ("fixed", "transfer", "on_loading", True),
        ("negotiable", "cash", "on_delivery", False),
        ("bids", "card", "deferred", True),
    ):
        row = await row_of(shelf, pricing=pricing, method=method, when=when, vat=vat)
        assert row["terms"] == bits([pricing, method, when, "vat" if vat else "no_vat"], TERMS)


async def test_a_truck_means_the_same_to_the_database_as_to_the_program(pool: Pool) -> None:
    shelf = Shelf(pool)
    driver = await shelf.market.driver(body="reefer", capacity_kg=18_000.0, volume_m3=70.0)
    await pool.execute(
        "INSERT INTO saved_searches (driver_id, name, given, zone, drop_zone)"
        " SELECT $1, 'x', '{}', e, e FROM ST_MakeEnvelope(-180, -90, 180, 90, 4326) AS e",
        driver,
    )
    await pool.execute("SELECT saved_searches_refit($1)", driver)
    for body in BODIES:
        await pool.execute("UPDATE vehicles SET body = $2 WHERE driver_id = $1", driver, body)
        row = await pool.fetchrow("SELECT * FROM saved_searches WHERE driver_id = $1", driver)
        assert row is not None
        expected = of_vehicle(Vehicle(1, body, 18_000.0, 70.0))
        assert {name: row[name] for name in expected} == expected, (
            "the trigger on vehicles keeps the truck's part"
        )
        assert row["truck_bodies"] == carried_by(body)
    await pool.execute("UPDATE saved_searches SET fits = false WHERE driver_id = $1", driver)
    await pool.execute("SELECT saved_searches_refit($1)", driver)
    row = await pool.fetchrow("SELECT * FROM saved_searches WHERE driver_id = $1", driver)
    assert row is not None and all(row[name] is None for name in NAMES if name.startswith("truck_"))


async def test_every_value_of_a_condition_is_a_column_of_saved_searches(pool: Pool) -> None:
    rows = await pool.fetch(
        "SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute"
        " WHERE attrelid = 'saved_searches'::regclass AND attnum > 0"
    )
    columns = {row["name"]: row["type"] for row in rows}
    short = {
        "double precision": "float8",
        "integer": "int",
        "timestamp with time zone": "timestamptz",
        "boolean": "bool",
    }
    for condition in CONDITIONS:
        for name, kind in condition.values.items():
            assert short.get(columns[name], columns[name]) == kind, name


async def test_the_filter_of_a_truck_is_the_judgement_of_dispatch(shelf: Shelf) -> None:
    """Every small load against every small truck: the board shows what `fits` would let a driver take."""
    viewer = await shelf.looks()
    loads = [
        Load(
            "x", weight, volume, body, other_bodies=other, length_m=length, sides=sides, temp_min_c=low,
            temp_max_c=high, adr=adr,
        )
        for body, other in (("tent", ()), ("reefer", ("isotherm",)), ("flatbed", ()))
        for weight, volume in ((1_000.0, 4.0), (20_000.0, 80.0))
        for length, sides in ((None, ()), (13.0, ("rear",)))
        for low, high, adr in ((None, None, None), (-20.0, -15.0, None), (None, None, "3"))
    ]  # fmt: skip
    posted = {}
    for load in loads:
        order = await shelf.post(
            cargo=load.cargo, weight_kg=load.weight_kg, volume_m3=load.volume_m3, body=load.body,
            other_bodies=load.other_bodies, length_m=load.length_m, sides=load.sides,
            temp_min_c=load.temp_min_c, temp_max_c=load.temp_max_c, adr=load.adr,
        )  # fmt: skip
        posted[order.id] = order.load
    trucks = [
        Vehicle(
            1, body, capacity, room, length_m=length, sides=sides, adr=adr, temp_min_c=low, temp_max_c=high
        )
        for body in ("tent", "reefer", "flatbed", "van")
        for capacity, room in ((1_500.0, 10.0), (22_000.0, 90.0))
        for length, sides in ((None, ()), (12.0, ("side",)), (14.0, ("full",)))
        for adr, low, high in (((), None, None), (("3",), -25.0, 25.0), ((), 0.0, 10.0))
    ]
    for truck in trucks:
        found = set(await shelf.ids(viewer, BoardSearch(vehicle=truck)))
        assert found == {order for order, load in posted.items() if fits(load, truck)}, truck


async def test_pickups_without_a_cell_get_one_at_the_next_look_also_after_an_edit(shelf: Shelf) -> None:
    order = await shelf.post(pickup=place(43.25, 76.95))
    cell = "SELECT pickup_cell FROM board WHERE order_id = $1"
    assert await shelf.pool.fetchval(cell, order.id) is None
    looked = await shelf.upkeep.look(least_s=0.0)
    assert looked.celled == 1 and looked.counted
    assert await shelf.pool.fetchval(cell, order.id) == cell_of(43.25, 76.95, BOARD_RES)
    await shelf.pool.execute("UPDATE orders SET comment = 'x' WHERE id = $1", order.id)
    assert await shelf.pool.fetchval(cell, order.id) == cell_of(43.25, 76.95, BOARD_RES)
    await shelf.pool.execute(
        "UPDATE orders SET pickup_point = ST_SetSRID(ST_MakePoint(71.4, 51.1), 4326) WHERE id = $1", order.id
    )
    assert await shelf.pool.fetchval(cell, order.id) is None
    await shelf.upkeep.look()
    assert await shelf.pool.fetchval(cell, order.id) == cell_of(51.1, 71.4, BOARD_RES)


async def test_one_worker_counts_and_seldom(shelf: Shelf) -> None:
    await shelf.post()
    assert (await shelf.upkeep.look()).counted
    assert not (await shelf.upkeep.look()).counted
    row = await shelf.pool.fetchrow("SELECT * FROM board_cells WHERE res = 2")
    assert row is not None and row["loads"] == 1
    (finest,) = await shelf.pool.fetch("SELECT * FROM board_cells WHERE res = $1", BOARD_RES)
    assert row["cell"] == parent(finest["cell"], 2)
    await shelf.pool.execute("UPDATE orders SET status = 'expired'")
    await shelf.upkeep.look(least_s=0.0)
    assert await shelf.pool.fetchval("SELECT count(*) FROM board_cells") == 0
    assert await shelf.pool.fetchval("SELECT sum(loads) FROM board_areas") == 0


def test_bits_are_one_a_word() -> None:
    for words in chain.from_iterable(combinations(BODIES, size) for size in range(4)):
        assert bits(words, BODIES).bit_count() == len(words)
    assert bits(["nothing"], BODIES) == 0 and bits(["nothing"], ADR, UNKNOWN_ADR) == UNKNOWN_ADR
