"""What a claimed notice comes to: whether its turn is now, what its endpoints are told, and what is kept of
that."""

from dispatch.content import Texts
from dispatch.notices import HAPPENINGS, Channel, facts_of, ids_of, words_of
from dispatch.telling import Turn, turn_of
from server.gateways.push import Delivered, Gone, Later, Outcome, Push, Rejected, push_to
from storage.accounts import Endpoint
from storage.notices.ledger import Attempt
from storage.notices.preferences import Reader
from storage.outbox import Notice

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
OUTCOMES: dict[type, str] = {Delivered: "delivered", Gone: "gone", Rejected: "rejected", Later: "later"}


def turn_now(notice: Notice, reader: Reader, now: float) -> Turn:
    """Whether this notice's turn has come, by what its user wants today."""
    channel = Channel(notice.channel)
    return turn_of(
        HAPPENINGS[notice.kind],
        words_of(facts_of(notice.payload)),
        reader.preferences,
        reader.zone,
        channel,
        channel is not Channel.EMAIL or bool(reader.email),
        now,
        now + notice.left_s,
    )


def push_of(notice: Notice, endpoint: Endpoint, written: Texts | None = None) -> Push:
    """What one endpoint is told. Of the payload only row ids leave the house, and words within the text; `written`
    is what staff wrote of a broadcast."""
    ids, facts = ids_of(notice.payload), facts_of(notice.payload)
    return push_to(endpoint, notice.kind, ids, facts, notice.left_s, notice.event, written)


def nowhere(user: int) -> Endpoint:
    """Stands for a user without endpoints, whose news go to the log."""
    return Endpoint(0, user, "log", "", {}, "ru")


def account_of(notice: Notice, reader: Reader) -> Endpoint:
    """The phone or the mail of the account itself."""
    address = reader.phone if notice.channel == Channel.SMS else reader.email or ""
    return Endpoint(0, notice.user, notice.channel, address, {}, reader.locale)


def backoff(attempt: int, jitter: float) -> float:
    """Seconds before the next try: doubling from one second to a minute, the upper half of it by chance."""
    longest = min(FIRST_WAIT_S * 2.0 ** min(attempt - 1, 10), LONGEST_WAIT_S)
    return longest * (0.5 + jitter / 2)


def attempt(notice: Notice, endpoint: Endpoint, outcome: Outcome, lag_s: float) -> Attempt:
    """What came of one endpoint, for the ledger."""
    return Attempt(
        notice.event,
        notice.user,
        notice.kind,
        ids_of(notice.payload).get("offer"),
        endpoint.kind,
        endpoint.id or None,
        notice.attempt,
        OUTCOMES[type(outcome)],
        getattr(outcome, "reason", "")[:200],
        int(lag_s * 1000),
    )


def withheld(notice: Notice, why: str) -> Attempt:
    """That nothing was sent, and why, for the ledger."""
    means = "none" if notice.channel == Channel.PUSH else notice.channel
    offer = ids_of(notice.payload).get("offer")
    lag_ms = int(notice.age_s * 1000)
    return Attempt(
        notice.event, notice.user, notice.kind, offer, means, None, notice.attempt, "withheld", why, lag_ms
    )
