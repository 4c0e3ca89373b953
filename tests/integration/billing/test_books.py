"""The books in the database: written by one role that can only add, balanced at COMMIT, checked as a whole."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from billing import ledger
from billing.acquiring import Kind
from billing.money import Currency, Money
from storage import migrate
from storage.billing.ledger import append
from storage.billing.verify import GUARDS, Break, verify
from storage.postgres import Connection, Pool, connect_pool, transaction
from tests.served import ROOT, LocalServer

from .conftest import PRICE, Till, till_on

HEAD = """
INSERT INTO ledger_transactions (key, act, amount, currency, lines) VALUES ($1, 'fee', 100, 'KZT', 2) RETURNING id
"""
LINES = """
INSERT INTO ledger_postings (transaction_id, line, account, amount, currency)
SELECT $1, n, 'a', minor, currency FROM unnest($2::smallint[], $3::bigint[], $4::text[]) AS l (n, minor, currency)
"""


WHOLE = ((100, "KZT"), (-100, "KZT"))
CHANGES = (
    "UPDATE ledger_postings SET amount = amount + 1",
    "DELETE FROM ledger_postings",
    "TRUNCATE ledger_postings",
    "UPDATE ledger_transactions SET key = 'x'",
    "DELETE FROM ledger_transactions",
    "TRUNCATE ledger_transactions",
)


Line: TypeAlias = tuple[int, str]


async def put_in(connection: Connection, head: int, first: int, lines: Sequence[Line]) -> None:
    """These lines, numbered from `first`, by one statement."""
    numbers = list(range(first, first + len(lines)))
    await connection.execute(LINES, head, numbers, [line[0] for line in lines], [line[1] for line in lines])


async def written(pool: Pool, *statements: Sequence[Line]) -> None:
    """A transaction of the books by hand, its lines put in by these statements."""
    async with transaction(pool) as connection:
        await connection.execute("SET LOCAL ROLE desk_books")
        head = await connection.fetchval(HEAD, str(uuid4()))
        first = 1
        for lines in statements:
            await put_in(connection, head, first, lines)
            first += len(lines)


async def test_what_does_not_come_to_zero_in_each_currency_cannot_be_committed(pool: Pool) -> None:
    await written(pool, WHOLE)
    for lines in (
        [(100, "KZT"), (-99, "KZT")],
        [(100, "KZT"), (-100, "RUB")],
        [(100, "KZT")],
        [],
        [*WHOLE, (5, "KZT"), (-5, "KZT")],
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await written(pool, lines)
    with pytest.raises(asyncpg.CheckViolationError):
        await written(pool)
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        await written(pool, WHOLE[:1], WHOLE[1:])
    assert await pool.fetchval("SELECT count(*) FROM ledger_transactions") == 1


async def test_a_line_cannot_be_put_in_later(pool: Pool) -> None:
    await written(pool, WHOLE)
    with pytest.raises(asyncpg.CheckViolationError):
        async with transaction(pool) as connection:
            await connection.execute("SET LOCAL ROLE desk_books")
            await put_in(connection, 1, 3, ((7, "KZT"), (-7, "KZT")))


@pytest.mark.parametrize("role", ["desk_books", "none"])
@pytest.mark.parametrize("statement", CHANGES)
async def test_nothing_in_the_books_is_changed_or_removed_by_any_role(
    pool: Pool, role: str, statement: str
) -> None:
    """The writing role has not the right; the owner, a superuser here, meets the trigger."""
    await written(pool, WHOLE)
    refused = asyncpg.InsufficientPrivilegeError if role == "desk_books" else asyncpg.RaiseError
    with pytest.raises(refused):
        async with transaction(pool) as connection:
            await connection.execute(f"SET LOCAL ROLE {role}")
            await connection.execute(statement)


async def test_only_the_one_role_writes_the_books_and_it_can_do_nothing_else(pool: Pool) -> None:
    with pytest.raises(asyncpg.RaiseError, match="desk_books only"):
        await pool.execute(HEAD, "by the owner")
    for statement in (
        "SELECT count(*) FROM users",
        "UPDATE invoices SET state = 'paid'",
        "CREATE TABLE t ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(pool) as connection:
                await connection.execute("SET LOCAL ROLE desk_books")
                await connection.execute(statement)


async def test_the_role_is_left_again_and_the_session_is_as_before(till: Till) -> None:
    await till.paid()
    async with transaction(till.pool) as connection:
        before = await connection.fetchrow("SELECT current_user, current_setting('role')")
        booked = await append(connection, [ledger.fee("fake", "line 1", Money(5, Currency.KZT))])
        assert len(booked) == 1
        assert await connection.fetchrow("SELECT current_user, current_setting('role')") == before
        assert await append(connection, booked) == []


@pytest.fixture
async def managed(own_dsn: str) -> AsyncIterator[str]:
    """As on a managed server: the application owns its database, is no superuser and may make no roles; PostGIS
    was put there for it. Migrated by itself."""
    name = f"plain_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(own_dsn)
    await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
    await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
    parts = urlsplit(own_dsn)
    as_owner = parts._replace(netloc=f"{name}:plain@{parts.netloc.rpartition('@')[2]}", path=f"/{name}")
    inside = await asyncpg.connect(urlunsplit(parts._replace(path=f"/{name}")))
    await inside.execute("CREATE EXTENSION postgis")
    await inside.execute(f"GRANT ALL ON SCHEMA public TO {name}")
    await inside.close()
    await asyncio.to_thread(migrate.upgrade, urlunsplit(as_owner))
    yield urlunsplit(as_owner)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.execute(f"DROP ROLE {name}")
    await connection.close()


async def test_on_a_managed_server_without_the_role_the_owner_itself_can_only_add(managed: str) -> None:
    pool = await connect_pool(managed, name="managed", size=3)
    till = await till_on(pool, managed)
    assert await pool.fetchval("SELECT ledger_role()") == "none"
    invoice, payment = await till.paid()
    await till.tell(Kind.REFUND, till.acquirer.give_back(payment))
    assert till.access.taken_back == [(invoice.id, PRICE.minor)]
    for statement in CHANGES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    report = await verify(pool)
    assert (report.bookings, report.faults) == (3, [])
    # The owner can give the right back to itself: the trigger stands, and the check names it.
    await pool.execute("GRANT UPDATE ON ledger_postings TO CURRENT_USER")
    with pytest.raises(asyncpg.RaiseError):
        await pool.execute("UPDATE ledger_postings SET amount = amount + 1")
    assert [fault.kind for fault in (await verify(pool)).faults] == [Break.UNGUARDED]
    await pool.close()


async def test_facts_and_what_an_invoice_asks_for_do_not_change(till: Till) -> None:
    await till.paid()
    for statement in (
        "UPDATE payment_inbox SET verdict = 'duplicate'",
        "UPDATE payment_inbox SET raw = '\\x00'",
        "DELETE FROM payment_inbox",
        "UPDATE invoices SET amount = 1",
        "UPDATE invoices SET period_s = period_s * 2",
        "DELETE FROM invoices",
    ):
        with pytest.raises(asyncpg.RaiseError):
            await till.pool.execute(statement)
    await till.pool.execute("UPDATE payment_inbox SET raw = NULL, headers = '{}'")


async def market(till: Till) -> None:
    """A bit of everything."""
    await till.paid()
    invoice, payment = await till.paid()
    await till.tell(Kind.PAY, till.acquirer.take(invoice))
    await till.tell(Kind.REFUND, till.acquirer.give_back(payment, 1000))
    await till.checkout()
    stray = till.acquirer.take(invoice, invoice=str(uuid4()))
    await till.tell(Kind.PAY, stray)
    await till.tell(Kind.REFUND, till.acquirer.give_back(stray))
    await till.tell(Kind.FAIL, till.acquirer.take(await till.checkout()))


async def test_a_desk_in_order_verifies(till: Till) -> None:
    await market(till)
    report = await verify(till.pool)
    assert (report.broken, report.faults) == (0, [])
    assert (report.bookings, report.invoices) == (8, 4)


@pytest.mark.parametrize(
    ("meddling", "kinds"),
    [
        ("UPDATE ledger_postings SET amount = amount + 1 WHERE transaction_id = 1 AND line = 1",
         {Break.SUM, Break.UNBALANCED, Break.CHANGED}),
        ("UPDATE ledger_postings SET account = 'user:9' WHERE transaction_id = 1 AND line = 2", {Break.CHANGED}),
        ("DELETE FROM ledger_postings WHERE transaction_id = 2",
         {Break.NOT_WHOLE, Break.CHANGED}),
        ("DELETE FROM ledger_postings WHERE transaction_id = 2; DELETE FROM ledger_transactions WHERE id = 2",
         {Break.MISSING}),
        ("UPDATE ledger_transactions SET key = 'paid:fake:1' WHERE id = 1", {Break.MISSING, Break.SURPLUS}),
        ("UPDATE payment_inbox SET verdict = 'wrong_amount' WHERE id = 1",
         {Break.MISSING, Break.SURPLUS, Break.STATE}),
        ("UPDATE invoices SET state = 'refunded' WHERE state = 'paid'", {Break.STATE}),
        ("ALTER TABLE ledger_postings DISABLE TRIGGER append_only", {Break.UNGUARDED}),
        ("DROP TRIGGER one_door ON ledger_transactions", {Break.UNGUARDED}),
        ("GRANT DELETE ON ledger_postings TO desk_books", {Break.UNGUARDED}),
    ],
)  # fmt: skip
async def test_each_meddling_is_named(till: Till, meddling: str, kinds: set[Break]) -> None:
    await market(till)
    connection = await asyncpg.connect(till.dsn)
    await connection.execute("SET session_replication_role = replica")
    restored = (
        "ALTER TABLE ledger_postings ENABLE TRIGGER append_only;"
        " REVOKE DELETE ON ledger_postings FROM desk_books"
    )
    try:
        await connection.execute("BEGIN")
        await connection.execute(meddling)
        await connection.execute("COMMIT")
        report = await verify(till.pool)
    finally:
        await connection.execute(restored)
        if "DROP TRIGGER" in meddling:
            await connection.execute(
                "CREATE TRIGGER one_door BEFORE INSERT ON ledger_transactions EXECUTE FUNCTION ledger_one_door()"
            )
        await connection.close()
    assert {fault.kind for fault in report.faults} == kinds, report.faults


async def test_every_guard_that_is_looked_for_is_there(pool: Pool) -> None:
    assert (await verify(pool)).faults == [] and len(GUARDS) == 12


async def test_the_explorer_shows_accounts_and_lines(till: Till) -> None:
    invoice, _ = await till.paid()
    assert await till.paying.ledger.balance("acquirer:fake") == {Currency.KZT: PRICE.minor}
    accounts = await till.paying.ledger.accounts("", 10)
    assert [row.account for row in accounts] == [
        "acquirer:fake",
        "revenue:subscriptions",
        f"user:{till.user}",
    ]
    assert accounts[2].money.minor == 0 and accounts[2].lines == 2
    assert [row.account for row in await till.paying.ledger.accounts("", 10, "user:")] == [
        f"user:{till.user}"
    ]
    everything = await till.paying.ledger.lines(None, 10)
    assert [line.booking.act for line in everything] == [ledger.Act.GRANTED, ledger.Act.PAID]
    assert everything == await till.paying.ledger.lines(None, 10, invoice=invoice.id)
    assert everything == await till.paying.ledger.lines(None, 10, user=till.user)
    assert everything[1:] == await till.paying.ledger.lines(None, 10, account="acquirer:fake")
    assert everything[1:] == await till.paying.ledger.lines(everything[0].id, 10)


async def test_the_command_says_whether_the_money_is_right(server: LocalServer) -> None:
    def told() -> tuple[int, dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "server", "money", "verify", "--json"],
            env={**server.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout)

    code, report = await asyncio.to_thread(told)
    assert (code, report["broken"]) == (0, 0)
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("BEGIN")
    await connection.execute("SET LOCAL ROLE desk_books")
    head = await connection.fetchval(HEAD.replace("'fee'", "'paid'"), "paid:nobody:1")
    await put_in(connection, head, 1, WHOLE)
    await connection.execute("COMMIT")
    await connection.close()
    code, report = await asyncio.to_thread(told)
    assert (code, report["broken"]) == (1, 1)
    assert report["faults"] == [
        {
            "kind": "surplus",
            "what": "paid:nobody:1",
            "says": "paid:nobody:1 is in the books and nothing says so",
        }
    ]
