"""The single table from what went wrong to what the caller is told. Handlers contain no try/except."""

import logging

from dispatch.errors import Refusal
from server.i18n import Lang, say, told
from server.protocol.codes import ERRORS, ErrorCode
from server.protocol.rest.common import Problem
from storage import postgres, redis

UNREACHABLE: tuple[type[Exception], ...] = (*postgres.Unreachable, *redis.Unreachable)


def refusal_of(error: Exception, log: logging.Logger) -> Refusal:
    """A refusal as it is, a service that is away as `unavailable`, anything else logged and `internal`."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, UNREACHABLE):
        log.warning("unavailable", extra={"error": repr(error)})
        return Refusal("unavailable")
    log.error("fault", exc_info=error)
    return Refusal("internal")


def problem_of(
    refusal: Refusal, path: str | None = None, lang: Lang = "en", request: str | None = None
) -> Problem:
    """The same refusal as RFC 9457 problem details, its sentences in this language."""
    spec: ErrorCode = ERRORS[refusal.code]
    title = say(lang, spec.title)
    return Problem(
        type=f"/docs/errors#{spec.code}",
        title=title,
        status=spec.status,
        code=spec.code,
        detail=told(lang, refusal) or title,
        retry=spec.retry,
        path=path or refusal.path,
        request=request,
    )
