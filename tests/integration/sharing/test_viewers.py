"""Who was shown where a driver was: a row for a viewer, an order and five minutes, written behind the look."""

import asyncio
import time
from typing import Any

import pytest

from server.auth import Principal, Viewing
from server.sharing import viewers as log
from server.sharing.viewers import ViewerLog
from storage.postgres import Pool
from storage.sharing.views import KEEP_DAYS, KEEP_LINK_VIEWS_DAYS, SLOT_S, ViewStore
from tests.e2e.socket.wire import signed_in
from tests.integration.orders.market import Market
from tests.integration.webhooks.companies import company
from tests.served import LocalServer

from .road import ask, assigned, until

SHIPPER = Principal(11, "shipper", "s", 0.0)
STAFF = Principal(12, "admin", "s", 0.0, grade="support")
AS_USER = Principal(11, "shipper", "s", 0.0, viewing=Viewing(12, 1))
DRIVER = Principal(7, "driver", "s", 0.0)
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def rows(pool: Pool) -> list[tuple[object, ...]]:
    columns = "kind, order_id, viewer_id, link_id, grade, looks"
    query = f"SELECT {columns} FROM position_views ORDER BY slot, kind, order_id"
    return [tuple(row) for row in await pool.fetch(query)]


async def test_many_looks_of_one_viewer_are_one_row_in_five_minutes_at_all_workers_together(
    pool: Pool,
) -> None:
    clock = Clock()
    one, two = (ViewerLog(ViewStore(pool), clock) for _ in range(2))
    for _ in range(3):
        one.saw(SHIPPER, 7, 5)
        two.saw(SHIPPER, 7, 5)
        clock.now += 20
    one.saw(SHIPPER, 7, 6)
    two.saw(STAFF, 7, 5)
    two.saw(AS_USER, 7, 5)
    two.saw(DRIVER, 7, 5)  # himself
    await asyncio.gather(one.write(), two.write())
    assert await rows(pool) == [
        ("shipper", 5, 11, None, None, 6),
        ("shipper", 6, 11, None, None, 1),
        # Staff who look as the user are the same staff.
        ("staff", 5, 12, None, "support", 2),
    ]
    clock.now += SLOT_S
    one.saw(SHIPPER, 7, 5)
    await one.write()
    assert (await rows(pool))[-1] == ("shipper", 5, 11, None, None, 1)
    await one.write()  # nothing waits: nothing is written
    assert len(await rows(pool)) == 4


async def test_what_cannot_be_written_now_waits_and_is_counted_with_what_comes(pool: Pool) -> None:
    viewers = ViewerLog(ViewStore(pool), Clock())
    viewers.saw(SHIPPER, 7, 5)
    await pool.execute("ALTER TABLE position_views RENAME TO away")
    with pytest.raises(Exception, match="position_views"):
        await viewers.write()
    await pool.execute("ALTER TABLE away RENAME TO position_views")
    viewers.saw(SHIPPER, 7, 5)
    await viewers.write()
    assert await rows(pool) == [("shipper", 5, 11, None, None, 2)]


async def test_what_waits_has_a_bound_and_drops_are_counted(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_WAITING", 10)
    viewers = ViewerLog(ViewStore(pool), Clock())
    for order in range(1, 13):
        viewers.saw(SHIPPER, 7, order)
    assert viewers.dropped == 2
    await viewers.write()
    assert sorted(row[1] for row in await rows(pool)) == list(range(3, 13))  # type: ignore[type-var]


async def test_logs_are_forgotten_when_their_time_is_over(pool: Pool) -> None:
    clock, store = Clock(), ViewStore(pool)
    viewers = ViewerLog(store, clock)
    market = Market(pool)
    order = await market.order()
    link = await pool.fetchval(
        "INSERT INTO share_links (order_id, made_by, side, label, secret_hash, opens_at, closes_at, follows)"
        " VALUES ($1, $2, 'shipper', 'x', 'x', now(), now(), true) RETURNING id",
        order.id,
        order.shipper,
    )
    for days in (KEEP_DAYS + 1, KEEP_LINK_VIEWS_DAYS + 1, 0):
        clock.now = time.time() - days * 86_400
        viewers.saw(SHIPPER, 7, 5)
        viewers.by_link(link, order.id, None, "10.0.0.0/24", "chrome")
    await viewers.write()
    await store.forget_old()
    assert len(await rows(pool)) == 2
    assert len(await store.of_link(link, None, 10)) == 1
    assert await pool.fetchval("SELECT views FROM share_links") == 3  # the count stays


async def test_a_driver_reads_who_looked_page_by_page(server: LocalServer) -> None:
    driver, mine, admin = (server.accounts[who][0] for who in ("drivers", "shippers", "admins"))
    services = server.services
    firm = await company(services.pool, mine["user"])
    name = await services.pool.fetchval("SELECT legal_name FROM companies WHERE id = $1", firm)

    async def seen(query: str = "") -> Any:
        return (await ask(server, driver, "GET", f"/me/viewers{query}")).body

    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, mine) as shipper,
        signed_in(server, admin) as operator,
    ):
        order = await assigned(server, truck, driver)
        await ask(server, driver, "GET", f"/orders/{order}")
        assert await seen() == {"viewers": [], "next": None}
        await shipper.command("order.watch", order=order)
        await ask(server, mine, "GET", f"/orders/{order}")
        await operator.command("order.watch", order=order)
        link = (await ask(server, mine, "POST", f"/orders/{order}/links", {"label": "склад"})).body
        await ask(server, None, "GET", f"/shared/{link['secret']}", **{"User-Agent": CHROME})

        async def all_there() -> bool:
            return len((await seen())["viewers"]) == 3

        await until(all_there)
        told = {each["kind"]: each for each in (await seen())["viewers"]}
        staff = told["staff"]
        assert (staff["name"], staff["grade"]) == ("Tracking Desk staff", "superadmin")
        assert str(admin["user"]) not in str([staff["name"], staff["grade"], staff["order"]])
        assert told["shipper"]["name"] == name and told["link"]["name"] == "склад"
        assert {each["order"] for each in told.values()} == {order}
        first = await seen("?limit=2")
        rest = await seen(f"?limit=2&before={first['next']}")
        views = [each["view"] for page in (first, rest) for each in page["viewers"]]
        assert views == sorted(views, reverse=True) and len(views) == 3 and rest["next"] is None

        # The sockets that are open go on being shown it; while the driver holds it back, the shipper's is not.
        watching = {(who.role, user, number) for who, user, number in services.hub.watching()}
        assert watching == {("shipper", driver["user"], order), ("admin", driver["user"], order)}
        await ask(server, driver, "POST", f"/orders/{order}/sharing", {"paused": True})
        assert [who.role for who, _, _ in services.hub.watching()] == ["admin"]
        await ask(server, mine, "GET", f"/orders/{order}")
        await services.viewers.write()
        looks = {each["kind"]: each["looks"] for each in (await seen())["viewers"]}
        assert looks["shipper"] == told["shipper"]["looks"]
    # Staff have their own log besides.
    acts = "SELECT count(*) FROM staff_actions WHERE action = 'truck.view' AND user_id = $1"
    assert await services.pool.fetchval(acts, driver["user"]) == 1


async def test_the_list_of_orders_that_staff_read_is_a_look_at_each_truck_in_it(server: LocalServer) -> None:
    driver, admin = server.accounts["drivers"][0], server.accounts["admins"][0]
    pool = server.services.pool
    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        assert (await ask(server, admin, "GET", "/admin/orders")).body["orders"][0]["truck"]
        detail = await pool.fetchval("SELECT detail FROM staff_actions WHERE action = 'truck.view'")
        assert detail == {"order": str(order)}
        await server.services.viewers.write()
        assert [(row[0], row[1]) for row in await rows(pool)] == [("staff", order)]


async def test_the_parties_read_who_used_a_link_as_far_as_a_stranger_is_known(server: LocalServer) -> None:
    mine = server.accounts["shippers"][0]
    order = (await Market(server.services.pool).order(mine["user"])).id
    link = (await ask(server, mine, "POST", f"/orders/{order}/links", {"label": "склад"})).body
    for agent in (CHROME, CHROME, "curl/8.5.0"):
        await ask(server, None, "GET", f"/shared/{link['secret']}", **{"User-Agent": agent})
    path = f"/orders/{order}/links/{link['link']}/views"

    async def found() -> list[Any]:
        views: list[Any] = (await ask(server, mine, "GET", path)).body["views"]
        return views

    await until(found)
    await server.services.viewers.write()
    views = sorted(await found(), key=lambda view: str(view["agent"]))
    assert [(view["agent"], view["network"], view["looks"]) for view in views] == [
        ("chrome", "127.0.0.0/24", 2),
        ("other", "127.0.0.0/24", 1),
    ]
    page = (await ask(server, mine, "GET", f"{path}?limit=1")).body
    assert len((await ask(server, mine, "GET", f"{path}?limit=1&before={page['next']}")).body["views"]) == 1
    [listed] = (await ask(server, mine, "GET", f"/orders/{order}/links")).body["links"]
    assert listed["views"] == 3 and listed["last_view_at"] >= listed["created_at"]
    # No truck was shown: the log of no driver says anything.
    assert await rows(server.services.pool) == []
