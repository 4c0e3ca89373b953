"""Settings, own data, trucks, companies, fleets and papers."""

import itertools
import os
from typing import Any

from dispatch.registers import control_digit
from storage.documents import NewDocument
from storage.files import new_name
from storage.vehicle_rows import Spec
from tests.papers import png

from ..matrix import Cell, Row
from ..world import Person, World

_numbers = itertools.count(1)
_EDIT = {"If-Match": '"1"'}
_TRUCK: dict[str, Any] = {"body": "tent", "capacity_kg": 20000.0, "volume_m3": 82.0}
_PNG = png()


def a_bin() -> str:
    """The next number that some company may have."""
    while (digit := control_digit(eleven := f"{next(_numbers):011d}")) is None:
        pass
    return eleven + str(digit)


def _company(cell: Cell) -> dict[str, str]:
    return {"legal_name": "ТОО", "bin": a_bin()}


async def _a_boss(world: World, person: Person) -> None:
    """A logistician needs a company to have trucks."""
    if person.role == "logistician":
        await world.company(person)


async def a_company(world: World, person: Person) -> int:
    return await world.company(await world.person("shipper"))


async def a_fleet_driver(world: World, person: Person) -> int:
    """A driver of the fleet of this logistician; of some fleet for others."""
    boss = person if person.role == "logistician" else await world.person("logistician")
    company, driver = await world.company(boss), (await world.person("driver")).user
    await world.pool.execute(
        "INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)", company, driver
    )
    return driver


async def a_truck(world: World, person: Person) -> int:
    """A driver's spare truck, or one of a logistician's company that some driver has."""
    spec = Spec("KZ", "", "", "tent", 20_000.0, 82.0)
    if person.role != "logistician":
        driver = person if person.role == "driver" else await world.person("driver")
        return (await world.services.vehicles.add_own(driver.user, spec)).id
    driver_id = await a_fleet_driver(world, person)
    truck = (await world.services.vehicles.add_to_fleet(person.user, spec)).id
    await world.services.vehicles.give(person.user, truck, driver_id)
    await world.pool.execute("UPDATE vehicles SET version = 1 WHERE id = $1", truck)
    return truck


async def a_member(world: World, person: Person) -> int:
    """Somebody in the company of this person."""
    owner = person if person.role in ("shipper", "logistician") else await world.person("shipper")
    company, member = await world.company(owner), (await world.person("shipper")).user
    await world.pool.execute("INSERT INTO company_members VALUES ($1, $2, 'manager')", member, company)
    return member


async def sent_invitation(world: World, person: Person) -> int:
    """One that this person's company has sent."""
    owner = person if person.role in ("shipper", "logistician") else await world.person("shipper")
    await world.company(owner)
    phone = f"+7706{next(_numbers):07d}"
    return (await world.services.members.invite(owner.user, phone, "manager")).id


async def received_invitation(world: World, person: Person) -> int:
    """One to this person's number."""
    guest = person if person.role in ("driver", "shipper", "logistician") else await world.person("driver")
    boss = await world.person("logistician")
    await world.company(boss)
    joins = "driver" if guest.role == "driver" else "manager"
    return (await world.services.members.invite(boss.user, guest.account["phone"], joins)).id


async def a_file(world: World, person: Person) -> int:
    """An upload; written without the sanitiser, which would take its time for each cell."""
    owner = person if person.role in ("driver", "shipper", "logistician") else await world.person("driver")
    name = new_name()
    path = world.services.files.path(name)
    os.makedirs(path.parent, exist_ok=True)
    path.write_bytes(_PNG)
    file: int = await world.pool.fetchval(
        "INSERT INTO files (owner_id, name, mime, size, sha256) VALUES ($1, $2, 'image/png', $3, '\\x00')"
        " RETURNING id",
        owner.user,
        name,
        len(_PNG),
    )
    return file


async def _a_file_of_mine(world: World, person: Person) -> None:
    person.account["file"] = await a_file(world, person)


def _of_a_file(cell: Cell) -> dict[str, Any]:
    return {"file": cell.person.account.get("file", 2**40), "kind": "other"}


async def a_document(world: World, person: Person) -> int:
    owner = person if person.role in ("driver", "shipper", "logistician") else await world.person("driver")
    new = NewDocument(await a_file(world, owner), "other", "", None, None, None, False)
    return (await world.services.documents.add(owner.user, new)).id


async def an_export(world: World, person: Person) -> int:
    """One whose file is there."""
    export = await world.services.exports.ask(person.user)
    name = new_name()
    path = world.services.files.path(name, "exports")
    os.makedirs(path.parent, exist_ok=True)
    path.write_bytes(b"PK")
    await world.pool.execute(
        "UPDATE data_exports SET state = 'ready', name = $2, expires_at = now() + interval '1 day' WHERE id = $1",
        export.id,
        name,
    )
    return export.id


def _a_new_mailbox(cell: Cell) -> dict[str, str]:
    return {"email": f"reader{next(_numbers)}@example.org"}


_NO_CODE = {"request": "00000000-0000-4000-8000-000000000000", "code": "000000"}

ROWS = (
    Row("GET /api/v1/me/settings"),
    Row("PATCH /api/v1/me/settings", body={"name": "x"}, headers=_EDIT),
    Row("PUT /api/v1/me/email", body=_a_new_mailbox),
    Row("POST /api/v1/me/email/confirm", body=_NO_CODE, expect={"*": "code_wrong"}),
    Row("DELETE /api/v1/me/email"),
    Row("POST /api/v1/me/deletion/code"),
    Row("POST /api/v1/me/deletion", body={}),
    Row("POST /api/v1/me/exports"),
    Row("GET /api/v1/me/exports"),
    Row("GET /api/v1/me/exports/{export}", own=an_export, staff="own"),
    Row("GET /api/v1/me/exports/{export}/file", own=an_export, staff="own"),
    Row("GET /api/v1/vehicles"),
    Row("POST /api/v1/vehicles", body=_TRUCK, given=_a_boss),
    Row("GET /api/v1/vehicles/{vehicle}", own=a_truck),
    Row("PUT /api/v1/vehicles/{vehicle}", own=a_truck, body=_TRUCK, headers=_EDIT),
    Row("POST /api/v1/vehicles/{vehicle}/activate", own=a_truck),
    Row("POST /api/v1/vehicles/{vehicle}/archive", own=a_truck),
    Row("PUT /api/v1/vehicles/{vehicle}/driver", own=a_truck, body={"driver": None}),
    Row("POST /api/v1/company", body=_company),
    Row("GET /api/v1/company", given=World.company),
    Row("PATCH /api/v1/company", body={"address": "x"}, headers=_EDIT, given=World.company),
    Row("POST /api/v1/company/verification", given=World.company),
    Row("GET /api/v1/companies/{company}", own=a_company, shared=True),
    Row("GET /api/v1/admin/companies"),
    Row("GET /api/v1/admin/companies/{company}", own=a_company),
    Row(
        "PUT /api/v1/admin/companies/{company}/verification",
        own=a_company,
        body={"verified": True},
        headers=_EDIT,
    ),
    Row("GET /api/v1/company/members", given=World.company),
    Row(
        "PUT /api/v1/company/members/{member}",
        own=a_member,
        body={"role": "owner"},
        given=World.company,
    ),
    Row("DELETE /api/v1/company/members/{member}", own=a_member, given=World.company),
    Row(
        "POST /api/v1/company/invitations",
        body={"phone": "+77011112233", "joins": "manager"},
        given=World.company,
    ),
    Row("GET /api/v1/company/invitations"),
    Row("DELETE /api/v1/company/invitations/{invitation}", own=sent_invitation),
    Row("GET /api/v1/invitations"),
    Row("POST /api/v1/invitations/{invitation}/accept", own=received_invitation, body={}),
    Row("POST /api/v1/invitations/{invitation}/decline", own=received_invitation),
    Row("GET /api/v1/fleet/drivers"),
    Row("DELETE /api/v1/fleet/drivers/{driver}", own=a_fleet_driver),
    # Nobody here drives for a fleet.
    Row("GET /api/v1/me/fleet", expect={"*": "not_found"}),
    Row("PUT /api/v1/me/fleet", body={"share_position": True}, expect={"*": "not_found"}),
    Row("DELETE /api/v1/me/fleet", expect={"*": "not_found"}),
    Row("POST /api/v1/files", body=_PNG, headers={"Content-Type": "image/png"}),
    Row("GET /api/v1/files/{file}", own=a_file),
    Row("DELETE /api/v1/files/{file}", own=a_file),
    Row("POST /api/v1/documents", body=_of_a_file, given=_a_file_of_mine),
    Row("GET /api/v1/documents"),
    Row("GET /api/v1/documents/{document}", own=a_document),
    Row("GET /api/v1/documents/{document}/file", own=a_document),
    Row("DELETE /api/v1/documents/{document}", own=a_document),
    Row("GET /api/v1/admin/documents"),
    Row("GET /api/v1/admin/documents/{document}", own=a_document),
    Row("GET /api/v1/admin/documents/{document}/file", own=a_document),
    Row(
        "PUT /api/v1/admin/documents/{document}/review",
        own=a_document,
        body={"approved": True},
        headers=_EDIT,
    ),
)
