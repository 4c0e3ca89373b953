"""The business in figures: what the store counts, put together by the formulas of billing.figures."""

from typing import NamedTuple

from billing.figures import Moves, Recurring, Trials, Worth, months, recurring, worth
from storage.billing.figures import FigureStore


class Business(NamedTuple):
    """Now (`at`, epoch seconds), and month by month, the running one at the end."""

    at: float
    plans: list[Recurring]
    currencies: list[Worth]
    months: list[Moves]
    trials: list[Trials]


async def business(store: FigureStore, zone: str, count: int) -> Business:
    """`count` months of that zone. Churn and LTV are of the whole ones, for the running one is not over."""
    now = await store.now()
    span = months(now, zone, count)
    moves = await store.moves(span, now)
    plans = recurring(await store.standing(now))
    whole = [each for each in moves if each.month != span[-1].name]
    return Business(now, plans, worth(plans, whole), moves, await store.trials(span))
