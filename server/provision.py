"""Accounts in bulk for simulated fleets and load tests, and sign-in links: an operator's commands.

They write to the database and sign with the deployment's key, so only who holds both can run them; nothing of
this is reachable from the network.
"""

import json
import os
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch.rights import Grade
from storage.identity import SESSION_LIFETIME_S, IdentityStore, random_token, sha256
from storage.postgres import Connection, Pool, connect_pool, transaction

from .auth import Tokens
from .config import Config

CHUNK = 5000
DEVICE_LABEL = "provisioned"
LINK_LIFETIME_S = 600.0
DIGITS = 10  # of a Kazakhstan number after +7
# Where the numbers of each role begin within the prefix, as a share of it: the ranges never meet.
RANGES = {"driver": 0.0, "shipper": 0.6, "admin": 0.9, "logistician": 0.95}

# body: (share in %, tonnes from, to, m3 from, to). Tonnes and volumes as the trade in Kazakhstan quotes them;
# containers are ISO 20' and 40'. Assumed: all shares, and the volumes of flatbeds, tippers and lowboys.
FLEET: dict[str, tuple[int, float, float, float, float]] = {
    "tent": (55, 20, 25, 82, 92),
    "reefer": (14, 12, 20, 60, 86),
    "isotherm": (6, 3, 20, 20, 82),
    "flatbed": (8, 10, 25, 40, 80),
    "container": (5, 21, 26, 33, 67),
    "tipper": (5, 15, 30, 16, 32),
    "tank": (3, 18, 25, 20, 30),
    "lowboy": (2, 20, 60, 60, 100),
    "van": (2, 1.5, 5, 9, 36),
}

QUEUE = "SELECT pg_advisory_xact_lock(7103)"  # two provisions at once would make two devices a driver
ADD_USERS = """
INSERT INTO users (phone, role, name, grade)
SELECT phone, $3, name, grade FROM unnest($1::text[], $2::text[], $4::text[]) AS w(phone, name, grade)
ON CONFLICT (phone) DO UPDATE SET grade = EXCLUDED.grade
    WHERE users.role = EXCLUDED.role AND users.grade IS DISTINCT FROM EXCLUDED.grade
"""
USERS = "SELECT id, phone, role, grade FROM users WHERE phone = ANY($1::text[]) ORDER BY phone"
PUT_VEHICLES = """
INSERT INTO vehicles (driver_id, keeper_id, body, capacity_kg, volume_m3, plate)
SELECT driver, driver, body, kg, m3, plate
FROM unnest($1::bigint[], $2::text[], $3::float8[], $4::float8[], $5::text[]) AS w(driver, body, kg, m3, plate)
ON CONFLICT (driver_id) DO UPDATE SET body = EXCLUDED.body, capacity_kg = EXCLUDED.capacity_kg,
    volume_m3 = EXCLUDED.volume_m3, plate = EXCLUDED.plate, version = vehicles.version + 1
"""
PUT_ACCESS = """
INSERT INTO access_entries (user_id, seq, kind, at, set_to, cause, paid_to, ends_at, trial)
SELECT id, coalesce((SELECT max(e.seq) FROM access_entries e WHERE e.user_id = id), 0) + 1, 'staff', now(),
    t.until, 'provision:' || t.until, t.until, t.until, false
FROM unnest($1::bigint[]) AS w(id), (SELECT to_timestamp($2::float8) AS until) AS t
ON CONFLICT (user_id, cause) DO NOTHING
"""
ADD_STATES = """
INSERT INTO driver_states (driver_id) SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING
"""
PUT_DEVICES = """
WITH wanted AS (SELECT * FROM unnest($1::bigint[], $2::bytea[]) AS w(user_id, secret_hash)),
kept AS (
    UPDATE devices d SET secret_hash = w.secret_hash, revoked_at = NULL FROM wanted w
    WHERE d.user_id = w.user_id AND d.label = $3 RETURNING d.id, d.user_id
), made AS (
    INSERT INTO devices (user_id, secret_hash, label)
    SELECT user_id, secret_hash, $3 FROM wanted w
    WHERE NOT EXISTS (SELECT FROM devices d WHERE d.user_id = w.user_id AND d.label = $3)
    RETURNING id, user_id
)
SELECT * FROM kept UNION ALL SELECT * FROM made
"""
ADD_SESSIONS = """
INSERT INTO sessions (id, user_id, user_agent, method, factor_at, created_at, expires_at)
SELECT id, user_id, 'provision', 'link', CASE WHEN $5 THEN to_timestamp($3) END, to_timestamp($3), to_timestamp($4)
FROM unnest($1::uuid[], $2::bigint[]) AS w(id, user_id)
"""
ADD_REFRESH = """
INSERT INTO refresh_tokens (token_hash, session_id, created_at)
SELECT token_hash, session_id, to_timestamp($3)
FROM unnest($1::bytea[], $2::uuid[]) AS w(token_hash, session_id)
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many accounts of each role, and what they get. The same prefix gives the same accounts again.

    `admins` are superadmins; behind them come further ones of the grades in `staff`.
    """

    drivers: int = 0
    shippers: int = 0
    admins: int = 0
    logisticians: int = 0
    staff: tuple[Grade, ...] = ()
    prefix: str = "+7701"
    paid_days: float = 30.0
    access_hours: float = 0.25
    seed: int = 1


async def provision(config: Config, wanted: Wanted, out: str | Path) -> None:
    """Makes the accounts and writes them with fresh tokens to `out`, readable by its owner only."""
    pool = await connect_pool(config.postgres, name="provision", size=2, statement_timeout_s=60)
    try:
        made = await accounts(pool, Tokens(config.signing_key), wanted, time.time())
    finally:
        await pool.close()
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)  # the file may be older than this command
        json.dump({"url": config.public_url, **made}, file)


async def sign_in_link(config: Config, role: str) -> str:
    """An address that signs in as the first account of this role, made if need be: one use, ten minutes."""
    pool = await connect_pool(config.postgres, name="link", size=1)
    try:
        phone = phones(Wanted().prefix, role, 1)[0]
        grade = Grade.SUPERADMIN if role == "admin" else None
        await pool.execute(ADD_USERS, [phone], [f"{role} 1"], role, [grade])
        (account,) = await pool.fetch(USERS, [phone])
        if account["role"] != role:
            raise ValueError(f"{phone} belongs to an account with role {account['role']}")
        store = IdentityStore(pool, pepper=config.pepper, limits=config.signing_in.otp)
        code = await store.otp.issue(phone, role, time.time(), LINK_LIFETIME_S)
    finally:
        await pool.close()
    return f"{config.public_url}/#/enter?request={code.request}&code={code.code}"


async def accounts(pool: Pool, tokens: Tokens, wanted: Wanted, now: float) -> dict[str, list[dict[str, Any]]]:
    """Accounts, vehicles, subscriptions, one device a driver, one new session each; in bulk statements.

    ValueError when a phone in the prefix already belongs to an account of another role.
    """
    grades = [*[Grade.SUPERADMIN] * wanted.admins, *wanted.staff]
    counts = {
        "driver": wanted.drivers,
        "shipper": wanted.shippers,
        "admin": len(grades),
        "logistician": wanted.logisticians,
    }
    made: dict[str, list[dict[str, Any]]] = {}
    for role, count in counts.items():
        people: list[dict[str, Any]] = []
        numbers = phones(wanted.prefix, role, count)
        for start in range(0, count, CHUNK):
            part = numbers[start : start + CHUNK]
            async with transaction(pool) as connection:
                await connection.execute(QUEUE)
                of_these = grades[start : start + CHUNK] if role == "admin" else [None] * len(part)
                people += await _people(connection, tokens, wanted, role, part, of_these, start, now)
        made[f"{role}s"] = people
    return made


async def _people(
    connection: Connection,
    tokens: Tokens,
    wanted: Wanted,
    role: str,
    numbers: Sequence[str],
    grades: Sequence[Grade | None],
    start: int,
    now: float,
) -> list[dict[str, Any]]:
    names = [f"{role} {start + place + 1}" for place in range(len(numbers))]
    await connection.execute(ADD_USERS, numbers, names, role, grades)
    rows = await connection.fetch(USERS, numbers)
    strangers = [row["phone"] for row in rows if row["role"] != role]
    if strangers:
        raise ValueError(f"{strangers[0]} belongs to an account of another role: choose another --prefix")
    people: list[dict[str, Any]] = [{"user": row["id"], "phone": row["phone"]} for row in rows]
    users = [person["user"] for person in people]
    if role == "driver":
        # A truck depends on the seed and the phone alone: the same ones come back however many are asked for.
        trucks = [truck_of(random.Random(f"{wanted.seed}:{person['phone']}")) for person in people]
        columns = [[truck[name] for truck in trucks] for name in ("body", "capacity_kg", "volume_m3")]
        plates = [plate_of(user) for user in users]
        await connection.execute(PUT_VEHICLES, users, *columns, plates)
        await connection.execute(PUT_ACCESS, users, now + wanted.paid_days * 86400)
        await connection.execute(ADD_STATES, users)
        secrets = {user: random_token() for user in users}
        hashes = [sha256(secrets[user]) for user in users]
        devices = {
            row["user_id"]: row["id"]
            for row in await connection.fetch(PUT_DEVICES, users, hashes, DEVICE_LABEL)
        }
        for person, truck in zip(people, trucks, strict=True):
            user = person["user"]
            person.update(truck, device=devices[user], device_secret=secrets[user])
    sessions = [str(uuid.uuid4()) for _ in people]
    refresh = [random_token() for _ in people]
    staff = role == "admin"  # whoever runs this holds the deployment's keys, which are both factors
    await connection.execute(ADD_SESSIONS, sessions, users, now, now + SESSION_LIFETIME_S, staff)
    await connection.execute(ADD_REFRESH, [sha256(token) for token in refresh], sessions, now)
    for person, row, session, token in zip(people, rows, sessions, refresh, strict=True):
        grade = row["grade"]
        access, _ = tokens.mint(
            person["user"],
            role,
            session,
            now,
            wanted.access_hours * 3600,
            grade=grade,
            factor_at=now if staff else None,
        )
        person.update(access=access, refresh=token)
        if staff:
            person.update(grade=grade)
    return people


def phones(prefix: str, role: str, count: int) -> list[str]:
    """`count` E.164 numbers of this role under a prefix such as +7701."""
    free = 2 + DIGITS - len(prefix)
    if not prefix.startswith("+7") or not prefix[1:].isdecimal() or not 1 <= free <= DIGITS:
        raise ValueError(f"{prefix} does not begin a Kazakhstan number: give +7 and up to nine digits")
    starts = [*(int(share * 10**free) for share in RANGES.values()), 10**free]
    place = list(RANGES).index(role)
    if count > starts[place + 1] - starts[place]:
        raise ValueError(f"{prefix} has no room for {count} accounts with role {role}: shorten it")
    return [f"{prefix}{starts[place] + number:0{free}d}" for number in range(count)]


def truck_of(chance: random.Random) -> dict[str, Any]:
    """A truck drawn by the fleet's shares: body, capacity in kg, volume in m3."""
    (body,) = chance.choices(list(FLEET), weights=[entry[0] for entry in FLEET.values()])
    _, light, heavy, small, large = FLEET[body]
    size = chance.random()
    return {
        "body": body,
        "capacity_kg": round((light + (heavy - light) * size) * 1000, -2),
        "volume_m3": float(round(small + (large - small) * size)),
    }


def plate_of(user: int) -> str:
    """A number plate of the form 123ABC90. Regions from 90 on do not exist, so it is nobody's real one."""
    letters, digits = divmod(user, 1000)
    abc = "".join(chr(ord("A") + letters // 26**power % 26) for power in (2, 1, 0))
    return f"{digits:03d}{abc}{90 + letters // 26**3 % 10}"
