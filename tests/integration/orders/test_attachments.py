"""Photos and papers of an order: whose they are, who is shown which, and when they can still be taken back."""

import os
import time
import uuid
from typing import Any

import pytest

from dispatch.errors import Refusal
from dispatch.model import Actor, Party, Status
from dispatch.visibility import GRACE_S, Viewer
from storage.attachments import MOST, Attachment, AttachmentStore
from storage.files import new_name
from storage.postgres import Pool
from tests.integration.orders.market import Market


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


@pytest.fixture
def store(pool: Pool) -> AttachmentStore:
    return AttachmentStore(pool)


async def upload(market: Market, owner: int, mime: str = "image/png") -> int:
    return await market.count(
        "INSERT INTO files (owner_id, name, mime, size, sha256) VALUES ($1, $2, $3, 5, $4) RETURNING id",
        owner,
        new_name(),
        mime,
        os.urandom(32),
    )


async def attach(
    market: Market, store: AttachmentStore, party: Party, order: int, *, mime: str = "image/png", **how: Any
) -> Attachment:
    file = await upload(market, party.user, mime)
    kind = how.pop("kind", "photo")
    return await store.add(party, order, file, kind, how.pop("title", ""), public=how.pop("public", False))


def seen(found: list[Attachment]) -> list[int]:
    return [each.id for each in found]


async def test_parties_see_everything_others_only_pictures_that_are_for_everybody(
    market: Market, store: AttachmentStore
) -> None:
    number, shipper, driver = await market.haul(Status.OPEN)
    owner, now = Party(shipper, Actor.SHIPPER), time.time()
    public = await attach(market, store, owner, number, title="ящики", public=True)
    photo = await attach(market, store, owner, number)
    paper = await attach(market, store, owner, number, mime="application/pdf", kind="paper")
    whole = [public.id, photo.id, paper.id]
    someone, stranger = Party(driver, Actor.DRIVER), Party(await market.shipper(), Actor.SHIPPER)

    async def shown(party: Party, grade: str | None = None, clock: float = now) -> list[int]:
        return seen(await store.of_order(Viewer(party, grade), number, clock))

    assert await shown(owner) == whole
    for grade, expected in (("support", whole), ("moderator", whole)):
        assert await shown(Party(0, Actor.ADMIN), grade) == expected
    for nobody in (Viewer(someone), Viewer(stranger), Viewer(Party(0, Actor.ADMIN), "finance")):
        with pytest.raises(Refusal, match="not_found"):
            await store.of_order(nobody, number, now)
    order = await market.on_board(await market.orders.visible(number, shipper, "shipper"))
    assert await shown(someone) == [public.id]
    with pytest.raises(Refusal, match="not_found"):
        await store.one(Viewer(someone), number, paper.id, now)
    offers = await market.offer(order, [driver])
    await market.orders.accept(driver, offers[driver], uuid.uuid4())
    assert await shown(someone) == whole
    proof = await attach(market, store, someone, number, title="загрузка")
    assert await shown(owner) == [*whole, proof.id]
    await market.orders.cancel(owner, number)
    assert await shown(someone) == [*whole, proof.id]
    with pytest.raises(Refusal, match="not_found"):
        await shown(someone, clock=time.time() + GRACE_S + 1)
    assert await shown(owner, clock=time.time() + GRACE_S + 1) == [*whole, proof.id]


async def test_a_private_load_shows_its_pictures_to_who_is_asked_and_to_nobody_else(
    market: Market, store: AttachmentStore
) -> None:
    number, shipper, driver = await market.haul(Status.OPEN)
    await attach(market, store, Party(shipper, Actor.SHIPPER), number, public=True)
    await market.pool.execute("UPDATE orders SET private = true, board_at = now() WHERE id = $1", number)
    viewer = Viewer(Party(driver, Actor.DRIVER))
    with pytest.raises(Refusal, match="not_found"):
        await store.of_order(viewer, number, time.time())


async def test_what_may_not_be_attached_is_refused_and_leaves_the_upload_free(
    market: Market, store: AttachmentStore
) -> None:
    number, shipper, driver = await market.haul(Status.ASSIGNED)
    owner, carrier = Party(shipper, Actor.SHIPPER), Party(driver, Actor.DRIVER)
    stranger = Party(await market.shipper(), Actor.SHIPPER)
    mine, pdf, foreign = (
        await upload(market, shipper),
        await upload(market, shipper, "application/pdf"),
        await upload(market, stranger.user),
    )
    for code, party, file, kind, public in (
        ("not_found", stranger, foreign, "photo", False),
        ("not_found", owner, foreign, "photo", False),
        ("not_found", owner, 10**9, "photo", False),
        ("file_type", owner, pdf, "photo", False),
        ("file_type", owner, mine, "paper", True),
        ("forbidden", carrier, await upload(market, driver), "photo", True),
    ):
        with pytest.raises(Refusal, match=code):
            await store.add(party, number, file, kind, "", public=public)
    await store.add(owner, number, mine, "photo", "", public=False)
    with pytest.raises(Refusal, match="file_held"):
        await store.add(owner, number, mine, "photo", "", public=False)
    await store.add(owner, number, pdf, "paper", "", public=False)
    for _ in range(MOST - 2):
        await attach(market, store, carrier, number)
    with pytest.raises(Refusal, match="limit_reached"):
        await attach(market, store, owner, number)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.DRAFT])
async def test_each_side_attaches_while_it_is_its_turn_and_takes_back_until_the_cargo_is_loaded(
    market: Market, store: AttachmentStore, status: Status
) -> None:
    number, shipper, driver = await market.haul(status)
    owner, carrier = Party(shipper, Actor.SHIPPER), Party(driver, Actor.DRIVER)
    hauling = status in (
        Status.ASSIGNED, Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP, Status.DELIVERED,
        Status.DISPUTED,
    )  # fmt: skip
    early = status in (Status.MODERATION, Status.OPEN)
    for party, may in ((owner, hauling or early), (carrier, hauling)):
        if not may:
            with pytest.raises(Refusal, match=r"order_closed|not_found"):
                await attach(market, store, party, number)
            continue
        added = await attach(market, store, party, number)
        other = carrier if party is owner else owner
        with pytest.raises(Refusal, match="not_found"):
            await store.remove(other, number, added.id)
        if early or status in (Status.ASSIGNED, Status.AT_PICKUP):
            assert await store.remove(party, number, added.id) == added.file.name
            assert await market.count("SELECT count(*) FROM files WHERE id = $1", added.file.id) == 0
        else:
            with pytest.raises(Refusal, match="order_closed"):
                await store.remove(party, number, added.id)
