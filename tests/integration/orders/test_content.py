"""Everything that a shipper says of a load comes back as it was said."""

from dataclasses import replace

from dispatch.model import Load, Pricing, Stop, Terms, Window
from geo.types import Position
from storage.orders import OrderStore
from storage.postgres import Pool

from .market import ALMATY, ASTANA, Market, new_order


async def test_an_order_with_every_detail_is_read_as_it_was_written(pool: Pool) -> None:
    posted = new_order(await Market(pool).shipper())
    load = Load(
        "сыр <script>", 18_000.0, 60.0, "reefer", "food", ("isotherm",), 33, 1.2, 0.8, 1.6, ("rear", "side"),
        2.0, 6.0, None, ("cmr", "veterinary"),
    )  # fmt: skip
    stops = (
        Stop("pickup", ALMATY, Window(1_900_000_000.0, 1_900_003_600.0), Position(43.2, 76.9), "ул. Абая, 1",
             "Айгүл", "+77010000001", "ворота 3"),
        Stop("drop", ASTANA, Window(None, 1_900_200_000.0)),
    )  # fmt: skip
    terms = Terms(Pricing.BIDS, "cash", "deferred", 14, 30, True, "звонить заранее")
    posted = replace(posted, load=load, haul=replace(posted.haul, stops=stops), terms=terms, private=True)
    order = await OrderStore(pool).add(posted)
    assert order.load == load
    assert order.haul == posted.haul
    assert order.terms == terms
    assert order.private and order.version == 1
    row = await pool.fetchrow("SELECT seek_at, pickup_from, drop_to FROM orders WHERE id = $1", order.id)
    assert row is not None and row["seek_at"] is None, "a private load is offered to nobody by itself"
    assert row["pickup_from"].timestamp() == 1_900_000_000.0
    assert row["drop_to"].timestamp() == 1_900_200_000.0
