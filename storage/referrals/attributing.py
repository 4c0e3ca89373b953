"""A new account and whoever brought it: written with the account, or not at all. A code that is none stops nobody
from signing up."""

import hashlib
import hmac
from typing import NamedTuple

from asyncpg import Record

from billing.loyalty import Attribution, Signal, Traces, judged, signals

from ..postgres import Connection
from .codes import WHOSE, known_form

# Sign-ups from one network are counted one after the other. $1 the network of the day.
QUEUE = "SELECT pg_advisory_xact_lock(7127, hashtext(encode($1::bytea, 'hex')))"
# Primary key; also of a device that was given up.
DEVICE = "SELECT user_id, secret_hash FROM devices WHERE id = $1"
# ix_sessions_user_id.
SAME_PROGRAM = """
SELECT EXISTS (SELECT FROM sessions WHERE user_id = $1 AND ip = $2 AND user_agent = $3
    AND greatest(created_at, used_at) > to_timestamp($4) - interval '1 day')
"""
# ix_referrals_program_hash, ix_referrals_phone_hash, ix_referrals_network_hash. $4 the inviter.
BEFORE = """
SELECT EXISTS (SELECT FROM referrals WHERE program_hash = $1) AS program,
    EXISTS (SELECT FROM referrals WHERE phone_hash = $2) AS phone,
    count(*) AS from_network, count(*) FILTER (WHERE inviter_id = $4) AS brought
FROM referrals WHERE network_hash = $3
"""
# uq_referrals_invitee_id: one inviter for ever.
ADD = """
INSERT INTO referrals (invitee_id, inviter_id, at, state, signals, waiting, stands_at, program_hash, network_hash,
    phone_hash)
VALUES ($1, $2, to_timestamp($3), $4::text, $5, $4::text = 'held',
    CASE WHEN $4::text = 'standing' THEN to_timestamp($3) END, $6, $7, $8)
ON CONFLICT (invitee_id) DO NOTHING RETURNING true
"""
# uq_referrals_invitee_id. What has begun to count goes on counting until staff have decided.
SUSPECT = """
UPDATE referrals SET signals = array_append(signals, $2), waiting = waiting OR decided_at IS NULL
WHERE invitee_id = $1 AND NOT $2 = ANY(signals) AND state <> 'refused'
"""


class Referral(NamedTuple):
    """What a sign-up says of whoever brought it: the code, and a device that this phone has known before."""

    code: str
    device: int | None = None
    secret: str = ""


class Place(NamedTuple):
    """Where a sign-up comes from: the address, what limits count as its network, and the program."""

    address: str
    network: str
    program: str


class Attributor:
    """Notes who was brought by whom."""

    def __init__(self, pepper: str) -> None:
        self._pepper = pepper.encode()

    async def attribute(
        self, connection: Connection, invitee: Record, referral: Referral, place: Place, now: float
    ) -> bool:
        """Whether the new account (id, phone) has an inviter now. In the transaction that has made it."""
        code = known_form(referral.code)
        inviter = None if code is None else await connection.fetchrow(WHOSE, code)
        if inviter is None or inviter["user_id"] == invitee["id"]:
            return False
        day = int(now // 86_400)
        agent = place.program[:200]  # as sessions keep it
        program = self._hash("program", day, place.address, agent)
        network = self._hash("network", day, place.network)
        phone = self._hash("phone", invitee["phone"])
        await connection.execute(QUEUE, network)
        before = await connection.fetchrow(BEFORE, program, phone, network, inviter["user_id"])
        same = await connection.fetchval(SAME_PROGRAM, inviter["user_id"], place.address, agent, now)
        found = signals(
            Traces(
                inviter["user_id"],
                await _owner(connection, referral),
                same or before["program"],
                before["phone"],
                before["brought"],
                before["from_network"],
            )
        )
        state = judged(found)
        added = await connection.fetchval(
            ADD, invitee["id"], inviter["user_id"], now, state, list(found), program, network, phone
        )
        return bool(added) and state is not Attribution.REFUSED

    def _hash(self, purpose: str, *parts: object) -> bytes:
        text = "\0".join(("referral", purpose, *map(str, parts)))
        return hmac.digest(self._pepper, text.encode(), "sha256")


async def suspect(connection: Connection, invitee: int, signal: Signal) -> None:
    """Something that speaks against a sign-up comes out later, a card that others pay with: staff should look."""
    await connection.execute(SUSPECT, invitee, signal)


async def _owner(connection: Connection, referral: Referral) -> int | None:
    """Whose device it is, if its secret is right."""
    row = None if referral.device is None else await connection.fetchrow(DEVICE, referral.device)
    if row is None:
        return None
    given = hashlib.sha256(referral.secret.encode()).digest()
    owner: int = row["user_id"]
    return owner if hmac.compare_digest(row["secret_hash"], given) else None
