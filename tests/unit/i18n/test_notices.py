"""What a phone shows of a push, and what it must never show (C61)."""

import pytest

from dispatch.notices import facts_of, ids_of
from server.gateways.push import Push
from server.i18n import LANGS, Lang, notices
from server.i18n.check import pushes
from server.i18n.notices import Template
from storage.accounts import Endpoint

PAYLOAD = {
    "order": 42,
    "offer": 7,
    "status": "delivered",
    "event": "delivered",
    "reason": "taken",
    "n": 3,
    "phone": "+77010000001",
    "address": "Абая 1",
    "cargo": "золото",
    "price": 100,
}


@pytest.mark.parametrize("lang", LANGS)
def test_every_kind_speaks_every_language_shortly(lang: Lang) -> None:
    told = list(notices.preview(lang))
    assert {kind for kind, _, _ in told} == set(notices.NOTICES)
    for kind, title, body in told:
        assert title and body and len(title) + len(body) < 160, kind
        assert "{" not in title + body, kind


def test_the_news_are_told_by_what_happened() -> None:
    facts = {**ids_of(PAYLOAD), **facts_of(PAYLOAD)}
    assert notices.text("ru", "order.changed", facts) == ("Заказ 42", "Груз доставлен.")
    assert notices.text("en", "offer.closed", facts) == (
        "Offer closed",
        "Another driver has taken this load.",
    )


def test_a_word_that_has_no_text_of_its_own_gets_the_general_one() -> None:
    title, body = notices.text("en", "order.changed", {"order": 42, "status": "something_new"})
    assert (title, body) == ("Order 42", "The order has changed. Open the app to see how.")


def test_of_a_payload_only_ids_a_count_and_words_are_taken() -> None:
    assert ids_of(PAYLOAD) == {"offer": 7, "order": 42}
    assert facts_of(PAYLOAD) == {"n": 3, "event": "delivered", "reason": "taken", "status": "delivered"}


@pytest.mark.parametrize(
    "reason", ["Call +77010000001", "Абая 1", "x" * 40, "", "a b", 5, None, ["taken"], True]
)
def test_a_reason_that_is_no_word_of_a_vocabulary_is_not_told(reason: object) -> None:
    assert facts_of({"reason": reason}) == {}
    assert ids_of({"order": reason if not isinstance(reason, int) else True}) == {}


def test_a_template_that_would_tell_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(pushes()) == []
    monkeypatch.setitem(notices.NOTICES, "offer.made", Template("New load", "Call {phone}"))
    monkeypatch.setitem(notices.NOTICES, "orphan/word", Template("A", "B"))
    found = list(pushes())
    assert len(found) == 3 and "phone may not be told" in found[0]
    assert all("orphan/word" in fault for fault in found[1:])


def test_only_a_broadcast_says_what_staff_wrote_and_says_it_in_the_language_of_the_phone() -> None:
    endpoint = Endpoint(1, 7, "webpush", "https://push.example/1", {}, "zh-CN")
    texts = {"ru": {"title": "Снег", "body": "Трасса закрыта."}, "zh": {"title": "雪", "body": "道路封闭。"}}

    def push(kind: str, **more: object) -> Push:
        return Push(endpoint, kind, {"broadcast": 3}, "x", 60, False, {}, **more)  # type: ignore[arg-type]

    assert push("broadcast.sent", written=texts).text == ("雪", "道路封闭。")
    assert push("broadcast.sent", written={"ru": texts["ru"]}).text == ("Снег", "Трасса закрыта.")
    assert push("broadcast.sent").text == notices.text("zh", "broadcast.sent", {"broadcast": 3})
    with pytest.raises(ValueError, match="no text of its own"):
        push("order.changed", written=texts)
