"""What staff see and set."""

from ..matrix import Row
from ..world import Person, World


async def a_driver(world: World, person: Person) -> int:
    return (await world.person("driver")).user


ROWS = (
    Row("GET /api/v1/admin/drivers"),
    Row("GET /api/v1/admin/health"),
    Row("PUT /api/v1/admin/drivers/{driver}/subscription", own=a_driver, body={"paid_until": 1.9e9}),
)
