"""Free time for those who bring others: which grants there should be, from facts alone. Pure; epoch seconds.

The facts are a history: each gets a time when it becomes known to us, never an earlier one. So what was given for
them yesterday is given tomorrow too, under the same number, and is taken back at most once. Whoever writes the
ledger compares: a grant that is not there is written under its number, one that was taken back likewise.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .access import DAY_S


class Signal(StrEnum):
    """Why somebody who was brought may be nobody new."""

    OWN_DEVICE = "own_device"  # the phone or browser of who brings him: the secret that we gave it proves it
    OTHER_DEVICE = "other_device"  # a device of somebody else's account
    SAME_PROGRAM = (
        "same_program"  # address and browser of who brings him, or of another who was brought, that day
    )
    SAME_PHONE = "same_phone"  # this number was brought before, by an account that has gone
    MANY_SIGN_UPS = "many_sign_ups"  # from one network, that day
    SAME_CARD = "same_card"  # pays with a card of who brings him, or of another who was brought


class Attribution(StrEnum):
    """What a sign-up by a code counts for."""

    STANDING = "standing"
    HELD = "held"  # until staff have looked
    REFUSED = "refused"


OF_ONE_INVITER, OF_ALL = (
    3,
    10,
)  # sign-ups from one network in a day that are nothing particular: a family, a depot


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known of a sign-up. `device_of`: whose device it came from, by its secret; `brought` and
    `from_network`: how many were brought that day from this network, by this inviter and by all."""

    inviter: int
    device_of: int | None = None
    same_program: bool = False
    known_phone: bool = False
    brought: int = 0
    from_network: int = 0


def signals(traces: Traces) -> tuple[Signal, ...]:
    """What speaks against a sign-up."""
    found = {
        Signal.OWN_DEVICE: traces.device_of == traces.inviter,
        Signal.OTHER_DEVICE: traces.device_of not in (None, traces.inviter),
        Signal.SAME_PROGRAM: traces.same_program,
        Signal.SAME_PHONE: traces.known_phone,
        Signal.MANY_SIGN_UPS: traces.brought >= OF_ONE_INVITER or traces.from_network >= OF_ALL,
    }
    return tuple(signal for signal, speaks in found.items() if speaks)


def judged(found: Sequence[Signal]) -> Attribution:
    """Nobody brings himself; whatever else is odd a person looks at."""
    if Signal.OWN_DEVICE in found:
        return Attribution.REFUSED
    return Attribution.HELD if found else Attribution.STANDING


@dataclass(frozen=True, slots=True)
class Fact:
    """One payment of somebody who was brought, or that he is there and has paid nothing. `stands_at`: since when
    the attribution counts (None: it waits for staff); `barred_at`: staff have refused it."""

    invitee: int
    stands_at: float | None
    confirmed_at: float | None = None
    paid_at: float | None = None
    refunded_at: float | None = None
    barred_at: float | None = None

    @property
    def span(self) -> tuple[float, float] | None:
        """From when until when this payment counts."""
        if self.stands_at is None or self.confirmed_at is None or self.paid_at is None:
            return None
        begins = max(self.stands_at, self.confirmed_at, self.paid_at)
        ends = min(at if at is not None else float("inf") for at in (self.refunded_at, self.barred_at))
        return (begins, ends) if begins < ends else None


@dataclass(frozen=True, slots=True)
class ReferralTerms:
    """For so many who count, so many seconds; of the time from `valid_from` until the next terms."""

    valid_from: float
    threshold: int = 2
    reward_s: float = 30 * DAY_S


@dataclass(frozen=True, slots=True)
class Grant:
    """Free time. `number` counts an inviter's grants from 1 and is never used again; `taken_back_at`: those who it
    was for do not count any more, and nobody stands in for them."""

    number: int
    seconds: float
    given_at: float
    invitees: tuple[int, ...]
    taken_back_at: float | None = None

    @property
    def cause(self) -> str:
        """What the ledger knows it by; taken back it is this with `:back`."""
        return f"referral:{self.number}"


@dataclass(slots=True)
class _Book:
    """The grants as they come about."""

    terms: ReferralTerms
    grants: list[Grant] = field(default_factory=list)
    free: list[int] = field(default_factory=list)  # who count and are in no grant, the earliest first
    payments: dict[int, int] = field(default_factory=dict)  # that count now, by invitee

    def begin(self, invitee: int, at: float) -> None:
        self.payments[invitee] = self.payments.get(invitee, 0) + 1
        if self.payments[invitee] == 1:
            self.free.append(invitee)
        self.give(at)

    def end(self, invitee: int, at: float) -> None:
        self.payments[invitee] -= 1
        if self.payments[invitee]:
            return
        if invitee in self.free:
            self.free.remove(invitee)
            return
        place = next(at_ for at_, each in enumerate(self.grants) if each.taken_back_at is None
                     and invitee in each.invitees)  # fmt: skip
        grant = self.grants[place]
        others = tuple(each for each in grant.invitees if each != invitee)
        if self.free:  # somebody else stands in
            self.grants[place] = replace(grant, invitees=(*others, self.free.pop(0)))
            return
        self.grants[place] = replace(grant, taken_back_at=at)
        self.free[:0] = others
        self.give(at)

    def give(self, at: float) -> None:
        """As many grants as there are people for."""
        while len(self.free) >= self.terms.threshold:
            people, self.free = self.free[: self.terms.threshold], self.free[self.terms.threshold :]
            self.grants.append(Grant(len(self.grants) + 1, self.terms.reward_s, at, tuple(people)))


def earned(facts: Iterable[Fact], terms: Sequence[ReferralTerms], now: float) -> list[Grant]:
    """Every grant that one inviter should have been given until now, also those that were taken back.

    A grant is given by the terms of its moment and stays when they change. `terms` by `valid_from`, the first of
    them from the beginning of time.
    """
    return _book(facts, terms, now).grants


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an inviter is: people who count, those of them in no grant, and how many the next one takes."""

    counting: int
    waiting: int
    threshold: int

    @property
    def missing(self) -> int:
        """How many more are needed for the next grant."""
        return self.threshold - self.waiting


def progress(facts: Iterable[Fact], terms: Sequence[ReferralTerms], now: float) -> Progress:
    """How far an inviter is on the way to the next grant."""
    book = _book(facts, terms, now)
    counting = sum(1 for often in book.payments.values() if often)
    return Progress(counting, len(book.free), book.terms.threshold)


def _book(facts: Iterable[Fact], terms: Sequence[ReferralTerms], now: float) -> _Book:
    book = _Book(terms[0])
    for at, kind, what in sorted(_events(facts, terms[1:]), key=lambda event: event[:2]):
        if at > now:
            break
        if isinstance(what, ReferralTerms):
            book.terms = what
            book.give(at)
        elif kind == _END:
            book.end(what, at)
        else:
            book.begin(what, at)
    return book


# What comes first of the same moment.
_TERMS, _BEGIN, _END = range(3)
_Event = tuple[float, int, ReferralTerms | int]


def _events(facts: Iterable[Fact], terms: Iterable[ReferralTerms]) -> Iterator[_Event]:
    for each in terms:
        yield each.valid_from, _TERMS, each
    for fact in sorted(facts, key=lambda fact: fact.invitee):
        span = fact.span
        if span is not None:
            yield span[0], _BEGIN, fact.invitee
            if span[1] != float("inf"):
                yield span[1], _END, fact.invitee
