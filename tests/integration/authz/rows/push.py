"""Where a user can be pushed to."""

import uuid

from ..matrix import Row
from ..world import Person, World


async def an_endpoint(world: World, person: Person) -> int:
    return await world.services.accounts.put_endpoint(person.user, "fid", uuid.uuid4().hex, {}, "ru")


ROWS = (
    Row("GET /api/v1/push/key"),
    Row("POST /api/v1/push/endpoints", body=lambda cell: {"kind": "fid", "address": uuid.uuid4().hex}),
    Row("DELETE /api/v1/push/endpoints/{endpoint}", own=an_endpoint, staff="own"),
)
