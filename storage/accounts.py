"""What an account has: profile, vehicle, subscription, and the endpoints that pushes go to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatch.errors import Refusal

from .billing.access import ends_at
from .postgres import Pool, transaction

# By primary and unique keys.
PROFILE = f"""
SELECT u.phone, u.role, u.grade, u.name, u.locale, v.body, v.capacity_kg, v.volume_m3, v.plate,
       extract(epoch FROM {ends_at("u.id")})::float8 AS paid_until, s.on_duty, m.company_id, m.role AS company_role
FROM users u
LEFT JOIN vehicles v ON v.driver_id = u.id
LEFT JOIN driver_states s ON s.driver_id = u.id
LEFT JOIN company_members m ON m.user_id = u.id
WHERE u.id = $1
"""
# Primary key.
SETTINGS = "SELECT name, email, locale, time_zone, version FROM users WHERE id = $1"
LOCK_SETTINGS = SETTINGS + " FOR NO KEY UPDATE"
EDIT_SETTINGS = """
UPDATE users SET name = $2, locale = $3, time_zone = $4, version = version + 1 WHERE id = $1
RETURNING name, email, locale, time_zone, version
"""
DRIVER = f"""
SELECT u.id, u.phone, u.name, v.body, extract(epoch FROM {ends_at("u.id")})::float8 AS paid_until,
       coalesce(s.on_duty, false) AS on_duty
FROM users u
LEFT JOIN vehicles v ON v.driver_id = u.id
LEFT JOIN driver_states s ON s.driver_id = u.id
WHERE u.role = 'driver'
"""
# The primary key read backwards; other roles are few and skipped on the way.
DRIVERS = DRIVER + " AND u.id < $1 ORDER BY u.id DESC LIMIT $2"
ONE_DRIVER = DRIVER + " AND u.id = $1"
# An address that signs in as somebody else belongs to the new user only (control C61).
PUT_ENDPOINT = """
INSERT INTO push_endpoints (user_id, kind, address, keys, locale) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (address) DO UPDATE SET user_id = EXCLUDED.user_id, kind = EXCLUDED.kind, keys = EXCLUDED.keys,
    locale = EXCLUDED.locale, created_at = now()
RETURNING id
"""
DROP_ENDPOINT = "DELETE FROM push_endpoints WHERE id = $1 AND user_id = $2"
# Served by the index on user_id. What nobody has renewed or reached for 30 days is not sent to (C61).
ENDPOINTS = """
SELECT id, user_id, kind, address, keys, locale FROM push_endpoints
WHERE user_id = ANY($1::bigint[]) AND greatest(created_at, last_ok_at) > now() - interval '30 days'
"""
REACHED = "UPDATE push_endpoints SET last_ok_at = now() WHERE id = ANY($1::bigint[])"
# Only if it still is what was sent to: it may have been renewed meanwhile.
GONE = "DELETE FROM push_endpoints WHERE id = $1 AND address = $2"


@dataclass(frozen=True, slots=True)
class Truck:
    """A vehicle as its driver describes it."""

    body: str
    capacity_kg: float
    volume_m3: float
    plate: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its owner sees it; `paid_until` in epoch seconds."""

    phone: str
    role: str
    name: str
    locale: str
    truck: Truck | None
    paid_until: float | None
    on_duty: bool | None
    grade: str | None = None
    company: int | None = None
    company_role: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user says of themselves, and the e-mail address that they have proven. `version` grows with each
    change."""

    name: str
    email: str | None
    locale: str
    time_zone: str
    version: int


@dataclass(frozen=True, slots=True)
class DriverRow:
    """A driver as operators see them; `paid_until` in epoch seconds."""

    id: int
    phone: str
    name: str
    body: str | None
    paid_until: float | None
    on_duty: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one user can be pushed to. `keys` are p256dh and auth of a Web Push subscription."""

    id: int
    user: int
    kind: str
    address: str
    keys: dict[str, str]
    locale: str


class AccountStore:
    """Reads and changes what belongs to one account."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def account(self, user: int) -> Account:
        """The account of this user. Refusal `not_found`."""
        row = await self._pool.fetchrow(PROFILE, user)
        if row is None:
            raise Refusal("not_found")
        truck = None
        if row["body"] is not None:
            truck = Truck(row["body"], row["capacity_kg"], row["volume_m3"], row["plate"])
        return Account(
            row["phone"],
            row["role"],
            row["name"],
            row["locale"],
            truck,
            row["paid_until"],
            row["on_duty"],
            row["grade"],
            row["company_id"],
            row["company_role"],
        )

    async def settings(self, user: int) -> Settings:
        """What this user says of themselves. Refusal `not_found`."""
        row = await self._pool.fetchrow(SETTINGS, user)
        if row is None:
            raise Refusal("not_found")
        return Settings(*row)

    async def edit(self, user: int, version: int, changes: Mapping[str, str]) -> Settings:
        """Changes name, locale or time zone. Refusals `not_found`, `version_stale`."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(LOCK_SETTINGS, user)
            if row is None:
                raise Refusal("not_found")
            if row["version"] != version:
                raise Refusal("version_stale")
            new = {**row, **changes}
            return Settings(
                *await connection.fetchrow(EDIT_SETTINGS, user, new["name"], new["locale"], new["time_zone"])
            )

    async def drivers(self, before: int | None, limit: int) -> list[DriverRow]:
        """One page of drivers, newest first."""
        rows = await self._pool.fetch(DRIVERS, before if before is not None else 2**62, limit)
        return [DriverRow(*row) for row in rows]

    async def driver(self, driver: int) -> DriverRow:
        """One driver as operators see them. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE_DRIVER, driver)
        if row is None:
            raise Refusal("not_found")
        return DriverRow(*row)

    async def put_endpoint(
        self, user: int, kind: str, address: str, keys: dict[str, str], locale: str
    ) -> int:
        """Stores where to push to, or moves a known address to this user; its id."""
        endpoint: int = await self._pool.fetchval(PUT_ENDPOINT, user, kind, address, keys, locale)
        return endpoint

    async def drop_endpoint(self, user: int, endpoint: int) -> None:
        """Forgets an endpoint of this user. Refusal `not_found` for an absent one and for somebody else's."""
        if await self._pool.execute(DROP_ENDPOINT, endpoint, user) == "DELETE 0":
            raise Refusal("not_found")

    async def endpoints(self, users: Sequence[int]) -> list[Endpoint]:
        """Every endpoint of these users that is still worth sending to."""
        return [Endpoint(*row) for row in await self._pool.fetch(ENDPOINTS, users)]

    async def reached(self, endpoints: Sequence[int]) -> None:
        """These took a push just now."""
        await self._pool.execute(REACHED, endpoints)

    async def gone(self, endpoint: Endpoint) -> None:
        """The push service says that nobody is there any more."""
        await self._pool.execute(GONE, endpoint.id, endpoint.address)
