"""A code costs one SMS part in every language."""

import pytest

from server.i18n import LANGS, Lang, sms


@pytest.mark.parametrize("lang", LANGS)
def test_a_one_time_code_fits_one_part_and_stands_in_it_once(lang: Lang) -> None:
    text = sms.otp(lang, "048213")
    assert text.count("048213") == 1
    assert len(text.encode("utf-16-be")) // 2 <= sms.PART


def test_each_language_says_it_in_its_own_words() -> None:
    assert len({sms.otp(lang, "048213") for lang in LANGS}) == len(LANGS)
