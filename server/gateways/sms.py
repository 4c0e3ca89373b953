"""What every SMS gateway has in common: one call, five kinds of trouble."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import aiohttp

from . import http
from .http import NoAnswer, json_object

TIMEOUT_S = 6.0  # two gateways in a row still answer within a person's patience


class Trouble(StrEnum):
    """Why a message did not go."""

    NUMBER = "number"  # it cannot be reached by SMS
    THROTTLED = "throttled"  # the same message to the same number too often
    ACCOUNT = "account"  # ours there: no money, wrong key, blocked
    REFUSED = "refused"  # our text, sender name or parameters
    DOWN = "down"  # no answer, or none that makes sense


@dataclass(frozen=True, slots=True)
class Sent:
    """The gateway took the message; `id` is its own name for it."""

    id: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It did not. `detail` is the gateway's code or the kind of failure, never a secret or a number."""

    trouble: Trouble
    detail: str


Outcome = Sent | NotSent


class SmsGateway(Protocol):
    """One provider."""

    name: str

    async def send(self, phone: str, text: str) -> Outcome:
        """What came of one message to this E.164 number; never raises."""

    async def close(self) -> None:
        """Gives connections back."""


async def post(
    session: aiohttp.ClientSession, url: str, form: dict[str, str], query: dict[str, str] | None = None
) -> dict[str, Any] | NotSent:
    """POSTs a form; the JSON object that came back. Any status but 2xx, and anything but an object, is DOWN."""
    try:
        status, raw, _ = await http.ask(session, "POST", url, form=form, query=query)
        return json_object(raw) if status // 100 == 2 else NotSent(Trouble.DOWN, f"HTTP {status}")
    except NoAnswer as error:
        return NotSent(Trouble.DOWN, str(error))
