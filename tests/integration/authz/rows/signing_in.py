"""Second factors, sessions, Google and Apple, another phone, and accounts in the hands of staff."""

import itertools
import uuid

from storage.seal import Seal

from ..matrix import Cell, Row
from ..world import Person, World

_numbers = itertools.count(1)
_NOBODY = "00000000-0000-4000-8000-000000000000"
_UNKNOWN = "x" * 43
_WHY = {"reason": "asked for by the owner"}


async def a_session(world: World, person: Person) -> str:
    session = str(uuid.uuid4())
    await world.pool.execute(
        "INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, now() + interval '1 day')",
        session,
        person.user,
    )
    return session


async def an_identity(world: World, person: Person) -> int:
    identity: int = await world.pool.fetchval(
        "INSERT INTO identities (provider, subject, user_id, linked_at) VALUES ('google', $1, $2, now())"
        " ON CONFLICT (user_id, provider) WHERE user_id IS NOT NULL DO UPDATE SET linked_at = now() RETURNING id",
        str(uuid.uuid4()),
        person.user,
    )
    return identity


async def a_shipper(world: World, person: Person) -> int:
    return (await world.person("shipper")).user


async def somebody_with_a_factor(world: World, person: Person) -> int:
    user = (await world.person("support")).user
    seal = Seal(world.services.config.pepper, "second factors")
    await world.pool.execute(
        "INSERT INTO second_factors (user_id, secret_sealed, confirmed_at) VALUES ($1, $2, now())",
        user,
        seal.seal(b"A" * 32, f"second factor of {user}"),
    )
    return user


def _a_new_phone(cell: Cell) -> dict[str, str]:
    return {"phone": f"+7747{next(_numbers):07d}"}


ROWS = (
    Row(
        "POST /api/v1/auth/second-factor",
        body={"challenge": _UNKNOWN, "code": "000000"},
        expect={"*": "challenge_over"},
    ),
    Row("POST /api/v1/auth/step-up", body={"code": "000000"}, expect={"admin": "code_wrong"}),
    Row("GET /api/v1/me/second-factor"),
    Row("POST /api/v1/me/second-factor"),
    Row("POST /api/v1/me/second-factor/confirm", body={"code": "000000"}, expect={"admin": "code_wrong"}),
    Row("POST /api/v1/me/second-factor/recovery-codes", expect={"admin": "not_found"}),  # none in force
    Row("GET /api/v1/me/sessions"),
    Row("DELETE /api/v1/me/sessions/{session}", own=a_session, staff="own"),
    Row("POST /api/v1/me/sessions/end", body={}),
    Row("POST /api/v1/me/phone/code", body=_a_new_phone),
    Row("POST /api/v1/me/phone", body={"request": _NOBODY, "code": "000000"}, expect={"*": "code_wrong"}),
    Row("GET /api/v1/auth/methods"),
    # Neither is set up on this server; what both do is in tests/integration/identity.
    Row("POST /api/v1/auth/google/start", body={}, expect={"*": "not_found"}),
    Row("GET /api/v1/auth/google/callback"),
    Row(
        "POST /api/v1/auth/google/native",
        body={"id_token": "x", "nonce": _UNKNOWN},
        expect={"*": "not_found"},
    ),
    Row("POST /api/v1/auth/apple/start", body={}, expect={"*": "not_found"}),
    Row("POST /api/v1/auth/apple/callback"),
    Row(
        "POST /api/v1/auth/apple/native",
        body={"id_token": "x", "nonce": _UNKNOWN},
        expect={"*": "not_found"},
    ),
    Row(
        "POST /api/v1/auth/finish",
        body={"flow": _UNKNOWN, "verifier": _UNKNOWN},
        expect={"*": "challenge_over"},
    ),
    Row("GET /api/v1/me/identities"),
    Row("POST /api/v1/me/identities", body={"identity": _UNKNOWN}, expect={"*": "challenge_over"}),
    Row("DELETE /api/v1/me/identities/{identity}", own=an_identity, staff="own"),
    Row("GET /api/v1/admin/users"),
    Row("GET /api/v1/admin/users/{user}", own=a_shipper),
    Row("PUT /api/v1/admin/users/{user}/role", own=a_shipper, body={"role": "logistician", **_WHY}),
    Row("POST /api/v1/admin/users/{user}/block", own=a_shipper, body=_WHY),
    Row("POST /api/v1/admin/users/{user}/unblock", own=a_shipper, body=_WHY),
    Row("POST /api/v1/admin/users/{user}/second-factor/reset", own=somebody_with_a_factor, body=_WHY),
    Row("GET /api/v1/admin/actions"),
)
