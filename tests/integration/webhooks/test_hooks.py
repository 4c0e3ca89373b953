"""Order events at a company's endpoint: all, in order, signed with its own secret, tried again for a day."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

import server.gateways.webhook as gateway
from dispatch.model import Actor, Order, Party, Status
from server.gateways.webhook import WebhookSender
from server.hooks import GIVE_UP_FAILURES, WAITS_S, Hooks, secret_context
from storage.postgres import Pool, transaction, unit
from storage.seal import Seal
from storage.webhooks import LEASE_S, MAX_WEBHOOKS, Webhook, WebhookStore
from tests.integration.orders.market import Market, new_order

from .companies import join
from .receiver import Receiver, receivers

SEAL = Seal("p" * 40, "webhook secrets")
ALL = ("order.*",)


class Desk:
    """The queue, its loop, and companies with endpoints."""

    def __init__(self, pool: Pool, sender: WebhookSender) -> None:
        self.pool = pool
        self.market = Market(pool)
        self.store = WebhookStore(pool)
        self.hooks = Hooks(self.store, sender, SEAL, jitter=lambda: 0.5)

    async def subscribe(self, receiver: Receiver, company: int = 1, kinds: tuple[str, ...] = ALL) -> Webhook:
        receiver.secret = f"whsec_{uuid.uuid4().hex}"
        return await self.store.add(
            company, receiver.url, kinds, lambda id: SEAL.seal(receiver.secret.encode(), secret_context(id))
        )

    async def order(self, company: int | None = 1) -> Order:
        form = new_order(await self.market.shipper())
        return await self.market.orders.add(replace(form, company=company))

    async def drive(self, order: Order) -> None:
        """From open to delivered: six events after `placed`."""
        driver = await self.market.driver()
        offer = (await self.market.offer(order, [driver]))[driver]
        await self.market.orders.accept(driver, offer, uuid.uuid4())
        for status in ("at_pickup", "loaded", "in_transit", "at_drop", "delivered"):
            await self.market.orders.advance(driver, order.id, Status(status))

    async def round(self, times: int = 1) -> None:
        for _ in range(times):
            await self.hooks.drain()

    async def later(self, seconds: float) -> None:
        """So much time passes."""
        await self.pool.execute(
            "UPDATE webhook_deliveries SET due_at = due_at - make_interval(secs => $1)", seconds
        )
        await self.pool.execute(
            "UPDATE webhooks SET failing_since = failing_since - make_interval(secs => $1),"
            " old_secret_until = old_secret_until - make_interval(secs => $1)",
            seconds,
        )

    async def states(self) -> list[str]:
        return [
            row["state"] for row in await self.pool.fetch("SELECT state FROM webhook_deliveries ORDER BY id")
        ]


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    await pool.execute(
        "INSERT INTO companies (legal_name, country, bin) SELECT 'ТОО', 'KZ', n FROM generate_series(1, 6) n"
    )
    sender = WebhookSender(allow_private=True)
    yield Desk(pool, sender)
    await sender.close()


async def test_every_event_of_a_companys_orders_arrives_signed_and_in_order(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        await desk.subscribe(erp)
        order = await desk.order()
        await desk.drive(order)
        await desk.round(10)
        assert [event["type"] for event in erp.events] == [
            "order.placed", "order.assigned", "order.at_pickup", "order.loaded", "order.in_transit",
            "order.at_drop", "order.delivered",
        ]  # fmt: skip
        assert [event["data"]["seq"] for event in erp.events] == list(range(1, 8))
        first = erp.events[0]
        assert first["data"] | {"at": 0} == {
            "order": order.id, "seq": 1, "event": "placed", "status": "open", "at": 0,
        }  # fmt: skip
        assert erp.forged == 0 and erp.tries == 7
        assert set(await desk.states()) == {"delivered"}


async def test_only_the_kinds_that_were_asked_for_and_only_the_own_companys(desk: Desk) -> None:
    async with receivers(3) as (some, other, off):
        await desk.subscribe(some, kinds=("order.assigned", "order.delivered"))
        await desk.subscribe(other, company=2)
        silent = await desk.subscribe(off)
        await desk.store.edit(1, silent.id, silent.version, off.url, ALL, enabled=False)
        await desk.drive(await desk.order())
        await desk.order(company=None)
        await desk.round(5)
        assert [event["type"] for event in some.events] == ["order.assigned", "order.delivered"]
        assert other.tries == off.tries == 0


async def test_an_event_that_is_rolled_back_is_not_delivered(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        await desk.subscribe(erp)
        with pytest.raises(ZeroDivisionError):
            async with unit(desk.pool):
                await desk.order()
                raise ZeroDivisionError
        await desk.round()
        assert erp.tries == 0 and await desk.states() == []


async def test_many_events_in_one_statement_are_all_delivered(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        await desk.subscribe(erp)
        orders = [(await desk.order()).id for _ in range(5)]
        await desk.round(5)
        await desk.pool.execute(
            "INSERT INTO order_events (order_id, seq, kind, status)"
            " SELECT id, 2, 'edited', 'open' FROM unnest($1::bigint[]) AS o(id)",
            orders,
        )
        await desk.round(5)
        assert sorted(e["data"]["order"] for e in erp.events if e["type"] == "order.edited") == orders


async def test_no_endpoint_ever_sees_anothers_secret(desk: Desk) -> None:
    async with receivers(6) as all_of_them:
        for company, receiver in enumerate(all_of_them, start=1):
            await desk.subscribe(receiver, company)
        for _ in range(4):
            for company in range(1, 7):
                await desk.order(company)
        await asyncio.gather(*(desk.hooks.drain() for _ in range(4)))
        await desk.round(4)
        for receiver in all_of_them:
            assert (receiver.tries, len(receiver.events), receiver.forged) == (4, 4, 0)
            assert set(receiver.cookies) == {""}, "no endpoint's cookies are kept, not even its own"


async def test_a_failure_is_tried_again_under_the_same_id_and_holds_the_order_back(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        await desk.subscribe(erp)
        first, second = await desk.order(), await desk.order()
        await desk.market.orders.cancel(Party(first.shipper, Actor.SHIPPER), first.id)
        erp.says_of = {first.id: [500, 503]}
        await desk.round()
        # `placed` of the first order failed: its `cancelled` waits; the second order does not.
        assert [event["data"]["order"] for event in erp.events] == [second.id]
        await desk.round(3)
        assert erp.tries == 2, "not before its time"
        await desk.later(WAITS_S[0] * 1.2)
        await desk.round()
        assert erp.tries == 3 and len(erp.events) == 1
        await desk.later(WAITS_S[1] * 1.2)
        await desk.round(2)
        told = [(e["data"]["order"], e["type"]) for e in erp.events]
        assert told == [
            (second.id, "order.placed"),
            (first.id, "order.placed"),
            (first.id, "order.cancelled"),
        ]
        assert len({event["delivery"] for event in erp.events}) == 3


async def test_an_endpoint_that_never_answers_is_a_failure_and_delays_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "TIMEOUT_S", 0.3)
    sender = WebhookSender(allow_private=True)
    desk.hooks = Hooks(desk.store, sender, SEAL, jitter=lambda: 0.5)
    async with receivers(2) as (slow, quick):
        slow.hangs = True
        await desk.subscribe(slow, company=1)
        await desk.subscribe(quick, company=2)
        for _ in range(20):
            await desk.order(1)
        await desk.order(2)
        running = asyncio.create_task(desk.hooks.run())
        async with asyncio.timeout(5):
            while not quick.events:  # noqa: ASYNC110 (what is waited for happens in another server)
                await asyncio.sleep(0.01)
        assert slow.tries <= 4
        running.cancel()
        await asyncio.wait([running])
    await sender.close()
    line = (await desk.store.page(1, 1, None, 50))[-1]
    assert (line.answer is None and line.error is None) or "no answer" in (line.error or "")


async def test_a_worker_that_dies_with_a_delivery_in_hand_loses_nothing(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        await desk.subscribe(erp)
        await desk.order()
        assert len(await desk.store.claim(10, 4, ())) == 1  # and is never heard of again
        await desk.round()
        assert erp.tries == 0
        await desk.later(LEASE_S + 1)
        await desk.round()
        assert [event["type"] for event in erp.events] == ["order.placed"]


async def test_two_workers_never_send_the_same_delivery_at_once(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        await desk.subscribe(erp)
        for _ in range(30):
            await desk.order()
        sender = WebhookSender(allow_private=True)
        other = Hooks(desk.store, sender, SEAL, jitter=lambda: 0.5)
        while any(await asyncio.gather(desk.hooks.drain(), other.drain())):
            pass
        await sender.close()
        assert erp.tries == len({event["delivery"] for event in erp.events}) == 30


async def test_after_a_day_of_failures_a_delivery_is_dead_and_the_endpoint_switched_off(desk: Desk) -> None:
    owner = await desk.market.shipper()
    await join(desk.pool, 1, owner, "owner")
    async with receivers(1) as (erp,):
        hook = await desk.subscribe(erp)
        erp.says = [500] * 100
        await desk.order()
        await desk.order()
        for wait in (0.0, *WAITS_S):
            await desk.later(wait * 1.2)
            await desk.round()
        assert set(await desk.states()) <= {"dead", "cancelled"} and erp.tries >= GIVE_UP_FAILURES
        (notice,) = await desk.pool.fetch(
            "SELECT user_id, payload FROM outbox WHERE kind = 'webhook.disabled'"
        )
        assert (notice["user_id"], notice["payload"]["reason"]) == (owner, "failing")
        now = await desk.store.one(1, hook.id)
        assert now.disabled_at is not None and now.disabled_why == "failing"
        await desk.order()
        assert len(await desk.states()) == 2, "nothing is kept for an endpoint that is off"
        # Switched on again it starts afresh, and what had died can be sent by hand, under its old id.
        on = await desk.store.edit(1, hook.id, now.version, erp.url, ALL, enabled=True)
        assert (on.failures, on.disabled_at, on.disabled_why) == (0, None, None)
        erp.says = []
        (newest, oldest) = await desk.store.page(1, hook.id, None, 10)
        await desk.store.again(1, hook.id, oldest.id)
        await desk.round()
        assert [event["delivery"] for event in erp.events] == [oldest.id]
        assert newest.attempts > 0 and newest.error is not None


async def test_an_endpoint_that_is_gone_is_switched_off_at_once(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        hook = await desk.subscribe(erp)
        erp.says = [410]
        await desk.order()
        await desk.order()
        await desk.round()
        assert (await desk.store.one(1, hook.id)).disabled_why == "gone"
        assert "due" not in await desk.states()


async def test_switching_off_waits_for_a_delivery_that_is_closed_at_this_moment(desk: Desk) -> None:
    hook = await desk.subscribe(Receiver("http://127.0.0.1/1"))
    await desk.order()
    async with desk.pool.acquire() as closing:
        async with closing.transaction():
            await closing.execute("UPDATE webhook_deliveries SET state = 'delivered'")
            off = asyncio.create_task(desk.store.disable(hook.id, "gone"))
            async with asyncio.timeout(10):
                while not await desk.pool.fetchval(  # noqa: ASYNC110 (it waits in PostgreSQL)
                    "SELECT count(*) FROM pg_locks WHERE NOT granted"
                ):
                    await asyncio.sleep(0.01)
            await closing.execute("UPDATE webhooks SET failures = 0")  # as DELIVERED does, in this order
        await off
    assert (await desk.store.one(1, hook.id)).disabled_why == "gone"
    assert await desk.states() == ["delivered"]


async def test_an_endpoint_can_ask_for_more_time(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        await desk.subscribe(erp)
        erp.says, erp.headers = [429], {"Retry-After": "500"}
        await desk.order()
        await desk.round()
        await desk.later(WAITS_S[0] * 1.2)
        await desk.round()
        assert erp.tries == 1
        await desk.later(500)
        await desk.round()
        assert len(erp.events) == 1


async def test_a_redirect_is_not_followed(desk: Desk) -> None:
    async with receivers(2) as (erp, elsewhere):
        hook = await desk.subscribe(erp)
        erp.says, erp.headers = [307], {"Location": elsewhere.url}
        await desk.order()
        await desk.round()
        assert elsewhere.tries == 0
        (line,) = await desk.store.page(1, hook.id, None, 10)
        assert (line.answer, line.error) == (307, "redirects are not followed")


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        hook = await desk.subscribe(erp)
        old, new = erp.secret, "whsec_new"
        await desk.store.rotate(1, hook.id, SEAL.seal(new.encode(), secret_context(hook.id)))
        for known in (old, new):
            erp.secret = known
            await desk.order()
            await desk.round()
        assert len(erp.events) == 2 and erp.forged == 0
        await desk.later(86400)
        erp.secret = old
        await desk.order()
        await desk.round()
        assert erp.forged == 1


async def test_a_secret_under_another_pepper_is_a_failure_that_says_what_to_do(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        hook = await desk.subscribe(erp)
        await desk.order()
        sender = WebhookSender(allow_private=True)
        stranger = Hooks(desk.store, sender, Seal("q" * 40, "webhook secrets"))
        await stranger.drain()
        await sender.close()
        (line,) = await desk.store.page(1, hook.id, None, 10)
        assert erp.tries == 0 and line.error == "the secret cannot be read: set a new one"


async def test_a_ping_tries_the_endpoint(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        hook = await desk.subscribe(erp)
        delivery = await desk.store.ping(1, hook.id)
        await desk.round()
        (event,) = erp.events
        assert (event["type"], event["delivery"], event["webhook"]) == ("ping", delivery, hook.id)


async def test_a_company_has_so_many_endpoints_and_no_more(desk: Desk) -> None:
    for number in range(MAX_WEBHOOKS):
        await desk.subscribe(Receiver(f"http://127.0.0.1/{number}"))
    with pytest.raises(Exception, match="limit_reached"):
        await desk.subscribe(Receiver("http://127.0.0.1/x"))


async def test_old_deliveries_are_forgotten_and_a_dropped_endpoint_takes_its_own_along(desk: Desk) -> None:
    async with receivers(1) as (erp,):
        hook = await desk.subscribe(erp)
        await desk.order()
        await desk.round()
        assert await desk.store.forget_old() == 0
        await desk.pool.execute("UPDATE webhook_deliveries SET done_at = done_at - interval '31 days'")
        assert await desk.store.forget_old() == 1
        await desk.order()
        async with transaction(desk.pool):
            await desk.store.drop(1, hook.id)
        assert await desk.states() == []
