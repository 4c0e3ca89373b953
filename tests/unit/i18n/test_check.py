"""The gate finds what keeps a reader from his language."""

import os
from pathlib import Path

import pytest

from dispatch.errors import Refusal
from server.i18n import LANGS, catalogue, check, collect, label, po, told
from server.i18n.collect import Collected, Entry
from server.i18n.labels import LABELS
from server.protocol.codes import ERRORS


def test_every_text_is_there_in_every_language() -> None:
    found = check.faults()
    if found and not os.environ.get("DESK_GATE"):
        pytest.skip(f"{len(found)} texts wait for their translation; the gate will not let them through")
    assert found == []


def test_a_title_of_the_catalogue_of_codes_is_told_in_four_languages() -> None:
    titles = {catalogue.say(lang, ERRORS["offer_taken"].title) for lang in LANGS}
    assert len(titles) == 4


def test_a_label_is_told_by_its_vocabulary() -> None:
    assert label("ru", "OrderStatus", "expired") == "Срок вышел"
    assert label("ru", "OfferStatus", "expired") == "Время вышло"
    assert label("ru", "OfferStatus", "no_such_word") == "no_such_word"
    assert all(label(lang, name, word) for lang in LANGS for name in LABELS for word in LABELS[name])


@pytest.mark.parametrize(
    ("text", "russian"),
    [
        ("Expected `int`, got `str`", "Нужно: целое число, получено: текст"),
        ("Expected `int | null`, got `str`", "Нужно: целое число, получено: текст"),
        ("Expected `float` <= 100000.0", "Слишком большое число: не больше 100 000"),
        ("Expected `str` of length <= 200", "Текст слишком длинный, символов не больше: 200"),
        ("Expected `array` of length >= 1", "Слишком мало записей, нужно не меньше: 1"),
        ("Expected `array` of length 2", "Неверное число записей, нужно: 2"),
        ("Expected `str` matching regex '^[0-9]{6}$'", "Текст не того вида, который описан"),
        ("Object missing required field `cargo`", "Нет поля cargo"),
        ("Object contains unknown field `{cargo}`", "Поля {cargo} не бывает"),
        ("Invalid enum value 'балкон'", "'балкон' — не из допустимых слов"),
        ("JSON is malformed: invalid character (byte 5)", "Не читается начиная с байта 5"),
        ("Input data was truncated", "Обрывается слишком рано"),
        ("something that nobody has heard", "something that nobody has heard"),
    ],
)
def test_what_the_decoder_says_is_told_in_the_readers_language(text: str, russian: str) -> None:
    assert told("ru", Refusal("bad_request", text)).replace("\u00a0", " ") == russian


def small(entry: Entry) -> Collected:
    return Collected({entry.key: entry})


def faults_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: Entry, body: str) -> list[str]:
    monkeypatch.setattr(po, "LOCALE", tmp_path)
    header = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=4; plural=0;\\n"\n\n'
    (tmp_path / "ru.po").write_text(header + body, encoding="utf-8")
    return list(check.catalogue("ru", small(entry)))


PLAIN = Entry("Wait {wait:duration}.", ["x.py"])
COUNTED = Entry("{n} load", ["x.py"], many="{n} loads")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("", "missing"),
        ('msgid "Wait {wait:duration}."\nmsgstr ""', "not translated"),
        ('#, fuzzy\nmsgid "Wait {wait:duration}."\nmsgstr "Ждите {wait:duration}."', "fuzzy"),
        ('msgid "Wait {wait:duration}."\nmsgstr "Ждите {wait}."', "placeholders"),
        ('msgid "Wait {wait:duration}."\nmsgstr "Ждите."', "placeholders"),
        ('msgid "Wait {wait:duration}."\nmsgstr "Ждите {wait:duration} {wait.x}."', "placeholders"),
        ('msgid "Wait {wait:duration}."\nmsgstr "Ждите {wait:duration}"', "does not end"),
        ('msgid "Wait {wait:duration}."\nmsgstr " Ждите {wait:duration}."', "spaces"),
        ('msgid "Wait {wait:duration}."\nmsgstr "Wait {wait:duration}."', "left in English"),
        ('msgid "Wait {wait:duration}."\nmsgstr "Ждитe {wait:duration}."', "in one word"),
        ('msgid "Wait {wait:duration}."\nmsgstr "Күтіңіз {wait:duration}."', "not Russian"),
    ],
)
def test_a_bad_translation_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, fault: str
) -> None:
    (found,) = faults_of(tmp_path, monkeypatch, PLAIN, body)
    assert fault in found


def test_a_stale_one_and_one_with_too_few_plural_forms_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = 'msgid "Gone"\nmsgstr "Ушло"\n\nmsgid "{n} load"\nmsgid_plural "{n} loads"\n'
    body += 'msgstr[0] "{n} груз"\nmsgstr[1] "{n} груза"\nmsgstr[2] "{n} грузов"\n'
    forms, stale = faults_of(tmp_path, monkeypatch, COUNTED, body)
    assert "not translated" in forms and "stale" in stale


def test_a_good_one_passes_and_survives_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = '# keep me\nmsgid "{n} load"\nmsgid_plural "{n} loads"\n'
    words = ("груз", "груза", "грузов", "груза")
    body += "".join(f'msgstr[{place}] "{{n}} {word}"\n' for place, word in enumerate(words))
    assert faults_of(tmp_path, monkeypatch, COUNTED, body) == []
    text = po.written("ru", [COUNTED], po.read("ru"))
    (tmp_path / "ru.po").write_text(text, encoding="utf-8")
    assert "# keep me" in text and po.written("ru", [COUNTED], po.read("ru")) == text


def test_a_sentence_put_together_is_a_fault_and_so_is_a_value_that_is_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "ROOT", tmp_path)
    monkeypatch.setattr(collect, "PACKAGES", ("made_up",))
    (tmp_path / "made_up").mkdir()
    (tmp_path / "made_up/x.py").write_text(
        'raise Refusal("busy", f"wait {s}")\n'
        'raise Refusal("busy", "a" + b)\n'
        'raise Refusal("busy", "wait {wait:duration}", weight=3)\n'
        'raise Refusal("busy", "wait {wait:nonsense}", wait=3)\n'
        'raise Refusal("busy", "{n} load", plural="{n} loads", n=3)\n'
        'raise Refusal("busy", str(error))\n'
        'raise Refusal("busy", text)\n',
        encoding="utf-8",
    )
    found = collect.collect()
    assert [fault.split(":")[1] for fault in found.faults] == ["1", "2", "6"]
    assert found.entries["", "{n} load"].many == "{n} loads"
    unknown, ungiven = sorted(check.templates(found), key=len)
    assert "no form nonsense" in unknown and "no value is given for wait" in ungiven
