"""Users, what they are told, and phones that remember what rang: on real PostgreSQL, without a server."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.content import Audience
from dispatch.telling import Preferences
from server.deliver import Deliveries
from server.gateways.push import Delivered, Outcome, Push, PushSender
from server.notices.announcing import Announcing
from server.notices.views import Noticed
from storage.accounts import AccountStore
from storage.content.broadcasts import BroadcastStore
from storage.content.whereabouts import Whereabouts
from storage.notices.announcing import NewsStore
from storage.notices.inbox import InboxStore
from storage.notices.ledger import Ledger
from storage.notices.preferences import PreferenceStore
from storage.notices.writing import tell
from storage.outbox import Outbox
from storage.postgres import Pool, transaction

EVERYBODY = Audience(("driver",))
_keys = itertools.count(1)


class Phones:
    """A push service, an SMS gateway or a mailbox, with a memory and scripted answers."""

    def __init__(self, *script: Outcome) -> None:
        self.script = list(script)
        self.rang: list[Push] = []

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        self.rang += pushes
        return [self.script.pop(0) if self.script else Delivered() for _ in pushes]

    async def close(self) -> None:
        pass


class Desk:
    """Everything between an event and a phone. `senders` are by kind of endpoint; `here` have a socket open."""

    def __init__(self, pool: Pool, **senders: PushSender) -> None:
        self.pool = pool
        self.inbox = InboxStore(pool)
        self.preferences = PreferenceStore(pool)
        self.ledger = Ledger(pool)
        self.accounts = AccountStore(pool)
        self.broadcasts = BroadcastStore(pool, Whereabouts(pool), lambda trace: ())
        self.noticed: list[Noticed] = []
        self.here: set[int] = set()
        self.woken = 0
        self.announcing = Announcing(
            NewsStore(pool), self.broadcasts, self.noticed.extend, self.here.__contains__, self._wake, senders
        )
        self.deliveries = Deliveries(
            Outbox(pool),
            self.accounts,
            self.preferences,
            self.ledger,
            senders,
            broadcasts=self.broadcasts,
            jitter=lambda: 0.0,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def user(self, role: str = "driver", **columns: object) -> int:
        """Somebody, whose columns may be other than the default."""
        made: int = await self.pool.fetchval(
            "INSERT INTO users (phone, role) SELECT '+7701' || lpad((count(*) + 1)::text, 7, '0'), $1 FROM users"
            " RETURNING id",
            role,
        )
        for name, value in columns.items():
            await self.pool.execute(f"UPDATE users SET {name} = $2 WHERE id = $1", made, value)
        return made

    async def phone(self, user: int, kind: str = "webpush") -> int:
        """An endpoint of this user's."""
        return await self.accounts.put_endpoint(user, kind, f"phone-{user}", {}, "en")

    async def happens(self, user: int, kind: str, *, ttl_s: float = 3600.0, **facts: int | str) -> None:
        """An event."""
        async with transaction(self.pool) as connection:
            await tell(connection, [user], kind, f"t{next(_keys)}", facts, ttl_s=ttl_s)

    async def announce(self) -> None:
        while await self.announcing.once():
            pass

    async def goes_round(self) -> None:
        """What is due is announced and sent."""
        await self.announce()
        while await self.deliveries.once():
            pass

    async def pass_time(self, seconds: float) -> None:
        """Every row of the queue and of the inbox becomes that much older."""
        for table, names in (
            ("outbox", ("created_at", "due_at", "expires_at", "done_at")),
            ("inbox_items", ("at", "over_at", "keep_until")),
        ):
            changes = ", ".join(f"{name} = {name} - $1 * interval '1 s'" for name in names)
            await self.pool.execute(f"UPDATE {table} SET {changes}", seconds)

    async def wants(self, user: int, wanted: Preferences) -> None:
        wishes = await self.preferences.of(user)
        await self.preferences.put(user, wishes.version, wanted)

    async def queue(self, **where: object) -> list[Mapping[str, Any]]:
        rows = await self.pool.fetch("SELECT * FROM outbox ORDER BY id")
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    async def states(self) -> dict[tuple[str, str], int]:
        """How many rows of the queue by (channel, state)."""
        rows = await self.pool.fetch(
            "SELECT channel, state, count(*) AS n FROM outbox GROUP BY channel, state"
        )
        return {(row["channel"], row["state"]): row["n"] for row in rows}

    async def written(self, user: int) -> list[tuple[str, str, str]]:
        """(means, outcome, reason) of the ledger, in order."""
        found = await self.ledger.of_user(user, None, 100)
        return [(each.means, each.outcome, each.reason) for each in reversed(found)]
