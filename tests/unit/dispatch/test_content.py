"""Texts of staff: who reads which, whom they are for, and what may lie on a lock screen."""

import pytest

from dispatch.content import Audience, fit_for_a_push, known_regions, readable, said
from dispatch.errors import Refusal

ANY = {lang: {"title": lang, "body": lang} for lang in ("ru", "kk", "en", "zh")}


def only(*langs: str) -> dict[str, dict[str, str]]:
    return {lang: ANY[lang] for lang in langs}


@pytest.mark.parametrize(
    ("there", "lang", "told"),
    [
        (("ru", "kk"), "kk", "kk"),
        (("ru", "en"), "zh", "ru"),
        (("en", "zh"), "kk", "en"),
        (("kk", "zh"), "en", None),
    ],
)
def test_the_own_language_else_russian_else_english(
    there: tuple[str, ...], lang: str, told: str | None
) -> None:
    found = said(only(*there), lang)
    assert (found and found.lang) == told


def test_what_some_could_not_read_at_all_is_refused() -> None:
    readable(only("en"))
    with pytest.raises(Refusal):
        readable(only("kk", "zh"))


def test_an_audience_is_a_role_and_a_place() -> None:
    drivers = Audience(("driver",), ("KZ.02", "UZ"))
    assert drivers.admits("driver", ("KZ.02", "KZ")) and drivers.admits("driver", ("UZ.13", "UZ"))
    assert not drivers.admits("driver", ("KZ.03", "KZ"))
    assert not drivers.admits("driver", ()) and not drivers.admits("shipper", ("KZ.02",))
    assert Audience(("driver",)).admits("driver", ())


def test_a_number_a_link_and_what_cannot_be_seen_are_not_pushed() -> None:
    fit_for_a_push({"ru": {"title": "Снег 20 ноября", "body": "Трасса А-3 закрыта\nдо 18:00."}})
    for title, body in (
        ("a", "+77011234567"),
        ("a", "desk.kz"),
        ("a\u202e", "b"),
        ("a", "b\u0007"),
        ("a\nb", "c"),
    ):
        with pytest.raises(Refusal) as refused:
            fit_for_a_push({"kk": {"title": title, "body": body}})
        assert (refused.value.path or "").startswith("texts.kk.")


def test_a_region_that_is_not_there_is_named() -> None:
    known_regions(["KZ"], {"KZ"})
    with pytest.raises(Refusal) as refused:
        known_regions(["KZ", "XX"], {"KZ"})
    assert (refused.value.code, refused.value.path) == ("place_unknown", "regions[1]")
