"""What somebody is known by, and to whom: a record of the last half year, for who has to do with him."""

import uuid

import pytest

from dispatch.cancelling import CallingOff
from dispatch.errors import Refusal
from dispatch.model import Actor, Party, Status
from dispatch.reviews import ENOUGH
from storage.postgres import Pool
from tests.integration.orders.market import STEPS

from .hauled import Reviewed

STAFF = Party(0, Actor.ADMIN)


@pytest.fixture
def market(pool: Pool) -> Reviewed:
    return Reviewed(pool)


async def record(market: Reviewed, user: int) -> dict[str, tuple[int, int]]:
    found = await market.reputations.of(STAFF, user)
    return {each.component.value: (each.number, each.of) for each in found.record}


async def assigned(market: Reviewed, shipper: int, driver: int) -> int:
    order = await market.order(shipper)
    await market.orders.accept(driver, (await market.offer(order, [driver]))[driver], uuid.uuid4())
    await market.pool.execute(
        "UPDATE assignments SET assigned_at = assigned_at - interval '1 day' WHERE order_id = $1", order.id
    )
    return order.id


async def test_a_drivers_record_tells_what_became_of_the_loads_that_he_took(market: Reviewed) -> None:
    shipper, driver = await market.shipper(), await market.driver()
    for closes in ("+1 hour", "-1 hour", None):
        order = await assigned(market, shipper, driver)
        await market.pool.execute(
            "UPDATE orders SET pickup_to = now() + $2::text::interval WHERE id = $1", order, closes
        )
        for step in STEPS:
            await market.orders.advance(driver, order, step)
    dropped = await assigned(market, shipper, driver)
    await market.orders.cancel(Party(driver, Actor.DRIVER), dropped, CallingOff("personal"))
    called_off = await assigned(market, shipper, driver)
    await market.orders.cancel(Party(shipper, Actor.SHIPPER), called_off, CallingOff("plans_changed"))
    assert await record(market, driver) == {
        "completed": (3, 5),
        "cancelled": (1, 5),
        "on_time": (1, 2),
        "disputes_lost": (0, 5),
    }
    assert await record(market, shipper) == {"cancelled": (1, 5), "settled": (0, 0), "disputes_lost": (0, 5)}


async def test_what_was_nobodys_fault_or_long_ago_is_held_against_nobody(market: Reviewed) -> None:
    shipper, driver = await market.shipper(), await market.driver()
    order = await market.order(shipper)
    await market.orders.accept(driver, (await market.offer(order, [driver]))[driver], uuid.uuid4())
    await market.orders.cancel(
        Party(driver, Actor.DRIVER), order.id, CallingOff("personal")
    )  # free of charge
    assert (await record(market, driver))["cancelled"] == (0, 1)
    await market.days_pass(181)
    assert (await record(market, driver))["cancelled"] == (0, 0)


async def test_a_share_is_told_of_enough_cases_only(market: Reviewed) -> None:
    shipper, driver = await market.shipper(), await market.driver()
    for number in range(1, ENOUGH + 1):
        order = await assigned(market, shipper, driver)
        for step in STEPS:
            await market.orders.advance(driver, order, step)
        completed = (await market.reputations.of(STAFF, driver)).record[0]
        assert (completed.number, completed.of) == (number, number)
        assert completed.share == (1.0 if number == ENOUGH else None)


async def test_a_profile_is_there_for_who_has_to_do_with_it(market: Reviewed) -> None:
    haul = await market.delivered()
    await market.reputations.of(haul.shipper, haul.driver.user)
    await market.reputations.of(haul.driver, haul.shipper.user)
    await market.reputations.of(haul.driver, haul.driver.user)
    stranger, rival = Party(await market.shipper(), Actor.SHIPPER), Party(await market.driver(), Actor.DRIVER)

    async def hidden(party: Party, user: int) -> None:
        with pytest.raises(Refusal, match=r"^not_found$"):
            await market.reputations.of(party, user)

    for party, user in (
        (stranger, haul.driver.user),
        (stranger, haul.shipper.user),
        (rival, haul.shipper.user),
        (rival, haul.driver.user),
        (haul.shipper, await market.user("admin")),
        (STAFF, 2**40),
    ):
        await hidden(party, user)
    # A load on the board shows its shipper to every driver but those whom the shipper shuts out.
    load = await market.on_board(await market.order(haul.shipper.user))
    await market.reputations.of(rival, haul.shipper.user)
    block = "INSERT INTO blocks (shipper_id, driver_id, made_by, actor_id) VALUES ($1, $2, 'shipper', $1)"
    await market.pool.execute(block, haul.shipper.user, rival.user)
    await hidden(rival, haul.shipper.user)
    await market.pool.execute("DELETE FROM blocks")
    await market.pool.execute("UPDATE orders SET private = true WHERE id = $1", load.id)
    await hidden(rival, haul.shipper.user)
    # A bid shows its driver to who posted the load.
    wanted = await market.on_board(await market.order(stranger.user, pricing="bids"))
    await hidden(stranger, rival.user)
    await market.bid(rival.user, wanted)
    await market.reputations.of(stranger, rival.user)


async def test_a_logistician_sees_its_fleet_and_for_whom_it_drives(market: Reviewed) -> None:
    haul, logistician = await market.delivered(), await market.user("logistician")
    company = await market.pool.fetchval(
        "INSERT INTO companies (legal_name, country, bin) VALUES ('Флот', 'KZ', '1') RETURNING id"
    )
    office = Party(logistician, Actor.LOGISTICIAN, frozenset({company}))
    for user in (haul.driver.user, haul.shipper.user):
        with pytest.raises(Refusal, match=r"^not_found$"):
            await market.reputations.of(office, user)
    await market.pool.execute(
        "INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)", company, haul.driver.user
    )
    for user in (haul.driver.user, haul.shipper.user, logistician):
        await market.reputations.of(office, user)


@pytest.mark.parametrize("statement", ["DRIVER_RECORD", "SHIPPER_RECORD"])
async def test_a_record_is_read_by_indexes(market: Reviewed, statement: str) -> None:
    from storage.reviews import reputation

    await market.delivered(Status.CLOSED)
    text = getattr(reputation, statement)
    async with market.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        rows = await connection.fetch(f"EXPLAIN {text}", 1, 1e7, 1000)
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan, plan
