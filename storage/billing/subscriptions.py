"""Agreements in the database, and everything that changes one: the user, a payment, the clock.

Every change holds the user's row first (access.lock), then the agreement, and writes down when the clock must look
next. So a payment and a cancellation at the same moment come one after the other.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias, TypeVar
from uuid import UUID

import asyncpg

from billing.access import DAY_S, Access, Entry, EntryKind
from billing.money import Currency, Money
from billing.payments import Invoice
from billing.plans import PlanVersion
from billing.subscription import State, Step, Subscription, due, may_pause, state
from dispatch.errors import Refusal
from dispatch.events import AccessChanged, Event

from ..notices.writing import tell
from ..order_rows import moment, seconds
from ..postgres import Connection, Pool, transaction
from ..staff import record
from . import access as ledger
from .access import Balance
from .invoices import FIELDS as INVOICE
from .invoices import invoice_of
from .locks import note_payment
from .plans import current

# Primary keys. After the lock, so that it reads what others have written while we waited for it.
STANDS = """
SELECT extract(epoch FROM clock_timestamp())::float8 AS now, e.seq, e.paid_to, e.ends_at, e.left_s, e.trial,
    u.phone, u.locale, u.role, s.*
FROM users u LEFT JOIN subscriptions s ON s.user_id = u.id LEFT JOIN LATERAL (
    SELECT * FROM access_entries WHERE user_id = $1 ORDER BY seq DESC LIMIT 1) AS e ON true
WHERE u.id = $1
"""
# Primary key.
PUT = """
INSERT INTO subscriptions (user_id, plan, region, currency, renews, card_id, charging, failures, failed_at,
    hopeless, warned_to, ended_to, paused_until, due_at, cancelled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
    CASE WHEN $5 THEN NULL ELSE clock_timestamp() END)
ON CONFLICT (user_id) DO UPDATE SET plan = excluded.plan, region = excluded.region, currency = excluded.currency,
    renews = excluded.renews, card_id = excluded.card_id, charging = excluded.charging,
    failures = excluded.failures, failed_at = excluded.failed_at, hopeless = excluded.hopeless,
    warned_to = excluded.warned_to, ended_to = excluded.ended_to, paused_until = excluded.paused_until,
    due_at = excluded.due_at, version = subscriptions.version + 1,
    cancelled_at = CASE WHEN excluded.renews THEN NULL
        ELSE coalesce(subscriptions.cancelled_at, excluded.cancelled_at) END
RETURNING version
"""
# ix_subscriptions_due. The user's row is locked afterwards: whoever holds it and wants this one is passed over.
CLAIM = """
SELECT user_id FROM subscriptions WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1
"""
# uq_access_entries_user_id_cause by its first column: a user's pauses of a year.
PAUSES = """
SELECT kind, at FROM access_entries WHERE user_id = $1 AND kind IN ('paused', 'resumed')
    AND at > clock_timestamp() - interval '365 days' ORDER BY seq
"""
HAD_TRIAL = "SELECT EXISTS (SELECT FROM access_entries WHERE user_id = $1 AND kind IN ('trial', 'paid'))"
# ix_invoices_user_id_created_at read backwards.
LAST_PAID = f"""
SELECT {INVOICE} FROM invoices i WHERE i.user_id = $1 AND i.state = 'paid' ORDER BY i.created_at DESC LIMIT 1
"""
PUT_OFF = "UPDATE subscriptions SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE user_id = $1"


@dataclass(frozen=True, slots=True)
class Bought:
    """What a paid invoice buys. `replaces`: the rest of the running period is part of the price already."""

    user: int
    invoice: UUID
    plan: str
    region: str
    money: Money
    period_s: float
    replaces: bool
    card: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a user stands, at one moment."""

    user: int
    held: Subscription | None
    balance: Balance
    version: int
    charging: UUID | None
    role: str
    phone: str
    lang: str

    @property
    def access(self) -> Access:
        """Until when the user may work."""
        return self.balance.access

    @property
    def now(self) -> float:
        """The database's clock."""
        return self.balance.now

    @property
    def state(self) -> State:
        """In a word."""
        return state(self.held, self.access, self.now)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A subscription that is to be charged now."""

    standing: Standing
    plan: PlanVersion


class Written(Protocol):
    """A charge that is written down and not yet sent."""

    @property
    def invoice(self) -> Invoice:
        """What it is to pay."""
        ...


W = TypeVar("W", bound=Written)
# What writes a renewal's invoice and attempt down in the caller's transaction; None where nothing can be charged.
Writing: TypeAlias = Callable[[Connection, Renewal], Awaitable[W | None]]


class SubscriptionStore:
    """Changes by the user and by the clock. Each answers with events that are told after COMMIT."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def standing(self, user: int) -> Standing:
        """Where the user stands."""
        async with transaction(self._pool) as connection:
            return await _locked(connection, user)

    async def start_trial(self, user: int, plan: str, region: str, currency: Currency) -> list[Event]:
        """The days before the first payment; once in the life of an account. Refusals `not_found`,
        `trial_used`, `currency_unknown`."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            version = await _on_sale(connection, at, plan)
            if version.price(region, currency) is None:
                raise Refusal("currency_unknown").at("currency")
            if version.trial_days == 0 or await connection.fetchval(HAD_TRIAL, user):
                raise Refusal("trial_used")
            entry = Entry(EntryKind.TRIAL, at.now, version.trial_days * DAY_S)
            given = await _enter(connection, at, entry, "trial")
            if given is None:
                raise Refusal("trial_used")
            held = Subscription(plan, region, currency, renews=True)
            await _put(connection, replace(given, held=held), version)
            await _tell(connection, given, "started", f"trial:{user}", state="trial")
            return [AccessChanged(user, given.access.until)]

    async def choose(self, user: int, seen: int, *, renews: bool, card: int | None, plan: str) -> Standing:
        """What is renewed, whether, and by which card; from the next renewal on. Refusals `not_found`,
        `version_stale`."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is None:
                raise Refusal("not_found")
            if at.version != seen:
                raise Refusal("version_stale")
            if plan != at.held.plan:
                version = await _on_sale(connection, at, plan)
                if version.price(at.held.region, at.held.currency) is None:
                    raise Refusal("currency_unknown").at("plan")
            fresh = card is not None and card != at.held.card
            held = replace(
                at.held,
                plan=plan,
                renews=renews,
                card=card,
                hopeless=at.held.hopeless and not fresh and plan == at.held.plan,
                failures=0 if fresh else at.held.failures,
            )
            await _put(connection, replace(at, held=held))
            return await _locked(connection, user)

    async def pause(self, user: int, days: int) -> tuple[Standing, list[Event]]:
        """Stops the clock of what was paid. Refusals `not_found`, `pause_refused`."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is None:
                raise Refusal("not_found")
            if not may_pause(days, await _paused_days(connection, user, at.now), at.state):
                raise Refusal("pause_refused")
            entry = Entry(EntryKind.PAUSED, at.now)
            still = await _enter(connection, at, entry, f"paused:{at.version}:{at.now:.0f}") or at
            held = replace(at.held, paused_until=at.now + days * DAY_S)
            await _put(connection, replace(still, held=held))
            return await _locked(connection, user), [AccessChanged(user, at.now)]

    async def resume(self, user: int) -> tuple[Standing, list[Event]]:
        """Lets the clock run again. Refusals `not_found`, `pause_refused` where nothing is paused."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is None:
                raise Refusal("not_found")
            if at.access.left_s is None:
                raise Refusal("pause_refused", "nothing is paused")
            events = await _resume(connection, at)
            return await _locked(connection, user), events

    async def set_end(self, staff: int, user: int, until: float, cause: str, note: str) -> list[Event]:
        """Staff set until when a user may work; `cause` makes a repetition the same."""
        async with transaction(self._pool) as connection:
            now = (await ledger.lock(connection, user)).now
            entry = Entry(EntryKind.STAFF, now, until=until)
            events = await granted(connection, user, entry, cause, note=note, actor=staff)
            if events:
                await record(connection, staff, "access.set", user, note, {"is": f"{until:.0f}"})
            return events

    async def waiting(self, limit: int) -> list[int]:
        """Users whose agreement the clock must look at."""
        return [row["user_id"] for row in await self._pool.fetch(CLAIM, limit)]

    async def last_paid(self, user: int) -> Invoice | None:
        """The invoice that was paid last, if nothing of it went back."""
        row = await self._pool.fetchrow(LAST_PAID, user)
        return None if row is None else invoice_of(row)

    async def had_trial(self, user: int) -> bool:
        """Whether the free days are gone: used, or somebody has paid already."""
        return bool(await self._pool.fetchval(HAD_TRIAL, user))

    async def put_off(self, user: int, seconds_: float) -> None:
        """The clock looks again so much later."""
        await self._pool.execute(PUT_OFF, user, seconds_)

    async def step(self, user: int, write: Writing[W]) -> tuple[W | None, list[Event]]:
        """Does what is due, once: what is to be charged, and what is to be told. `write` writes the charge down
        in the same transaction: whoever dies on the way to the acquirer leaves an attempt to be looked for."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is None:
                return None, []
            version = await _of_plan(connection, at)
            next_ = due(at.held, at.access, version.grace_days)
            if next_ is None or next_.at > at.now:
                await _put(connection, at, version)
                return None, []
            match next_.step:
                case Step.CHARGE:
                    return await _charging(connection, Renewal(at, version), at.held, write), []
                case Step.RESUME:
                    return None, await _resume(connection, at)
                case Step.GRACE:
                    return None, await _grace(connection, at, version)
                case Step.WARN:
                    days = max(1, round((at.access.until - at.now) / DAY_S))
                    trial: dict[str, int | str] = {"state": "trial"} if at.access.trial else {}
                    await _tell(connection, at, "ending", f"{at.access.until:.0f}", n=days, **trial)
                    told = replace(at.held, warned_to=at.access.until)
                case Step.EXPIRE:
                    await _tell(connection, at, "ended", f"{at.access.until:.0f}")
                    told = replace(at.held, ended_to=at.access.until)
            await _put(connection, replace(at, held=told), version)
            return None, [AccessChanged(user, at.access.until)]


async def paid(connection: Connection, bought: Bought) -> list[Event]:
    """An invoice has been paid: once by its id, however often it is told."""
    user = bought.user
    at = await _locked(connection, user)
    before, was, now = at.access, at.held, at.now
    entries = [(Entry(EntryKind.PAID, now, bought.period_s), f"paid:{bought.invoice}")]
    if bought.replaces and before.paid_to > now:
        rest = Entry(EntryKind.TAKEN_BACK, now, before.paid_to - now)
        entries.insert(0, (rest, f"replaced:{bought.invoice}"))
    for entry, cause in entries:
        behind = await _enter(connection, at, entry, cause)
        if behind is None:
            return []
        at = behind
    await note_payment(connection, user, bought.plan, bought.money, before, at.now, bought.invoice)
    waiting = at.charging is not None and at.charging != bought.invoice
    held = Subscription(
        bought.plan,
        bought.region if was is None else was.region,
        bought.money.currency,
        renews=True if was is None else was.renews,
        card=bought.card if bought.card is not None or was is None else was.card,
        paused_until=None if was is None else was.paused_until,
        charging=waiting,
    )
    after = replace(at, held=held, charging=at.charging if waiting else None)
    await _put(connection, after)
    await _tell(connection, after, "paid", f"{bought.invoice}")
    return [AccessChanged(user, after.access.until)]


async def refunded(connection: Connection, user: int, invoice: UUID, part: float, total: int) -> list[Event]:
    """`part` (0 to 1) of an invoice was given back, `total` minor units of it until now: so much access goes."""
    at = await _locked(connection, user)
    bought = await ledger.given(connection, user, f"paid:{invoice}")
    if bought is None:
        return []
    entry = Entry(EntryKind.TAKEN_BACK, at.now, bought * part)
    return await _granted(connection, at, entry, f"refunded:{invoice}:{total}")


async def failed(connection: Connection, user: int, invoice: UUID, *, never: bool) -> None:
    """A renewal was declined, `never`: for this card for ever. What was not the one under way changes nothing."""
    at = await _locked(connection, user)
    if at.held is None or at.charging != invoice:
        return
    held = replace(
        at.held,
        charging=False,
        failures=at.held.failures + 1,
        failed_at=at.now,
        hopeless=at.held.hopeless or never,
    )
    after = replace(at, held=held, charging=None)
    await _put(connection, after)
    await _tell(connection, after, "failed", f"{invoice}")


async def released(connection: Connection, user: int, invoice: UUID) -> None:
    """A renewal was not tried after all: it is due as before."""
    at = await _locked(connection, user)
    if at.held is not None and at.charging == invoice:
        await _put(connection, replace(at, held=replace(at.held, charging=False), charging=None))


async def granted(
    connection: Connection, user: int, entry: Entry, cause: str, *, note: str = "", actor: int | None = None
) -> list[Event]:
    """An entry by staff or loyalty, and what it means for the agreement."""
    return await _granted(connection, await _locked(connection, user), entry, cause, note, actor)


async def _granted(
    connection: Connection, at: Standing, entry: Entry, cause: str, note: str = "", actor: int | None = None
) -> list[Event]:
    given = await _enter(connection, at, entry, cause, note, actor)
    if given is None:
        return []
    await _put(connection, given)
    return [AccessChanged(at.user, given.access.until)]


async def _charging(
    connection: Connection, renewal: Renewal, held: Subscription, write: Writing[W]
) -> W | None:
    """A renewal is under way; one that cannot be is not looked at again until the user chooses another plan or
    gives another card."""
    at = renewal.standing
    written = await write(connection, renewal)
    if written is None:
        await _put(connection, replace(at, held=replace(held, hopeless=True)), renewal.plan)
    else:
        under_way = replace(at, held=replace(held, charging=True), charging=written.invoice.id)
        await _put(connection, under_way, renewal.plan)
    return written


async def _locked(connection: Connection, user: int) -> Standing:
    await connection.execute(ledger.LOCK, user)
    row = await connection.fetchrow(STANDS, user)
    if row is None:
        raise Refusal("not_found")
    return Standing(
        user,
        None if row["user_id"] is None else held_of(row),
        ledger.balance_of(row),
        row["version"] or 0,
        row["charging"],
        row["role"],
        row["phone"],
        row["locale"],
    )


async def _enter(
    connection: Connection, at: Standing, entry: Entry, cause: str, note: str = "", actor: int | None = None
) -> Standing | None:
    """One more entry: where the user stands behind it, None if there is one of this cause."""
    given = await ledger.enter_behind(connection, at.user, at.balance, entry, cause, note, actor)
    return None if given is None else replace(at, balance=given)


async def _resume(connection: Connection, at: Standing) -> list[Event]:
    held = at.held
    if held is None:
        return []
    entry = Entry(EntryKind.RESUMED, at.now)
    runs = await _enter(connection, at, entry, f"resumed:{at.version}:{at.now:.0f}") or at
    await _put(connection, replace(runs, held=replace(held, paused_until=None)))
    return [AccessChanged(at.user, runs.access.until)]


async def _grace(connection: Connection, at: Standing, version: PlanVersion) -> list[Event]:
    entry = Entry(EntryKind.GRACE, at.now, version.grace_days * DAY_S)
    longer = await _enter(connection, at, entry, f"grace:{at.access.paid_to:.0f}") or at
    await _put(connection, longer, version)
    return [AccessChanged(at.user, longer.access.until)]


async def _put(connection: Connection, at: Standing, version: PlanVersion | None = None) -> None:
    """Writes the agreement, if there is one, with the time of the clock's next look."""
    held = at.held
    if held is None:
        return
    version = version or await _of_plan(connection, at)
    next_ = due(held, at.access, version.grace_days)
    await connection.execute(
        PUT,
        at.user,
        held.plan,
        held.region,
        held.currency,
        held.renews,
        held.card,
        at.charging,
        held.failures,
        moment(held.failed_at),
        held.hopeless,
        moment(held.warned_to),
        moment(held.ended_to),
        moment(held.paused_until),
        None if next_ is None else moment(next_.at),
    )


async def _tell(connection: Connection, at: Standing, kind: str, key: str, **facts: int | str) -> None:
    await tell(connection, [at.user], f"subscription.{kind}", f"subscription:{kind}:{key}", facts)


async def _on_sale(connection: Connection, at: Standing, plan: str) -> PlanVersion:
    version = (await current(connection, at.now)).get(plan)
    if version is None or not version.on_sale or version.role != at.role:
        raise Refusal("not_found").at("plan")
    return version


async def _of_plan(connection: Connection, at: Standing) -> PlanVersion:
    """The version in force of the plan that the user has, on sale or not."""
    if at.held is None:
        raise ValueError("nothing was agreed")
    return (await current(connection, at.now))[at.held.plan]


async def _paused_days(connection: Connection, user: int, now: float) -> float:
    rows: Sequence[asyncpg.Record] = await connection.fetch(PAUSES, user)
    total, since = 0.0, None
    for row in rows:
        if row["kind"] == EntryKind.PAUSED:
            since = row["at"].timestamp()
        elif since is not None:
            total += row["at"].timestamp() - since
            since = None
    return (total + (0.0 if since is None else now - since)) / DAY_S


def held_of(row: asyncpg.Record) -> Subscription:
    """A row of `subscriptions`."""
    return Subscription(
        row["plan"],
        row["region"],
        Currency(row["currency"]),
        row["renews"],
        row["card_id"],
        row["charging"] is not None,
        row["failures"],
        seconds(row["failed_at"]),
        row["hopeless"],
        seconds(row["warned_to"]),
        seconds(row["ended_to"]),
        seconds(row["paused_until"]),
    )
