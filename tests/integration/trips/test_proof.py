"""Proof of delivery and incidents: what is asked for must be brought, and what was brought stays."""

import os

import pytest

from dispatch.errors import Refusal
from dispatch.model import Actor, Party, Status
from dispatch.proof import MOST_PHOTOS, TRIES, ProofKind
from dispatch.rights import Grade
from dispatch.visibility import Viewer
from storage.files import new_name
from storage.postgres import Pool
from storage.proof import IncidentStore, ProofStore
from storage.proof.incidents import MOST
from tests.integration.orders.market import Market

NAME = [[(0.1, 0.5), (0.3, 0.2), (0.5, 0.8)], [(0.6, 0.5), (0.9, 0.4)]]


class Drop:
    """A truck that stands before its consignee."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.market = Market(pool)
        self.proofs = ProofStore(pool)
        self.incidents = IncidentStore(pool)
        self.order = 0
        self.shipper = self.driver = Party(0, Actor.SYSTEM)

    async def at(self, status: Status, *kinds: ProofKind, code: str = "1234") -> "Drop":
        self.order, shipper, driver = await self.market.haul(Status.ASSIGNED)
        self.shipper, self.driver = Party(shipper, Actor.SHIPPER), Party(driver, Actor.DRIVER)
        if kinds:
            await self.proofs.demand(self.shipper, self.order, kinds, code)
        for step in (Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP):
            if status is Status.ASSIGNED:
                break
            await self.step(step)
            if step is status:
                break
        return self

    async def step(self, status: Status) -> None:
        await self.market.orders.advance(self.driver.user, self.order, status)

    async def upload(self, mime: str = "image/jpeg", owner: int | None = None) -> int:
        number: int = await self.pool.fetchval(
            "INSERT INTO files (owner_id, name, mime, size, sha256) VALUES ($1, $2, $3, 5, $4) RETURNING id",
            owner or self.driver.user,
            new_name(),
            mime,
            os.urandom(32),
        )
        return number

    async def refused(self, kind: ProofKind, **more: object) -> str:
        with pytest.raises(Refusal) as refusal:
            await self.proofs.give(self.driver, self.order, kind, **more)  # type: ignore[arg-type]
        return refusal.value.code


@pytest.fixture
def drop(pool: Pool) -> Drop:
    return Drop(pool)


async def test_without_a_demand_nothing_has_to_be_proved(drop: Drop) -> None:
    await drop.at(Status.AT_DROP)
    await drop.step(Status.DELIVERED)


async def test_the_cargo_counts_as_delivered_only_when_everything_that_was_asked_for_is_there(
    drop: Drop,
) -> None:
    await drop.at(Status.AT_DROP, ProofKind.PHOTO, ProofKind.SIGNATURE, ProofKind.CODE)
    with pytest.raises(Refusal, match="proof_required"):
        await drop.step(Status.DELIVERED)
    await drop.proofs.give(drop.driver, drop.order, ProofKind.PHOTO, file=await drop.upload())
    await drop.proofs.give(drop.driver, drop.order, ProofKind.SIGNATURE, strokes=NAME, signed_by="Айгүл")
    with pytest.raises(Refusal, match="proof_required"):
        await drop.step(Status.DELIVERED)
    await drop.proofs.give(drop.driver, drop.order, ProofKind.CODE, code="1234")
    await drop.step(Status.DELIVERED)
    demand, given = await drop.proofs.of_order(Viewer(drop.shipper), drop.order)
    assert demand.code == "1234"
    assert [each.kind for each in given] == ["photo", "signature", "code"]
    assert given[1].signed_by == "Айгүл"
    assert given[1].strokes == [[list(point) for point in stroke] for stroke in NAME]


async def test_a_photo_of_the_loading_does_not_prove_the_delivery(drop: Drop) -> None:
    await drop.at(Status.AT_PICKUP, ProofKind.PHOTO)
    await drop.proofs.give(drop.driver, drop.order, ProofKind.PHOTO, file=await drop.upload())
    for step in (Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP):
        await drop.step(step)
    with pytest.raises(Refusal, match="proof_required"):
        await drop.step(Status.DELIVERED)


async def test_a_wrong_code_costs_a_try_and_after_five_the_shipper_must_make_a_new_one(drop: Drop) -> None:
    await drop.at(Status.IN_TRANSIT, ProofKind.CODE)
    assert await drop.refused(ProofKind.CODE, code="1234") == "proof_untimely"
    await drop.step(Status.AT_DROP)
    for left in range(TRIES - 1, -1, -1):
        assert await drop.refused(ProofKind.CODE, code="0000") == "proof_code_wrong"
        demand, _ = await drop.proofs.of_order(Viewer(drop.driver), drop.order)
        assert demand.tries_left == left
    assert await drop.refused(ProofKind.CODE, code="1234") == "proof_code_spent"


async def test_the_driver_never_reads_the_code(drop: Drop) -> None:
    await drop.at(Status.AT_DROP, ProofKind.CODE)
    demand, _ = await drop.proofs.of_order(Viewer(drop.driver), drop.order)
    assert demand.code is None
    assert demand.kinds == (ProofKind.CODE,)
    told = await drop.pool.fetch("SELECT detail::text FROM order_events WHERE order_id = $1", drop.order)
    pushed = await drop.pool.fetch("SELECT payload::text FROM outbox")
    assert "1234" not in str([row[0] for row in (*told, *pushed)])


async def test_nobody_signs_twice_and_a_slip_of_the_finger_is_no_signature(drop: Drop) -> None:
    await drop.at(Status.AT_DROP)
    assert await drop.refused(ProofKind.SIGNATURE, strokes=[[(0.5, 0.5), (0.51, 0.5)]]) == "signature_invalid"
    assert await drop.refused(ProofKind.SIGNATURE, strokes=[[(0.5, 0.5), (1.5, 0.5)]]) == "signature_invalid"
    await drop.proofs.give(drop.driver, drop.order, ProofKind.SIGNATURE, strokes=NAME)
    assert await drop.refused(ProofKind.SIGNATURE, strokes=NAME) == "proof_given"


async def test_a_photo_is_a_picture_of_the_drivers_own_and_there_are_not_too_many(drop: Drop) -> None:
    await drop.at(Status.AT_DROP)
    assert await drop.refused(ProofKind.PHOTO, file=await drop.upload("application/pdf")) == "file_type"
    assert await drop.refused(ProofKind.PHOTO, file=await drop.upload(owner=drop.shipper.user)) == "not_found"
    first = await drop.upload()
    await drop.proofs.give(drop.driver, drop.order, ProofKind.PHOTO, file=first)
    assert await drop.refused(ProofKind.PHOTO, file=first) == "file_held"
    for _ in range(MOST_PHOTOS - 1):
        await drop.proofs.give(drop.driver, drop.order, ProofKind.PHOTO, file=await drop.upload())
    assert await drop.refused(ProofKind.PHOTO, file=await drop.upload()) == "limit_reached"


async def test_once_the_driver_stands_at_the_drop_nothing_more_can_be_asked_of_him(drop: Drop) -> None:
    await drop.at(Status.AT_DROP)
    with pytest.raises(Refusal, match="proof_untimely"):
        await drop.proofs.demand(drop.shipper, drop.order, [ProofKind.PHOTO], None)
    with pytest.raises(Refusal, match="not_found"):
        await drop.proofs.demand(Party(await drop.market.shipper(), Actor.SHIPPER), drop.order, [], None)


async def test_a_new_demand_has_a_new_code_and_all_its_tries(drop: Drop) -> None:
    await drop.at(Status.ASSIGNED, ProofKind.CODE)
    demand, events = await drop.proofs.demand(drop.shipper, drop.order, [ProofKind.CODE], "8765")
    assert (demand.code, demand.tries_left) == ("8765", TRIES)
    assert [event.kind for event in events] == ["proof_demanded"]  # type: ignore[union-attr]


async def test_strangers_and_staff_without_the_right_see_nothing(drop: Drop) -> None:
    await drop.at(Status.AT_DROP)
    staff = Party(1, Actor.ADMIN)
    for viewer in (Viewer(Party(await drop.market.shipper(), Actor.SHIPPER)), Viewer(staff, Grade.FINANCE)):
        for read in (drop.proofs.of_order, drop.incidents.of_order):
            with pytest.raises(Refusal, match="not_found"):
                await read(viewer, drop.order)
    demand, _ = await drop.proofs.of_order(Viewer(staff, Grade.MODERATOR), drop.order)
    assert demand.code is None


async def test_an_incident_is_told_to_the_shipper_with_where_the_truck_was(drop: Drop) -> None:
    await drop.at(Status.IN_TRANSIT)
    await drop.pool.execute(
        "INSERT INTO last_positions (driver_id, recorded_at, point, cell) VALUES ($1, now(),"
        " ST_SetSRID(ST_MakePoint(76.9, 43.5), 4326), 0)",
        drop.driver.user,
    )
    photo = await drop.upload()
    incident, events = await drop.incidents.report(
        drop.driver, drop.order, "breakdown", "лопнуло колесо", 7_200, [photo]
    )
    assert incident.place == (43.5, 76.9)
    assert [file.id for file in incident.photos] == [photo]
    assert [event.kind for event in events] == ["incident"]  # type: ignore[union-attr]
    pushed = await drop.pool.fetch("SELECT user_id FROM outbox WHERE payload ->> 'event' = 'incident'")
    assert [row["user_id"] for row in pushed] == [drop.shipper.user]
    assert await drop.incidents.of_order(Viewer(drop.shipper), drop.order) == [incident]
    assert (await drop.incidents.photo(Viewer(drop.shipper), drop.order, incident.id, photo)).id == photo
    with pytest.raises(Refusal, match="not_found"):
        await drop.incidents.photo(Viewer(drop.shipper), drop.order, incident.id, photo + 1)


async def test_incidents_are_reported_by_who_carries_the_load_while_he_carries_it(drop: Drop) -> None:
    await drop.at(Status.AT_DROP)
    for _ in range(MOST):
        await drop.incidents.report(drop.driver, drop.order, "queue", "", None, [])
    with pytest.raises(Refusal, match="limit_reached"):
        await drop.incidents.report(drop.driver, drop.order, "queue", "", None, [])
    with pytest.raises(Refusal, match="not_found"):
        await drop.incidents.report(drop.shipper, drop.order, "queue", "", None, [])
    await drop.step(Status.DELIVERED)
    with pytest.raises(Refusal, match="order_closed"):
        await drop.incidents.report(drop.driver, drop.order, "queue", "", None, [])
