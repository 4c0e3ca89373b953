"""Proof of delivery over HTTP: what the shipper asks for, what the driver brings."""

import secrets

from aiohttp import web

from dispatch.proof import CODE_DIGITS, ProofKind
from dispatch.visibility import Viewer
from server.protocol.rest.proof import (
    PlaceOfProof,
    ProofDemandForm,
    ProofDemandView,
    ProofForm,
    Proofs,
    ProofView,
)
from storage.proof import Demand, Proof

from . import uploads
from .acting import DRIVERS
from .orders import ANYBODY, SHIPPER
from .parties import party_of, party_to
from .route import Call, Route


async def demand(call: Call[ProofDemandForm, None]) -> ProofDemandView:
    """What the driver must bring before the cargo counts as delivered."""
    services, order = call.services, call.path_id("order")
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    kinds = [ProofKind(kind) for kind in call.body.kinds]
    asked = services.notify.told(await services.proofs.demand(await party_of(call), order, kinds, code))
    return _demand(order, asked)


async def give(call: Call[ProofForm, None]) -> ProofView:
    """The driver brings one."""
    services, order, form = call.services, call.path_id("order"), call.body
    given = services.notify.told(
        await services.proofs.give(
            await party_to(call, order),
            order,
            ProofKind(form.kind),
            file=form.file,
            strokes=form.strokes,
            code=form.code or "",
            signed_by=form.signed_by,
            words=form.note,
        )
    )
    return _view(given)


async def page(call: Call[None, None]) -> Proofs:
    """What was asked for, and what was brought."""
    order = call.path_id("order")
    asked, given = await call.services.proofs.of_order(await _viewer(call, order), order)
    return Proofs(_demand(order, asked), [_view(each) for each in given])


async def picture(call: Call[None, None]) -> web.StreamResponse:
    """The picture of a photo."""
    order = call.path_id("order")
    found = await call.services.proofs.one(await _viewer(call, order), order, call.path_id("proof"))
    return uploads.picture(call.services.files, found.file, f"proof-{order}-{found.id}")


async def _viewer(call: Call[None, None], order: int) -> Viewer:
    return Viewer(await party_to(call, order), call.caller.grade)


def _demand(order: int, asked: Demand) -> ProofDemandView:
    code = ProofKind.CODE in asked.kinds
    return ProofDemandView(
        order=order, kinds=list(asked.kinds), code=asked.code, tries_left=asked.tries_left if code else None
    )


def _view(given: Proof) -> ProofView:
    file = given.file
    return ProofView(
        proof=given.id,
        order=given.order,
        kind=given.kind,
        status=given.status,
        at=given.at,
        given_by=given.given_by,
        signed_by=given.signed_by,
        note=given.note,
        strokes=[[(x, y) for x, y in stroke] for stroke in given.strokes or ()],
        place=None if given.place is None else PlaceOfProof(*given.place),
        mime=None if file is None else file.mime,
        width=None if file is None else file.width,
        height=None if file is None else file.height,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "PUT",
        "/api/v1/orders/{order}/proof/demand",
        demand,
        "Say what proves the delivery",
        "trips",
        request=ProofDemandForm,
        response=ProofDemandView,
        roles=SHIPPER,
        errors=("not_found", "proof_untimely", "busy"),
        scope="orders:write",
    ),
    Route(
        "POST",
        "/api/v1/orders/{order}/proof",
        give,
        "Bring a proof of delivery",
        "trips",
        request=ProofForm,
        response=ProofView,
        status=201,
        roles=DRIVERS,
        errors=(
            "not_found",
            "proof_untimely",
            "proof_given",
            "proof_code_wrong",
            "proof_code_spent",
            "signature_invalid",
            "limit_reached",
            "file_held",
            "file_type",
            "busy",
        ),
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/proof",
        page,
        "What proves the delivery",
        "trips",
        response=Proofs,
        roles=ANYBODY,
        errors=("not_found",),
        scope="orders:read",
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/proof/{proof}/file",
        picture,
        "The picture of a proof",
        "trips",
        roles=ANYBODY,
        errors=("not_found",),
        produces=uploads.KINDS,
        scope="orders:read",
    ),
)
