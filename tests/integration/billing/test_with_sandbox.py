"""The whole way with the sandbox acquirer on a served desk: its page, its notifications over HTTP, our books."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from billing.payments import AttemptState, Invoice, InvoiceState
from server.gateways.acquiring.sandbox.acquirer import Sandbox
from server.paying import Paying
from server.paying.cashier import NOBODY, Bill
from storage.billing.verify import verify
from storage.sandbox.books import Delivery
from tests.contract.acquiring.sandbox import DECLINED, GOOD
from tests.integration.sharing.road import until
from tests.served import LocalServer

from .conftest import MONTH_S, PRICE, Recording


@dataclass
class Desk:
    """A desk whose first acquirer is the sandbox."""

    server: LocalServer
    access: Recording
    http: aiohttp.ClientSession

    @property
    def paying(self) -> Paying:
        return self.server.services.paying

    @property
    def sandbox(self) -> Sandbox:
        sandbox = self.paying.acquirers["sandbox"]
        assert isinstance(sandbox, Sandbox)
        return sandbox

    def bill(self) -> Bill:
        user = self.server.accounts["drivers"][0]["user"]
        return Bill(user, "sandbox", PRICE, "subscription", "driver", 1, "KZ", MONTH_S, "Подписка", "kk")

    async def page(self, *, save_card: bool = False) -> tuple[Invoice, str]:
        back = f"{self.server.url}/ok"
        made = await self.paying.cashier.checkout(
            self.bill(), NOBODY, back, back + "?failed", save_card=save_card
        )
        return made.invoice, made.page.url

    async def press(self, url: str, number: str = GOOD) -> str:
        async with self.http.post(url, data={"do": "pay", "number": number}) as answer:
            return await answer.text()

    async def state(self, invoice: Invoice) -> InvoiceState:
        return (await self.paying.invoices.one(invoice.id)).state

    async def stands(self, invoice: Invoice, state: InvoiceState) -> None:
        async def reached() -> bool:
            return await self.state(invoice) is state

        await until(reached)

    async def brought(self) -> None:
        """Until the courier has nothing more to bring."""

        async def nothing() -> bool:
            left = "SELECT count(*) FROM sandbox_deliveries WHERE state = 'due'"
            return not await self.server.services.pool.fetchval(left)

        await until(nothing)

    async def in_order(self) -> None:
        report = await verify(self.server.services.pool)
        assert report.faults == []


@pytest.fixture
async def desk(server: LocalServer) -> AsyncIterator[Desk]:
    access, paying = Recording(), server.services.paying
    paying.inbox.consequences = paying.attempts.consequences = access
    async with aiohttp.ClientSession() as http:
        yield Desk(server, access, http)


async def test_a_driver_pays_on_the_page_the_card_is_kept_and_pays_the_next_month(desk: Desk) -> None:
    invoice, url = await desk.page(save_card=True)
    assert 'data-testid="paid"' in await desk.press(url)
    await desk.stands(invoice, InvoiceState.PAID)
    assert desk.access.paid_for == [invoice.id]
    (card,) = await desk.paying.cards.of_user(invoice.user)
    assert card.last_four == GOOD[-4:] and desk.access.cards == [card.id]
    renewal = await desk.paying.cashier.bill(desk.bill())
    charged = await desk.paying.cashier.charge_saved(renewal.id, card.id, merchant=True, payer=NOBODY)
    assert charged.state is AttemptState.DONE
    await desk.brought()
    assert desk.access.paid_for == [invoice.id, renewal.id]
    refund = await desk.paying.refunds.request(
        desk.server.accounts["admins"][0]["user"], renewal.id, 50_000, "неделя без связи"
    )
    await desk.stands(renewal, InvoiceState.PARTLY_REFUNDED)
    await desk.brought()
    assert (await desk.paying.refunds.one(refund.id)).state == "done"
    assert desk.access.taken_back == [(renewal.id, 50_000)]
    await desk.in_order()


async def test_a_declined_card_and_then_a_good_one_on_the_same_page(desk: Desk) -> None:
    invoice, url = await desk.page()
    await desk.press(url, DECLINED)
    await desk.stands(invoice, InvoiceState.FAILED)
    await desk.press(url)
    await desk.stands(invoice, InvoiceState.PAID)
    await desk.in_order()


@pytest.mark.parametrize("delivery", [Delivery.TWICE, Delivery.SHUFFLED])
async def test_notifications_that_come_twice_or_out_of_order_have_one_effect(
    desk: Desk, delivery: Delivery
) -> None:
    await desk.sandbox.deliver(delivery)
    invoice, url = await desk.page()
    await desk.press(url, DECLINED)
    await desk.press(url)
    await desk.stands(invoice, InvoiceState.PAID)
    await desk.brought()
    assert desk.access.paid_for == [invoice.id]
    await desk.in_order()


async def test_a_notification_that_never_comes_is_made_good_by_the_look_at_the_list(desk: Desk) -> None:
    await desk.sandbox.deliver(Delivery.NEVER)
    invoice, url = await desk.page()
    await desk.press(url)
    assert await desk.state(invoice) is InvoiceState.PENDING
    pool = desk.server.services.pool
    # As if it had been paid ten minutes ago.
    await pool.execute("UPDATE sandbox_transactions SET created_at = created_at - interval '10 minutes'")
    found = await desk.paying.reconciling.once(desk.sandbox)
    assert found is not None and [each.kind for each in found] == ["missing_here"]
    assert await desk.state(invoice) is InvoiceState.PAID
    await desk.in_order()


async def test_many_drivers_at_once_leave_books_that_agree_with_the_acquirer_s(desk: Desk) -> None:
    async def pays() -> None:
        _, url = await desk.page()
        assert 'data-testid="paid"' in await desk.press(url)

    await asyncio.gather(*(pays() for _ in range(20)))
    await desk.brought()
    assert len(desk.access.paid_for) == len(set(desk.access.paid_for)) == 20
    pool = desk.server.services.pool
    taken = await pool.fetchval("SELECT sum(amount) FROM sandbox_transactions WHERE state = 'paid'")
    ours = await desk.paying.ledger.balance("acquirer:sandbox")
    assert ours == {PRICE.currency: taken} == {PRICE.currency: 20 * PRICE.minor}
    await desk.in_order()
