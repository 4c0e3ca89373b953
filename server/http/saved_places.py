"""Places that a user keeps."""

from geo.gazetteer import Gazetteer
from geo.types import Position
from server.phone import dialled
from server.protocol.rest.places import SavedPlace, SavedPlaceForm, SavedPlaces
from storage import saved_places as store

from .route import Call, Route, Versioned


async def page(call: Call[None, None]) -> SavedPlaces:
    """All of the caller's, the last used first."""
    found = await call.services.saved_places.all(call.caller.user)
    return SavedPlaces([_view(each, call.services.gazetteer, call.lang) for each in found])


async def one(call: Call[None, None]) -> Versioned:
    """One of them."""
    found = await call.services.saved_places.one(call.caller.user, call.path_id("place"))
    return _versioned(call, found)


async def add(call: Call[SavedPlaceForm, None]) -> Versioned:
    """Keeps a place."""
    note = _note(call.body, call.services.gazetteer)
    return _versioned(call, await call.services.saved_places.add(call.caller.user, note))


async def change(call: Call[SavedPlaceForm, None]) -> Versioned:
    """Edits it whole."""
    note = _note(call.body, call.services.gazetteer)
    place, version = call.path_id("place"), call.expected_version
    return _versioned(call, await call.services.saved_places.change(call.caller.user, place, version, note))


async def remove(call: Call[None, None]) -> None:
    """Forgets it."""
    await call.services.saved_places.remove(call.caller.user, call.path_id("place"))


async def used(call: Call[None, None]) -> None:
    """It was chosen: it stands first from now on."""
    await call.services.saved_places.used(call.caller.user, call.path_id("place"))


def _note(form: SavedPlaceForm, gazetteer: Gazetteer) -> store.PlaceNote:
    known = None if form.city is None else gazetteer.city(form.city)
    return store.PlaceNote(
        label=form.label,
        at=Position(form.lat, form.lon),
        city=gazetteer.nearest(form.lat, form.lon).id if known is None else known.id,
        address=form.address,
        contact_name=form.contact_name,
        contact_phone=dialled(form.contact_phone) if form.contact_phone else "",
        note=form.note,
    )


def _versioned(call: Call[object, object], saved: store.SavedPlace) -> Versioned:
    return Versioned(_view(saved, call.services.gazetteer, call.lang), saved.version)


def _view(saved: store.SavedPlace, gazetteer: Gazetteer, lang: str) -> SavedPlace:
    note = saved.place
    town = gazetteer.city(note.city)
    return SavedPlace(
        place=saved.id,
        label=note.label,
        address=note.address,
        lat=note.at.lat,
        lon=note.at.lon,
        city=note.city,
        city_name="" if town is None else town.names.get(lang, town.names["en"]),
        contact_name=note.contact_name,
        contact_phone=note.contact_phone,
        note=note.note,
        version=saved.version,
        uses=saved.uses,
        used_at=saved.used_at,
    )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/saved-places", page, "Kept places", "places", response=SavedPlaces),
    Route(
        "POST",
        "/api/v1/saved-places",
        add,
        "Keep a place",
        "places",
        request=SavedPlaceForm,
        response=SavedPlace,
        status=201,
        errors=("limit_reached", "phone_invalid"),
        location="/api/v1/saved-places/{place}",
    ),
    Route("GET", "/api/v1/saved-places/{place}", one, "A kept place", "places", response=SavedPlace),
    Route(
        "PUT",
        "/api/v1/saved-places/{place}",
        change,
        "Edit a kept place",
        "places",
        request=SavedPlaceForm,
        response=SavedPlace,
        errors=("phone_invalid",),
        headers=("If-Match",),
    ),
    Route("DELETE", "/api/v1/saved-places/{place}", remove, "Forget a kept place", "places", status=204),
    Route(
        "POST",
        "/api/v1/saved-places/{place}/used",
        used,
        "A kept place was chosen",
        "places",
        status=204,
    ),
)
