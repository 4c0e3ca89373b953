"""The one way to write an event that has no statement of its own: in the transaction of what it tells.

    await tell(connection, [user], "subscription.started", f"subscription:{number}:started", {"subscription":
    number})

The loops find it after COMMIT: at once when the caller tells anything through `Notify`, else within half a second.
"""

from collections.abc import Collection, Mapping, Sequence

from dispatch.notices import COUNT, HAPPENINGS, IDS, WORDS

from ..postgres import Connection

# uq_outbox_dedupe_key. In the order of users, so that two with common users cannot deadlock.
WRITE = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at)
SELECT u, $2, $3, $4 || ':' || u, clock_timestamp() + make_interval(secs => $5),
    clock_timestamp() + make_interval(secs => $6)
FROM unnest($1::bigint[]) AS u ORDER BY u ON CONFLICT (dedupe_key) DO NOTHING
"""
MAY_BE_TOLD: Collection[str] = {*IDS, *WORDS, COUNT}


async def tell(
    connection: Connection,
    users: Sequence[int],
    kind: str,
    key: str,
    facts: Mapping[str, int | str],
    *,
    wait_s: float = 0.0,
    ttl_s: float | None = None,
) -> None:
    """Tells each of these users once under this key (at most 60 characters, unique for the event; sent again,
    nothing happens). `facts` are row ids, words of vocabularies and the count `n`, as `dispatch.notices` names
    them.

    `wait_s` until it may ring; `ttl_s` from now on it is worth telling, by default as long as its kind.
    """
    happening = HAPPENINGS[kind]
    if unknown := set(facts) - set(MAY_BE_TOLD):
        raise ValueError(f"{kind} may not tell of {', '.join(sorted(unknown))}")
    lives = happening.ttl_s if ttl_s is None else ttl_s
    await connection.execute(WRITE, list(users), kind, dict(facts), key, wait_s, lives)
