"""Prices, pages, announcements, broadcasts, and words of staff."""

import itertools
import time

from dispatch.content import Audience
from storage.content.announcements import NewAnnouncement
from storage.content.broadcasts import NewBroadcast

from ..matrix import Cell, Row
from ..world import Person, World
from .places import ALMATY, KONAEV

_ONE = {"If-Match": '"1"'}
_TEXT = {lang: {"title": "Работы", "body": "Ночью сервис недоступен."} for lang in ("ru", "kk", "en", "zh")}
_numbers = itertools.count(1)
ROLES = ("driver", "logistician", "shipper", "admin")


async def a_page(world: World, person: Person) -> str:
    staff = await world.anybody("superadmin")
    made = await world.services.content_pages.add(staff.user, f"page-{next(_numbers)}", "published", _TEXT)
    return made.slug


async def an_announcement(world: World, person: Person) -> int:
    """One for everybody; as many as the rows need would be more than there may be, so the old ones end."""
    staff = await world.anybody("superadmin")
    await world.pool.execute(
        "UPDATE announcements SET ends_at = starts_at WHERE id < (SELECT max(id) - 100 FROM announcements)"
    )
    new = NewAnnouncement("info", _TEXT, Audience(ROLES), None, None, time.time() + 3600)
    return (await world.services.announcements.add(staff.user, new)).id


async def no_old_drafts(world: World, person: Person) -> None:
    """There may be so many drafts and no more."""
    await world.pool.execute(
        "UPDATE broadcasts SET state = 'cancelled'"
        " WHERE state = 'draft' AND id < (SELECT max(id) - 30 FROM broadcasts)"
    )


async def a_broadcast(world: World, person: Person) -> int:
    """A draft for nobody who is here: nothing of it is pushed."""
    staff = await world.anybody("superadmin")
    await no_old_drafts(world, person)
    new = NewBroadcast(_TEXT, Audience(("logistician",), ("TM.S",)), None)
    return (await world.services.broadcasts.add(staff.user, new)).id


async def a_message(world: World, person: Person) -> int:
    """A broadcast that this person got."""
    id = await a_broadcast(world, person)
    await world.pool.execute(
        "UPDATE broadcasts SET state = 'done', queued_at = now(), upto = 0 WHERE id = $1", id
    )
    await world.pool.execute(
        "INSERT INTO outbox (user_id, kind, payload, dedupe_key, state, expires_at)"
        " VALUES ($1, 'broadcast.sent', jsonb_build_object('broadcast', $2::bigint),"
        " 'broadcast:' || $2::bigint || ':' || $1::bigint, 'sent', now())",
        person.user,
        id,
    )
    return id


async def an_entry(world: World, person: Person) -> dict[str, object]:
    """Another word for each grade, so that each is the first to say something of it."""
    return {"dictionary": "CargoKind", "word": "timber" if person.kind == "superadmin" else "metal"}


async def a_dictionary(world: World, person: Person) -> str:
    return "CargoKind"


def first(cell: Cell) -> dict[str, str]:
    """There is one table: finance sets its first version, and superadmins get as far as to be asked for theirs."""
    return {} if cell.person.kind == "superadmin" else {"If-Match": '"0"'}


def lane(cell: Cell) -> dict[str, object]:
    """Another lane for each grade."""
    body = "lowboy" if cell.person.kind == "superadmin" else "tank"
    return {"pickup_city": ALMATY, "drop_city": KONAEV, "body": body, "kind": "per_km", "amount": 60_000}


def new_page(cell: Cell) -> dict[str, object]:
    return {"slug": f"new-{next(_numbers)}", "texts": _TEXT, "state": "published"}


def announced(cell: Cell) -> dict[str, object]:
    return {"severity": "info", "texts": _TEXT, "roles": ["driver"], "ends_at": time.time() + 3600}


_TABLE = {"rates": [{"body": "lowboy", "per_km": 70_000}]}
_MESSAGE = {"texts": _TEXT, "roles": ["logistician"], "regions": ["TM.S"]}
_PAGES, _NEWS, _SENT = "/api/v1/admin/pages", "/api/v1/admin/announcements", "/api/v1/admin/broadcasts"
_NO_SLUG = "there-is-none"
ROWS = (
    Row("GET /api/v1/admin/fuel-prices/history"),
    Row("GET /api/v1/admin/tariff"),
    Row(
        "PUT /api/v1/admin/tariff",
        body=_TABLE,
        headers=first,
        expect={"superadmin": "precondition_required"},
    ),
    Row("GET /api/v1/admin/tariff/versions"),
    Row("GET /api/v1/admin/tariff/lanes"),
    Row("GET /api/v1/admin/tariff/lanes/history", query=f"?pickup_city={ALMATY}&drop_city={KONAEV}"),
    Row("PUT /api/v1/admin/tariff/lanes", body=lane, headers={"If-Match": '"0"'}),
    Row("GET /api/v1/pages"),
    Row("GET /api/v1/pages/{slug}", own=a_page, shared=True, absent=_NO_SLUG),
    Row(f"GET {_PAGES}"),
    Row(f"POST {_PAGES}", body=new_page),
    Row(f"GET {_PAGES}/{{slug}}", own=a_page, shared=True, absent=_NO_SLUG),
    Row(
        f"PUT {_PAGES}/{{slug}}",
        own=a_page,
        shared=True,
        absent=_NO_SLUG,
        body={"texts": _TEXT, "state": "published"},
        headers=_ONE,
    ),
    Row(f"DELETE {_PAGES}/{{slug}}", own=a_page, shared=True, absent=_NO_SLUG, headers=_ONE),
    Row("GET /api/v1/announcements"),
    Row("POST /api/v1/announcements/{announcement}/dismiss", own=an_announcement, shared=True),
    Row("GET /api/v1/admin/regions"),
    Row(f"GET {_NEWS}"),
    Row(f"POST {_NEWS}", body=announced),
    Row(f"GET {_NEWS}/{{announcement}}", own=an_announcement, shared=True),
    Row(
        f"PUT {_NEWS}/{{announcement}}",
        own=an_announcement,
        shared=True,
        body=announced,
        headers=_ONE,
    ),
    Row(f"DELETE {_NEWS}/{{announcement}}", own=an_announcement, shared=True, headers=_ONE),
    Row("GET /api/v1/broadcasts/{broadcast}", own=a_message, staff="own"),
    Row(f"GET {_SENT}"),
    Row(f"POST {_SENT}", body=_MESSAGE, given=no_old_drafts),
    Row(f"GET {_SENT}/{{broadcast}}", own=a_broadcast, shared=True),
    Row(f"PUT {_SENT}/{{broadcast}}", own=a_broadcast, shared=True, body=_MESSAGE, headers=_ONE),
    Row(f"GET {_SENT}/{{broadcast}}/preview", own=a_broadcast, shared=True),
    Row(f"POST {_SENT}/{{broadcast}}/send", own=a_broadcast, shared=True, headers=_ONE),
    Row(f"POST {_SENT}/{{broadcast}}/cancel", own=a_broadcast, shared=True),
    Row("GET /api/v1/admin/dictionaries"),
    Row("GET /api/v1/admin/dictionaries/{dictionary}", own=a_dictionary, shared=True, absent="NoSuch"),
    Row(
        "PUT /api/v1/admin/dictionaries/{dictionary}/{word}",
        own=an_entry,
        shared=True,
        absent="nosuch",
        body={"rank": 10},
        headers={"If-Match": '"0"'},
    ),
)
