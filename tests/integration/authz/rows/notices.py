"""The inbox, wishes, kinds of events, and how telling went."""

from collections.abc import Mapping

from ..matrix import Row
from ..world import Person, World

_FIRST = {"If-Match": '"0"'}
_ONE = "/api/v1/admin/notices/{happening}"


async def a_kind(_world: World, _person: Person) -> Mapping[str, object]:
    return {"happening": "order.changed"}


async def somebody(world: World, _person: Person) -> Mapping[str, object]:
    return {"user": (await world.person("driver")).user}


async def an_offer(world: World, _person: Person) -> Mapping[str, object]:
    made = await world.offer(await world.person("driver"))
    return made if isinstance(made, Mapping) else {"offer": made}


ROWS = (
    Row("GET /api/v1/me/inbox"),
    Row("GET /api/v1/me/inbox/unread"),
    Row("POST /api/v1/me/inbox/read", body={"items": [1]}),
    Row("GET /api/v1/me/notifications/preferences"),
    Row(
        "PUT /api/v1/me/notifications/preferences",
        body={"quiet": {"since": 1320, "until": 420}},
        headers=_FIRST,
    ),
    Row("GET /api/v1/admin/notices"),
    Row(f"GET {_ONE}/preview", own=a_kind, shared=True, absent="no.such"),
    Row(f"POST {_ONE}/test", own=a_kind, shared=True, absent="no.such", body={"word": "cancelled"}),
    Row("GET /api/v1/admin/users/{user}/deliveries", own=somebody, shared=True),
    Row("GET /api/v1/admin/offers/{offer}/deliveries", own=an_offer, shared=True),
)
