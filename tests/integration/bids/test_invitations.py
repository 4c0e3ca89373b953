"""Drivers asked by name: from a list, by phone, by code; for private loads the only way."""

import uuid
from typing import Any

import pytest

from dispatch.errors import Refusal
from dispatch.events import OfferEnded, OfferMade
from dispatch.model import Actor, OfferKind, Order, Party, Policy
from storage.invitations import Asked, InvitationStore, ask_again
from storage.postgres import Pool
from tests.integration.orders.market import Market


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


@pytest.fixture
def invitations(pool: Pool) -> InvitationStore:
    return InvitationStore(pool, Policy(max_invitations=4, invitations_a_day=6))


def owner(order: Order) -> Party:
    return Party(order.shipper, Actor.SHIPPER)


async def private(market: Market, shipper: int | None = None, **changes: Any) -> Order:
    order = await market.order(shipper, **changes)
    await market.pool.execute("UPDATE orders SET private = true, seek_at = NULL WHERE id = $1", order.id)
    return order


async def statuses(invitations: InvitationStore, order: Order) -> list[str]:
    return [entry.status.value for entry in await invitations.of_order(owner(order), order.id)]


async def phone_of(market: Market, driver: int) -> str:
    phone: str = await market.pool.fetchval("SELECT phone FROM users WHERE id = $1", driver)
    return phone


async def test_an_invited_driver_takes_a_private_load_by_the_usual_accept_and_nobody_else_can(
    market: Market, invitations: InvitationStore
) -> None:
    driver, other = await market.driver(), await market.driver()
    order = await private(market)
    made, told = await invitations.invite(owner(order), order.id, [driver], 7200, "к утру")
    assert [(entry.driver, entry.status.value) for entry in made] == [(driver, "sent")]
    (event,) = told
    assert isinstance(event, OfferMade) and event.note == "к утру"
    assert (event.offer.kind, event.offer.wave) == (OfferKind.INVITATION, 0)
    assert event.offer.expires_at == pytest.approx(order.created_at + 3600, abs=5), (
        "the load's own end comes first"
    )
    (push,) = await market.pool.fetch(
        "SELECT kind, due_at <= now() AS due FROM outbox WHERE user_id = $1", driver
    )
    assert tuple(push) == ("offer.invited", True)
    (again,) = await market.orders.live_offers(driver)
    assert (again.offer.id, again.note) == (event.offer.id, "к утру")
    with pytest.raises(Refusal, match="not_found"):
        await market.orders.take(other, order.id, uuid.uuid4())
    async with market.orders.claim_due() as claim:
        assert claim is None, "no waves"
    won, _ = await market.orders.accept(driver, event.offer.id, uuid.uuid4())
    assert won.driver == driver
    assert await statuses(invitations, order) == ["accepted"]


async def test_who_cannot_take_the_load_is_left_out_and_not_told_apart_from_who_is_not_there(
    market: Market, invitations: InvitationStore
) -> None:
    order = await market.order()
    unpaid, small = await market.driver(paid_s=-1), await market.driver(capacity_kg=10.0)
    hidden, banned = await market.driver(), await market.driver()
    await market.pool.execute("UPDATE users SET blocked = true WHERE id = $1", banned)
    await market.pool.execute(
        "INSERT INTO blocks (made_by, shipper_id, driver_id, actor_id) VALUES ('carrier', $1, $2, $2)",
        order.shipper,
        hidden,
    )
    store = InvitationStore(market.pool, Policy())
    shipper = await market.shipper()
    made, told = await store.invite(
        owner(order), order.id, [unpaid, small, hidden, banned, shipper, 10**9], 600, ""
    )
    assert (made, told) == ([], [])
    assert await market.count("SELECT count(*) FROM offers") == 0


async def test_a_phone_and_a_code_are_answered_the_same_whether_or_not_somebody_has_them(
    market: Market, invitations: InvitationStore
) -> None:
    driver = await market.driver()
    order = await private(market)
    code = await invitations.code(driver, "AB2CD3EF")
    assert await invitations.code(driver, "ZZZZZZZZ") == code
    asked = [
        Asked(phone=await phone_of(market, driver)),
        Asked(phone="+77770000000"),
        Asked(code="NOBODY22"),
    ]
    answers = [
        await invitations.invite_contact(owner(order), order.id, contact, 600, "") for contact in asked
    ]
    assert {(entry.status.value, entry.driver, entry.note) for entry in answers} == {("sent", None, "")}
    assert await market.count("SELECT count(*) FROM offers") == 0, (
        "nobody is looked up while the shipper waits"
    )
    (made,) = await invitations.resolve(10)
    assert isinstance(made, OfferMade) and made.driver == driver
    assert await invitations.resolve(10) == []
    assert await statuses(invitations, order) == ["sent"] * 3
    listed = await invitations.of_order(owner(order), order.id)
    assert {entry.driver for entry in listed} == {None}
    await market.orders.accept(driver, made.offer.id, uuid.uuid4())
    assert await statuses(invitations, order) == ["closed", "closed", "accepted"]


async def test_a_silent_driver_and_a_missing_one_expire_alike(
    market: Market, invitations: InvitationStore
) -> None:
    driver = await market.driver()
    order = await private(market)
    for phone in (await phone_of(market, driver), "+77770000000"):
        await invitations.invite_contact(owner(order), order.id, Asked(phone=phone), 0.2, "")
    await invitations.resolve(10)
    await market.pool.execute("SELECT pg_sleep(0.25)")
    await market.orders.expire_offers(10)
    assert await statuses(invitations, order) == ["expired", "expired"]


async def test_a_driver_reached_by_code_may_decline_and_the_shipper_hears_why(
    market: Market, invitations: InvitationStore
) -> None:
    driver = await market.driver()
    order = await private(market)
    code = await invitations.code(driver, "AB2CD3EF")
    await invitations.invite_contact(owner(order), order.id, Asked(code=code), 600, "")
    (made,) = await invitations.resolve(10)
    assert isinstance(made, OfferMade)
    await market.orders.decline(driver, made.offer.id, "price", "мало")
    (entry,) = await invitations.of_order(owner(order), order.id)
    assert (entry.status.value, entry.reason) == ("declined", "price")
    row = await market.pool.fetchrow("SELECT decline_reason, decline_note FROM offers")
    assert tuple(row) == ("price", "мало")
    renewed = await invitations.code(driver, "XX2CD3EF", renew=True)
    assert renewed == "XX2CD3EF"
    await invitations.invite_contact(owner(order), order.id, Asked(code=code), 600, "")
    assert await invitations.resolve(10) == [], "an old code reaches nobody"


async def test_an_invitation_is_taken_back(market: Market, invitations: InvitationStore) -> None:
    driver = await market.driver()
    order = await private(market)
    (entry,), (made,) = await invitations.invite(owner(order), order.id, [driver], 600, "")
    assert isinstance(made, OfferMade)
    (ended,) = await invitations.withdraw(owner(order), order.id, entry.id)
    assert ended == OfferEnded(made.offer.id, order.id, driver, "withdrawn")
    assert await invitations.withdraw(owner(order), order.id, entry.id) == []
    with pytest.raises(Refusal, match="offer_closed"):
        await market.orders.accept(driver, made.offer.id, uuid.uuid4())
    assert await statuses(invitations, order) == ["withdrawn"]
    # One that is not looked up yet never reaches anybody.
    noted = await invitations.invite_contact(
        owner(order), order.id, Asked(phone=await phone_of(market, driver)), 600, ""
    )
    await invitations.withdraw(owner(order), order.id, noted.id)
    assert await invitations.resolve(10) == []


async def test_after_an_edit_whoever_was_asked_is_asked_once_more(
    market: Market, invitations: InvitationStore
) -> None:
    driver, naysayer = await market.driver(), await market.driver()
    order = await private(market)
    _, told = await invitations.invite(owner(order), order.id, [driver, naysayer], 600, "")
    no = next(e.offer.id for e in told if isinstance(e, OfferMade) and e.driver == naysayer)
    await market.orders.decline(naysayer, no)
    async with market.pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE orders SET version = 2 WHERE id = $1", order.id)
        await connection.execute("UPDATE offers SET status = 'withdrawn' WHERE status = 'live'")
        await ask_again(connection, order.id)
    (made,) = await invitations.resolve(10)
    assert isinstance(made, OfferMade) and (made.driver, made.offer.version) == (driver, 2)
    won, _ = await market.orders.accept(driver, made.offer.id, uuid.uuid4())
    assert won.driver == driver


async def test_how_many_may_be_asked_is_bounded_a_load_and_a_day(
    market: Market, invitations: InvitationStore
) -> None:
    shipper = await market.shipper()
    drivers = [await market.driver() for _ in range(5)]
    first, second = await private(market, shipper), await private(market, shipper)
    for many in (drivers, [*drivers, *drivers]):
        with pytest.raises(Refusal, match="at most 4 drivers at a time"):
            await invitations.invite(owner(first), first.id, many, 600, "")
    await invitations.invite(owner(first), first.id, drivers[:4], 600, "")
    await invitations.invite(owner(second), second.id, drivers[:2], 600, "")
    with pytest.raises(Refusal, match="at most 6 invitations a day"):
        await invitations.invite_contact(owner(second), second.id, Asked(phone="+77770000000"), 600, "")


async def test_only_the_owner_asks_and_only_while_the_load_is_open(
    market: Market, invitations: InvitationStore
) -> None:
    driver, order = await market.driver(), await market.order()
    thief = Party(await market.shipper(), Actor.SHIPPER)
    (entry,), _ = await invitations.invite(owner(order), order.id, [driver], 600, "")
    for work in (
        invitations.open_order(thief, order.id),
        invitations.invite(thief, order.id, [driver], 600, ""),
        invitations.invite_contact(thief, order.id, Asked(phone="+77770000000"), 600, ""),
        invitations.of_order(thief, order.id),
        invitations.withdraw(thief, order.id, entry.id),
        invitations.withdraw(owner(order), order.id, 10**9),
        invitations.open_order(thief, 10**9),
    ):
        with pytest.raises(Refusal, match="not_found"):
            await work
    await market.orders.cancel(owner(order), order.id)
    for work in (
        invitations.open_order(owner(order), order.id),
        invitations.invite(owner(order), order.id, [driver], 600, ""),
    ):
        with pytest.raises(Refusal, match="order_closed"):
            await work


async def test_candidates_are_ranked_for_a_private_load_and_those_who_were_asked_are_left_out(
    market: Market, invitations: InvitationStore
) -> None:
    near, far, busy = await market.driver(), await market.driver(), await market.driver()
    order, other = await private(market), await market.order()
    offers = await market.offer(other, [busy])
    await market.orders.accept(busy, offers[busy], uuid.uuid4())
    seen = [(far, 90_000.0, 1.0), (near, 5_000.0, 1.0), (busy, 0.0, 1.0)]
    found = await invitations.candidates(order, seen)
    assert [entry.candidate.driver for entry, _ in found] == [near, far]
    assert [bidder.driver for _, bidder in found] == [near, far]
    await invitations.invite(owner(order), order.id, [near], 600, "")
    assert [entry.candidate.driver for entry, _ in await invitations.candidates(order, seen)] == [far]


async def test_an_invitation_takes_no_place_from_the_waves(
    market: Market, invitations: InvitationStore
) -> None:
    driver = await market.driver()
    for _ in range(3):
        order = await private(market)
        await invitations.invite(owner(order), order.id, [driver], 600, "")
    await market.order()
    async with market.orders.claim_due() as claim:
        assert claim is not None
        assert len(await claim.eligible([(driver, 0.0, 0.0)], Policy(max_live_offers=1))) == 1
