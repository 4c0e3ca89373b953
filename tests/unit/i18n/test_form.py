"""Figures are written as CLDR says, and as this country is used to."""

import pytest

from server.i18n import LANGS, form

NIGHT = 1_770_000_000.0  # 2026-02-02 02:40 UTC, 07:40 in Almaty


def plain(text: str) -> str:
    """CLDR's no-break spaces as spaces, so that expectations can be read."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def everywhere(write: str, *value: object) -> list[str]:
    return [plain(getattr(form, write)(lang, *value)) for lang in LANGS]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (150_000, "KZT", ["1 500 ₸", "1 500 ₸", "₸1,500", "₸1,500"]),
        (-150_050, "KZT", ["-1 500,50 ₸", "-1 500,50 ₸", "-₸1,500.50", "-₸1,500.50"]),
        (0, "KZT", ["0 ₸", "0 ₸", "₸0", "₸0"]),
        (1, "KZT", ["0,01 ₸", "0,01 ₸", "₸0.01", "₸0.01"]),
        (1_234_567_800, "RUB", ["12 345 678 ₽", "12 345 678 ₽", "RUB 12,345,678", "RUB 12,345,678"]),
        (500, "JPY", ["500 ¥", "500 JP¥", "JP¥500", "JP¥500"]),
        (500_000, "UZS", ["5 000 UZS", "5 000 UZS", "UZS 5,000", "UZS 5,000"]),
        (1_234, "KWD", ["1,234 KWD", "1,234 KWD", "KWD 1.234", "KWD 1.234"]),
        (10**15, "CNY", ["10 000 000 000 000 CN¥"] * 2 + ["CN¥10,000,000,000,000", "¥10,000,000,000,000"]),
    ],
)
def test_money_is_minor_units_by_iso_4217(amount: int, currency: str, written: list[str]) -> None:
    assert everywhere("money", amount, currency) == written


@pytest.mark.parametrize(
    ("write", "value", "written"),
    [
        ("number", 1234.5, ["1 234,5", "1 234,5", "1,234.5", "1,234.5"]),
        ("weight", 850, ["850 кг", "850 кг", "850 kg", "850 kg"]),
        ("weight", 20_000, ["20 т", "20 т", "20 t", "20 t"]),
        ("weight", 1_550, ["1,55 т", "1,55 т", "1.55 t", "1.55 t"]),
        ("weight", 999.7, ["1 т", "1 т", "1 t", "1 t"]),
        ("distance", 850, ["850 м", "850 м", "850 m", "850米"]),
        ("distance", 4_210, ["4,2 км", "4,2 км", "4.2 km", "4.2公里"]),
        ("distance", 1_213_400, ["1 213 км", "1 213 км", "1,213 km", "1,213公里"]),
        ("volume", 82.5, ["82,5 м³", "82,5 м³", "82.5 m³", "82.5立方米"]),
        ("duration", 45, ["45 с", "45 с", "45 secs", "45秒"]),
        ("duration", 3_900, ["1 ч 5 мин", "1 сағ 5 мин", "1 hr 5 mins", "1小时 5分钟"]),
        ("duration", 86_400 + 3 * 3600 + 59, ["1 дн. 3 ч", "1 күн 3 сағ", "1 day 3 hrs", "1天 3小时"]),
        ("duration", 86_399, ["1 дн.", "1 күн", "1 day", "1天"]),
        ("duration", 0, ["0 с", "0 с", "0 secs", "0秒"]),
        ("duration", -5, ["0 с", "0 с", "0 secs", "0秒"]),
        ("date", NIGHT, ["2 февр. 2026 г.", "2026 ж. 02 ақп.", "2 Feb 2026", "2026年2月2日"]),
        ("time", NIGHT, ["07:40", "07:40", "07:40", "07:40"]),
        (
            "moment",
            NIGHT,
            ["2 февр. 2026 г., 07:40", "2026 ж. 02 ақп., 07:40", "2 Feb 2026, 07:40", "2026年2月2日 07:40"],
        ),
        ("listed", ["a", "b", "c"], ["a, b и c", "a, b, c", "a, b and c", "a、b和c"]),
    ],
)
def test_a_figure_is_written_as_its_reader_writes_it(write: str, value: object, written: list[str]) -> None:
    assert everywhere(write, value) == written


def test_days_and_hours_are_those_of_the_reader() -> None:
    assert form.time("en", NIGHT, "Europe/Moscow") == "05:40"
    assert form.date("en", NIGHT, "America/New_York") == "1 Feb 2026"


@pytest.mark.parametrize("zone", ["Nowhere/At_All", "", "../../etc/passwd", "\x00", "x" * 5000])
def test_a_zone_that_is_none_is_home(zone: str) -> None:
    assert form.time("en", NIGHT, zone) == "07:40"
