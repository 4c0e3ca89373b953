"""What is missing for a reward, in words."""

from billing.bonuses import Lack, Missing, RatingBonus
from server.i18n import Lang, plural, say


def explained(lang: Lang, bonus: RatingBonus) -> list[str]:
    """A sentence for each thing that a driver lacks for the month that a good rating gives; none when he has
    it."""
    return [_sentence(lang, missing) for missing in bonus.missing]


def _sentence(lang: Lang, missing: Missing) -> str:
    if missing.lack is Lack.ORDERS:
        more = int(missing.needs - missing.has)
        return plural(lang, "{n} more rated order", "{n} more rated orders", more)
    if missing.lack is Lack.RATING:
        has, needs = missing.has / 100, missing.needs / 100
        return say(lang, "rating {has:number} of {needs:number}", has=has, needs=needs)
    return say(lang, "not before {day:date}", day=missing.needs)
