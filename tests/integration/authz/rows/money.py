"""Money: transfers of the user's own, and everything that finance sees and does."""

import itertools
import time
from uuid import UUID, uuid4

from billing.acquiring import Kind, Notification, State, Transaction
from billing.ledger import TRANSFER
from billing.money import Currency, Money
from server.gateways.acquiring.notices import write
from storage.billing.invoices import NewInvoice
from storage.billing.subscriptions import DAY_S

from ..matrix import Cell, Row
from ..world import Person, World
from .attachments import an_upload, the_upload
from .plans import plan_of

_entries = itertools.count(1)
SMALL, LARGE = 499_000, 6_000_000  # the second asks for a second approver


async def _invoice(world: World, user: int, minor: int = SMALL) -> UUID:
    new = NewInvoice(
        uuid4(), user, TRANSFER, Money(minor, Currency.KZT), 7 * DAY_S, "subscription", "driver-month", 0, "KZ",
        30 * DAY_S, "Месяц", "ru",
    )  # fmt: skip
    return (await world.services.paying.invoices.add(new)).id


async def _received(world: World, invoice: UUID) -> None:
    staff = await world.person("finance")
    await world.services.finance.slips.received(
        staff.user, invoice, f"bank-{next(_entries)}", "", again=False
    )


async def own_transfer(world: World, person: Person) -> str:
    return str(await _invoice(world, person.user))


async def a_transfer(world: World, _person: Person) -> str:
    return str(await _invoice(world, (await world.person("driver")).user))


async def a_paid_one(world: World, _person: Person) -> str:
    invoice = await _invoice(world, (await world.person("driver")).user)
    await _received(world, invoice)
    return str(invoice)


async def a_waiting_refund(world: World, _person: Person) -> str:
    """Asked for by somebody else."""
    invoice = await _invoice(world, (await world.person("driver")).user, LARGE)
    await _received(world, invoice)
    asker = await world.person("finance")
    refund = await world.services.paying.refunds.request(asker.user, invoice, None, "по заявлению")
    return str(refund.id)


async def an_approved_refund(world: World, person: Person) -> str:
    refund = UUID(await a_waiting_refund(world, person))
    await world.services.paying.refunds.approve((await world.person("finance")).user, refund)
    return str(refund)


async def a_slip(world: World, _person: Person) -> int:
    payer = (await world.person("driver")).user
    invoice = await _invoice(world, payer)
    slip = await world.services.finance.slips.send(payer, invoice, await an_upload(world, payer))
    return slip.id


async def an_alert(world: World, _person: Person) -> int:
    """A payment that fits no invoice, as the sandbox would have told it."""
    number = f"{910_000_000 + next(_entries)}"
    money = Money(SMALL, Currency.KZT)
    told = Transaction(number, State.PAID, money, str(uuid4()), "1", time.time())
    await world.services.paying.inbox.receive(
        "sandbox", Notification(Kind.PAY, number, told), raw=write(Kind.PAY, told)
    )
    found: int = await world.pool.fetchval("SELECT id FROM payment_inbox WHERE key = $1", number)
    return found


async def a_difference(world: World, _person: Person) -> int:
    found: int = await world.pool.fetchval(
        "INSERT INTO payment_differences (provider, kind, transaction, currency, theirs)"
        " VALUES ('sandbox', 'missing_here', $1, 'KZT', 100) RETURNING id",
        f"t{next(_entries)}",
    )
    return found


async def a_booking(world: World, person: Person) -> int:
    invoice = UUID(await a_paid_one(world, person))
    (line, *_) = await world.services.paying.ledger.lines(None, 1, invoice=invoice)
    return line.id


async def a_table(_world: World, _person: Person) -> str:
    return "payments"


def entry(_cell: Cell) -> dict[str, object]:
    return {"entry": f"bank-{next(_entries)}"}


_WHY = {"reason": "не совпадает сумма"}
_NOTE = {"note": "разобрались с банком"}
_MINE = "/api/v1/me/transfers"
_MONEY = "/api/v1/admin/money"


async def with_a_file(world: World, person: Person) -> str:
    """The invoice of a transfer, and an upload to show for it."""
    person.account["upload"] = await an_upload(world, person.user)
    return await own_transfer(world, person)


ROWS = (
    Row("POST /api/v1/me/subscription/transfer", body=plan_of),
    Row(f"GET {_MINE}"),
    Row(f"GET {_MINE}/{{invoice}}", own=own_transfer),
    Row(f"POST {_MINE}/{{invoice}}/slips", own=with_a_file, body=the_upload),
    Row(f"GET {_MONEY}/invoices"),
    Row(f"GET {_MONEY}/invoices/{{invoice}}", own=a_paid_one, shared=True),
    Row(f"GET {_MONEY}/search", query="?reference=TD-00000000"),
    Row(f"POST {_MONEY}/invoices/{{invoice}}/refunds", own=a_paid_one, shared=True, body=_WHY),
    Row(f"POST {_MONEY}/invoices/{{invoice}}/received", own=a_transfer, shared=True, body=entry),
    Row(f"GET {_MONEY}/refunds"),
    Row(f"POST {_MONEY}/refunds/{{refund}}/approve", own=a_waiting_refund, shared=True),
    Row(f"POST {_MONEY}/refunds/{{refund}}/turn-down", own=a_waiting_refund, shared=True, body=_WHY),
    Row(f"POST {_MONEY}/refunds/{{refund}}/returned", own=an_approved_refund, shared=True, body=entry),
    Row(f"GET {_MONEY}/slips"),
    Row(f"GET {_MONEY}/slips/{{slip}}/file", own=a_slip, shared=True),
    Row(f"POST {_MONEY}/slips/{{slip}}/turn-down", own=a_slip, shared=True, body=_WHY),
    Row(f"GET {_MONEY}/notices"),
    Row(f"GET {_MONEY}/notices/{{notice}}/body", own=an_alert, shared=True),
    Row(f"POST {_MONEY}/notices/{{notice}}/replay", own=an_alert, shared=True),
    Row(f"POST {_MONEY}/notices/{{notice}}/settle", own=an_alert, shared=True, body=_NOTE),
    Row(f"GET {_MONEY}/differences"),
    Row(f"POST {_MONEY}/differences/{{difference}}/settle", own=a_difference, shared=True, body=_NOTE),
    Row(f"GET {_MONEY}/accounts"),
    Row(f"GET {_MONEY}/statement", query="?account=bank:transfers"),
    Row(f"GET {_MONEY}/bookings"),
    Row(f"GET {_MONEY}/bookings/{{booking}}", own=a_booking, shared=True),
    Row(f"GET {_MONEY}/checks"),
    Row(f"POST {_MONEY}/checks"),
    Row(f"GET {_MONEY}/figures"),
    Row(f"GET {_MONEY}/dunning"),
    Row(f"GET {_MONEY}/tables/{{table}}/file", own=a_table, shared=True, absent="wishes"),
)
