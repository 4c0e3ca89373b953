"""What happens when somebody pays on a page: the shop is asked (Check), the bank asks (3-D Secure), it is so."""

from storage.sandbox.books import SandboxBooks
from storage.sandbox.rows import Checkout, Delivery

from .acquirer import Sandbox
from .cards import BY_LAST_FOUR, NOT_CONFIRMED, TestCard

SHOP_REFUSED = 5005
DECLINING = BY_LAST_FOUR["5556"]


class Terminal:
    """The till of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._books: SandboxBooks = sandbox.books
        self._courier = sandbox.courier

    async def pay(self, page: Checkout, card: TestCard, expires: str, delivery: Delivery | None) -> None:
        """A try with this card."""
        if delivery is not None and delivery is not page.delivery:
            await self._books.wish(page.token, delivery)
        deal = await self._books.begin(page.token, card.last_four, expires)
        if deal is None:
            return
        if await self._courier.ask(deal) != 0:
            await self._settle(page, deal.id, SHOP_REFUSED, card)
        elif card.three_ds:
            await self._books.ask_payer(page.token, deal.id)
        else:
            await self._settle(page, deal.id, card.declines, card)

    async def confirm(self, page: Checkout, *, agreed: bool) -> None:
        """What the payer said to the bank."""
        if page.state != "confirming" or page.transaction is None:
            return
        card = BY_LAST_FOUR[await self._books.last_four(page.transaction)]
        await self._settle(page, page.transaction, card.declines if agreed else NOT_CONFIRMED, card)

    async def _settle(self, page: Checkout, deal: int, code: int | None, card: TestCard) -> None:
        await self._books.settle(page.token, deal, code, card.charges_decline)
        self._courier.wake()
