"""What is sold until staff set something else. Version 0 of each plan; the prices are ours to choose."""

from .money import Currency, Money
from .plans import PlanVersion, Price

TRIAL_DAYS, GRACE_DAYS = 14, 7


def _plan(code: str, role: str, days: int, prices: tuple[int, int, int, int], *names: str) -> PlanVersion:
    """Prices in minor units of the currencies, names in the languages, both in their order."""
    return PlanVersion(
        code,
        0,
        role,
        days,
        TRIAL_DAYS,
        GRACE_DAYS,
        tuple(Price("", Money(minor, each)) for minor, each in zip(prices, Currency, strict=True)),
        dict(zip(("ru", "kk", "en", "zh"), names, strict=True)),
        on_sale=True,
        valid_from=0.0,
    )


DEFAULTS: tuple[PlanVersion, ...] = (
    _plan(
        "driver-month", "driver", 30, (4990_00, 790_00, 9_90, 69_00),
        "Водитель, месяц", "Жүргізуші, ай", "Driver, a month", "司机月卡",
    ),
    _plan(
        "driver-quarter", "driver", 90, (12990_00, 2090_00, 25_90, 179_00),
        "Водитель, квартал", "Жүргізуші, тоқсан", "Driver, a quarter", "司机季卡",
    ),
    _plan(
        "driver-year", "driver", 365, (44990_00, 7190_00, 89_90, 629_00),
        "Водитель, год", "Жүргізуші, жыл", "Driver, a year", "司机年卡",
    ),
    _plan(
        "shipper-month", "shipper", 30, (9990_00, 1590_00, 19_90, 139_00),
        "Грузовладелец, месяц", "Жүк иесі, ай", "Shipper, a month", "货主月卡",
    ),
    _plan(
        "logistician-month", "logistician", 30, (14990_00, 2390_00, 29_90, 209_00),
        "Логист, месяц", "Логист, ай", "Logistician, a month", "物流员月卡",
    ),
)  # fmt: skip
