"""People of every kind, and the things that they own: what rows are made of."""

import asyncio
import itertools
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from dispatch.model import Status
from dispatch.moderation import Moderator
from dispatch.rights import Grade
from server.auth import Tokens
from server.protocol.rest.integrations import Scope
from server.provision import Wanted, accounts
from tests.integration.orders.market import Market, city, new_order
from tests.integration.webhooks.companies import company
from tests.served import LocalServer

# Every kind of caller, with its role. None is nobody at all.
KINDS: dict[str, str | None] = {
    "anonymous": None,
    "driver": "driver",
    "expired": "driver",  # whose subscription has ended
    "logistician": "logistician",
    "shipper": "shipper",
    "support": "admin",
    "moderator": "admin",
    "finance": "admin",
    "superadmin": "admin",
    "blocked": "driver",
    "key": "shipper",  # a program with an API key of a shipper's company, for all scopes
}
STAFF = frozenset(kind for kind, role in KINDS.items() if role == "admin")
AT_ONCE = 60  # accounts of one kind that are made together


@dataclass(frozen=True)
class Person:
    """One account, used for one cell."""

    kind: str
    role: str | None
    account: dict[str, Any] = field(default_factory=dict)

    @property
    def user(self) -> int:
        user: int = self.account["user"]
        return user

    @property
    def headers(self) -> dict[str, str]:
        """Who this is, for HTTP."""
        return {"Authorization": f"Bearer {self.account['access']}"} if self.role else {}

    def truck(self) -> dict[str, Any]:
        """A load that a driver's truck can take; any load for others."""
        if "body" not in self.account:
            return {}
        return {"body": self.account["body"], "weight_kg": 100.0, "volume_m3": 1.0}


NOBODY = Person("anonymous", None)


class World:
    """The server's database, filled as rows need it."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.services = server.services
        self.pool = server.services.pool
        self.market = Market(self.pool)
        self._tokens: Tokens = server.services.tokens
        self._known: dict[str, Person] = {}
        self._waiting: defaultdict[str, list[Person]] = defaultdict(list)
        self._batches: Iterator[int] = itertools.count(100)  # +77100...: far from provisioned +7701...
        self._making = asyncio.Lock()

    async def person(self, kind: str) -> Person:
        """Somebody new of this kind."""
        if kind == "anonymous":
            return NOBODY
        async with self._making:
            if not self._waiting[kind]:
                self._waiting[kind] = await self._people(kind)
        return self._waiting[kind].pop()

    async def anybody(self, kind: str) -> Person:
        """One of this kind, the same each time."""
        if kind not in self._known:
            self._known[kind] = await self.person(kind)
        return self._known[kind]

    async def other(self, person: Person) -> Person:
        """A stranger who could own the same: of the same role, and in good standing."""
        kind = person.role if person.role in KINDS else "superadmin" if person.role == "admin" else "shipper"
        return await self.person(kind)

    async def _people(self, kind: str) -> list[Person]:
        role = KINDS[kind]
        # Numbers of a prefix of its own: the ranges of provisioned accounts never meet.
        wanted = Wanted(prefix=f"+77{next(self._batches):03d}", access_hours=1)
        if role == "admin":
            wanted = replace(wanted, staff=(Grade(kind),) * AT_ONCE)
        elif role == "driver":
            wanted = replace(wanted, drivers=AT_ONCE, paid_days=-1 if kind == "expired" else 30)
        else:
            wanted = replace(wanted, **{f"{role}s": AT_ONCE})
        made = await accounts(self.pool, self._tokens, wanted, time.time())
        people = [Person(kind, role, account) for account in made[f"{role}s"]]
        if kind == "key":
            for person in people:
                owned = await company(self.pool, person.user)
                _, person.account["access"] = await self.services.api_keys.add(
                    owned, person.user, "ERP", get_args(Scope), None
                )
        if kind == "blocked":
            await self._block(people)
        return people

    async def _block(self, people: list[Person]) -> None:
        users = [person.user for person in people]
        await self.pool.execute("UPDATE users SET blocked = true WHERE id = ANY($1::bigint[])", users)
        rows = await self.pool.fetch(
            "UPDATE sessions SET revoked_at = now(), revoke_reason = 'blocked' WHERE user_id = ANY($1::bigint[])"
            " RETURNING id::text",
            users,
        )
        for row in rows:
            self.services.revocations.add(row["id"])

    # -- things -------------------------------------------------------------------------------------------

    async def order(self, person: Person) -> int:
        """An open order: a shipper's own, a driver's to carry, anybody's for the others."""
        shipper = person if person.role == "shipper" else await self.person("shipper")
        carrier = await self.carrier(person)
        load = carrier.truck() if carrier else {}
        order = await self.market.orders.add(new_order(shipper.user, **load))
        if carrier:
            await self._pay(carrier)
            offer = (await self.market.offer(order, [carrier.user]))[carrier.user]
            await self.market.orders.accept(carrier.user, offer, uuid.uuid4())
        return order.id

    async def carrier(self, person: Person) -> Person | None:
        """Who drives for this person: the driver, or one of the logistician's fleet."""
        if person.role != "logistician":
            return person if person.role == "driver" else None
        driver = await self.person("driver")
        await self.pool.execute(
            "INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)",
            await self.company(person),
            driver.user,
        )
        return driver

    async def taken(self, person: Person) -> int:
        """A haul that has its driver and has not begun, of this shipper or this driver."""
        return await self._hauled(person)

    async def at_drop(self, person: Person) -> int:
        """A haul that stands before its consignee."""
        return await self._hauled(person, "at_pickup", "loaded", "in_transit", "at_drop")

    async def loaded(self, person: Person) -> int:
        """A haul on the road, of this shipper or this driver."""
        return await self._hauled(person, "at_pickup", "loaded")

    async def delivered(self, person: Person) -> int:
        """A haul that is over."""
        return await self._hauled(person, "at_pickup", "loaded", "in_transit", "at_drop", "delivered")

    async def _hauled(self, person: Person, *steps: str) -> int:
        carrier = await self.carrier(person) or await self.person("driver")
        shipper = person if person.role == "shipper" else await self.person("shipper")
        order = await self.market.orders.add(new_order(shipper.user, **carrier.truck()))
        await self._pay(carrier)
        offer = (await self.market.offer(order, [carrier.user]))[carrier.user]
        await self.market.orders.accept(carrier.user, offer, uuid.uuid4())
        for step in steps:
            await self.market.orders.advance(carrier.user, order.id, Status(step))
        return order.id

    async def held(self, person: Person) -> int:
        """A load that waits for staff."""
        shipper = person if person.role == "shipper" else await self.person("shipper")
        new = replace(new_order(shipper.user), status=Status.MODERATION, grounds=("contacts",))
        return (await self.market.orders.add(new)).id

    async def case(self, person: Person) -> int:
        """What staff have to decide about such a load."""
        order = await self.held(person)
        return (await self.market.cases.of_order(order))[0].id

    async def rejected(self, person: Person) -> int:
        """A load that was turned down."""
        order = await self.held(person)
        (case,) = await self.market.cases.of_order(order)
        await self.market.cases.reject(Moderator(0), case.id, ["unclear"], "")
        return order

    async def draft(self, person: Person) -> int:
        """A whole load that is not posted."""
        shipper = person if person.role == "shipper" else await self.person("shipper")
        ends = [{"kind": "pickup", "city": city("Алматы")}, {"kind": "drop", "city": city("Астана")}]
        content = {"stops": ends, "cargo": "мука", "weight_kg": 20_000.0}
        return (await self.market.drafts.add(shipper.user, None, content)).order

    async def template(self, person: Person) -> int:
        """A load with a name."""
        shipper = person if person.role == "shipper" else await self.person("shipper")
        return (await self.services.templates.add(shipper.user, None, "мука", {"cargo": "мука"})).id

    async def offer(self, person: Person) -> int:
        """A live offer to a driver; to some driver for anybody else."""
        driver = await self.driver_of(person)
        order = await self.market.orders.add(new_order((await self.person("shipper")).user, **driver.truck()))
        return (await self.market.offer(order, [driver.user]))[driver.user]

    async def driver_of(self, person: Person) -> Person:
        """A driver: the person, or one of the fleet that this logistician has now; some driver for others."""
        if person.role == "driver":
            return person
        driver = await self.person("driver")
        if person.role == "logistician":
            await self.pool.execute(
                "INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)",
                await self.company(person),
                driver.user,
            )
        return driver

    async def board_load(self, person: Person) -> int:
        """An order on the board, which every driver sees."""
        order = await self.market.orders.add(new_order((await self.person("shipper")).user, **person.truck()))
        await self.pool.execute("UPDATE orders SET board_at = now(), seek_at = NULL WHERE id = $1", order.id)
        return order.id

    async def company(self, person: Person) -> int:
        """A company that this person owns; the one they have, if they have one."""
        has: int | None = await self.pool.fetchval(
            "SELECT company_id FROM company_members WHERE user_id = $1", person.user
        )
        return await company(self.pool, person.user) if has is None else has

    async def _pay(self, driver: Person) -> None:
        """An accept needs a paid subscription; whose had ended gets it back to the end of the accept only."""
        await self.market.pay(driver.user, 3600 if driver.kind != "expired" else 2)
