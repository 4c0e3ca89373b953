"""The address that mails go to: said, proven by a code, and taken back."""

import asyncio
import logging
import time

from dispatch.errors import Refusal
from server.gateways.email.mail import Mail
from server.gateways.push import Delivered, Gone, Rejected
from server.i18n import Lang, say
from server.protocol.rest.account import EmailAsked, EmailForm, EmailProofForm, SettingsView
from storage.email_codes import EmailCode

from .account import settings
from .peer import PEER, network_of
from .route import Call, Route, Versioned

log = logging.getLogger("desk.email")

PATIENCE_S = 20.0  # of somebody who waits for a page to answer


async def put(call: Call[EmailForm, None]) -> EmailAsked:
    """Sends a code to the address. Nothing changes before it comes back."""
    services, now = call.services, time.time()
    code = await services.email_codes.ask(
        call.caller.user, call.body.email, network_of(call.request[PEER]), now
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            (outcome,) = await services.email_sender.send([_mail(code, call.lang)])
    except TimeoutError:
        outcome = None
    if not isinstance(outcome, Delivered):
        await services.email_codes.unsent(code.request, time.time())
        raise Refusal("email_unreachable" if isinstance(outcome, Gone | Rejected) else "email_unavailable")
    return EmailAsked(request=code.request, expires_at=code.expires_at, resend_at=code.resend_at)


async def confirm(call: Call[EmailProofForm, None]) -> Versioned:
    """The code makes the address the caller's."""
    await call.services.email_codes.confirm(call.caller.user, call.body.request, call.body.code, time.time())
    log.info("email.proven", extra={"user": call.caller.user})
    return await settings(call)


async def delete(call: Call[None, None]) -> None:
    """No mails any more."""
    await call.services.email_codes.forget(call.caller.user)


def _mail(code: EmailCode, lang: Lang) -> Mail:
    text = say(
        lang,
        "Code {code}. It is good for 15 minutes. Do not tell it to anybody.\n\n"
        "If you have not asked for it, somebody has mistyped their address: forget this mail.",
        code=code.code,
    )
    return Mail(
        code.email,
        "email.code",
        f"email.code {code.request}",
        say(lang, "Code {code}", code=code.code),
        text,
        code=code.code,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "PUT",
        "/api/v1/me/email",
        put,
        "Say where mails go: a code comes there",
        "account",
        request=EmailForm,
        response=EmailAsked,
        status=202,
        errors=("email_unavailable", "email_unreachable"),
        keyed=False,
    ),
    Route(
        "POST",
        "/api/v1/me/email/confirm",
        confirm,
        "Prove the address by the code",
        "account",
        request=EmailProofForm,
        response=SettingsView,
        errors=("code_wrong",),
    ),
    Route("DELETE", "/api/v1/me/email", delete, "No mails any more", "account", status=204),
)
