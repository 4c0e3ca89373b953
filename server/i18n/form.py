"""Figures as people write them, by CLDR: money, numbers, weights, ways, durations, days and hours, lists.

Every function is pure and keeps its last answers: a page of a board writes the same figures again and again.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from babel.units import format_unit

from .langs import Lang

HOME_ZONE = "Asia/Almaty"
# The habits of Kazakhstan; English as it is written outside America: day before month, 24 hours.
LOCALES: dict[Lang, Locale] = {
    "ru": Locale("ru", "KZ"),
    "kk": Locale("kk", "KZ"),
    "en": Locale("en", "GB"),
    "zh": Locale("zh", "CN", script="Hans"),
}
# ISO 4217 exponents that are not 2. CLDR's digits are habits, not these: it writes UZS without tiyin.
EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
KEPT = 4096  # answers a function keeps
_kept = lru_cache(maxsize=KEPT, typed=True)


@_kept
def number(lang: Lang, value: float) -> str:
    """A number with its grouping, at most three decimals."""
    return str(format_decimal(value, locale=LOCALES[lang]))


@_kept
def money(lang: Lang, amount: int, currency: str) -> str:
    """Minor units as an amount: `1 500 ₸`; fractions only where there are some."""
    locale = LOCALES[lang]
    exponent = EXPONENTS.get(currency, 2)
    value = Decimal(amount).scaleb(-exponent)
    whole = value == value.to_integral_value()
    pattern = locale.currency_formats["standard"].pattern
    pattern = pattern.replace("0.00", "0" if whole else "0." + "0" * exponent)
    symbol = str(get_currency_symbol(currency, locale))
    if currency != "KZT" and symbol[-1].isalpha():
        pattern = pattern.replace("¤#", "¤\u00a0#")
    text = str(format_currency(value, currency, pattern, locale=locale, currency_digits=False))
    # The tenge has its own sign; CLDR writes it only in the languages of Kazakhstan.
    return text.replace(symbol, "₸") if currency == "KZT" else text


@_kept
def weight(lang: Lang, kg: float) -> str:
    """Kilograms below a tonne, else tonnes with at most two decimals."""
    if kg < 999.5:
        return _unit(lang, kg, "mass-kilogram", 0)
    return _unit(lang, kg / 1000, "mass-tonne", 2)


@_kept
def distance(lang: Lang, metres: float) -> str:
    """Metres below a kilometre, tenths below ten, then whole kilometres."""
    if metres < 999.5:
        return _unit(lang, metres, "length-meter", 0)
    return _unit(lang, metres / 1000, "length-kilometer", 1 if metres < 9_950 else 0)


@_kept
def volume(lang: Lang, m3: float) -> str:
    """Cubic metres, at most one decimal."""
    return _unit(lang, m3, "volume-cubic-meter", 1)


@_kept
def duration(lang: Lang, seconds: float) -> str:
    """The two largest units that say something: `2 d 3 h`, `1 h 5 min`, `45 s`."""
    whole = max(round(seconds), 0)
    if whole >= 3600:
        whole = (whole + 30) // 60 * 60  # nobody counts the seconds of an hour
    if whole >= 86_400:
        whole = (whole + 1800) // 3600 * 3600  # nor the minutes of a day
    parts = []
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, whole = divmod(whole, length)
        if count:
            parts.append(_unit(lang, count, f"duration-{unit}", 0))
    return " ".join(parts[:2]) or _unit(lang, 0, "duration-second", 0)


@_kept
def date(lang: Lang, at: float, zone: str = HOME_ZONE) -> str:
    """The day of an epoch time where the reader is: `5 мар. 2026 г.`."""
    return str(format_date(_local(at, zone), "medium", locale=LOCALES[lang]))


@_kept
def time(lang: Lang, at: float, zone: str = HOME_ZONE) -> str:
    """Hours and minutes of an epoch time where the reader is."""
    local = _local(at, zone)
    return str(format_time(local, "short", tzinfo=local.tzinfo, locale=LOCALES[lang]))


@_kept
def moment(lang: Lang, at: float, zone: str = HOME_ZONE) -> str:
    """Day, hours and minutes: `5 мар. 2026 г., 14:07`."""
    # Glued by CLDR's own pattern: a comma in Russian, a space in Chinese.
    glue = str(LOCALES[lang].datetime_formats["medium"])
    return glue.replace("{1}", date(lang, at, zone)).replace("{0}", time(lang, at, zone)).replace("'", "")


def listed(lang: Lang, items: Sequence[str]) -> str:
    """`a, b and c`."""
    return _listed(lang, tuple(items))


@_kept
def _listed(lang: Lang, items: tuple[str, ...]) -> str:
    return str(format_list(items, locale=LOCALES[lang]))


def _unit(lang: Lang, value: float, unit: str, decimals: int) -> str:
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    # 20.0 is one of "many" in Russian only when it is said as 20.
    plain = int(rounded) if rounded == rounded.to_integral_value() else rounded.normalize()
    return str(format_unit(plain, unit, length="short", locale=LOCALES[lang]))


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    """A zone that this machine knows, else home: a profile may name anything."""
    for known in (name, HOME_ZONE):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(known)
    return timezone(timedelta(hours=5))  # no time zone data here; all of Kazakhstan is at +5 since 2024


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, _zone(zone))
