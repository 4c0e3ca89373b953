"""Pushes: what is said, to whom, and what came of it. Adapters for each kind of endpoint stand beside."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from storage.accounts import Endpoint

log = logging.getLogger("desk.push")

# A push passes through strangers' servers and lock screens, so it names the kind of news and row ids only
# (control C61); the app fetches the rest after sign-in. Sentences by kind and language, title and body.
TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "offer.made": {
        "ru": ("Новый груз", "Для вас есть груз. Откройте приложение, пока предложение действует."),
        "kk": ("Жаңа жүк", "Сізге жүк бар. Ұсыныс мерзімі біткенше қосымшаны ашыңыз."),
        "en": ("New load", "A load is offered to you. Open the app before the offer ends."),
        "zh": ("新货源", "有一票货源推荐给您，请在报价失效前打开应用。"),
    },
    "offer.closed": {
        "ru": ("Предложение закрыто", "Этот груз больше не предлагается."),
        "kk": ("Ұсыныс жабылды", "Бұл жүк енді ұсынылмайды."),
        "en": ("Offer closed", "This load is no longer offered."),
        "zh": ("报价已关闭", "该货源已不再提供。"),
    },
    "order.changed": {
        "ru": ("Статус перевозки", "Статус вашей перевозки изменился."),
        "kk": ("Тасымал күйі", "Тасымалыңыздың күйі өзгерді."),
        "en": ("Haul status", "The status of your haul has changed."),
        "zh": ("运输状态", "您的运输状态已更新。"),
    },
}
IDS = ("offer", "order")


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one endpoint. `topic` replaces an older message of the same topic on the phone."""

    endpoint: Endpoint
    kind: str
    ids: Mapping[str, int]
    topic: str
    ttl_s: int
    urgent: bool

    @property
    def text(self) -> tuple[str, str]:
        """(title, body) in the endpoint's language."""
        texts = TEXTS[self.kind]
        return texts.get(self.endpoint.locale, texts["ru"])


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
