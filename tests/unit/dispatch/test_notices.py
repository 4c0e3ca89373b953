"""The declaration of events: what may be told of one, where it leads, what it takes the place of."""

import re

import pytest

from dispatch.notices import COUNT, DAY_S, HAPPENINGS, IDS, WORDS, facts_of, ids_of, link_of, topic_of
from server.i18n.notices import NOTICES

PLACE = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("kind", sorted(HAPPENINGS))
def test_a_kind_leads_to_a_path_by_ids_that_a_payload_may_have(kind: str) -> None:
    happening = HAPPENINGS[kind]
    assert re.fullmatch(r"[a-z]+\.[a-z]+", kind) and len(kind) <= 32
    assert set(PLACE.findall(happening.link)) <= set(IDS)
    assert happening.topic in {"", *IDS}
    assert 0 < happening.ttl_s <= 7 * DAY_S < happening.keep_s or happening.live
    link = link_of(kind, dict.fromkeys(IDS, 7))
    assert link.startswith("/") and "{" not in link and "//" not in link
    assert link_of(kind, {}) in ("/", happening.link)


def test_a_link_that_an_id_is_missing_for_leads_to_the_start() -> None:
    assert link_of("order.changed", {"order": 88213}) == "/orders/88213"
    assert link_of("order.changed", {"offer": 5}) == "/"


def test_news_of_one_thing_take_each_other_s_place_and_no_other_s() -> None:
    assert (
        topic_of("offer.made", {"offer": 5, "order": 9})
        == topic_of("offer.closed", {"offer": 5})
        == "offer:5"
    )
    assert topic_of("chat.message", {"chat": 9, "order": 9}) != topic_of("order.changed", {"order": 9})
    assert topic_of("referral.progress", {}) == "referral.progress"


def test_what_is_critical_is_so_for_its_words_or_for_all() -> None:
    changed, edited = HAPPENINGS["order.changed"], HAPPENINGS["order.edited"]
    assert changed.is_critical(frozenset({"cancelled"})) and not changed.is_critical(frozenset({"loaded"}))
    assert edited.is_critical(frozenset()) and not HAPPENINGS["offer.made"].is_critical(frozenset())


def test_every_word_that_makes_an_event_critical_has_a_text_of_its_own() -> None:
    for kind, happening in HAPPENINGS.items():
        for word in happening.critical - {""}:
            assert f"{kind}/{word}" in NOTICES


def test_of_a_payload_only_ids_words_and_the_count_may_be_told() -> None:
    payload = {
        **dict.fromkeys(IDS, 7),
        **dict.fromkeys(WORDS, "open"),
        COUNT: 2,
        "price": 5,
        "cargo": "золото",
    }
    kept = {**ids_of(payload), **facts_of(payload)}
    assert set(kept) == {*IDS, *WORDS, COUNT}
