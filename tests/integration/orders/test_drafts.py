"""A load that is begun, saved field by field, and posted under its own number; templates; copies."""

import asyncio

import pytest

from dispatch.errors import Refusal
from dispatch.events import OrderPlaced
from dispatch.model import Actor, Party, Status
from storage.order_reads import NO_LIMIT
from storage.postgres import Pool
from storage.templates import TemplateStore
from tests.integration.orders.market import CONTENT, Market

COMPANY = 31


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def owner(market: Market) -> Party:
    return Party(await market.shipper(), Actor.SHIPPER)


async def test_a_draft_grows_field_by_field_and_is_posted_under_its_own_number(market: Market) -> None:
    party = await owner(market)
    poster = market.poster(market.dispatcher())
    draft = await market.drafts.add(party.user, None, {"cargo": "мука"})
    assert [lack.path for lack in poster.missing(draft.content)] == ["stops", "weight_kg"]
    draft = await market.drafts.save(
        party, draft.order, 1, {"weight_kg": 20_000.0, "stops": CONTENT["stops"]}
    )
    draft = await market.drafts.save(party, draft.order, 2, {"comment": "тент", "pieces": 3})
    draft = await market.drafts.save(party, draft.order, 3, {"pieces": None})
    assert draft.content == {
        "stops": CONTENT["stops"],
        "cargo": "мука",
        "weight_kg": 20_000.0,
        "comment": "тент",
    }
    assert poster.missing(draft.content) == []
    order = await poster.publish(party, draft.order, 4)
    assert (order.id, order.status, order.version, order.seq) == (draft.order, Status.OPEN, 1, 2)
    assert order.price.amount > 0 and order.terms.comment == "тент"
    assert [(line.seq, line.kind, line.status) for line in await market.orders.history(order.id)] == [
        (1, "drafted", "draft"), (2, "placed", "open"),
    ]  # fmt: skip
    assert [event.order.id for event in market.heard.of(OrderPlaced)] == [order.id]
    assert await market.drafts.page(party, NO_LIMIT, 10) == []
    assert [found.id for found in await market.orders.page(party, None, 10)] == [order.id]


async def test_a_save_from_an_old_version_is_stale_and_loses_nothing(market: Market) -> None:
    party = await owner(market)
    draft = await market.drafts.add(party.user, None, {})
    told = await asyncio.gather(
        *(market.drafts.save(party, draft.order, 1, {"cargo": f"груз {n}"}) for n in range(5)),
        return_exceptions=True,
    )
    stale = [each for each in told if isinstance(each, Refusal)]
    assert [refusal.code for refusal in stale] == ["version_stale"] * 4
    assert (await market.drafts.draft(party, draft.order)).version == 2


async def test_two_tabs_that_publish_one_draft_post_it_once(market: Market) -> None:
    party = await owner(market)
    poster = market.poster(market.dispatcher())
    draft = await market.drafts.add(party.user, None, CONTENT)
    told = await asyncio.gather(
        *(poster.publish(party, draft.order, 1, allow_duplicate=True) for _ in range(4)),
        return_exceptions=True,
    )
    codes = {each.code for each in told if isinstance(each, Refusal)}
    assert codes <= {"transition_forbidden", "not_found"}, (
        "not a draft any more, for who comes a moment later"
    )
    assert len([each for each in told if not isinstance(each, Exception)]) == 1
    assert await market.count("SELECT count(*) FROM order_events WHERE kind = 'placed'") == 1


async def test_what_is_incomplete_is_not_posted_and_says_what_it_lacks(market: Market) -> None:
    party = await owner(market)
    draft = await market.drafts.add(party.user, None, {**CONTENT, "cargo": None, "adr": "3"})
    before = await market.rows()
    with pytest.raises(Refusal, match="order_incomplete") as refusal:
        await market.poster(market.dispatcher()).publish(party, draft.order, 1)
    assert refusal.value.path == "cargo"
    assert await market.rows() == before


async def test_a_discarded_draft_is_gone_for_everybody(market: Market) -> None:
    party = await owner(market)
    draft = await market.drafts.add(party.user, None, CONTENT)
    await market.drafts.discard(party, draft.order)
    for absent in (
        market.drafts.draft(party, draft.order),
        market.orders.visible(draft.order, party.user, "shipper"),
        market.orders.visible(draft.order, 0, "admin"),
    ):
        with pytest.raises(Refusal, match="not_found"):
            await absent
    with pytest.raises(Refusal, match="transition_forbidden"):
        await market.drafts.discard(party, draft.order)
    assert await market.orders.page(Party(0, Actor.ADMIN), None, 10) == []


async def test_colleagues_share_drafts_and_strangers_see_none(market: Market) -> None:
    mine, stranger = await owner(market), await owner(market)
    colleague = (await owner(market))._replace(companies=frozenset({COMPANY}))
    shared = await market.drafts.add(mine.user, COMPANY, CONTENT)
    private = await market.drafts.add(mine.user, None, CONTENT)
    assert [d.order for d in await market.drafts.page(mine, NO_LIMIT, 10)] == [private.order, shared.order]
    assert [d.order for d in await market.drafts.page(colleague, NO_LIMIT, 10)] == [shared.order]
    assert [d.order for d in await market.drafts.page(mine, private.order, 10)] == [shared.order]
    assert (await market.drafts.save(colleague, shared.order, 1, {"cargo": "рис"})).version == 2
    for party, order in ((stranger, shared.order), (colleague, private.order)):
        with pytest.raises(Refusal, match="not_found"):
            await market.drafts.draft(party, order)
        with pytest.raises(Refusal, match="not_found"):
            await market.drafts.save(party, order, 1, {})


async def test_drafts_and_templates_have_a_most(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    party = await owner(market)
    monkeypatch.setattr("storage.drafts.MOST", 2)
    monkeypatch.setattr("storage.templates.MOST", 1)
    for _ in range(2):
        await market.drafts.add(party.user, None, {})
    with pytest.raises(Refusal, match="limit_reached"):
        await market.drafts.add(party.user, None, {})
    templates = TemplateStore(market.pool)
    await templates.add(party.user, None, "мука", CONTENT)
    with pytest.raises(Refusal, match="limit_reached"):
        await templates.add(party.user, None, "рис", CONTENT)


async def test_templates_are_named_changed_used_and_forgotten(market: Market) -> None:
    templates = TemplateStore(market.pool)
    party, stranger = await owner(market), await owner(market)
    colleague = stranger._replace(companies=frozenset({COMPANY}))
    mine = await templates.add(party.user, COMPANY, "мука", CONTENT)
    assert (mine.content, mine.version, mine.uses, mine.used_at) == (CONTENT, 1, 0, None)
    other = await templates.edit(colleague, mine.id, 1, "мука, полная", None)
    assert (other.name, other.content, other.version) == ("мука, полная", CONTENT, 2)
    with pytest.raises(Refusal, match="version_stale"):
        await templates.edit(party, mine.id, 1, "рис", None)
    assert (await templates.use(party, mine.id)).uses == 1
    assert [each.id for each in await templates.page(colleague, NO_LIMIT, 10)] == [mine.id]
    assert await templates.page(stranger, NO_LIMIT, 10) == []
    for refused in (
        templates.template(stranger, mine.id),
        templates.edit(stranger, mine.id, 2, "x", None),
        templates.use(stranger, mine.id),
        templates.drop(stranger, mine.id),
    ):
        with pytest.raises(Refusal, match="not_found"):
            await refused
    await templates.drop(party, mine.id)
    with pytest.raises(Refusal, match="not_found"):
        await templates.template(party, mine.id)
