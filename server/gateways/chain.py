"""Several vendors that answer the same question: in order, each behind a breaker, within one budget of time.

A question that is being asked already is not asked twice, and an answer is kept for as long as its vendor's terms
allow. The chain itself never fails: when nobody answers in time it says so with None, and the caller has a way of
its own.
"""

import asyncio
import contextvars
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from geo.providers import NoAnswer, ProviderFault
from storage.cache import TimedCache

from .breaker import Breaker, Patience, Phase
from .meters import VendorMeters

log = logging.getLogger("desk.vendors")

# An answer that was "there is none" is asked again after this.
NONE_KEPT_S = 3_600.0
LEAST_CALL_S = 0.05  # with less left nobody can answer
NOTHING = b""
PATIENCE = Patience()


class Named(Protocol):
    """What a chain needs of a vendor's adapter."""

    @property
    def name(self) -> str: ...
    async def close(self) -> None: ...


P = TypeVar("P", bound=Named)
R = TypeVar("R")


@dataclass
class Link(Generic[P]):
    """One vendor of a chain. `keep_s`: seconds for which its terms let an answer be kept, 0 not at all."""

    vendor: P
    keep_s: float
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class Question(Generic[P, R]):
    """`text` tells questions apart, for one vendor; `ask` puts it; `kind` is the type of the answer.

    `sound` says whether an answer can be true; `fresh_s` caps how long it may be kept.
    """

    text: Callable[[P], str]
    ask: Callable[[P], Awaitable[R]]
    kind: type[R]
    sound: Callable[[R], bool] = lambda answer: True
    fresh_s: float = float("inf")


class Chain(Generic[P]):
    """The vendors of one kind of question. `close` ends what is under way."""

    def __init__(
        self,
        kind: str,
        links: Sequence[Link[P]],
        cache: TimedCache,
        meters: VendorMeters,
        *,
        budget_s: float = 2.5,
        call_s: float = 1.2,
        patience: Patience = PATIENCE,
    ) -> None:
        self.kind = kind
        self.links = list(links)
        self._cache = cache
        self._meters = meters
        self._budget_s = budget_s
        self._call_s = call_s
        self._patience = patience
        self._flights: dict[str, asyncio.Task[Any]] = {}

    async def ask(self, question: Question[P, R]) -> R | None:
        """The first answer, or None when no vendor has one within the budget."""
        if not self.links:
            return None
        name = "\n".join(question.text(link.vendor) for link in self.links)
        flight = self._flights.get(name)
        if flight is None:
            # Others may be waiting for the same answer: it goes on when this caller is cancelled, but no longer
            # than the budget. An empty context: the flight is nobody's request and joins nobody's transaction.
            flight = asyncio.create_task(
                self._answer(question), name=f"{self.kind}.ask", context=contextvars.Context()
            )
            self._flights[name] = flight
            flight.add_done_callback(lambda _: self._flights.pop(name, None))
        answer: R | None = await asyncio.shield(flight)
        return answer

    async def close(self) -> None:
        """Ends flights and lets the vendors' connections go."""
        for flight in list(self._flights.values()):
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        for link in self.links:
            await link.vendor.close()

    async def _answer(self, question: Question[P, R]) -> R | None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._budget_s
        names = [self._name(link, question) for link in self.links]
        kept = await self._cache.get(names)
        for link, name, raw in zip(self.links, names, kept, strict=True):
            if raw == NOTHING:
                continue
            known = None if raw is None else self._read(raw, question.kind)
            if known is not None:
                self._meters.outcome(self.kind, link.vendor.name, "cached")
                return known
            left = deadline - clock()
            if left < LEAST_CALL_S:
                break
            link.breaker, may = link.breaker.ask(clock(), self._patience)
            self._tell_phase(link)
            if not may:
                self._meters.outcome(self.kind, link.vendor.name, "skipped")
                continue
            outcome, answers = await self._call(link, question, min(left, self._call_s))
            for answer in answers:
                keep_s = min(link.keep_s, question.fresh_s)
                await self._cache.put(name, msgspec.msgpack.encode(answer), keep_s)
                return answer
            if outcome == "none":
                await self._cache.put(name, NOTHING, min(link.keep_s, NONE_KEPT_S))
        return None

    async def _call(self, link: Link[P], question: Question[P, R], limit_s: float) -> tuple[str, list[R]]:
        """(how it ended, the answer if there is one): the breaker and the meters learn of it."""
        clock = asyncio.get_running_loop().time
        started = clock()
        answers: list[R] = []
        at_once, rest_s, outcome = False, None, "ok"
        try:
            async with asyncio.timeout(limit_s):
                answers = [await question.ask(link.vendor)]
            if not question.sound(answers[0]):
                answers, outcome = [], "malformed"
        except NoAnswer:
            outcome = "none"
        except TimeoutError:
            outcome = "timeout"
        except ProviderFault as fault:
            # A key that is refused and a spent quota stay so for a while.
            outcome, rest_s = fault.kind, fault.retry_after_s
            at_once = fault.kind in ("refused", "quota")
        except Exception:
            # Not even a fault in an adapter may stop an order: the next vendor is asked.
            log.exception("vendor.broken", extra={"vendor": link.vendor.name, "kind": self.kind})
            outcome = "broken"
        now = clock()
        before = link.breaker.phase
        if outcome in ("ok", "none"):
            link.breaker = link.breaker.succeeded()
        elif outcome != "rejected":  # it answers, only not to this
            link.breaker = link.breaker.failed(now, self._patience, at_once=at_once, rest_s=rest_s)
        elif before is Phase.PROBING:
            link.breaker = link.breaker.succeeded()
        if link.breaker.phase is Phase.OPEN and before is not Phase.OPEN:
            log.warning(
                "vendor.left_alone",
                extra={"vendor": link.vendor.name, "kind": self.kind, "outcome": outcome},
            )
        self._meters.called(self.kind, link.vendor.name, outcome, now - started)
        self._tell_phase(link)
        return outcome, answers

    def _tell_phase(self, link: Link[P]) -> None:
        self._meters.phase(self.kind, link.vendor.name, link.breaker.phase)

    def _name(self, link: Link[P], question: Question[P, R]) -> str:
        digest = hashlib.blake2b(question.text(link.vendor).encode(), digest_size=16).hexdigest()
        return f"{self.kind}:{link.vendor.name}:{digest}"

    def _read(self, raw: bytes, kind: type[R]) -> R | None:
        """What an earlier version of the program kept may no longer have the form: then it is a miss."""
        try:
            return msgspec.msgpack.decode(raw, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
