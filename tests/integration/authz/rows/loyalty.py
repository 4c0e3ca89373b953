"""Bringing others: each sees whom he has brought; moderators and finance judge, finance says what it is worth."""

from collections.abc import Mapping

from billing.loyalty import Signal
from storage.referrals.attributing import suspect

from ..matrix import Cell, Row
from ..world import Person, World


async def a_code(world: World, person: Person) -> Mapping[str, object]:
    user = person.user if person.role else (await world.person("shipper")).user
    return {"code": await world.services.referrals.code(user)}


async def odd_sign_up(world: World, _person: Person) -> int:
    """A sign-up that staff should look at."""
    inviter, invitee = await world.person("driver"), await world.person("shipper")
    number: int = await world.pool.fetchval(
        "INSERT INTO referrals (invitee_id, inviter_id, state, stands_at, program_hash, network_hash, phone_hash)"
        " VALUES ($1, $2, 'standing', now(), '', '', '') RETURNING id",
        invitee.user,
        inviter.user,
    )
    async with world.pool.acquire() as connection:
        await suspect(connection, invitee.user, Signal.SAME_CARD)
    return number


_TERMS = {
    "referral_threshold": 2,
    "referral_days": 30,
    "rating_hundredths": 480,
    "rating_orders": 10,
    "rating_period_days": 90,
    "rating_days": 30,
    "lock_grace_days": 30,
}


def first(cell: Cell) -> dict[str, str]:
    """Whoever comes first sets the first version; the others would be late."""
    return {"If-Match": '"0"'} if cell.person.kind == "finance" else {}


ROWS = (
    Row("POST /api/v1/me/referral"),
    Row("GET /api/v1/me/referral/qr"),
    Row("GET /api/v1/me/referrals"),
    Row("GET /api/v1/me/bonuses"),
    Row("GET /api/v1/referrals/{code}", own=a_code, shared=True, absent="AAAAAAAAAA"),
    Row("GET /api/v1/admin/referrals"),
    Row(
        "POST /api/v1/admin/referrals/{referral}/decide",
        own=odd_sign_up,
        shared=True,
        body={"verdict": "reject"},
    ),
    Row("GET /api/v1/admin/loyalty"),
    Row(
        "PUT /api/v1/admin/loyalty",
        body=_TERMS,
        headers=first,
        expect={"superadmin": "precondition_required"},
    ),
    Row("GET /api/v1/admin/loyalty/versions"),
)
