"""Sentences take their values, and nothing that is missing keeps them from being told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.errors import Refusal
from dispatch.model import Money
from server.i18n import catalogue, plural, say, told

CATALOGUE = """
msgid ""
msgstr ""
"Plural-Forms: nplurals=4; plural=0;\\n"

msgid "Wait {wait:duration}."
msgstr "Подождите {wait:duration}."

msgid "{n} load for {price:money}"
msgid_plural "{n} loads for {price:money}"
msgstr[0] "{n} груз за {price:money}"
msgstr[1] "{n} груза за {price:money}"
msgstr[2] "{n} грузов за {price:money}"
msgstr[3] "{n} груза (дробь) за {price:money}"

#, fuzzy
msgid "Doubtful."
msgstr "Сомнительно."

msgctxt "OrderStatus"
msgid "Closed"
msgstr "Закрыт"
"""


@pytest.fixture(autouse=True)
def small_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for lang in ("ru", "kk", "zh"):
        (tmp_path / f"{lang}.po").write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setattr(catalogue, "LOCALE", tmp_path)
    catalogue.sentences.cache_clear()
    yield
    catalogue.sentences.cache_clear()


def test_a_value_is_written_by_the_form_that_its_place_asks_for() -> None:
    assert say("ru", "Wait {wait:duration}.", wait=90) == "Подождите 1 мин 30 с."
    assert say("en", "Wait {wait:duration}.", wait=90) == "Wait 1 min 30 secs."
    assert say("en", "{a}, {b:weight}, {c:list}", a="x", b=1500, c=["y", "z"]) == "x, 1.5 t, y and z"


@pytest.mark.parametrize(
    ("form", "counts"),
    [("груз", [1, 21, 101]), ("груза", [2, 34, 1002]), ("грузов", [0, 5, 11, 112]), ("груза (дробь)", [1.5])],
)
def test_a_count_chooses_its_form_by_cldr(form: str, counts: list[float]) -> None:
    one, many = "{n} load for {price:money}", "{n} loads for {price:money}"
    for n in counts:
        said = plural("ru", one, many, n, price=Money(100, "KZT"))
        assert said.replace("\u00a0", " ").endswith(f" {form} за 1 ₸")


def test_english_counts_by_its_own_two_forms() -> None:
    said = [plural("en", "{n} load", "{n} loads", n) for n in (0, 1, 2, 21, 1500)]
    assert said == ["0 loads", "1 load", "2 loads", "21 loads", "1,500 loads"]


def test_what_no_catalogue_has_is_told_in_english() -> None:
    assert say("ru", "Nobody has translated {this}.", this="me") == "Nobody has translated me."
    assert say("ru", "Doubtful.") == "Doubtful."
    assert plural("ru", "{n} star", "{n} stars", 5) == "5 stars"


def test_a_word_in_two_contexts_has_two_translations() -> None:
    assert catalogue.sentences("ru")["OrderStatus", "Closed"] == ("Закрыт",)
    assert say("ru", "Closed") == "Closed"


def test_a_value_that_is_missing_or_unwritable_does_not_silence_the_sentence() -> None:
    assert say("en", "{a} and {b}", a=1) == "1 and {b}"
    assert say("en", "{a:duration}", a="soon") == "soon"
    assert say("en", "{a:nonsense}", a=3) == "3"
    assert say("en", "{a:money}", a=(1, 2)) == "(1, 2)"


def test_braces_in_values_and_in_texts_without_values_are_left_alone() -> None:
    assert say("en", "{name} said", name="{secret}") == "{secret} said"
    assert say("en", "Expected {x}: {") == "Expected {x}: {"
    assert say("en", "{a.__class__} {0} {}", a=1) == "{a.__class__} {0} {}"


def test_a_refusal_is_told_in_any_language_and_logged_in_english() -> None:
    refusal = Refusal("rate_limited", "Wait {wait:duration}.", wait=90)
    assert refusal.detail == "Wait 90."
    assert str(refusal) == "rate_limited: Wait 90."
    assert told("ru", refusal) == "Подождите 1 мин 30 с."
    assert told("ru", Refusal("busy")) == ""
    counted = Refusal("busy", "{n} star", plural="{n} stars", n=5)
    assert (counted.detail, told("ru", counted)) == ("5 stars", "5 stars")
    assert Refusal("busy", "{n} star", plural="{n} stars", n=1).detail == "1 star"
