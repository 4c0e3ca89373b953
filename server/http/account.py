"""The profile of who is signed in, the truck that a driver drives, and the end of the account."""

import logging
import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from dispatch import registers
from dispatch.errors import Refusal
from server.protocol.rest.account import Profile, SettingsPatch, SettingsView, VehicleForm
from server.protocol.rest.papers import Deletion, DeletionForm
from server.protocol.rest.signin import OtpAsked
from storage.accounts import Settings

from .identity import send
from .peer import PEER, network_of
from .route import Call, Route, Versioned
from .sessions import fresh

log = logging.getLogger("desk.account")


async def me(call: Call[None, None]) -> Profile:
    """Who is signed in, with what is theirs."""
    account = await call.services.accounts.account(call.caller.user)
    truck = account.truck
    return Profile(
        user=call.caller.user,
        phone=account.phone,
        role=account.role,
        name=account.name,
        locale=account.locale,
        vehicle=msgspec.convert(truck, VehicleForm, from_attributes=True) if truck else None,
        paid_until=account.paid_until,
        on_duty=account.on_duty,
        grade=account.grade,
        company=account.company,
        company_role=account.company_role,
    )


async def settings(call: Call[object, None]) -> Versioned:
    """What the caller says of themselves."""
    return _versioned(await call.services.accounts.settings(call.caller.user))


async def edit(call: Call[SettingsPatch, None]) -> Versioned:
    """Changes it."""
    changes = {name: value for name, value in msgspec.structs.asdict(call.body).items() if value is not None}
    if "time_zone" in changes and not is_time_zone(changes["time_zone"]):
        raise Refusal("bad_request", "there is no such time zone").at("time_zone")
    user, version = call.caller.user, call.expected_version
    return _versioned(await call.services.accounts.edit(user, version, changes))


async def put_vehicle(call: Call[VehicleForm, None]) -> VehicleForm:
    """The truck that the driver drives: described anew, or the first one."""
    form = call.body
    plate = plate_of(form.plate)
    await call.services.vehicles.put_active(
        call.caller.user, form.body, form.capacity_kg, form.volume_m3, plate
    )
    return msgspec.structs.replace(form, plate=plate)


async def delete(call: Call[DeletionForm, None]) -> Deletion:
    """Asks for the end of the account: it is erased after two weeks, unless its owner signs in before."""
    caller, services, now = call.caller, call.services, time.time()
    proof = call.body
    if proof.request is not None and proof.code is not None:
        await services.identity.prove_owner(caller.user, proof.request, proof.code, now)
    else:
        await fresh(call)
    due_at, sessions = await services.erasures.ask(caller.user)
    for session in sessions:
        services.revocations.end(session)
    log.info("erasure.asked", extra={"user": caller.user})
    return Deletion(erased_at=due_at)


async def ask_code(call: Call[None, None]) -> OtpAsked:
    """Sends the code that confirms the end of the account to its phone."""
    account = await call.services.accounts.account(call.caller.user)
    code = await call.services.identity.otp.ask(
        account.phone,
        call.caller.role,
        network_of(call.request[PEER]),
        time.time(),
        purpose="erase",
        user=call.caller.user,
    )
    return await send(call, code)


def plate_of(text: str, field: str = "plate") -> str:
    """A number plate in its one form. Refusal `bad_request` at the field."""
    plate = registers.plate(text)
    if plate is None or len(plate) > 16:
        raise Refusal("bad_request", "a number plate has letters and digits, sixteen at most").at(field)
    return plate


def is_time_zone(name: str) -> bool:
    """Whether the machine's time zone data has this one."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _versioned(stored: Settings) -> Versioned:
    return Versioned(msgspec.convert(stored, SettingsView, from_attributes=True), stored.version)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/me", me, "Who is signed in", "account", response=Profile),
    Route(
        "GET",
        "/api/v1/me/settings",
        settings,
        "Name, mail, language and time zone",
        "account",
        response=SettingsView,
    ),
    Route(
        "PATCH",
        "/api/v1/me/settings",
        edit,
        "Change name, language or time zone",
        "account",
        request=SettingsPatch,
        response=SettingsView,
        headers=("If-Match",),
    ),
    Route(
        "PUT",
        "/api/v1/me/vehicle",
        put_vehicle,
        "Describe the truck that is driven",
        "account",
        request=VehicleForm,
        response=VehicleForm,
        roles=frozenset({"driver"}),
        errors=("driver_busy", "plate_taken"),
    ),
    Route(
        "POST",
        "/api/v1/me/deletion/code",
        ask_code,
        "Ask for a code to end the account",
        "own data",
        response=OtpAsked,
        status=201,
        roles=frozenset({"driver", "logistician", "shipper"}),
        errors=("sms_unavailable",),
        keyed=False,
    ),
    Route(
        "POST",
        "/api/v1/me/deletion",
        delete,
        "End the account",
        "own data",
        request=DeletionForm,
        response=Deletion,
        roles=frozenset({"driver", "logistician", "shipper"}),
        errors=("sign_in_again", "code_wrong", "trip_on"),
    ),
)
