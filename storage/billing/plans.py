"""Plans in the database: versions are added, never changed."""

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from billing.default_plans import DEFAULTS
from billing.money import Currency, Money
from billing.plans import PlanVersion, Price, in_force
from dispatch.errors import Refusal

from ..order_rows import moment
from ..postgres import Connection, Pool, transaction
from ..staff import record

MOST_PLANS = 100

# Changes of plans are made one after the other: the version that was read is then still the newest, or not.
QUEUE = "SELECT pg_advisory_xact_lock(7109)"
# Primary key; some dozens of rows.
CURRENT = """
SELECT * FROM plan_versions v WHERE NOT EXISTS (SELECT FROM plan_versions n
    WHERE n.plan = v.plan AND n.version > v.version AND n.valid_from <= clock_timestamp())
ORDER BY plan, version
"""
# Primary key, all of these.
VERSIONS = "SELECT * FROM plan_versions WHERE plan = $1 AND version < $2 ORDER BY version DESC LIMIT $3"
ONE = "SELECT * FROM plan_versions WHERE plan = $1 AND version = $2"
NEWEST = "SELECT coalesce(max(version), 0) AS version, min(role) AS role FROM plan_versions WHERE plan = $1"
COUNT = "SELECT count(DISTINCT plan) FROM plan_versions"
ADD = """
INSERT INTO plan_versions (plan, version, role, days, trial_days, grace_days, prices, names, on_sale, note,
    valid_from, set_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce($11, date_trunc('second', clock_timestamp())), $12)
RETURNING *
"""
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What staff ask of a plan; `valid_from` None is now."""

    role: str
    days: int
    trial_days: int
    grace_days: int
    prices: tuple[Price, ...]
    names: dict[str, str]
    on_sale: bool
    note: str
    valid_from: float | None


async def current(connection: Connection | Pool, now: float) -> dict[str, PlanVersion]:
    """Of each plan the version in force; `now` by the database's clock."""
    return in_force([*DEFAULTS, *_versions(await connection.fetch(CURRENT))], now)


class PlanStore:
    """The versions."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def current(self) -> dict[str, PlanVersion]:
        """Of each plan the version in force."""
        return await current(self._pool, float(await self._pool.fetchval(CLOCK)))

    async def known(self) -> list[PlanVersion]:
        """Of each plan the version in force and those to come."""
        begun = await self.current()
        rows = list(_versions(await self._pool.fetch(CURRENT)))
        coming = [each for each in rows if each != begun.get(each.plan)]
        return [*begun.values(), *coming]

    async def one(self, plan: str, version: int) -> PlanVersion | None:
        """A version as it was, whatever counts now."""
        row = await self._pool.fetchrow(ONE, plan, version)
        if row is not None:
            return _version(row)
        return next((each for each in DEFAULTS if (each.plan, each.version) == (plan, version)), None)

    async def versions(self, plan: str, before: int | None, limit: int) -> list[PlanVersion]:
        """A page of a plan's versions, newest first."""
        below = 2**31 - 1 if before is None else min(before, 2**31 - 1)
        return list(_versions(await self._pool.fetch(VERSIONS, plan, below, limit)))

    async def add(self, staff: int, plan: str, seen: int, new: NewVersion) -> PlanVersion:
        """The version after `seen`, 0 for one that is new or as it came with the product. Refusals
        `version_stale`, `bad_request`, `limit_reached`."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            newest = await connection.fetchrow(NEWEST, plan)
            if newest["version"] != seen:
                raise Refusal("version_stale")
            role = newest["role"] or next((each.role for each in DEFAULTS if each.plan == plan), new.role)
            if role != new.role:
                raise Refusal("bad_request", "a plan stays with the role that it was made for").at("role")
            if not seen and await connection.fetchval(COUNT) >= MOST_PLANS:
                raise Refusal("limit_reached", "at most {n} plan", plural="at most {n} plans", n=MOST_PLANS)
            row = await connection.fetchrow(
                ADD,
                plan,
                seen + 1,
                new.role,
                new.days,
                new.trial_days,
                new.grace_days,
                [[each.region, each.money.currency, each.money.minor] for each in new.prices],
                new.names,
                new.on_sale,
                new.note,
                moment(new.valid_from),
                staff,
            )
            told = {"was": f"version {seen}", "is": f"version {seen + 1}", "plan": plan}
            await record(connection, staff, "plan.set", None, new.note, told)
            return _version(row)


def _versions(rows: Iterable[asyncpg.Record]) -> Iterable[PlanVersion]:
    return map(_version, rows)


def _version(row: asyncpg.Record) -> PlanVersion:
    return PlanVersion(
        row["plan"],
        row["version"],
        row["role"],
        row["days"],
        row["trial_days"],
        row["grace_days"],
        tuple(Price(region, Money(minor, Currency(currency))) for region, currency, minor in row["prices"]),
        row["names"],
        row["on_sale"],
        row["valid_from"].timestamp(),
        row["note"],
        row["set_by"],
        row["created_at"].timestamp(),
    )
