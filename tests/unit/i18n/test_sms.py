"""A code costs one SMS part in every language, with the line that lets a browser fill it in."""

import pytest

from server.i18n import LANGS, Lang, sms
from server.signing_in import MAX_HOST


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("host", ["desk.kz", "tracking-desk.example.kz", "h" * MAX_HOST])
def test_a_one_time_code_fits_one_part_and_ends_with_the_line_for_browsers(lang: Lang, host: str) -> None:
    text = sms.otp(lang, "048213", host)
    assert sms.units(text) <= sms.PART
    assert text.splitlines()[-1] == f"@{host} #048213"
    assert "048213" in text.splitlines()[0] and text.count("048213") == 2


@pytest.mark.parametrize("lang", LANGS)
def test_a_warning_is_said_where_it_fits(lang: Lang) -> None:
    short, long = sms.otp(lang, "048213", "desk.kz"), sms.otp(lang, "048213", "h" * MAX_HOST)
    assert len(short.splitlines()[0]) > len(long.splitlines()[0])


def test_each_language_says_it_in_its_own_words() -> None:
    assert len({sms.otp(lang, "048213", "desk.kz") for lang in LANGS}) == len(LANGS)
