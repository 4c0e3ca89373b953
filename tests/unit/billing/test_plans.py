"""Plans: which version counts, and what a user pays where."""

from billing.money import Currency, Money
from billing.plans import PlanVersion, Price, doubled, in_force

KZT, RUB = Currency.KZT, Currency.RUB
PRICES = (Price("", Money(500, KZT)), Price("RU", Money(90, RUB)), Price("RU", Money(600, KZT)))


def version(plan: str, number: int, valid_from: float, *prices: Price) -> PlanVersion:
    return PlanVersion(plan, number, "driver", 30, 14, 7, prices or PRICES, {}, True, valid_from)


def test_the_newest_version_that_has_begun_counts() -> None:
    versions = [version("a", 1, 0.0), version("a", 2, 10.0), version("a", 3, 30.0), version("b", 1, 99.0)]
    assert {plan: each.version for plan, each in in_force(versions, 20.0).items()} == {"a": 2}


def test_a_region_pays_its_own_price_and_the_rest_of_the_world_the_common_one() -> None:
    plan = version("a", 1, 0.0)
    assert plan.price("RU", KZT) == Money(600, KZT)
    assert plan.price("KZ", KZT) == plan.price("DE", KZT) == Money(500, KZT)
    assert plan.price("KZ", RUB) is None


def test_the_money_of_the_country_is_offered_first() -> None:
    plan = version("a", 1, 0.0)
    assert plan.currencies("RU") == [RUB, KZT]
    assert plan.currencies("KZ") == [KZT]


def test_two_prices_for_one_region_and_currency_are_found() -> None:
    assert doubled(PRICES) is None
    assert doubled((*PRICES, Price("RU", Money(1, RUB)))) == Price("RU", Money(1, RUB))
