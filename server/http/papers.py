"""Uploads and the papers that they are: of people, vehicles and companies; staff reviews them."""

import logging

from aiohttp import web

from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.protocol.rest.common import PageQuery
from server.protocol.rest.papers import (
    DocumentForm,
    DocumentReview,
    Documents,
    DocumentView,
    UploadedFile,
)
from server.protocol.rest.vehicles import AfterQuery
from storage.documents import Document, NewDocument
from storage.files import StoredFile

from . import uploads
from .route import Call, Route, Versioned

log = logging.getLogger("desk.papers")

_USERS = frozenset({"driver", "logistician", "shipper"})
_STAFF = frozenset({"admin"})
UPLOAD_ERRORS = (
    "file_type",
    "file_unsafe",
    "file_broken",
    "file_too_large",
    "quota_exceeded",
)


async def upload(call: Call[None, None]) -> UploadedFile:
    """Takes a file in."""
    return uploaded_file(await uploads.receive(call))


async def fetch(call: Call[None, None]) -> web.StreamResponse:
    """An upload, to who has sent it."""
    stored = await call.services.files.file(call.path_id("file"))
    if stored.owner != call.caller.user:
        raise Refusal("not_found")
    return uploads.attachment(call.services.files, stored, f"file-{stored.id}")


async def forget(call: Call[None, None]) -> None:
    """Deletes an upload that nothing holds."""
    await call.services.files.forget(call.caller.user, call.path_id("file"))


async def add(call: Call[DocumentForm, None]) -> Versioned:
    """Makes an upload a paper."""
    form = call.body
    new = NewDocument(
        form.file, form.kind, form.number, form.issued_at, form.expires_at, form.vehicle, form.for_company
    )
    return _versioned(await call.services.documents.add(call.caller.user, new))


async def page(call: Call[None, PageQuery]) -> Documents:
    """Papers that the caller has sent or that are of their company, newest first."""
    query = call.query
    found = await call.services.documents.mine(call.caller.user, query.before, query.limit)
    return _page(found, query.limit)


async def detail(call: Call[None, None]) -> Versioned:
    """One paper."""
    return _versioned(await call.services.documents.document(call.caller.user, call.path_id("document")))


async def file(call: Call[None, None]) -> web.StreamResponse:
    """The paper itself."""
    document = call.path_id("document")
    stored = await call.services.documents.file(call.caller.user, document)
    return uploads.attachment(call.services.files, stored, f"document-{document}")


async def delete(call: Call[None, None]) -> None:
    """Deletes a paper with its file."""
    name = await call.services.documents.delete(call.caller.user, call.path_id("document"))
    call.services.files.remove_later([name])


async def queue(call: Call[None, AfterQuery]) -> Documents:
    """What waits for review, oldest first."""
    found = await call.services.documents.queue(call.query.after, call.query.limit)
    return _page(found, call.query.limit)


async def any_one(call: Call[None, None]) -> Versioned:
    """Any paper."""
    return _versioned(await call.services.documents.any(call.path_id("document")))


async def any_file(call: Call[None, None]) -> web.StreamResponse:
    """Any paper itself; that it was looked at is logged."""
    document = call.path_id("document")
    stored = await call.services.documents.any_file(document)
    log.info("document.viewed", extra={"document": document})
    return uploads.attachment(call.services.files, stored, f"document-{document}")


async def review(call: Call[DocumentReview, None]) -> Versioned:
    """Approves or rejects what staff has seen."""
    document, version, word = call.path_id("document"), call.expected_version, call.body
    if word.approved == (word.reason is not None):
        raise Refusal("bad_request", "a rejection says why, an approval does not").at("reason")
    reviewed = await call.services.documents.review(
        call.caller.user, document, version, approved=word.approved, reason=word.reason
    )
    log.info("document.reviewed", extra={"document": document, "state": reviewed.state})
    return _versioned(reviewed)


def uploaded_file(stored: StoredFile) -> UploadedFile:
    """A stored file as its owner sees it."""
    return UploadedFile(
        file=stored.id,
        mime=stored.mime,
        size=stored.size,
        sha256=stored.sha256.hex(),
        width=stored.width,
        height=stored.height,
        pages=stored.pages,
        created_at=stored.created_at,
    )


def _page(found: list[Document], limit: int) -> Documents:
    return Documents([_view(each) for each in found], found[-1].id if len(found) == limit else None)


def _versioned(document: Document) -> Versioned:
    return Versioned(_view(document), document.version)


def _view(document: Document) -> DocumentView:
    return DocumentView(
        document=document.id,
        user=document.user,
        vehicle=document.vehicle,
        company=document.company,
        kind=document.kind,
        number=document.number,
        issued_at=document.issued_at,
        expires_at=document.expires_at,
        mime=document.mime,
        size=document.size,
        state=document.state,
        reason=document.reason,
        created_at=document.created_at,
        version=document.version,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/files",
        upload,
        "Upload a file",
        "papers",
        response=UploadedFile,
        status=201,
        roles=_USERS,
        errors=UPLOAD_ERRORS,
        location="/api/v1/files/{file}",
        upload=True,
    ),
    Route(
        "GET",
        "/api/v1/files/{file}",
        fetch,
        "An own upload",
        "papers",
        roles=_USERS,
        produces=uploads.KINDS,
    ),
    Route(
        "DELETE",
        "/api/v1/files/{file}",
        forget,
        "Delete an upload that nothing holds",
        "papers",
        status=204,
        roles=_USERS,
        errors=("file_held",),
    ),
    Route(
        "POST",
        "/api/v1/documents",
        add,
        "Make an upload a paper",
        "papers",
        request=DocumentForm,
        response=DocumentView,
        status=201,
        roles=_USERS,
        errors=("not_found", "file_held", "company_required", "limit_reached"),
        location="/api/v1/documents/{document}",
    ),
    Route(
        "GET",
        "/api/v1/documents",
        page,
        "Own papers and the company's, newest first",
        "papers",
        query=PageQuery,
        response=Documents,
        roles=_USERS,
    ),
    Route(
        "GET",
        "/api/v1/documents/{document}",
        detail,
        "A paper",
        "papers",
        response=DocumentView,
        roles=_USERS,
    ),
    Route(
        "GET",
        "/api/v1/documents/{document}/file",
        file,
        "The file of a paper",
        "papers",
        roles=_USERS,
        produces=uploads.KINDS,
    ),
    Route(
        "DELETE",
        "/api/v1/documents/{document}",
        delete,
        "Delete a paper",
        "papers",
        status=204,
        roles=_USERS,
    ),
    Route(
        "GET",
        "/api/v1/admin/documents",
        queue,
        "Papers that wait for review, oldest first",
        "admin",
        query=AfterQuery,
        response=Documents,
        roles=_STAFF,
        grades=grades(Right.SEE_DOCUMENTS),
    ),
    Route(
        "GET",
        "/api/v1/admin/documents/{document}",
        any_one,
        "A paper, for staff",
        "admin",
        response=DocumentView,
        roles=_STAFF,
        grades=grades(Right.SEE_DOCUMENTS),
    ),
    Route(
        "GET",
        "/api/v1/admin/documents/{document}/file",
        any_file,
        "The file of a paper, for staff",
        "admin",
        roles=_STAFF,
        grades=grades(Right.SEE_DOCUMENTS),
        produces=uploads.KINDS,
    ),
    Route(
        "PUT",
        "/api/v1/admin/documents/{document}/review",
        review,
        "Approve or reject a paper",
        "admin",
        request=DocumentReview,
        response=DocumentView,
        roles=_STAFF,
        grades=grades(Right.JUDGE_DOCUMENTS),
        headers=("If-Match",),
    ),
)
