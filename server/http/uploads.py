"""Files over HTTP, for every route that takes or gives one: in as a stream, out as an attachment.

A body is read chunk by chunk onto the disk, never whole into memory; what the sender says of its type or name is
not looked at. What is given out is never shown by a browser as part of this site: it is a download, sniffed by
nobody, in a sandbox.
"""

import asyncio
import logging

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from dispatch.errors import Refusal
from storage.files import FileStore, Incoming, StoredFile

from .route import Call

log = logging.getLogger("desk.files")

CHUNK = 64 * 1024
STALLED_S = 30.0  # without a byte
TOO_SLOW_S = 600.0  # for one file: 10 MB at 17 kB/s, the worst that a road has
FORM = "multipart/form-data"
FIELD = "file"
KINDS = ("application/pdf", "image/jpeg", "image/png", "image/webp")
SUFFIX = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
# What aiohttp raises for a form that is none, and for a body that ends before its time. The two in front are
# warnings, raised where warnings are errors; elsewhere the part has no name, which ends the same way.
MALFORMED = (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    ValueError,
    AssertionError,
    web.RequestPayloadError,
    HttpProcessingError,
)
ATTACHMENT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


async def receive(call: Call[None, None]) -> StoredFile:
    """The uploaded file, looked into and stored as the caller's, held by nothing yet. Route with `upload=True`.

    Refusals of `FileStore.receive` and `FileStore.keep`, `bad_request` for a form without the file.
    """
    request, files = call.request, call.services.files
    if request.content_length is not None and request.content_length > files.limits.bytes_a_file + CHUNK:
        # Not worth a byte; the rest of the body is not read either.
        raise Refusal("file_too_large")
    async with files.receive(call.caller.user) as incoming:
        try:
            async with asyncio.timeout(TOO_SLOW_S):
                if request.content_type == FORM:
                    await _form(request, incoming)
                else:
                    await _raw(request, incoming)
        except TimeoutError:
            raise Refusal("bad_request", "the file came too slowly") from None
        except MALFORMED:
            raise Refusal("bad_request", "the body is not well made, or was cut off") from None
        return await files.keep(call.caller.user, incoming)


async def _raw(request: web.Request, incoming: Incoming) -> None:
    while True:
        async with asyncio.timeout(STALLED_S):
            chunk = await request.content.readany()
        if not chunk:
            return
        await incoming.write(chunk)


async def _form(request: web.Request, incoming: Incoming) -> None:
    """Exactly one part that is called `file`. What the client calls the file is not even read."""
    form = await request.multipart()
    part = await form.next()
    if not isinstance(part, BodyPartReader) or part.name != FIELD:
        raise Refusal("bad_request", "send one part with the name file").at(FIELD)
    while True:
        async with asyncio.timeout(STALLED_S):
            chunk = await part.read_chunk(CHUNK)
        if not chunk:
            break
        await incoming.write(chunk)
    if await form.next() is not None:
        raise Refusal("bad_request", "send one part with the name file").at(FIELD)


def attachment(files: FileStore, stored: StoredFile, name: str) -> web.StreamResponse:
    """The file as a download called `name` with the suffix of its kind."""
    return download(files, stored.name, stored.mime, f"{name}.{SUFFIX[stored.mime]}")


def picture(files: FileStore, stored: StoredFile | None, name: str) -> web.StreamResponse:
    """The same for what may have no file. Refusal `not_found`."""
    if stored is None:
        raise Refusal("not_found")
    return attachment(files, stored, name)


def download(
    files: FileStore, name: str, mime: str, called: str, tree: str = "objects"
) -> web.StreamResponse:
    """A file of ours. `called` is made by us of letters, digits, points and hyphens. Refusal `not_found`."""
    path = files.path(name, tree)
    if not path.is_file():
        log.error("files.missing", extra={"file": name})
        raise Refusal("not_found")
    headers = {
        **ATTACHMENT,
        "Content-Type": mime,
        "Content-Disposition": f'attachment; filename="{called}"',
    }
    return web.FileResponse(path, headers=headers)
