"""What a user pays: nobody else sees an invoice or a card of his."""

import secrets
import time
from collections.abc import Mapping

from billing.acquiring import Card, State, Transaction
from billing.money import Currency, Money
from server.paying.cashier import Bill
from storage.postgres import transaction

from ..matrix import Cell, Row
from ..world import Person, World
from .plans import sold_to


async def an_invoice(world: World, person: Person) -> Mapping[str, object]:
    made = await world.services.paying.cashier.bill(
        Bill(
            person.user,
            "sandbox",
            Money(4990_00, Currency.KZT),
            "subscription",
            sold_to(person),
            0,
            "KZ",
            30 * 86_400.0,
            "Месяц",
            "ru",
        )
    )
    return {"invoice": str(made.id)}


async def a_paid_invoice(world: World, person: Person) -> Mapping[str, object]:
    """As the acquirer's own list would tell of it."""
    made = await an_invoice(world, person)
    number = f"authz-{secrets.token_hex(8)}"
    money = Money(4990_00, Currency.KZT)
    paid = Transaction(number, State.PAID, money, str(made["invoice"]), str(person.user), time.time())
    await world.services.paying.inbox.learn("sandbox", paid, "listed")
    return made


async def a_card(world: World, person: Person) -> int:
    token = secrets.token_hex(8)
    async with transaction(world.pool) as connection:
        return await world.services.paying.cards.save(
            connection, person.user, "sandbox", Card(token, "3055", "Visa", "12/30")
        )


def of_role(cell: Cell) -> dict[str, object]:
    return {"plan": sold_to(cell.person)}


_INVOICES, _NO_INVOICE = "/api/v1/me/invoices", "00000000-0000-4000-8000-000000000000"
ROWS = (
    Row("POST /api/v1/me/subscription/checkout", body=of_role),
    Row(f"GET {_INVOICES}"),
    Row(f"GET {_INVOICES}/{{invoice}}", own=an_invoice, absent=_NO_INVOICE),
    Row(f"POST {_INVOICES}/{{invoice}}/check", own=an_invoice, absent=_NO_INVOICE),
    Row(f"GET {_INVOICES}/{{invoice}}/receipt", own=a_paid_invoice, absent=_NO_INVOICE),
    Row("GET /api/v1/me/cards"),
    Row("DELETE /api/v1/me/cards/{card}", own=a_card),
)
