"""The board as drivers use it: ten kinds of question over a million seeded loads, each timed on its own."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from urllib.parse import urlencode

import orjson

from .environment import environment
from .measure import Figures, Stage, Stretch, each_us, verdict
from .openloop import OpenLoop, Punctuality
from .places import Town, draw, near, towns
from .requests import Answers, Tasks, client, get

DRIVERS = 200  # who ask
TARGET_MS = 50  # design section 8, for the p95 of every kind

Question = dict[str, object]


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    orders: int
    rate: float  # requests/s
    seconds: float
    warm_s: float
    seed: int


class Questions:
    """What drivers ask, in the shares in which they ask it, each about a town that is drawn by its freight."""

    def __init__(self, random: Random) -> None:
        self._random, self._towns = random, towns()
        self._kinds: dict[str, tuple[int, Callable[[], tuple[str, Question]]]] = {
            "newest": (15, lambda: ("", {})),
            "circle": (20, lambda: ("", self._around(50_000))),
            "nearest": (10, lambda: ("", self._around(100_000) | {"sort": "nearest"})),
            "pair": (15, lambda: ("", self._pair())),
            "per_km": (8, lambda: ("", self._around(200_000) | {"sort": "per_km"})),
            "profit": (5, lambda: ("", self._around(200_000) | {"sort": "profit"})),
            "viewport": (10, lambda: ("", {"bbox": self._window(1.0)})),
            "corridor": (7, lambda: ("", self._corridor())),
            "clusters": (6, lambda: ("/clusters", {"bbox": self._window(4.0), "zoom": 6})),
            "facets": (4, lambda: ("/facets", self._around(100_000))),
        }
        self._shares = [share for share, _ in self._kinds.values()]

    def draw(self) -> tuple[str, str]:
        """A kind and the path that asks it."""
        kind = self._random.choices(list(self._kinds), self._shares)[0]
        path, query = self._kinds[kind][1]()
        return kind, f"/api/v1/board{path}?{urlencode(query)}"

    def _around(self, radius_m: float) -> Question:
        lat, lon = near(draw(self._towns, self._random), self._random)
        return {"lat": f"{lat:.5f}", "lon": f"{lon:.5f}", "radius_m": radius_m}

    def _window(self, half: float) -> str:
        lat, lon = near(draw(self._towns, self._random), self._random)
        return ",".join(f"{edge:.4f}" for edge in (lon - half, lat - half / 2, lon + half, lat + half / 2))

    def _two(self) -> tuple[Town, Town]:
        one = draw(self._towns, self._random)
        return one, draw([town for town in self._towns if town is not one], self._random)

    def _pair(self) -> Question:
        one, other = self._two()
        return {"from_city": one.city, "to_city": other.city}

    def _corridor(self) -> Question:
        one, other = self._two()
        return {"route_from": one.city, "route_to": other.city, "max_detour_m": 50_000}


async def run(load: Load) -> Figures:
    """The whole bench; see loadtests/README.md for how to read the figures."""
    random = Random(load.seed)
    with Stage() as stage:
        async with environment() as env, AsyncExitStack() as stack:
            began = time.monotonic()
            with stage.step(f"{load.orders} loads on the board"):
                await env.seed(orders=load.orders)
            seed_s = time.monotonic() - began
            with stage.step("accounts"):
                accounts = await env.provision(drivers=DRIVERS)
            server = await stack.enter_async_context(env.server())
            session = await stack.enter_async_context(client(server.url))
            questions, tasks = Questions(random), Tasks()
            whole = Answers()
            kinds: dict[str, Answers] = {}

            def ask(source: int, intended: float) -> None:
                kind, path = questions.draw()
                answers = kinds.setdefault(kind, Answers(whole.since, whole.until))
                token = accounts.drivers[source].access
                tasks.start(get(session, path, token, intended, answers, judge))

            with stage.step("warming up"):
                await OpenLoop(DRIVERS, load.rate, random).run(ask, load.warm_s)
                await tasks.finish(15)
            with stage.step("measuring"):
                kinds.clear()
                whole.since = time.monotonic()
                whole.until = whole.since + load.seconds
                stretch = await Stretch.begin(env, server)
                kept: Punctuality = await OpenLoop(DRIVERS, load.rate, random).run(ask, load.seconds)
                await tasks.finish(15)
                cost = await stretch.end()
            orders = await env.count("SELECT count(*) FROM board")
    for answers in kinds.values():
        whole.lag.add(answers.lag)
    done = whole.lag.count
    outcomes = {kind: dict(sorted(answers.statuses.items())) for kind, answers in sorted(kinds.items())}
    told = sum((answers.statuses for answers in kinds.values()), Counter[str]())
    faults = [f"{count} answers were {what}" for what, count in told.items() if what not in GOOD]
    faults += [f"{count} requests ended in {what}" for what, count in tasks.failures.items()]
    return {
        "bench": "rest",
        "orders": orders,
        "seed_s": round(seed_s, 1),
        "offered_requests_per_s": load.rate,
        "requests_per_s": round(done / cost.wall_s, 1),
        "seconds": load.seconds,
        **_figures(whole),
        "kinds": {kind: _figures(kinds[kind]) for kind in sorted(kinds)},
        "over_target": sorted(
            kind for kind, answers in kinds.items() if (answers.lag.percentile_s(95) or 0) * 1e3 > TARGET_MS
        ),
        "answers": outcomes,
        "server_cpu_us_per_request": each_us(cost.server_s, done),
        "server_cpu": round(cost.server_s / cost.wall_s, 3),
        "postgres_cpu_us_per_request": each_us(cost.postgres_s, done),
    } | verdict(faults, cost, kept)


GOOD = ("found", "empty")


def judge(body: bytes) -> str:
    """Whether a 200 has anything in it; a page that never has would measure nothing."""
    told = orjson.loads(body)
    return "found" if any(told.get(key) for key in ("loads", "clusters", "total")) else "empty"


def _figures(answers: Answers) -> Figures:
    return {key.removeprefix("_"): value for key, value in answers.lag.figures("").items()}
