"""Cabinets: each of the caller's own."""

from collections.abc import Mapping

from ..matrix import Row
from ..world import Person, World


async def a_list(_world: World, _person: Person) -> Mapping[str, object]:
    return {"list": "trips"}


ROWS = (
    Row("GET /api/v1/trips"),
    Row("GET /api/v1/offers/history", expect={"logistician": "bad_request"}),
    Row("GET /api/v1/earnings"),
    Row("GET /api/v1/cabinet/{list}/file", own=a_list, shared=True, absent="wishes"),
)
