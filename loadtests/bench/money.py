"""Money: renewals that come due all at once, and what asking for access costs a wave of offers."""

import asyncio
import time
from dataclasses import dataclass

from .environment import Environment, environment
from .histogram import Histogram
from .measure import Figures, Stage, Stretch, verdict
from .processes import BenchError

LONGEST_S = 600.0
# Wakes every agreement; the server's own clock does the rest.
WAKE = "UPDATE subscriptions SET due_at = now()"
RENEWED = "SELECT count(*) FROM access_entries WHERE kind = 'paid' AND seq = 2"
TWICE = "SELECT count(*) FROM access_entries WHERE kind = 'paid' AND seq > 2"
UNBALANCED = "SELECT coalesce(sum(amount), 0) FROM ledger_postings"


@dataclass(frozen=True, slots=True)
class Load:
    """What comes due."""

    renewals: int


async def run(load: Load) -> Figures:
    """The whole bench: the real clock of a real server charges the sandbox's cards."""
    with Stage() as stage:
        async with environment() as env:
            with stage.step(f"{load.renewals} subscriptions"):
                times = await env.due_renewals(load.renewals)
            async with env.server() as server:
                stretch = await Stretch.begin(env, server)
                with stage.step("renewals"):
                    seconds = await _renewed(env, load.renewals)
                cost = await stretch.end()
            twice = await env.count(TWICE)
            unbalanced = await env.count(UNBALANCED)
    asked, bare = Histogram(), Histogram()
    for lag, measured in ((asked, times["entitled"]), (bare, times["bare"])):
        for each in measured:
            lag.record(each)
    faults = [f"{twice} charged twice"] if twice else []
    faults += [f"the books are off by {unbalanced}"] if unbalanced else []
    return {
        "bench": "money",
        "renewals": load.renewals,
        "renewals_s": round(seconds, 1),
        "renewals_per_s": round(load.renewals / seconds, 1),
        "server_ms_a_renewal": round(1e3 * cost.server_s / load.renewals, 2),
        "postgres_ms_a_renewal": (
            None if cost.postgres_s is None else round(1e3 * cost.postgres_s / load.renewals, 2)
        ),
        **asked.figures("access_of_64"),
        **bare.figures("bare_of_64"),
        "charged_twice": twice,
        "books": unbalanced,
    } | verdict(faults, cost)


async def _renewed(env: Environment, wanted: int) -> float:
    """Seconds from waking all of them to the last payment."""
    await env.database.execute(WAKE)
    began = time.monotonic()
    while await env.count(RENEWED) < wanted:
        if time.monotonic() - began > LONGEST_S:
            raise BenchError(f"{await env.count(RENEWED)} of {wanted} renewals in {LONGEST_S:.0f} s")
        await asyncio.sleep(0.2)
    return time.monotonic() - began
