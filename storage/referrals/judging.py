"""Staff look at sign-ups that may be nobody new, each decision with a line of what staff did."""

from typing import NamedTuple

from dispatch.errors import Refusal

from ..postgres import Pool, transaction
from ..staff import record

_CASES = """
SELECT r.id, r.invitee_id, i.name AS invitee_name, i.role, r.inviter_id, v.name AS inviter_name,
    extract(epoch FROM r.at)::float8 AS at, r.state, r.signals, r.waiting,
    (SELECT count(*) FROM referrals o WHERE o.inviter_id = r.inviter_id)::int AS brought,
    r.decided_by, extract(epoch FROM r.decided_at)::float8 AS decided_at, r.note
FROM referrals r JOIN users i ON i.id = r.invitee_id JOIN users v ON v.id = r.inviter_id
"""
# ix_referrals_waiting, and ix_referrals_state; of each inviter all are counted by ix_referrals_inviter_id_id.
WAITING = f"{_CASES} WHERE r.waiting AND r.id > $1 ORDER BY r.id LIMIT $2"
IN_STATE = f"{_CASES} WHERE r.state = $3 AND r.id > $1 ORDER BY r.id LIMIT $2"
# Primary keys.
ONE = f"{_CASES} WHERE r.id = $1"
LOCK = "SELECT invitee_id, waiting FROM referrals WHERE id = $1 FOR UPDATE"
# What counts already goes on since when it did.
DECIDE = """
UPDATE referrals SET waiting = false, decided_by = $2, decided_at = clock_timestamp(), note = $4,
    state = CASE WHEN $3 THEN 'standing' ELSE 'refused' END,
    stands_at = CASE WHEN $3 THEN coalesce(stands_at, clock_timestamp()) ELSE stands_at END,
    barred_at = CASE WHEN $3 THEN NULL ELSE clock_timestamp() END
WHERE id = $1
"""


class ReferralCase(NamedTuple):
    """A sign-up before staff. `brought`: how many its inviter has brought in all."""

    id: int
    invitee: int
    invitee_name: str
    role: str
    inviter: int
    inviter_name: str
    at: float
    state: str
    signals: list[str]
    waiting: bool
    brought: int
    decided_by: int | None
    decided_at: float | None
    note: str


class ReferralJudges:
    """The queue of staff."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, state: str, after: int, limit: int) -> list[ReferralCase]:
        """Sign-ups above id `after`, oldest first: those that wait, or those in a state."""
        if state == "waiting":
            return [ReferralCase(*row) for row in await self._pool.fetch(WAITING, after, limit)]
        return [ReferralCase(*row) for row in await self._pool.fetch(IN_STATE, after, limit, state)]

    async def decide(self, staff: int, number: int, *, stands: bool, words: str) -> ReferralCase:
        """It counts, or it does not and never will. Refusal `not_found`, `case_closed`."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(LOCK, number)
            if row is None:
                raise Refusal("not_found")
            if not row["waiting"]:
                raise Refusal("case_closed")
            await connection.execute(DECIDE, number, staff, stands, words)
            detail = {"referral": str(number), "stands": "yes" if stands else "no"}
            await record(connection, staff, "referral.decide", row["invitee_id"], words, detail)
            return ReferralCase(*await connection.fetchrow(ONE, number))
