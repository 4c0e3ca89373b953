"""Reports and tracks: for staff with the right."""

from collections.abc import Mapping

from ..matrix import Row
from ..world import Person, World


async def a_report(_world: World, _person: Person) -> Mapping[str, object]:
    return {"report": "orders_by_status"}


async def a_driver(world: World, person: Person) -> Mapping[str, object]:
    return {"driver": (await world.person("driver")).user}


_SPAN = "?since=1795000000&until=1795003600"
ROWS = (
    Row("GET /api/v1/admin/reports/{report}", own=a_report, shared=True, absent="wishes"),
    Row("GET /api/v1/admin/reports/{report}/file", own=a_report, shared=True, absent="wishes"),
    Row("GET /api/v1/admin/drivers/{driver}/track", own=a_driver, shared=True, query=_SPAN),
)
