"""Checking the money: the books by themselves, the books against the facts, and what guards them. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from billing.ledger import Act, Booking
from billing.payments import InvoiceState, standing, wanted
from storage.postgres import Connection, Pool

from .access import AccessLedger
from .invoices import FIELDS, facts_of, invoice_of, tried_of
from .ledger import LINES

PAGE = 500
NAMED = 100  # faults that a report names; it counts all of them

# Scans, all of them: nobody waits for this.
COUNT = "SELECT count(*) FROM ledger_transactions"
SUMS = "SELECT currency FROM ledger_postings GROUP BY currency HAVING sum(amount) <> 0"
UNBALANCED = """
SELECT DISTINCT t.key FROM ledger_transactions t JOIN ledger_postings p ON p.transaction_id = t.id
GROUP BY t.key, p.currency HAVING sum(p.amount) <> 0 ORDER BY t.key
"""
NOT_WHOLE = """
SELECT t.key FROM ledger_transactions t
WHERE t.lines <> (SELECT count(*) FROM ledger_postings p WHERE p.transaction_id = t.id) ORDER BY t.key
"""
# The primary key.
INVOICES = f"SELECT {FIELDS} FROM invoices i WHERE i.id > $1 ORDER BY i.id LIMIT $2"
# ix_ledger_transactions_invoice_id_id.
BOOKED = LINES + "WHERE t.invoice_id = $1"
HOMELESS = LINES + "WHERE t.invoice_id IS NULL AND t.act <> $1"
STRAYS = """
SELECT DISTINCT provider, payment FROM payment_inbox WHERE invoice_id IS NULL AND payment IS NOT NULL
    AND (provider, payment) NOT IN (SELECT provider, payment FROM payment_inbox WHERE invoice_id IS NOT NULL)
ORDER BY provider, payment
"""
TRIGGERS = """
SELECT c.relname || '.' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled = 'O' AND c.relnamespace = current_schema()::regnamespace
"""
# Whether whoever writes the books could do more than add to them: ADR 0019.
WRITER = """
SELECT w.name, bool_or(has_table_privilege(w.name, b.name, p.name)) AS more
FROM (SELECT CASE ledger_role() WHEN 'none' THEN current_user::text ELSE ledger_role() END AS name) w,
    unnest('{ledger_transactions,ledger_postings}'::text[]) AS b(name),
    unnest('{UPDATE,DELETE,TRUNCATE}'::text[]) AS p(name)
GROUP BY w.name
"""
NOW = "SELECT extract(epoch FROM now())::float8"

GUARDS = frozenset(
    f"{table}.{trigger}"
    for table, triggers in (
        ("ledger_transactions", ("append_only", "never_emptied", "one_door", "balanced")),
        ("ledger_postings", ("append_only", "never_emptied", "one_door", "balanced")),
        ("payment_inbox", ("append_only", "never_emptied")),
        ("invoices", ("fixed", "kept")),
    )
    for trigger in triggers
)


class Break(StrEnum):
    """What can be wrong."""

    SUM = "sum"  # a currency does not come to zero
    UNBALANCED = "unbalanced"
    NOT_WHOLE = "not_whole"  # lines are missing, or were added
    MISSING = "missing"  # a fact has left no booking
    SURPLUS = "surplus"  # a booking without a fact
    CHANGED = "changed"  # a booking says something else than its fact
    STATE = "state"  # an invoice is kept in another state than the facts say
    UNGUARDED = "unguarded"
    ACCESS = "access"  # a running balance is not the fold of the entries before it


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with what: a key of the books, an invoice, a trigger, a user."""

    kind: Break
    what: str


@dataclass(slots=True)
class Report:
    """What a check found. `faults` are the first NAMED of `broken`."""

    bookings: int = 0
    invoices: int = 0
    broken: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, faults: Sequence[Fault]) -> None:
        """Counts them all, keeps the first."""
        self.broken += len(faults)
        self.faults += faults[: NAMED - len(self.faults)]


async def verify(pool: Pool) -> Report:
    """Everything, in one view of the database, so that what is paid meanwhile does not matter."""
    report = Report()
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        report.bookings = await connection.fetchval(COUNT)
        report.add([Fault(Break.SUM, row[0]) for row in await connection.fetch(SUMS)])
        report.add([Fault(Break.UNBALANCED, row[0]) for row in await connection.fetch(UNBALANCED)])
        report.add([Fault(Break.NOT_WHOLE, row[0]) for row in await connection.fetch(NOT_WHOLE)])
        report.add(await _guards(connection))
        await _invoices(connection, report)
        report.add(await _strays(connection))
    _, broken = await AccessLedger(pool).verify()
    report.add([Fault(Break.ACCESS, f"{each.user}, entry {each.seq}") for each in broken])
    return report


async def _guards(connection: Connection) -> list[Fault]:
    there = {row[0] for row in await connection.fetch(TRIGGERS)}
    faults = [Fault(Break.UNGUARDED, name) for name in sorted(GUARDS - there)]
    writer = await connection.fetchrow(WRITER)
    if writer["more"]:
        faults.append(Fault(Break.UNGUARDED, f"{writer['name']} may change the books"))
    return faults


async def _invoices(connection: Connection, report: Report) -> None:
    now = await connection.fetchval(NOW)
    page = await connection.fetch(INVOICES, UUID(int=0), PAGE)
    while page:
        for row in page:
            report.add(await _invoice(connection, row, now))
        report.invoices += len(page)
        page = await connection.fetch(INVOICES, page[-1]["id"], PAGE)


async def _invoice(connection: Connection, row: Record, now: float) -> list[Fault]:
    invoice = invoice_of(row)
    facts = await facts_of(connection, invoice.id)
    faults = _differences(wanted(invoice, facts), await connection.fetch(BOOKED, invoice.id))
    kept = InvoiceState(row["state"])
    said = standing(invoice, facts, await tried_of(connection, invoice.id), now).state
    # The clock ends invoices once a minute.
    waits = said is InvoiceState.EXPIRED and kept in (InvoiceState.CREATED, InvoiceState.PENDING)
    if kept is not said and not waits:
        faults.append(Fault(Break.STATE, f"{invoice.id} is kept as {kept} and is {said}"))
    return faults


async def _strays(connection: Connection) -> list[Fault]:
    should: list[Booking] = []
    for row in await connection.fetch(STRAYS):
        should += wanted(None, await facts_of(connection, None, row["provider"], row["payment"]))
    return _differences(should, await connection.fetch(HOMELESS, Act.FEE))


def _differences(should: Sequence[Booking], booked: Sequence[Record]) -> list[Fault]:
    there = {row["key"]: _lines(row) for row in booked}
    faults = [
        Fault(Break.MISSING if booking.key not in there else Break.CHANGED, booking.key)
        for booking in should
        if there.get(booking.key) != _wished(booking)
    ]
    surplus = there.keys() - {booking.key for booking in should}
    return faults + [Fault(Break.SURPLUS, key) for key in sorted(surplus)]


# Plain tuples: what was meddled with would not be let into a Booking.
def _lines(row: Record) -> tuple[object, ...]:
    return row["act"], row["user_id"], *(tuple(posting) for posting in row["postings"] or ())


def _wished(booking: Booking) -> tuple[object, ...]:
    postings = ((each.account, each.money.minor, each.money.currency) for each in booking.postings)
    return booking.act, booking.user, *postings
