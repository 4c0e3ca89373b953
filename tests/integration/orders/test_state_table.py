"""Every state, every action, every role, on the real database: what the table allows happens, everything else is
refused and changes no row (control C19)."""

import uuid
from collections.abc import Awaitable, Callable

import pytest

from dispatch.cancelling import CallingOff
from dispatch.disputes import Complaint
from dispatch.errors import Refusal
from dispatch.model import Actor, Party, Status, allowed
from dispatch.moderation import Moderator
from dispatch.posting import Poster
from server.protocol.codes import ERRORS
from storage.postgres import Pool
from tests.integration.orders.market import STEPS, Market

S = Status
Act = Callable[["Scene", Party], Awaitable[object]]


class Scene:
    """One order in one state, and everybody who might do something to it."""

    def __init__(self, market: Market, poster: Poster, order: int, shipper: int, driver: int) -> None:
        self.market, self.poster = market, poster
        self.order, self.shipper, self.driver = order, shipper, driver
        self.case = 0
        self.offers: dict[int, int] = {}

    async def prepare(self, people: dict[str, Party]) -> None:
        """What actions need beforehand: a case before staff, live offers for both drivers."""
        status = S(await self.status())
        if status is S.DRAFT:
            return
        await self.market.pool.execute(
            "INSERT INTO moderation_cases (order_id, shipper_id, kind, due_at) VALUES ($1, $2, 'flag', now()) "
            "ON CONFLICT DO NOTHING",
            self.order,
            self.shipper,
        )
        self.case = await self.market.pool.fetchval(
            "SELECT id FROM moderation_cases WHERE order_id = $1 AND state = 'waiting'", self.order
        )
        held = await self.market.pool.fetch(
            "SELECT driver_id, id FROM offers WHERE order_id = $1 AND driver_id = $2", self.order, self.driver
        )
        drivers = [people["rival"].user, *([] if held else [self.driver])]
        order = await self.market.orders.visible(self.order, 0, "admin")
        self.offers = await self.market.offer(order, drivers) | {row["driver_id"]: row["id"] for row in held}

    async def status(self) -> str:
        found: str = await self.market.pool.fetchval("SELECT status FROM orders WHERE id = $1", self.order)
        return found

    async def version(self) -> int:
        found: int = await self.market.pool.fetchval("SELECT version FROM orders WHERE id = $1", self.order)
        return found


async def _publish(scene: Scene, party: Party) -> object:
    draft = await scene.market.drafts.draft(party, scene.order) if await scene.status() == S.DRAFT else None
    if draft is None:
        return await scene.market.drafts.save(party, scene.order, 1, {})
    return await scene.poster.publish(party, scene.order, draft.version, allow_duplicate=True)


async def _edit(scene: Scene, party: Party) -> object:
    return await scene.poster.edit(
        party, scene.order, await scene.version(), {"comment": uuid.uuid4().hex[:9]}
    )


def _advance(then: Status) -> Act:
    return lambda scene, party: scene.market.orders.advance(party.user, scene.order, then)


# What is done, where it leads to, and in the name of which actors it can be asked at all (routes forbid the rest).
PARTIES = frozenset({Actor.SHIPPER, Actor.DRIVER, Actor.ADMIN})
ACTIONS: dict[str, tuple[Act, Status | None, frozenset[Actor]]] = {
    "publish": (_publish, S.OPEN, frozenset({Actor.SHIPPER})),
    "discard": (lambda s, p: s.market.drafts.discard(p, s.order), S.CANCELLED, PARTIES - {Actor.DRIVER}),
    "cancel": (lambda s, p: s.market.orders.cancel(p, s.order, CallingOff()), S.CANCELLED, PARTIES),
    "accept": (
        lambda s, p: s.market.orders.accept(p.user, s.offers.get(p.user, 0), uuid.uuid4()),
        S.ASSIGNED,
        frozenset({Actor.DRIVER}),
    ),
    **{step.value: (_advance(step), step, frozenset({Actor.DRIVER})) for step in STEPS},
    "dispute": (lambda s, p: s.market.orders.dispute(p, s.order, Complaint("damage")), S.DISPUTED, PARTIES),
    "close": (lambda s, p: s.market.orders.close(p, s.order, ""), S.CLOSED, PARTIES - {Actor.DRIVER}),
    "approve": (
        lambda s, p: s.market.cases.approve(Moderator(p.user), s.case, ""),
        S.OPEN,
        frozenset({Actor.ADMIN}),
    ),
    "reject": (
        lambda s, p: s.market.cases.reject(Moderator(p.user), s.case, ["unclear"], ""),
        S.MODERATION,
        frozenset({Actor.ADMIN}),
    ),
    "edit": (_edit, None, frozenset({Actor.SHIPPER})),
    "confirm": (lambda s, p: s.poster.confirm(p, s.order), None, frozenset({Actor.SHIPPER})),
    "appeal": (lambda s, p: s.poster.appeal(p, s.order, "почему?"), None, frozenset({Actor.SHIPPER})),
    "acknowledge": (lambda s, p: s.poster.acknowledge(p, s.order, 7), None, frozenset({Actor.DRIVER})),
}
# Not steps of the table: where they succeed all the same, and leave the order where it is.
STAYS = {
    "edit": {S.OPEN, S.MODERATION, S.ASSIGNED, S.AT_PICKUP},
    "confirm": {S.OPEN},
    "appeal": set(),
    "acknowledge": {
        S.ASSIGNED, S.AT_PICKUP, S.LOADED, S.IN_TRANSIT, S.AT_DROP, S.DELIVERED, S.CLOSED, S.CANCELLED, S.DISPUTED,
    },
    "publish": set(),
    # A flag on a load that is out, and a held load that is turned down again: decided, and nothing moves.
    "approve": set(S) - {S.DRAFT, S.MODERATION},
    "reject": {S.MODERATION},
}  # fmt: skip


def succeeds(name: str, status: Status, then: Status | None, who: str, actor: Actor) -> bool:
    """Whether this cell is one that happens."""
    if who in ("stranger", "rival"):
        return name == "accept" and who == "rival" and status is S.OPEN
    if status in STAYS.get(name, ()):
        return True
    if (name in ("publish", "discard")) != (status is S.DRAFT):
        return False
    return then is not None and allowed(status, then, actor) and name not in STAYS.keys() - {
        "publish", "approve", "reject",
    }  # fmt: skip


async def scene_of(market: Market, status: Status, people: dict[str, Party]) -> Scene:
    order, shipper, driver = await market.haul(status)
    poster = market.poster(market.dispatcher())
    people["owner"], people["carrier"] = Party(shipper, Actor.SHIPPER), Party(driver, Actor.DRIVER)
    scene = Scene(market, poster, order, shipper, driver)
    await scene.prepare(people)
    return scene


@pytest.mark.parametrize("status", Status)
async def test_what_the_table_allows_happens_and_everything_else_changes_no_row(
    pool: Pool, status: Status
) -> None:
    market = Market(pool)
    people: dict[str, Party] = {
        "stranger": Party(await market.shipper(), Actor.SHIPPER),
        "rival": Party(await market.driver(), Actor.DRIVER),
        "staff": Party(await market.user("admin"), Actor.ADMIN),
    }
    scene = await scene_of(market, status, people)
    good: list[tuple[str, str]] = []
    for name, (act, then, actors) in ACTIONS.items():
        for who in ("owner", "carrier", "staff", "stranger", "rival"):
            party = people[who]
            if party.actor not in actors:
                continue
            if succeeds(name, status, then, who, party.actor):
                good.append((name, who))
                continue
            before = await market.rows()
            with pytest.raises(Refusal) as refusal:
                await act(scene, party)
            http = ERRORS[refusal.value.code].status
            foreign = who in ("stranger", "rival") or (who == "carrier" and status in UNTAKEN)
            missing = status is S.DRAFT or foreign
            assert http == 409 or (missing and http == 404), (name, who, refusal.value.code)
            assert await market.rows() == before, (name, who)
    for name, who in good:
        scene = await scene_of(market, status, people)
        act, then, _ = ACTIONS[name]
        await act(scene, people[who])
        expected = status if status in STAYS.get(name, ()) else then
        if (name, status) == ("edit", S.MODERATION):
            expected = S.OPEN  # the rules find nothing (any more), so the clock lets it out
        assert await scene.status() == expected, (name, who)
        await market.pool.execute("UPDATE assignments SET ended_at = now() WHERE ended_at IS NULL")


# Nobody has won these: to a driver they are not there.
UNTAKEN = frozenset({S.DRAFT, S.MODERATION, S.OPEN, S.EXPIRED})


async def test_the_clock_moves_only_what_is_its_to_move(pool: Pool) -> None:
    market = Market(pool)
    poster = market.poster(market.dispatcher())
    made = {status: (await market.haul(status))[0] for status in Status}
    await pool.execute(
        "UPDATE orders SET expires_at = now() - interval '1 s', ended_at = now() - interval '4 days'"
        " WHERE expires_at IS NOT NULL"
    )
    await market.orders.expire_orders(100)
    await poster.tend_due()
    rows = await pool.fetch("SELECT id, status FROM orders")
    found = {row["id"]: Status(row["status"]) for row in rows}
    moved = {status: found[order] for status, order in made.items() if found[order] is not status}
    assert moved == {S.OPEN: S.EXPIRED, S.MODERATION: S.EXPIRED, S.DELIVERED: S.CLOSED}
    assert all(allowed(now, then, Actor.SYSTEM) for now, then in moved.items())
