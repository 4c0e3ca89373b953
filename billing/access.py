"""What a user may do and until when: a fold over the entries of one ledger, never a flag.

Every entry says what it adds or takes; where that leads stands beside it in the table as a running balance, so
that a hot query reads one row. `fold` gives the same from the entries alone, and `desk money verify` holds the two
against each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

DAY_S = 86_400.0


class EntryKind(StrEnum):
    """Why access is longer, shorter or still."""

    TRIAL = "trial"
    PAID = "paid"
    BONUS = "bonus"  # loyalty
    STAFF = "staff"  # set by hand to a moment
    GRACE = "grace"  # the renewal has not been paid yet
    TAKEN_BACK = "taken_back"  # refunded, or a bonus that should not have been
    PAUSED = "paused"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: `seconds` are added (TRIAL, PAID, BONUS, GRACE) or taken (TAKEN_BACK); STAFF sets the end to
    `until`. `at` in epoch seconds."""

    kind: EntryKind
    at: float
    seconds: float = 0.0
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """A user's running balance: what was given ends at `paid_to`, access at `until` (later within the grace),
    epoch seconds; `left_s` waits while paused, None when it is not. `trial`: nothing has been paid yet."""

    paid_to: float = 0.0
    until: float = 0.0
    left_s: float | None = None
    trial: bool = False

    def entitled(self, now: float) -> bool:
        """Whether the user may work now."""
        return now < self.until


NONE = Access()


def after(access: Access, entry: Entry) -> Access:
    """The balance behind one more entry."""
    at = entry.at
    match entry.kind:
        case EntryKind.TRIAL | EntryKind.PAID | EntryKind.BONUS:
            trial = entry.kind is EntryKind.TRIAL or (access.trial and entry.kind is EntryKind.BONUS)
            if access.left_s is not None:
                return replace(access, left_s=access.left_s + entry.seconds, trial=trial)
            # Days of the grace that were used are part of what is now paid.
            begin = access.paid_to if at < access.until else max(access.paid_to, at)
            return Access(begin + entry.seconds, max(access.until, begin + entry.seconds), None, trial)
        case EntryKind.STAFF:
            until = entry.until or 0.0
            return Access(until, until, None, trial=False)
        case EntryKind.GRACE:
            if access.left_s is not None:
                return access
            return replace(access, until=max(access.until, access.paid_to + entry.seconds))
        case EntryKind.TAKEN_BACK:
            if access.left_s is not None:
                return replace(access, left_s=max(0.0, access.left_s - entry.seconds))
            paid_to = max(access.paid_to - entry.seconds, min(access.paid_to, at))
            return replace(access, paid_to=paid_to, until=paid_to)
        case EntryKind.PAUSED:
            if access.left_s is not None:
                return access
            return Access(at, min(access.until, at), max(0.0, access.paid_to - at), access.trial)
        case EntryKind.RESUMED:
            if access.left_s is None:
                return access
            return Access(at + access.left_s, at + access.left_s, None, access.trial)


def fold(entries: Iterable[Entry]) -> Access:
    """The balance of a user's entries, oldest first."""
    access = NONE
    for entry in entries:
        access = after(access, entry)
    return access
