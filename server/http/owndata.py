"""All of a user's data as one file: ask for it, see how far it is, fetch it."""

import logging

from aiohttp import web

from dispatch.errors import Refusal
from server.protocol.rest.papers import Exports, ExportView
from storage.exports import Export

from . import uploads
from .route import Call, Route

log = logging.getLogger("desk.owndata")


async def ask(call: Call[None, None]) -> ExportView:
    """Begins an export, or answers with the one that is being made."""
    export = await call.services.exports.ask(call.caller.user)
    call.services.chores.wake()
    log.info("export.asked", extra={"export": export.id})
    return _view(export)


async def page(call: Call[None, None]) -> Exports:
    """The caller's exports."""
    return Exports([_view(export) for export in await call.services.exports.mine(call.caller.user)])


async def detail(call: Call[None, None]) -> ExportView:
    """How far one is."""
    return _view(await call.services.exports.export(call.caller.user, call.path_id("export")))


async def fetch(call: Call[None, None]) -> web.StreamResponse:
    """The ZIP, to its owner, for a week."""
    export = await call.services.exports.export(call.caller.user, call.path_id("export"))
    if export.name is None:
        raise Refusal("not_ready" if export.state in ("due", "running") else "not_found")
    log.info("export.fetched", extra={"export": export.id})
    called = f"tracking-desk-{export.id}.zip"
    return uploads.download(call.services.files, export.name, "application/zip", called, "exports")


def _view(export: Export) -> ExportView:
    return ExportView(
        export=export.id,
        state=export.state,
        progress=export.progress,
        size=export.size,
        created_at=export.created_at,
        ready_at=export.ready_at,
        expires_at=export.expires_at,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/me/exports",
        ask,
        "Ask for all own data",
        "own data",
        response=ExportView,
        status=202,
        location="/api/v1/me/exports/{export}",
    ),
    Route("GET", "/api/v1/me/exports", page, "Own exports", "own data", response=Exports),
    Route("GET", "/api/v1/me/exports/{export}", detail, "An export", "own data", response=ExportView),
    Route(
        "GET",
        "/api/v1/me/exports/{export}/file",
        fetch,
        "The file of an export",
        "own data",
        errors=("not_ready",),
        produces=("application/zip",),
        viewable=False,  # everything at once, as a file to keep
    ),
)
