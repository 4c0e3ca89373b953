"""What an error of Stripe's means to who moves money: was it surely not done, perhaps done, or not wanted?"""

import logging
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from billing.acquiring import Rejected, Unavailable, Unknown

from .stripe_objects import Intent, Unreadable, converted

if TYPE_CHECKING:
    import stripe

log = logging.getLogger("desk.acquiring")

CONFLICT = 409  # the same attempt is under way


class Fault(NamedTuple):
    """`means` is for the caller, `outcome` for the meters; `sound`: Stripe itself answered."""

    means: Exception
    outcome: str
    sound: bool


def fault_of(error: Exception, lib: ModuleType, *, moves: bool) -> Fault:
    """The meaning of what the library `lib` raised. What `moves` money and may have arrived is Unknown; anything
    else may be asked again."""
    lost = Unknown if moves else Unavailable
    if not isinstance(error, lib.StripeError):
        return Fault(
            lost(str(error) if isinstance(error, Unreadable) else type(error).__name__), "unreadable", False
        )
    detail = detail_of(error)
    if isinstance(error, lib.RateLimitError):
        return Fault(Unavailable(detail), "too many", True)
    refusals = (
        lib.AuthenticationError,
        lib.PermissionError,
        lib.InvalidRequestError,
        lib.IdempotencyError,  # one attempt with two contents
        lib.CardError,
    )
    if isinstance(error, refusals):
        log.error("acquirer.refuses", extra={"acquirer": "stripe", "detail": detail})
        return Fault(Rejected(detail), "refused", True)
    if isinstance(error, lib.APIConnectionError):
        cause = error.__cause__
        sent = not isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        return Fault((lost if sent else Unavailable)(type(cause).__name__), "no answer", False)
    # 5xx, and 200 with a body that is no JSON.
    return Fault(lost(detail), "unreadable", error.http_status == CONFLICT)


def declined(error: "stripe.CardError") -> Intent:
    """The payment that a card was declined for. Rejected where the answer names none."""
    body = error.json_body
    told = body.get("error") if isinstance(body, dict) else None
    made = told.get("payment_intent") if isinstance(told, dict) else None
    if made is None:
        raise Rejected(detail_of(error))
    return converted(made, Intent)


def detail_of(error: "stripe.StripeError") -> str:
    """By which a person finds the request in Stripe's log; without texts, which may quote what we sent."""
    parts = (error.http_status, error.code, getattr(error, "param", None), error.request_id)
    return " ".join(str(part) for part in parts if part)
