"""Pushes: what is said, to whom, and what came of it. Adapters for each kind of endpoint stand beside."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dispatch.content import Texts
from dispatch.notices import HAPPENINGS, link_of, topic_of, words_of
from server.i18n import DEFAULT, known, notices
from storage.accounts import Endpoint

log = logging.getLogger("desk.push")


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one endpoint. `topic` replaces an older message of the same topic on the phone.

    `ids` leave as data, for the app to fetch the rest by after sign-in; `facts` are what the text may tell.
    `written` is what staff wrote of a broadcast, and of no other kind. `item` is its number in the inbox, by which
    the app says that it was read; 0 for none.
    """

    endpoint: Endpoint
    kind: str
    ids: Mapping[str, int]
    topic: str
    ttl_s: int
    urgent: bool
    facts: Mapping[str, object] = field(default_factory=dict)
    written: Texts | None = None
    item: int = 0

    def __post_init__(self) -> None:
        if self.written is not None and self.kind != notices.WRITTEN_BY_STAFF:
            raise ValueError(f"a push of {self.kind} has no text of its own")

    @property
    def text(self) -> tuple[str, str]:
        """(title, body) in the endpoint's language."""
        lang = known(self.endpoint.locale) or DEFAULT
        return notices.text(lang, self.kind, {**self.ids, **self.facts}, self.written)

    @property
    def data(self) -> dict[str, int | str]:
        """What leaves beside the text: the kind, row ids, and where in the app it leads."""
        item = {"item": self.item} if self.item else {}
        return {"type": self.kind, **self.ids, **item, "link": link_of(self.kind, self.ids)}


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
    """Not now; `after_s` is what the push service asked us to wait, if it did. `tried` False: nobody was asked."""

    reason: str
    after_s: float | None = None
    tried: bool = True


Outcome = Delivered | Gone | Rejected | Later


def push_to(
    endpoint: Endpoint,
    kind: str,
    ids: Mapping[str, int],
    facts: Mapping[str, object],
    ttl_s: float,
    item: int,
    written: Texts | None = None,
) -> Push:
    """What one endpoint is told of an event, as its kind is declared."""
    happening = HAPPENINGS[kind]
    urgent = happening.urgent or happening.is_critical(words_of(facts))
    return Push(endpoint, kind, ids, topic_of(kind, ids), max(1, int(ttl_s)), urgent, facts, written, item)


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
