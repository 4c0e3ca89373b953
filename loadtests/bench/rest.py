"""The board: searches over a million open loads, by circle and by time."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random

import orjson

from .environment import Environment, environment
from .measure import Figures, Stage, Stretch, each_us, verdict
from .openloop import OpenLoop, Punctuality
from .places import SPREAD_DEGREES, draw, near, towns
from .requests import Answers, Tasks, client, get

DRIVERS = 200  # who ask
CHUNK = 50_000
CIRCLE_SHARE = 0.6  # the others want the newest
RADIUS_M = 50_000

# Loads round the weighted towns: two uniform draws summed are nearly a bell, and PostgreSQL has no other.
FILL = """
INSERT INTO orders (shipper_id, status, seq, pickup_city, pickup_name, pickup_point, drop_city, drop_name,
    drop_point, cargo, weight_kg, volume_m3, body, distance_m, duration_s, distance_origin, price_amount,
    price_currency, created_at, expires_at, wave, board_at)
SELECT $1, 'open', 1, f.city, f.name,
    ST_SetSRID(ST_MakePoint(
        f.lon + (random() + random() - 1) * $2, f.lat + (random() + random() - 1) * $2), 4326),
    t.city, t.name, ST_SetSRID(ST_MakePoint(t.lon, t.lat), 4326),
    'load', 500 + random() * 19500, 2 + random() * 80,
    (ARRAY['tent','tent','tent','reefer','isotherm','flatbed','container'])[1 + floor(random() * 7)::int],
    50000 + random() * 2500000, 3600 + random() * 180000, 'embedded',
    1000000 + floor(random() * 90000000)::bigint, 'KZT',
    now() - random() * interval '5 days', now() + interval '20 days', 3, now()
FROM (SELECT 1 + floor(random() * $3)::int AS f, 1 + floor(random() * $3)::int AS t
      FROM generate_series(1, $4::int)) AS pick
JOIN unnest($5::int[], $6::bigint[], $7::text[], $8::float8[], $9::float8[]) AS f (n, city, name, lat, lon)
    ON f.n = pick.f
JOIN unnest($5::int[], $6::bigint[], $7::text[], $8::float8[], $9::float8[]) AS t (n, city, name, lat, lon)
    ON t.n = pick.t
"""  # fmt: skip
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = current_schema() AND tablename = 'orders' AND indexname <> 'pk_orders'
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    orders: int
    rate: float  # requests/s
    seconds: float
    warm_s: float
    seed: int


async def run(load: Load) -> Figures:
    """The whole bench; see loadtests/README.md for how to read the figures."""
    random = Random(load.seed)
    with Stage() as stage:
        async with environment() as env, AsyncExitStack() as stack:
            with stage.step("accounts"):
                accounts = await env.provision(drivers=DRIVERS, shippers=1)
            with stage.step(f"{load.orders} loads on the board", load.orders) as step:
                await fill(env, accounts.shippers[0].user, load.orders, step.at)
            server = await stack.enter_async_context(env.server())
            session = await stack.enter_async_context(client(server.url))
            answers, tasks, all_towns = Answers(), Tasks(), towns()

            def ask(source: int, intended: float) -> None:
                path = "/api/v1/board?limit=20"
                if random.random() < CIRCLE_SHARE:
                    lat, lon = near(draw(all_towns, random), random)
                    path += f"&lat={lat:.5f}&lon={lon:.5f}&radius_m={RADIUS_M}"
                token = accounts.drivers[source].access
                tasks.start(get(session, path, token, intended, answers, _judge))

            with stage.step("warming up"):
                await OpenLoop(DRIVERS, load.rate, random).run(ask, load.warm_s)
            with stage.step("measuring"):
                answers.since = time.monotonic()
                answers.until = answers.since + load.seconds
                stretch = await Stretch.begin(env, server)
                kept: Punctuality = await OpenLoop(DRIVERS, load.rate, random).run(ask, load.seconds)
                await tasks.finish(15)
                cost = await stretch.end()
            orders = await env.count("SELECT count(*) FROM orders WHERE status = 'open'")
    done = answers.lag.count
    faults = [f"{count} answers were {what}" for what, count in answers.statuses.items() if what != "found"]
    latency = {key.removeprefix("_"): value for key, value in answers.lag.figures("").items()}
    return {
        "bench": "rest",
        "orders": orders,
        "offered_requests_per_s": load.rate,
        "requests_per_s": round(done / cost.wall_s, 1),
        "seconds": load.seconds,
        **latency,
        "answers": dict(answers.statuses),
        "server_cpu_us_per_request": each_us(cost.server_s, done),
        "server_cpu": round(cost.server_s / cost.wall_s, 3),
        "postgres_cpu_us_per_request": each_us(cost.postgres_s, done),
    } | verdict(faults, cost, kept)


async def fill(env: Environment, shipper: int, orders: int, tell: Callable[[float], object]) -> None:
    """Loads by the hundred thousand, indexes afterwards: a GiST index grown row by row takes minutes."""
    all_towns = towns()
    repeated = [town for town in all_towns for _ in range(town.weight)]
    columns = (
        list(range(1, len(repeated) + 1)),
        [town.city for town in repeated],
        [town.name for town in repeated],
        [town.lat for town in repeated],
        [town.lon for town in repeated],
    )
    indexes = await env.database.fetch(INDEXES)
    for row in indexes:
        await env.database.execute(f'DROP INDEX "{row["indexname"]}"')
    for start in range(0, orders, CHUNK):
        count = min(CHUNK, orders - start)
        await env.database.execute(
            FILL, shipper, 2.4 * SPREAD_DEGREES, len(repeated), count, *columns, timeout=120
        )
        tell(start + count)
    for row in indexes:
        await env.database.execute(row["indexdef"], timeout=300)
    await env.database.execute("VACUUM ANALYZE orders", timeout=300)


def _judge(body: bytes) -> str:
    return "found" if orjson.loads(body)["loads"] else "empty"
