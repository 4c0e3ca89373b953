"""Trucks: a driver's own ones, those of a company, and which one is driven."""

import msgspec

from dispatch.errors import Refusal
from server.protocol.rest.vehicles import TruckDriverForm, TruckForm, TruckQuery, Trucks, TruckView
from storage.vehicle_rows import OwnVehicle, Spec

from .account import plate_of
from .route import Call, Route, Versioned

_USERS = frozenset({"driver", "logistician"})


async def page(call: Call[None, TruckQuery]) -> Trucks:
    """What the caller may drive or their company owns, newest first."""
    query = call.query
    found = await call.services.vehicles.mine(
        call.caller.user, archived=query.archived, before=query.before, limit=query.limit
    )
    return Trucks(
        vehicles=[truck_view(vehicle) for vehicle in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def add(call: Call[TruckForm, None]) -> Versioned:
    """A driver's own truck, or one of the logistician's company."""
    store, spec = call.services.vehicles, spec_of(call.body)
    put = store.add_own if call.caller.role == "driver" else store.add_to_fleet
    return _versioned(await put(call.caller.user, spec))


async def detail(call: Call[None, None]) -> Versioned:
    """One truck."""
    return _versioned(await call.services.vehicles.vehicle(call.caller.user, call.path_id("vehicle")))


async def edit(call: Call[TruckForm, None]) -> Versioned:
    """Describes a truck anew."""
    vehicle, version = call.path_id("vehicle"), call.expected_version
    spec = spec_of(call.body)
    return _versioned(await call.services.vehicles.edit(call.caller.user, vehicle, version, spec))


async def activate(call: Call[None, None]) -> Versioned:
    """The truck's driver drives this one from now on."""
    return _versioned(await call.services.vehicles.activate(call.caller.user, call.path_id("vehicle")))


async def archive(call: Call[None, None]) -> Versioned:
    """Takes a truck out of use."""
    return _versioned(await call.services.vehicles.archive(call.caller.user, call.path_id("vehicle")))


async def give(call: Call[TruckDriverForm, None]) -> Versioned:
    """Gives a truck of the company to one of its drivers, or takes it back."""
    vehicle, driver = call.path_id("vehicle"), call.body.driver
    return _versioned(await call.services.vehicles.give(call.caller.user, vehicle, driver))


def spec_of(form: TruckForm) -> Spec:
    """The truck that a form describes. Refusal `bad_request` for what no truck can be."""
    if form.temp_min_c is not None and form.temp_max_c is not None and form.temp_min_c > form.temp_max_c:
        raise Refusal("bad_request", "the lowest temperature is above the highest").at("temp_min_c")
    fields = msgspec.structs.asdict(form)
    fields |= {"sides": tuple(dict.fromkeys(form.sides)), "adr": tuple(dict.fromkeys(form.adr))}
    fields |= {"plate": plate_of(form.plate), "trailer_plate": plate_of(form.trailer_plate, "trailer_plate")}
    return Spec(**fields)


def truck_view(vehicle: OwnVehicle) -> TruckView:
    """A truck as those see it who may use it."""
    spec = vehicle.spec
    return TruckView(
        vehicle=vehicle.id,
        body=spec.body,
        capacity_kg=spec.capacity_kg,
        volume_m3=spec.volume_m3,
        country=spec.country,
        plate=spec.plate,
        trailer_plate=spec.trailer_plate,
        length_m=spec.length_m,
        width_m=spec.width_m,
        height_m=spec.height_m,
        sides=list(spec.sides),
        adr=list(spec.adr),
        temp_min_c=spec.temp_min_c,
        temp_max_c=spec.temp_max_c,
        axles=spec.axles,
        fuel_l_100km=spec.fuel_l_100km,
        year=spec.year,
        keeper=vehicle.keeper,
        company=vehicle.company,
        active=vehicle.active,
        archived_at=vehicle.archived_at,
        version=vehicle.version,
    )


def _versioned(vehicle: OwnVehicle) -> Versioned:
    return Versioned(truck_view(vehicle), vehicle.version)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/vehicles",
        page,
        "Own trucks, newest first",
        "vehicles",
        query=TruckQuery,
        response=Trucks,
        roles=_USERS,
    ),
    Route(
        "POST",
        "/api/v1/vehicles",
        add,
        "Add a truck",
        "vehicles",
        request=TruckForm,
        response=TruckView,
        status=201,
        roles=_USERS,
        errors=("company_required", "plate_taken", "limit_reached"),
        location="/api/v1/vehicles/{vehicle}",
    ),
    Route(
        "GET",
        "/api/v1/vehicles/{vehicle}",
        detail,
        "A truck",
        "vehicles",
        response=TruckView,
        roles=_USERS,
    ),
    Route(
        "PUT",
        "/api/v1/vehicles/{vehicle}",
        edit,
        "Describe a truck anew",
        "vehicles",
        request=TruckForm,
        response=TruckView,
        roles=_USERS,
        headers=("If-Match",),
        errors=("vehicle_archived", "driver_busy", "plate_taken"),
    ),
    Route(
        "POST",
        "/api/v1/vehicles/{vehicle}/activate",
        activate,
        "Drive this truck",
        "vehicles",
        response=TruckView,
        roles=_USERS,
        errors=("vehicle_archived", "driver_busy", "busy"),
    ),
    Route(
        "POST",
        "/api/v1/vehicles/{vehicle}/archive",
        archive,
        "Take a truck out of use",
        "vehicles",
        response=TruckView,
        roles=_USERS,
        errors=("vehicle_archived", "driver_busy"),
    ),
    Route(
        "PUT",
        "/api/v1/vehicles/{vehicle}/driver",
        give,
        "Give a company's truck to a driver",
        "vehicles",
        request=TruckDriverForm,
        response=TruckView,
        roles=frozenset({"logistician"}),
        errors=("vehicle_archived", "driver_busy", "busy"),
    ),
)
