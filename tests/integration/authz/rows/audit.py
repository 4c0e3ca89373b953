"""The audit log, views of accounts, tracks and reports."""

from ..matrix import Row
from ..world import Person, World


async def somebody(world: World, person: Person) -> int:
    return (await world.person("shipper")).user


async def a_view(world: World, person: Person) -> int:
    user = (await world.person("shipper")).user
    view: int = await world.pool.fetchval(
        "INSERT INTO account_views (staff_id, session_id, user_id, expires_at)"
        " VALUES ($1, gen_random_uuid(), $2, now() + interval '10 minutes') RETURNING id",
        person.user,
        user,
    )
    return view


ROWS = (
    Row("GET /api/v1/admin/audit"),
    Row("GET /api/v1/admin/audit/verification"),
    Row("POST /api/v1/admin/users/{user}/view", own=somebody, body={"reason": "a question of theirs"}),
    Row("DELETE /api/v1/admin/views/{view}", own=a_view, staff="own"),
    Row("GET /api/v1/me/looks"),
)
