"""The audit log: reading it, and checking its chain."""

import asyncio

from dispatch.rights import Right, grades
from server.http.route import Call, Route
from server.protocol.rest.audit import (
    AuditFault,
    AuditLine,
    AuditLines,
    AuditQuery,
    Verification,
    VerificationQuery,
)
from storage.audit.reading import AuditRow, Wanted
from storage.audit.verify import verify_stretch


async def lines(call: Call[None, AuditQuery]) -> AuditLines:
    """What staff did and looked at, newest first."""
    query = call.query
    wanted = Wanted(query.staff, query.user, query.what, query.since, query.until, query.before, query.limit)
    found = await call.services.audit_log.lines(wanted)
    return AuditLines(
        lines=[_line(row) for row in found],
        next=found[-1].id if len(found) == query.limit else None,
    )


async def verification(call: Call[None, VerificationQuery]) -> Verification:
    """Checks a stretch of the chain, and at its end the heads that are kept outside the database."""
    services, query = call.services, call.query
    kept = await asyncio.to_thread(services.anchors.read)
    report = await verify_stretch(services.pool, kept, query.after, query.limit)
    return Verification(
        checked=report.checked,
        broken=report.broken,
        faults=[
            AuditFault(kind=fault.kind.value, seal=fault.number, action=fault.line) for fault in report.faults
        ],
        head=report.head.number,
        hash=report.head.hash.hex(),
        anchors=report.anchors,
        next=report.head.number if report.more else None,
    )


def _line(row: AuditRow) -> AuditLine:
    return AuditLine(
        action=row.id,
        at=row.at,
        staff=row.staff,
        what=row.action,
        user=row.user,
        reason=row.reason,
        detail=row.detail,
        seal=row.seal,
        hash=row.hash,
    )


_SEE = grades(Right.SEE_STAFF_ACTIONS)
_STAFF = frozenset({"admin"})
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/audit",
        lines,
        "The audit log",
        "audit",
        query=AuditQuery,
        response=AuditLines,
        roles=_STAFF,
        grades=_SEE,
    ),
    Route(
        "GET",
        "/api/v1/admin/audit/verification",
        verification,
        "Check the audit chain",
        "audit",
        query=VerificationQuery,
        response=Verification,
        roles=_STAFF,
        grades=_SEE,
        bucket="heavy",
    ),
)
