"""Logisticians act for drivers of their fleet, companies keep companies away, verified papers are shown."""

import uuid
from typing import Any

from dispatch.bids import Terms
from dispatch.model import Actor, Party
from storage.blocks import BlockStore, Target
from storage.postgres import Pool
from tests.integration.bids.test_http import Haggle
from tests.integration.orders.market import Market
from tests.integration.orders.test_http import calling
from tests.integration.orders.test_visibility import may_see
from tests.integration.webhooks.companies import company
from tests.served import LocalServer


async def hire(market: Market, boss: int, *drivers: int) -> int:
    """A company of carriers with these drivers."""
    made = await company(market.pool, boss)
    for driver in drivers:
        await market.pool.execute(
            "INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)", made, driver
        )
    return made


async def fleet(server: LocalServer, haggle: Haggle) -> dict[str, Any]:
    """A signed-in logistician whose fleet has the first driver, but not the second."""
    account = dict(server.accounts["drivers"][2])  # made a logistician: tests have no such account
    await haggle.market.pool.execute("UPDATE users SET role = 'logistician' WHERE id = $1", account["user"])
    token, _ = server.services.tokens.mint(
        account["user"], "logistician", str(uuid.uuid4()), server.services.now()
    )
    await hire(haggle.market, account["user"], server.accounts["drivers"][0]["user"])
    return account | {"access": token}


async def test_a_logistician_bids_and_takes_for_a_driver_of_the_fleet_and_for_nobody_else(
    server: LocalServer,
) -> None:
    haggle = Haggle(server)
    order, second = await haggle.load(pricing="negotiable"), await haggle.load(pricing="negotiable")
    own, foreign = (server.accounts["drivers"][n]["user"] for n in range(2))
    boss_account = await fleet(server, haggle)
    async with (
        calling(server, boss_account) as boss,
        calling(server, server.accounts["drivers"][0]) as driver,
    ):
        path, bid = f"/api/v1/orders/{order}/bids", {"amount": 40_000_000}
        assert (await boss("POST", path, bid))[1]["code"] == "bad_request"
        for stranger in (foreign, 10**9):
            assert (await boss("POST", path, bid | {"driver": stranger}))[1]["code"] == "not_found"
        status, made = await boss("POST", path, bid | {"driver": own})
        assert (status, made["driver"]) == (201, own)
        assert (await boss("PUT", f"/api/v1/bids/{made['bid']}", bid, **{"If-Match": '"1"'}))[1][
            "version"
        ] == 2
        assert [v["version"] for v in (await boss("GET", f"/api/v1/bids/{made['bid']}"))[1]["versions"]] == [
            1,
            2,
        ]
        assert (await driver("GET", "/api/v1/bids"))[1] == (await boss("GET", f"/api/v1/bids?driver={own}"))[
            1
        ]
        assert (await boss("POST", f"/api/v1/bids/{made['bid']}/withdraw"))[1]["status"] == "withdrawn"
        theirs, _ = await haggle.market.bids.place(foreign, order, Terms(40_000_000, 60.0))
        assert (await boss("POST", f"/api/v1/bids/{theirs.id}/withdraw"))[1]["code"] == "not_found"
        assert (await boss("GET", "/api/v1/offers"))[1]["code"] == "bad_request"
        found = await haggle.market.orders.visible(second, 0, "admin")
        offer = (await haggle.market.offer(found, [own]))[own]
        assert [
            card["offer"] for card in (await boss("GET", f"/api/v1/offers?driver={own}"))[1]["offers"]
        ] == [offer]
        accept = {"accept_id": str(uuid.uuid4())}
        for _ in range(2):
            status, won = await boss("POST", f"/api/v1/offers/{offer}/accept", accept)
            assert (status, won["driver"]) == (200, own)
        row = await haggle.market.pool.fetchrow("SELECT driver_id, acted_by FROM assignments")
        assert tuple(row) == (own, boss_account["user"])
        pushed = await haggle.market.pool.fetchval(
            "SELECT count(*) FROM outbox WHERE user_id = $1 AND kind = 'order.changed'", own
        )
        assert pushed == 1, "the driver hears what was done for him"
        board = await boss("POST", f"/api/v1/board/{order}/accept", accept | {"driver": own})
        assert board[1]["code"] == "idempotency_conflict"
        reloads = await boss("GET", f"/api/v1/me/reloads?driver={own}")
        assert reloads[0] == 200 and not reloads[1]["now"]


async def test_a_company_keeps_a_company_away_whoever_of_its_people_does_it(pool: Pool) -> None:
    market, blocks = Market(pool), BlockStore(pool)
    driver, mate, free = [await market.driver() for _ in range(3)]
    boss, shipper, colleague = (
        await market.user("logistician"),
        await market.shipper(),
        await market.shipper(),
    )
    carrier = await hire(market, boss, driver, mate)
    made = await company(pool, shipper)
    order = await market.order(colleague)
    await pool.execute("UPDATE orders SET company_id = $1", made)
    assert await blocks.company_of(boss) == carrier and await blocks.company_of(driver) is None
    kept, _ = await blocks.put_up(Party(boss, Actor.LOGISTICIAN), carrier, Target(company=made), "")
    assert (kept.company, kept.carrier) == (made, carrier)
    assert not await may_see(market, driver, order) and not await may_see(market, mate, order)
    assert await may_see(market, free, order)
    await blocks.take_down(Party(boss, Actor.LOGISTICIAN), carrier, kept.id)
    assert await may_see(market, driver, order)
    await blocks.put_up(Party(shipper, Actor.SHIPPER), made, Target(company=carrier), "")
    assert not await may_see(market, mate, order)
    # Who leaves the fleet leaves the quarrel.
    await pool.execute("UPDATE fleet_drivers SET left_at = now() WHERE driver_id = $1", mate)
    assert await may_see(market, mate, order)


async def test_a_load_hidden_from_a_company_is_hidden_from_its_drivers(pool: Pool) -> None:
    market = Market(pool)
    driver, free = await market.driver(), await market.driver()
    carrier = await hire(market, await market.user("logistician"), driver)
    order = await market.on_board(await market.order(pricing="negotiable"))
    await pool.execute("UPDATE orders SET hidden_from = $1", [carrier])
    assert not await may_see(market, driver, order) and await may_see(market, free, order)


async def test_only_papers_that_are_verified_and_not_expired_are_shown(pool: Pool) -> None:
    market = Market(pool)
    driver, order = await market.driver(), await market.on_board(await market.order(pricing="bids"))
    vehicle = await pool.fetchval("SELECT id FROM vehicles WHERE driver_id = $1", driver)

    async def paper(kind: str, state: str, *, of_vehicle: bool = False, days: int = 30) -> None:
        file = await pool.fetchval(
            "INSERT INTO files (owner_id, name, mime, size, sha256)"
            " VALUES ($1, $2, 'image/jpeg', 1, 'x') RETURNING id",
            driver,
            uuid.uuid4().hex,
        )
        await pool.execute(
            "INSERT INTO documents (user_id, vehicle_id, file_id, kind, state, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, now() + make_interval(days => $6))",
            driver,
            vehicle if of_vehicle else None,
            file,
            kind,
            state,
            days,
        )

    await paper("driver_licence", "approved")
    await paper("insurance", "approved", of_vehicle=True)
    await paper("cargo_insurance", "pending", of_vehicle=True)
    await paper("transport_licence", "approved", days=-1)
    await market.bid(driver, order)
    _, found = await market.bids.of_order(Party(order.shipper, Actor.SHIPPER), order.id)
    assert found[0][1].papers == ("driver_licence", "insurance")
