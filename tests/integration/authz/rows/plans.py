"""Plans, subscriptions, and until when who may work."""

import itertools
import time

from billing.access import Entry, EntryKind
from storage.billing.subscriptions import granted
from storage.postgres import transaction

from ..matrix import Cell, Row
from ..world import Person, World

_PLAN = {
    "role": "driver",
    "days": 30,
    "prices": [{"currency": "KZT", "amount": 499_000}],
    "names": {"ru": "Месяц", "kk": "Ай", "en": "A month", "zh": "月卡"},
}
_numbers = itertools.count(1)


async def a_new_plan(world: World, person: Person) -> str:
    return f"plan-{next(_numbers)}"


async def a_plan(world: World, person: Person) -> str:
    return "driver-month"


async def a_user(world: World, person: Person) -> int:
    return person.user


def sold_to(person: Person) -> str:
    role = person.role if person.role in ("driver", "logistician", "shipper") else "driver"
    return f"{role}-month"


async def agreed(world: World, person: Person) -> None:
    """An agreement about the plan of the person's role, with a month that was paid."""
    now = time.time()
    async with transaction(world.pool) as connection:
        await granted(connection, person.user, Entry(EntryKind.STAFF, now, until=now), f"none:{now}")
        await granted(connection, person.user, Entry(EntryKind.PAID, now, 30 * 86_400.0), f"paid:{now}")
    await world.pool.execute(
        "INSERT INTO subscriptions (user_id, plan, region, currency, renews) VALUES ($1, $2, 'KZ', 'KZT', true)",
        person.user,
        sold_to(person),
    )


async def paused(world: World, person: Person) -> None:
    await agreed(world, person)
    await world.services.subscriptions.pause(person.user, 7)


def plan_of(cell: Cell) -> dict[str, object]:
    return {"plan": sold_to(cell.person)}


def renewed(cell: Cell) -> dict[str, object]:
    return {"plan": sold_to(cell.person), "renews": False}


_MINE = "/api/v1/me/subscription"
_ABSENT = {"absent": "there-is-none"}
ROWS = (
    Row("GET /api/v1/plans"),
    Row(f"GET {_MINE}"),
    Row(f"GET {_MINE}/entries"),
    Row(f"POST {_MINE}/trial", body=plan_of),
    Row(f"PUT {_MINE}", body=renewed, given=agreed, headers={"If-Match": '"1"'}),
    Row(f"POST {_MINE}/pause", body={"days": 7}, given=agreed),
    Row(f"POST {_MINE}/resume", given=paused),
    Row("GET /api/v1/admin/plans"),
    Row(
        "PUT /api/v1/admin/plans/{plan}",
        own=a_new_plan,
        shared=True,
        absent="No-Plan",
        body=_PLAN,
        headers={"If-Match": '"0"'},
    ),
    Row("GET /api/v1/admin/plans/{plan}/versions", own=a_plan, shared=True, absent="No-Plan"),
    Row("GET /api/v1/admin/users/{user}/access", own=a_user, shared=True),
)
