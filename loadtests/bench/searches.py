"""Saved searches: how long it takes to find whom a new order suits among a hundred thousand of them."""

from dataclasses import dataclass
from statistics import fmean

from .environment import environment
from .histogram import Histogram
from .measure import Cost, Figures, Stage, verdict

SEARCHES_OF_EACH = 5


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    searches: int
    orders: int  # matched one after another
    seed: int


async def run(load: Load) -> Figures:
    """The whole bench; the time is that of the one query, seen by the worker that asks it."""
    with Stage() as stage:
        async with environment() as env:
            with stage.step(f"{load.searches} saved searches"):
                await env.seed(
                    orders=2 * load.orders,
                    drivers=max(1, load.searches // SEARCHES_OF_EACH),
                    searches=load.searches,
                    seed=load.seed,
                )
            with stage.step(f"{load.orders} orders"):
                times = await env.match_times(load.orders)
            searches = await env.count("SELECT count(*) FROM saved_searches")
    lag = Histogram()
    for seconds in times["seconds"]:
        lag.record(seconds)
    drivers = times["drivers"]
    faults = [] if any(drivers) else ["no order suited any search"]
    return {
        "bench": "searches",
        "searches": searches,
        "orders": lag.count,
        **lag.figures("match"),
        "drivers_found_mean": round(fmean(drivers), 1) if drivers else None,
        "drivers_found_most": max(drivers, default=None),
    } | verdict(faults, Cost())
