"""An order on the road and the people of both its sides."""

import uuid
from collections.abc import Sequence
from typing import Any

from dispatch.chat import Draft, Message
from dispatch.model import Actor, Party, Status
from storage.chat.store import ChatStore
from storage.postgres import Pool
from tests.integration.orders.market import Market
from tests.integration.webhooks.companies import company, join


class Talk:
    """A haul and its conversation, in the stores."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.market = Market(pool)
        self.chats = ChatStore(pool)

    async def begin(self, status: Status = Status.ASSIGNED) -> "Talk":
        """The haul is in this state; the shipper has a company with a colleague, the driver a fleet."""
        self.order, shipper, driver = await self.market.haul(status)
        self.colleague = await self.market.shipper()
        self.company = await company(self.pool, shipper)
        await join(self.pool, self.company, self.colleague, "manager")
        await self.pool.execute("UPDATE orders SET company_id = $2 WHERE id = $1", self.order, self.company)
        self.boss = await self.market.user("logistician")
        self.carrier = await company(self.pool, self.boss)
        await self.pool.execute(
            "INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)", self.carrier, driver
        )
        self.shipper = Party(shipper, Actor.SHIPPER, frozenset({self.company}))
        self.other = Party(self.colleague, Actor.SHIPPER, frozenset({self.company}))
        self.driver = Party(driver, Actor.DRIVER)
        self.logistician = Party(driver, Actor.DRIVER, by=self.boss)
        return self

    async def say(
        self,
        party: Party,
        text: str = "",
        *,
        id: uuid.UUID | None = None,
        phrase: str | None = None,
        files: Sequence[int] = (),
    ) -> Message:
        """Something is said by this party."""
        draft = Draft(id or uuid.uuid4(), text, phrase, tuple(files))
        return (await self.chats.send(party, self.order, draft))[0]

    async def says(self, party: Party, count: int) -> None:
        """So many messages of this party."""
        for number in range(count):
            await self.say(party, f"{number}")

    async def read(self, party: Party, upto: int) -> int:
        """This party reads so far; where its mark is then."""
        return (await self.chats.read(party, self.order, upto))[0]

    async def pushes(self) -> list[tuple[int, str, str]]:
        """(user, state, key without the order) of every push about the conversation."""
        rows = await self.pool.fetch(
            "SELECT user_id, state, dedupe_key, payload FROM outbox WHERE kind = 'chat.message' ORDER BY id"
        )
        assert all(row["payload"] == {"chat": self.order, "order": self.order} for row in rows)
        return [(row["user_id"], row["state"], row["dedupe_key"].rpartition(":")[2]) for row in rows]

    async def age(self, seconds: float) -> None:
        """Everything in the conversation was said so much earlier."""
        await self.pool.execute(
            "UPDATE chat_messages SET created_at = created_at - make_interval(secs => $1)", seconds
        )

    async def ended(self, days: float) -> None:
        """The haul ended so long ago."""
        await self.pool.execute(
            "UPDATE orders SET ended_at = now() - make_interval(secs => $2) WHERE id = $1",
            self.order,
            days * 86_400.0,
        )

    async def upload(self, owner: int, mime: str = "image/png") -> int:
        """A file of this user that nothing holds."""
        file: Any = await self.pool.fetchval(
            "INSERT INTO files (owner_id, name, mime, size, sha256) VALUES ($1, $2, $3, 5, '\\x00') RETURNING id",
            owner,
            uuid.uuid4().hex,
            mime,
        )
        return int(file)
