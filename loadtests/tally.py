"""What the whole simulated market has done, for the progress line and the result."""

from dataclasses import dataclass, field

THINK_S = (0.5, 6.0)  # a person reads before answering


@dataclass(slots=True)
class Tally:
    """Counts of one run."""

    assigned: int = 0
    delivered: int = 0
    offers: int = 0
    bids: int = 0
    countered: int = 0
    counters_taken: int = 0
    picked: int = 0
    invitations: int = 0
    edits: int = 0
    searches: int = 0
    alerts: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    first_offer: dict[int, float] = field(default_factory=dict)  # order -> steady clock

    def count(self, code: str) -> None:
        """One more refusal with this code."""
        self.refused[code] = self.refused.get(code, 0) + 1
