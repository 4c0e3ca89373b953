"""Pushes: what is said, to whom, and what came of it. Adapters for each kind of endpoint stand beside."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dispatch.content import Texts, said
from server.i18n import DEFAULT, known, notices
from storage.accounts import Endpoint

log = logging.getLogger("desk.push")


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one endpoint. `topic` replaces an older message of the same topic on the phone.

    `ids` leave as data, for the app to fetch the rest by after sign-in; `facts` are what the text may tell.
    `written` is what staff wrote of a broadcast, and of no other kind.
    """

    endpoint: Endpoint
    kind: str
    ids: Mapping[str, int]
    topic: str
    ttl_s: int
    urgent: bool
    facts: Mapping[str, object] = field(default_factory=dict)
    written: Texts | None = None

    def __post_init__(self) -> None:
        if self.written is not None and self.kind != notices.WRITTEN_BY_STAFF:
            raise ValueError(f"a push of {self.kind} has no text of its own")

    @property
    def text(self) -> tuple[str, str]:
        """(title, body) in the endpoint's language."""
        written = None
        if self.written is not None:
            written = said(self.written, known(self.endpoint.locale) or DEFAULT)
        if written is not None:
            return written.title, written.body
        return notices.text(known(self.endpoint.locale) or DEFAULT, self.kind, {**self.ids, **self.facts})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The push service took it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Nobody is at this endpoint any more: forget it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The push service will never take this message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; `after_s` is what the push service asked us to wait, if it did."""

    reason: str
    after_s: float | None = None


Outcome = Delivered | Gone | Rejected | Later


class PushSender(Protocol):
    """Sends to the endpoints of some kinds."""

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """What came of each push, in order; never raises for one endpoint's sake."""

    async def close(self) -> None:
        """Gives connections back."""


class LogSender:
    """The default: writes what would be pushed to the log."""

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """Logs each push and calls it delivered."""
        for push in pushes:
            log.info(
                "push.logged",
                extra={"user": push.endpoint.user, "kind": push.kind, "ids": dict(push.ids)},
            )
        return [Delivered() for _ in pushes]

    async def close(self) -> None:
        """Nothing to give back."""
