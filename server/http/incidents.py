"""Incidents over HTTP: the driver reports, the parties read."""

from aiohttp import web

from dispatch.visibility import Viewer
from server.protocol.rest.proof import (
    IncidentForm,
    IncidentPhoto,
    Incidents,
    IncidentView,
    PlaceOfProof,
)
from storage.proof import Incident

from . import uploads
from .acting import DRIVERS
from .orders import ANYBODY
from .parties import party_to
from .route import Call, Route


async def report(call: Call[IncidentForm, None]) -> IncidentView:
    """Something happened on the way."""
    services, order, form = call.services, call.path_id("order"), call.body
    party = await party_to(call, order)
    files = list(dict.fromkeys(form.files))
    reported = await services.incidents.report(party, order, form.kind, form.note, form.delay_s, files)
    return _view(services.notify.told(reported))


async def page(call: Call[None, None]) -> Incidents:
    """What happened on the way."""
    order = call.path_id("order")
    found = await call.services.incidents.of_order(await _viewer(call, order), order)
    return Incidents([_view(each) for each in found])


async def photo(call: Call[None, None]) -> web.StreamResponse:
    """A picture of a report."""
    order, incident = call.path_id("order"), call.path_id("incident")
    file = call.path_id("file")
    found = await call.services.incidents.photo(await _viewer(call, order), order, incident, file)
    return uploads.picture(call.services.files, found, f"incident-{incident}-{file}")


async def _viewer(call: Call[None, None], order: int) -> Viewer:
    return Viewer(await party_to(call, order), call.caller.grade)


def _view(incident: Incident) -> IncidentView:
    return IncidentView(
        incident=incident.id,
        order=incident.order,
        kind=incident.kind,
        at=incident.at,
        reported_by=incident.reported_by,
        note=incident.note,
        delay_s=incident.delay_s,
        place=None if incident.place is None else PlaceOfProof(*incident.place),
        photos=[IncidentPhoto(each.id, each.mime, each.width, each.height) for each in incident.photos],
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/{order}/incidents",
        report,
        "Report what happened on the way",
        "trips",
        request=IncidentForm,
        response=IncidentView,
        status=201,
        roles=DRIVERS,
        errors=("not_found", "order_closed", "limit_reached", "file_held", "file_type", "busy"),
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/incidents",
        page,
        "What happened on the way",
        "trips",
        response=Incidents,
        roles=ANYBODY,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/incidents/{incident}/files/{file}",
        photo,
        "A picture of what happened",
        "trips",
        roles=ANYBODY,
        errors=("not_found",),
        produces=uploads.KINDS,
        scope="orders:read",
    ),
)
