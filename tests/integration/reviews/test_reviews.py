"""Two blind words a haul: who says them, when they are read, and what they come to."""

import asyncio
from dataclasses import replace

import pytest

from dispatch.board import BoardSearch, Sort, Viewer
from dispatch.disputes import Complaint
from dispatch.errors import Refusal
from dispatch.model import Actor, Party, Status
from dispatch.reviews import Words
from storage.board.store import BoardStore
from storage.postgres import Pool

from .hauled import BAD, GOOD, Haul, Reviewed

STAFF = Party(0, Actor.ADMIN)


@pytest.fixture
def market(pool: Pool) -> Reviewed:
    return Reviewed(pool)


async def refused(code: str, work: object) -> None:
    with pytest.raises(Refusal) as told:
        await work  # type: ignore[misc]
    assert told.value.code == code


async def test_neither_side_reads_the_other_before_both_have_spoken(market: Reviewed) -> None:
    haul = await market.delivered()
    await market.reviews.post(haul.driver, haul.order, BAD)
    assert await market.read_by(haul.driver, haul.order) == [("driver", 2)]
    assert await market.read_by(haul.shipper, haul.order) == []
    assert await market.read_by(STAFF, haul.order) == []
    assert await market.reviews.of_user(haul.shipper.user, None, 10) == []
    assert await market.stars(haul.shipper.user) == (None, 0)
    seen = await market.reviews.of_order(haul.shipper, haul.order)
    assert seen.may_post and {side.value for side in seen.posted} == {"driver"}
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    both = [("driver", 2), ("shipper", 5)]
    for party in (haul.driver, haul.shipper, STAFF):
        assert await market.read_by(party, haul.order) == both
    assert await market.stars(haul.shipper.user) == (2.0, 1)
    assert await market.stars(haul.driver.user) == (5.0, 1)
    told = "SELECT user_id, kind FROM outbox WHERE kind LIKE 'review.%' ORDER BY id"
    assert [tuple(row) for row in await market.pool.fetch(told)] == [
        (haul.shipper.user, "review.waiting"),
        (haul.shipper.user, "review.published"),
        (haul.driver.user, "review.published"),
    ]


async def test_a_week_after_the_delivery_one_word_alone_is_read(market: Reviewed) -> None:
    haul = await market.delivered()
    await market.reviews.post(haul.driver, haul.order, GOOD)
    await market.days_pass(6.9)
    assert await market.publisher.publish_due() == 0
    await market.days_pass(0.2)
    assert sum(await asyncio.gather(*(market.publisher.publish_due() for _ in range(3)))) == 1
    assert await market.read_by(haul.shipper, haul.order) == [("driver", 5)]
    assert await market.stars(haul.shipper.user) == (5.0, 1)
    # The other side may still answer in kind for another week, and nothing of that is blind.
    late = await market.reviews.post(haul.shipper, haul.order, BAD)
    assert late.published_at is not None
    assert await market.read_by(haul.driver, haul.order) == [("driver", 5), ("shipper", 2)]


async def test_a_haul_is_rated_from_its_delivery_on_for_two_weeks(market: Reviewed) -> None:
    order, shipper, driver = await market.haul(Status.AT_DROP)
    early = Haul(order, shipper, driver)
    await refused("review_early", market.reviews.post(early.driver, order, GOOD))
    assert not (await market.reviews.of_order(early.driver, order)).may_post
    called_off = await market.delivered(Status.CANCELLED)
    await refused("review_early", market.reviews.post(called_off.shipper, called_off.order, GOOD))
    closed = await market.delivered(Status.CLOSED)
    await market.reviews.post(closed.shipper, closed.order, GOOD)
    disputed = await market.delivered()
    await market.orders.dispute(disputed.shipper, disputed.order, Complaint("damage"))
    await market.reviews.post(disputed.driver, disputed.order, GOOD)
    late = await market.delivered()
    await market.days_pass(14.0)
    await refused("review_late", market.reviews.post(late.driver, late.order, GOOD))
    assert not (await market.reviews.of_order(late.driver, late.order)).may_post


async def test_each_side_says_one_word_however_many_it_sends_at_once(market: Reviewed) -> None:
    haul = await market.delivered()
    sent = [
        market.reviews.post(party, haul.order, replace_stars(GOOD, stars))
        for stars in (1, 3, 5)
        for party in (haul.driver, haul.shipper)
    ]
    answers = await asyncio.gather(*sent, return_exceptions=True)
    codes = sorted(each.code for each in answers if isinstance(each, Refusal))
    assert set(codes) <= {"review_exists", "busy"}
    made = len(answers) - len(codes)
    assert made == await market.count("SELECT count(*) FROM reviews") and 1 <= made <= 2
    shown = "SELECT count(*) FROM reviews WHERE published_at IS NOT NULL"
    assert await market.count(shown) == (2 if made == 2 else 0)
    assert await market.kept() == await market.recounted()


def replace_stars(words: Words, stars: int) -> Words:
    return words._replace(stars=stars)


async def test_a_stranger_finds_nothing_to_rate_and_nothing_to_read(market: Reviewed) -> None:
    haul = await market.delivered()
    review = await market.reviews.post(haul.driver, haul.order, GOOD)
    strangers = (
        Party(await market.shipper(), Actor.SHIPPER),
        Party(await market.driver(), Actor.DRIVER),
        Party(haul.driver.user, Actor.LOGISTICIAN),
    )
    for party in strangers:
        await refused("not_found", market.reviews.post(party, haul.order, GOOD))
        await refused("not_found", market.reviews.of_order(party, haul.order))
        await refused("not_found", market.reviews.edit(party, review.id, 1, GOOD))
        await refused("not_found", market.reviews.report(party, review.id, "false", ""))
    # What is blind is not there for the other side either.
    await refused("not_found", market.reviews.reply(haul.shipper, review.id, "нет"))
    await refused("not_found", market.reviews.report(haul.shipper, review.id, "false", ""))
    await refused("not_found", market.reviews.edit(haul.shipper, review.id, 1, BAD))


async def test_words_are_changed_by_their_author_while_nobody_has_read_them(market: Reviewed) -> None:
    haul = await market.delivered()
    review = await market.reviews.post(haul.driver, haul.order, BAD)
    changed = await market.reviews.edit(haul.driver, review.id, 1, GOOD)
    assert (changed.stars, changed.text, changed.version) == (5, GOOD.text, 2)
    await refused("version_stale", market.reviews.edit(haul.driver, review.id, 1, BAD))
    colleague = Party(haul.driver.user, Actor.DRIVER, by=await market.user("logistician"))
    await refused("forbidden", market.reviews.edit(colleague, review.id, 2, BAD))
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    await refused("review_published", market.reviews.edit(haul.driver, review.id, 2, BAD))
    await refused("forbidden", market.reviews.edit(haul.shipper, review.id, 2, BAD))
    assert await market.stars(haul.shipper.user) == (5.0, 1)


async def test_a_colleague_speaks_for_the_company_and_a_logistician_for_the_driver(market: Reviewed) -> None:
    haul, colleague, logistician = (
        await market.delivered(),
        await market.shipper(),
        await market.user("logistician"),
    )
    insert = "INSERT INTO companies (legal_name, country, bin) VALUES ($1, 'KZ', $2) RETURNING id"
    ours, fleet = [
        await market.pool.fetchval(insert, *each) for each in (("ТОО Алма", "1"), ("ТОО Флот", "2"))
    ]
    await market.pool.execute("UPDATE orders SET company_id = $1", ours)
    await market.pool.execute(
        "INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)", fleet, haul.driver.user
    )
    office = Party(colleague, Actor.SHIPPER, frozenset({ours}))
    await market.reviews.post(office, haul.order, BAD)
    acting = Party(haul.driver.user, Actor.DRIVER, by=logistician)
    mine = await market.reviews.post(acting, haul.order, GOOD)
    assert mine.author == logistician
    names = [each.author_name for each in (await market.reviews.of_order(office, haul.order)).reviews]
    assert "ТОО Алма" in names
    assert (await market.reputations.of_company(ours)).mean == 5.0
    assert (await market.reputations.of_company(fleet)).mean == 2.0


async def test_words_that_are_not_said_of_that_side_are_refused(market: Reviewed) -> None:
    haul = await market.delivered()
    await refused("tags_invalid", market.reviews.post(haul.driver, haul.order, Words(4, ("clean_truck",))))
    await refused("tags_invalid", market.reviews.post(haul.shipper, haul.order, Words(4, ("late_payment",))))
    said = await market.reviews.post(haul.driver, haul.order, Words(4, ("polite", "quick_loading", "polite")))
    assert said.tags == ("quick_loading", "polite")


async def test_who_is_spoken_of_answers_once_and_asks_staff_once(market: Reviewed) -> None:
    haul = await market.delivered()
    review = await market.reviews.post(haul.driver, haul.order, BAD)
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    await refused("forbidden", market.reviews.reply(haul.driver, review.id, "я сам"))
    await refused("text_contacts", market.reviews.reply(haul.shipper, review.id, "звоните 8 701 123 45 67"))
    answered = await market.reviews.reply(haul.shipper, review.id, "было жарко, извините")
    assert answered.reply == "было жарко, извините" and answered.replied_at is not None
    await refused("reply_used", market.reviews.reply(haul.shipper, review.id, "и ещё"))
    await market.reviews.report(haul.shipper, review.id, "false", "такого не было")
    await refused("report_used", market.reviews.report(haul.shipper, review.id, "spam", ""))
    (waiting,) = await market.judged.page("waiting", 0, 10)
    assert (waiting.id, waiting.report_reason, waiting.report_note) == (review.id, "false", "такого не было")
    # Asking hides nothing by itself.
    assert await market.stars(haul.shipper.user) == (2.0, 1)


async def test_hidden_words_count_for_nothing_until_they_are_restored(market: Reviewed) -> None:
    haul, staff = await market.delivered(), await market.user("admin")
    review = await market.reviews.post(haul.driver, haul.order, BAD)
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    await market.reviews.report(haul.shipper, review.id, "insult", "")
    hidden = await market.judged.hide(staff, review.id, "insult", "брань", reply=False)
    assert not hidden.visible and not hidden.waiting
    await market.judged.hide(staff, review.id, "insult", "ещё раз", reply=False)  # changes nothing more
    assert await market.stars(haul.shipper.user) == (None, 0)
    assert await market.read_by(haul.shipper, haul.order) == [("shipper", 5)]
    assert await market.read_by(haul.driver, haul.order) == [("driver", 2), ("shipper", 5)]
    assert await market.reviews.of_user(haul.shipper.user, None, 10) == []
    assert [each.id for each in await market.judged.page("hidden", 0, 10)] == [review.id]
    stats = "SELECT rating, ratings FROM shipper_stats WHERE shipper_id = $1"
    assert tuple(await market.pool.fetchrow(stats, haul.shipper.user)) == (None, 0)
    await market.judged.restore(staff, review.id, "не брань")
    assert await market.stars(haul.shipper.user) == (2.0, 1)
    assert tuple(await market.pool.fetchrow(stats, haul.shipper.user)) == (2.0, 1)
    lines = "SELECT action, user_id, reason, detail FROM staff_actions WHERE staff_id = $1 ORDER BY id"
    told = [tuple(row) for row in await market.pool.fetch(lines, staff)]
    about = {"review": str(review.id), "order": str(haul.order)}
    assert told == [
        ("review.hide", haul.driver.user, "брань", about | {"code": "insult"}),
        ("review.restore", haul.driver.user, "не брань", about),
    ]
    assert await market.kept() == await market.recounted()


async def test_an_answer_is_hidden_without_the_words_that_it_answers(market: Reviewed) -> None:
    haul, staff = await market.delivered(), await market.user("admin")
    review = await market.reviews.post(haul.driver, haul.order, BAD)
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    await refused("not_found", market.judged.hide(staff, review.id, "insult", "", reply=True))
    await market.reviews.reply(haul.shipper, review.id, "сам такой")
    hidden = await market.judged.hide(staff, review.id, "insult", "", reply=True)
    assert hidden.reply_hidden and hidden.visible
    assert await market.stars(haul.shipper.user) == (2.0, 1)


async def test_a_phone_in_the_text_holds_it_until_staff_have_looked(market: Reviewed) -> None:
    haul, staff = await market.delivered(), await market.user("admin")
    held = await market.reviews.post(haul.driver, haul.order, Words(5, (), "пишите @nurlan_trucks"))
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    assert await market.read_by(haul.shipper, haul.order) == [("shipper", 5)]
    assert await market.stars(haul.shipper.user) == (None, 0)
    assert [each.id for each in await market.judged.page("waiting", 0, 10)] == [held.id]
    await market.judged.restore(staff, held.id, "")
    assert await market.read_by(haul.shipper, haul.order) == [("driver", 5), ("shipper", 5)]
    assert await market.stars(haul.shipper.user) == (5.0, 1)
    told = "SELECT count(*) FROM outbox WHERE kind = 'review.published' AND user_id = $1"
    assert await market.count(told, haul.shipper.user) == 1


async def test_blind_words_are_hidden_from_staff_unless_the_rules_hold_them(market: Reviewed) -> None:
    haul, staff = await market.delivered(), await market.user("admin")
    blind = await market.reviews.post(haul.driver, haul.order, GOOD)
    for work in (
        market.judged.hide(staff, blind.id, "other", "", reply=False),
        market.judged.restore(staff, blind.id, ""),
    ):
        await refused("not_found", work)
    await market.reviews.edit(haul.driver, blind.id, 1, Words(1, (), "www.example.kz"))
    assert [each.id for each in await market.judged.page("waiting", 0, 10)] == [blind.id]
    cleaned = await market.reviews.edit(haul.driver, blind.id, 2, GOOD)
    assert cleaned.standing == "clear" and await market.judged.page("waiting", 0, 10) == []
    await market.reviews.edit(haul.driver, blind.id, 3, Words(1, (), "www.example.kz"))
    await market.judged.hide(staff, blind.id, "contacts", "", reply=False)
    await refused("review_published", market.reviews.edit(haul.driver, blind.id, 5, GOOD))
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    assert await market.stars(haul.shipper.user) == (None, 0)


async def test_the_board_is_searched_and_the_search_ranks_by_what_was_really_said(market: Reviewed) -> None:
    haul = await market.delivered()
    load = await market.on_board(await market.order(haul.shipper.user))
    other = await market.on_board(await market.order())
    board, viewer = BoardStore(market.pool), Viewer(await market.driver())

    async def found(**asked: float) -> list[int]:
        search = replace(BoardSearch(), **asked)  # type: ignore[arg-type]
        return [card.load.order for card in (await board.page(viewer, search, Sort.NEWEST, 10)).cards]

    assert await found(rating_min=1.0) == []
    review = await market.reviews.post(haul.driver, haul.order, Words(4))
    assert await found(rating_min=1.0) == []  # it is blind still
    await market.reviews.post(haul.shipper, haul.order, Words(3))
    assert await found(rating_min=4.0) == [load.id]
    assert await found(rating_min=4.1) == []
    assert sorted(await found()) == sorted([load.id, other.id])
    (card,) = [
        each
        for each in (await board.page(viewer, BoardSearch(), Sort.NEWEST, 10)).cards
        if each.load.order == load.id
    ]
    poster = card.load.poster
    assert (poster.rating, poster.ratings, poster.user) == (4.0, 1, haul.shipper.user)
    await market.judged.hide(await market.user("admin"), review.id, "false", "", reply=False)
    assert await found(rating_min=1.0) == []
    ranked = "SELECT rating FROM driver_states WHERE driver_id = $1"
    assert await market.pool.fetchval(ranked, haul.driver.user) == 3.0


async def test_words_go_with_their_author_and_the_stars_stay(market: Reviewed, tmp_path: object) -> None:
    from storage.erasure_rules import ERASE

    haul = await market.delivered()
    review = await market.reviews.post(haul.driver, haul.order, BAD)
    await market.reviews.post(haul.shipper, haul.order, GOOD)
    await market.reviews.reply(haul.shipper, review.id, "неправда")
    for rule in ("reviews.text", "reviews.reply"):
        await market.pool.execute(ERASE[rule], haul.driver.user)
    about_shipper, about_driver = (await market.reviews.of_order(haul.shipper, haul.order)).reviews
    assert (about_shipper.text, about_shipper.stars, about_shipper.reply) == ("", 2, "неправда")
    assert about_driver.text == GOOD.text
    assert await market.stars(haul.shipper.user) == (2.0, 1)


async def test_what_is_said_of_somebody_is_read_page_by_page(market: Reviewed) -> None:
    shipper = await market.shipper()
    for stars in (1, 2, 3):
        haul = await market.delivered(shipper=shipper)
        await market.reviews.post(haul.driver, haul.order, Words(stars))
        await market.reviews.post(haul.shipper, haul.order, GOOD)
    first = await market.reviews.of_user(shipper, None, 2)
    rest = await market.reviews.of_user(shipper, first[-1].id, 2)
    assert [each.stars for each in (*first, *rest)] == [3, 2, 1]
    rating = (await market.reputations.of(STAFF, shipper)).rating
    assert (rating.stars, rating.mean, rating.count) == ((1, 1, 1, 0, 0), 2.0, 3)
