"""Photos and papers of an order over HTTP."""

from aiohttp import web

from dispatch.model import Party
from dispatch.visibility import Viewer
from server.protocol.rest.attachments import AttachmentForm, Attachments, AttachmentView
from storage.attachments import Attachment

from . import uploads
from .orders import ANYBODY
from .parties import party_to
from .route import Call, Route

_PARTIES = ANYBODY - {"admin"}


async def add(call: Call[AttachmentForm, None]) -> AttachmentView:
    """Attaches an upload of the caller's."""
    order, form = call.path_id("order"), call.body
    party = await party_to(call, order)
    added = await call.services.attachments.add(
        party, order, form.file, form.kind, form.title, public=form.public
    )
    return _view(added)


async def page(call: Call[None, None]) -> Attachments:
    """What the caller may see of it."""
    order = call.path_id("order")
    viewer = _viewer(call, await party_to(call, order))
    found = await call.services.attachments.of_order(viewer, order, call.services.now())
    return Attachments([_view(each) for each in found])


async def file(call: Call[None, None]) -> web.StreamResponse:
    """The file itself."""
    order = call.path_id("order")
    viewer = _viewer(call, await party_to(call, order))
    found = await call.services.attachments.one(
        viewer, order, call.path_id("attachment"), call.services.now()
    )
    return uploads.attachment(call.services.files, found.file, f"order-{order}-{found.id}")


async def remove(call: Call[None, None]) -> None:
    """Takes back what the caller has added."""
    order = call.path_id("order")
    party = await party_to(call, order)
    name = await call.services.attachments.remove(party, order, call.path_id("attachment"))
    call.services.files.remove_later([name])


def _viewer(call: Call[None, None], party: Party) -> Viewer:
    return Viewer(party, call.caller.grade)


def _view(attachment: Attachment) -> AttachmentView:
    stored = attachment.file
    return AttachmentView(
        attachment=attachment.id,
        order=attachment.order,
        kind="photo" if attachment.kind == "photo" else "paper",
        title=attachment.title,
        public=attachment.public,
        added_by=attachment.added_by,
        added_at=attachment.added_at,
        mime=stored.mime,
        size=stored.size,
        width=stored.width,
        height=stored.height,
        pages=stored.pages,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/orders/{order}/attachments",
        add,
        "Attach an upload to an order",
        "orders",
        request=AttachmentForm,
        response=AttachmentView,
        status=201,
        roles=_PARTIES,
        errors=("not_found", "order_closed", "limit_reached", "file_held", "file_type", "busy"),
        location="/api/v1/orders/{order}/attachments/{attachment}/file",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/attachments",
        page,
        "Photos and papers of an order",
        "orders",
        response=Attachments,
        roles=ANYBODY,
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/attachments/{attachment}/file",
        file,
        "A photo or paper of an order",
        "orders",
        roles=ANYBODY,
        errors=("not_found",),
        produces=uploads.KINDS,
    ),
    Route(
        "DELETE",
        "/api/v1/orders/{order}/attachments/{attachment}",
        remove,
        "Take an attachment back",
        "orders",
        status=204,
        roles=_PARTIES,
        errors=("not_found", "order_closed", "busy"),
    ),
)
