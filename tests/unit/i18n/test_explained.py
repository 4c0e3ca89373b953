"""What a driver lacks for the month, as he reads it."""

from billing.bonuses import RatingTerms, rating_bonus
from server.loyalty_views import explained

TERMS = RatingTerms(480, 10, 90 * 86_400.0, 30 * 86_400.0)


def test_each_lack_is_a_sentence_and_nothing_is_said_when_none_is() -> None:
    bonus = rating_bonus((0, 0, 0, 3, 4), (1_700_000_000.0,), TERMS, 1_700_000_100.0)
    assert explained("en", bonus) == ["3 more rated orders", "rating 4.57 of 4.8", "not before 13 Feb 2024"]
    assert explained("ru", bonus)[:2] == ["ещё 3 оценённых заказа", "рейтинг 4,57 из 4,8"]
    assert explained("en", rating_bonus((0, 0, 0, 0, 9), (), TERMS, 0.0)) == ["1 more rated order"]
    assert explained("en", rating_bonus((0, 0, 0, 0, 10), (), TERMS, 0.0)) == []
