"""Agreements in the database, and everything that changes one: the user, a payment, the clock.

Every change holds the user's row first (access.lock), then the agreement, and writes down when the clock must look
next. So a payment and a cancellation at the same moment come one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg

from billing.access import DAY_S, Access, Entry, EntryKind
from billing.acquiring import Advice
from billing.money import Currency, Money
from billing.payments import Invoice, InvoiceState
from billing.plans import PlanVersion
from billing.subscription import State, Step, Subscription, due, may_pause, state
from dispatch.errors import Refusal
from dispatch.events import AccessChanged, Event

from ..order_rows import moment, seconds
from ..postgres import Connection, Pool, transaction
from ..staff import record
from . import access as ledger
from .invoices import FIELDS as INVOICE
from .invoices import invoice_of
from .locks import lock_price
from .plans import current
from .telling import say_to

# Primary key, all of these.
HELD = "SELECT * FROM subscriptions WHERE user_id = $1"
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
REFUNDS = "SELECT count(*) FROM access_entries WHERE user_id = $1 AND starts_with(cause, $2)"
HAD_TRIAL = "SELECT EXISTS (SELECT FROM access_entries WHERE user_id = $1 AND kind IN ('trial', 'paid'))"
# ix_subscriptions_charging: renewals whose invoice has come to its end without their being told. $2: as many.
ENDED = """
SELECT s.user_id, s.charging, i.state, (SELECT a.advice FROM payment_attempts a WHERE a.invoice_id = i.id
    ORDER BY a.created_at DESC LIMIT 1) AS advice
FROM subscriptions s JOIN invoices i ON i.id = s.charging
WHERE s.charging IS NOT NULL AND i.state IN ('failed', 'expired') LIMIT $1
"""
# ix_invoices_user_id_created_at read backwards.
LAST_PAID = f"""
SELECT {INVOICE} FROM invoices i WHERE i.user_id = $1 AND i.state = 'paid' ORDER BY i.created_at DESC LIMIT 1
"""
PUT_OFF = "UPDATE subscriptions SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE user_id = $1"
ROLE = "SELECT role FROM users WHERE id = $1"


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
    access: Access
    version: int
    charging: UUID | None
    now: float

    @property
    def state(self) -> State:
        """In a word."""
        return state(self.held, self.access, self.now)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A subscription that is to be charged now."""

    standing: Standing
    plan: PlanVersion


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
            version = await _on_sale(connection, user, plan)
            if version.price(region, currency) is None:
                raise Refusal("currency_unknown").at("currency")
            if version.trial_days == 0 or await connection.fetchval(HAD_TRIAL, user):
                raise Refusal("trial_used")
            entry = Entry(EntryKind.TRIAL, at.now, version.trial_days * DAY_S)
            given = await ledger.enter(connection, user, entry, "trial")
            if given is None:
                raise Refusal("trial_used")
            held = Subscription(plan, region, currency, renews=True)
            await _put(connection, replace(at, held=held, access=given), version.grace_days)
            return [AccessChanged(user, given.until)]

    async def choose(self, user: int, seen: int, *, renews: bool, card: int | None, plan: str) -> Standing:
        """What is renewed, whether, and by which card; from the next renewal on. Refusals `not_found`,
        `version_stale`."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is None:
                raise Refusal("not_found")
            if at.version != seen:
                raise Refusal("version_stale")
            grace = (await _of_plan(connection, at.held.plan)).grace_days
            if plan != at.held.plan:
                version = await _on_sale(connection, user, plan)
                if version.price(at.held.region, at.held.currency) is None:
                    raise Refusal("currency_unknown").at("plan")
                grace = version.grace_days
            fresh = card is not None and card != at.held.card
            held = replace(
                at.held,
                plan=plan,
                renews=renews,
                card=card,
                hopeless=at.held.hopeless and not fresh,
                failures=0 if fresh else at.held.failures,
            )
            await _put(connection, replace(at, held=held), grace)
            return await _locked(connection, user)

    async def pause(self, user: int, days: int) -> tuple[Standing, list[Event]]:
        """Stops the clock of what was paid. Refusals `not_found`, `pause_refused`."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is None:
                raise Refusal("not_found")
            if not may_pause(days, await _paused_days(connection, user, at.now), at.state):
                raise Refusal("pause_refused")
            still = await ledger.enter(
                connection, user, Entry(EntryKind.PAUSED, at.now), f"paused:{at.version}:{at.now:.0f}"
            )
            held = replace(at.held, paused_until=at.now + days * DAY_S)
            await _put(connection, replace(at, held=held, access=still or at.access), 0)
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
            _, _, now = await ledger.lock(connection, user)
            entry = Entry(EntryKind.STAFF, now, until=until)
            events = await granted(connection, user, entry, cause, note=note, actor=staff)
            if events:
                await record(connection, staff, "access.set", user, note, {"is": f"{until:.0f}"})
            return events

    async def waiting(self, limit: int) -> list[int]:
        """Users whose agreement the clock must look at."""
        return [row["user_id"] for row in await self._pool.fetch(CLAIM, limit)]

    async def settle_charges(self, limit: int) -> int:
        """Renewals whose outcome came later than their worker waited: declined ones count as a try, those that
        were never made do not. How many there were."""
        rows = await self._pool.fetch(ENDED, limit)
        for row in rows:
            async with transaction(self._pool) as connection:
                if row["state"] == InvoiceState.FAILED:
                    never = row["advice"] == Advice.NEVER
                    await failed(connection, row["user_id"], row["charging"], never=never)
                else:
                    await released(connection, row["user_id"], row["charging"])
        return len(rows)

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

    async def give_up(self, user: int) -> None:
        """The plan is sold no more in what the user pays with: nothing is charged until another one is chosen."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is not None:
                held = replace(at.held, hopeless=True)
                await _put(
                    connection, replace(at, held=held), (await _of_plan(connection, held.plan)).grace_days
                )

    async def step(self, user: int) -> tuple[Renewal | None, list[Event]]:
        """Does what is due, once: what is to be charged, and what is to be told. The clock moves a charge that it
        hands out into `charging` only by `began`, so one that dies on its way is handed out again."""
        async with transaction(self._pool) as connection:
            at = await _locked(connection, user)
            if at.held is None:
                return None, []
            version = await _of_plan(connection, at.held.plan)
            next_ = due(at.held, at.access, version.grace_days)
            if next_ is None or next_.at > at.now:
                await _put(connection, at, version.grace_days)
                return None, []
            match next_.step:
                case Step.CHARGE:
                    return Renewal(at, version), []
                case Step.RESUME:
                    return None, await _resume(connection, at)
                case Step.GRACE:
                    return None, await _grace(connection, at, version)
                case Step.WARN:
                    await _tell(connection, at, "subscription.ending", f"ending:{at.access.until:.0f}")
                    told = replace(at.held, warned_to=at.access.until)
                case Step.EXPIRE:
                    await _tell(connection, at, "subscription.ended", f"ended:{at.access.until:.0f}")
                    told = replace(at.held, ended_to=at.access.until)
            await _put(connection, replace(at, held=told), version.grace_days)
            return None, [AccessChanged(user, at.access.until)]


async def began(connection: Connection, user: int, invoice: UUID) -> bool:
    """A renewal is being charged, in the transaction that writes its invoice; False if it is not due any more."""
    at = await _locked(connection, user)
    if at.held is None or at.held.charging:
        return False
    version = await _of_plan(connection, at.held.plan)
    next_ = due(at.held, at.access, version.grace_days)
    if next_ is None or next_.step is not Step.CHARGE or next_.at > at.now:
        return False
    await _put(
        connection, replace(at, held=replace(at.held, charging=True), charging=invoice), version.grace_days
    )
    return True


async def paid(connection: Connection, bought: Bought) -> list[Event]:
    """An invoice has been paid: once by its id, however often it is told."""
    user = bought.user
    at = await _locked(connection, user)
    before = at.access
    if bought.replaces and before.paid_to > at.now:
        rest = Entry(EntryKind.TAKEN_BACK, at.now, before.paid_to - at.now)
        if await ledger.enter(connection, user, rest, f"replaced:{bought.invoice}") is None:
            return []
    entry = Entry(EntryKind.PAID, at.now, bought.period_s)
    given = await ledger.enter(connection, user, entry, f"paid:{bought.invoice}")
    if given is None:
        return []
    version = await _of_plan(connection, bought.plan)
    await lock_price(connection, user, bought.plan, bought.money, before, at.now, bought.invoice)
    was = at.held
    held = Subscription(
        bought.plan,
        bought.region,
        bought.money.currency,
        renews=True if was is None else was.renews,
        card=bought.card if bought.card is not None or was is None else was.card,
        paused_until=None if was is None else was.paused_until,
        charging=at.charging is not None and at.charging != bought.invoice,
    )
    charging = at.charging if held.charging else None
    after = replace(at, held=held, access=given, charging=charging)
    await _put(connection, after, version.grace_days)
    await _tell(connection, after, "subscription.paid", f"paid:{bought.invoice}")
    return [AccessChanged(user, given.until)]


async def refunded(connection: Connection, user: int, invoice: UUID, part: float) -> list[Event]:
    """`part` (0 to 1) of an invoice was given back: so much access goes. Called once for each refund."""
    at = await _locked(connection, user)
    bought = await ledger.given(connection, user, f"paid:{invoice}")
    if bought is None:
        return []
    before = await connection.fetchval(REFUNDS, user, f"refunded:{invoice}:")
    entry = Entry(EntryKind.TAKEN_BACK, at.now, bought * part)
    left = await ledger.enter(connection, user, entry, f"refunded:{invoice}:{before + 1}") or at.access
    if at.held is not None:
        version = await _of_plan(connection, at.held.plan)
        await _put(connection, replace(at, access=left), version.grace_days)
    return [AccessChanged(user, left.until)]


async def failed(connection: Connection, user: int, invoice: UUID, *, never: bool) -> None:
    """A renewal was declined, `never`: for this card for ever. What was not the one under way changes nothing."""
    at = await _locked(connection, user)
    if at.held is None or at.charging != invoice:
        return
    version = await _of_plan(connection, at.held.plan)
    held = replace(
        at.held,
        charging=False,
        failures=at.held.failures + 1,
        failed_at=at.now,
        hopeless=at.held.hopeless or never,
    )
    after = replace(at, held=held, charging=None)
    await _put(connection, after, version.grace_days)
    await _tell(connection, after, "subscription.failed", f"failed:{invoice}")


async def released(connection: Connection, user: int, invoice: UUID) -> None:
    """A renewal was not tried after all: it is due as before."""
    at = await _locked(connection, user)
    if at.held is None or at.charging != invoice:
        return
    version = await _of_plan(connection, at.held.plan)
    await _put(
        connection, replace(at, held=replace(at.held, charging=False), charging=None), version.grace_days
    )


async def granted(
    connection: Connection, user: int, entry: Entry, cause: str, *, note: str = "", actor: int | None = None
) -> list[Event]:
    """An entry by staff or loyalty, and what it means for the agreement."""
    given = await ledger.enter(connection, user, entry, cause, note=note, actor=actor)
    if given is None:
        return []
    at = await _locked(connection, user)
    if at.held is not None:
        await _put(connection, at, (await _of_plan(connection, at.held.plan)).grace_days)
    return [AccessChanged(user, given.until)]


async def _locked(connection: Connection, user: int) -> Standing:
    access, _, now = await ledger.lock(connection, user)
    row = await connection.fetchrow(HELD, user)
    if row is None:
        return Standing(user, None, access, 0, None, now)
    return Standing(user, held_of(row), access, row["version"], row["charging"], now)


async def _resume(connection: Connection, at: Standing) -> list[Event]:
    held = at.held
    if held is None:
        return []
    entry = Entry(EntryKind.RESUMED, at.now)
    runs = await ledger.enter(connection, at.user, entry, f"resumed:{at.version}:{at.now:.0f}") or at.access
    version = await _of_plan(connection, held.plan)
    running = replace(held, paused_until=None)
    await _put(connection, replace(at, held=running, access=runs), version.grace_days)
    return [AccessChanged(at.user, runs.until)]


async def _grace(connection: Connection, at: Standing, version: PlanVersion) -> list[Event]:
    entry = Entry(EntryKind.GRACE, at.now, version.grace_days * DAY_S)
    longer = await ledger.enter(connection, at.user, entry, f"grace:{at.access.paid_to:.0f}") or at.access
    await _put(connection, replace(at, access=longer), version.grace_days)
    return [AccessChanged(at.user, longer.until)]


async def _put(connection: Connection, at: Standing, grace_days: int) -> None:
    held = at.held
    if held is None:
        return
    next_ = due(held, at.access, grace_days)
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


async def _tell(connection: Connection, at: Standing, kind: str, key: str) -> None:
    await say_to(connection, at.user, kind, {"until": at.access.until}, f"{kind}:{at.user}:{key}")


async def _on_sale(connection: Connection, user: int, plan: str) -> PlanVersion:
    role = await connection.fetchval(ROLE, user)
    version = (await current(connection)).get(plan)
    if version is None or not version.on_sale or version.role != role:
        raise Refusal("not_found").at("plan")
    return version


async def _of_plan(connection: Connection, plan: str) -> PlanVersion:
    """The version in force of a plan that somebody has, on sale or not."""
    return (await current(connection))[plan]


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
