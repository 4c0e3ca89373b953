"""The route that acquirers call, over real HTTP: what is answered, what is stored, and what never is."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from billing.acquiring import Kind, Notification, State, Transaction
from billing.pan import numbers_in
from billing.payments import InvoiceState
from server.log import JsonFormatter
from server.paying import webhook
from storage.billing.verify import verify
from tests.served import LocalServer

from .acquirer import CODES, FakeAcquirer, body_of, notice, signature
from .conftest import PRICE, Recording, Till

CARD_NUMBERS = (b"4242424242424242", b"4000 0000 0000 3055", b"5555-5555-5555-4444")


@dataclass
class Desk:
    """A served desk, and the wire to its route for acquirers."""

    server: LocalServer
    till: Till
    http: aiohttp.ClientSession

    async def post(self, kind: str, raw: bytes, name: str = "fake", **headers: str) -> tuple[int, bytes]:
        signed = {"X-Signature": signature(raw), **headers}
        url = f"{self.server.url}/hooks/acquirers/{name}/{kind}"
        async with self.http.post(url, data=raw, headers=signed) as answer:
            return answer.status, await answer.read()

    async def tell(self, kind: Kind, transaction: Transaction) -> int:
        """The code that the acquirer gets for a notification."""
        status, body = await self.post(kind, body_of(notice(kind, transaction)))
        assert status == 200
        code: int = json.loads(body)["code"]
        return code

    async def count(self, table: str) -> int:
        counted: int = await self.till.pool.fetchval(f"SELECT count(*) FROM {table}")
        return counted

    def metric(self, name: str, **labels: str) -> float:
        found = self.server.services.metrics.registry.get_sample_value(
            name, {"worker": "0", "provider": "fake", **labels}
        )
        return found or 0.0


@pytest.fixture
async def desk(server: LocalServer) -> AsyncIterator[Desk]:
    services = server.services
    acquirer, access = FakeAcquirer(), Recording()
    services.paying.acquirers["fake"] = acquirer
    services.paying.inbox.consequences = services.paying.attempts.consequences = access
    user = server.accounts["drivers"][0]["user"]
    till = Till(
        services.pool, services.paying, acquirer, access, services.metrics.registry, user, (0, 0), server.dsn
    )
    async with aiohttp.ClientSession() as http:
        yield Desk(server, till, http)


async def test_a_payment_is_answered_in_the_acquirer_s_form_behind_its_commit(desk: Desk) -> None:
    invoice = await desk.till.checkout()
    payment = desk.till.acquirer.take(invoice)
    assert await desk.tell(Kind.CHECK, payment) == 0
    assert await desk.tell(Kind.PAY, payment) == 0
    assert await desk.till.state(invoice) is InvoiceState.PAID
    assert await desk.tell(Kind.PAY, payment) == 0
    assert desk.till.access.paid_for == [invoice.id]
    notices = "desk_payment_notices_total"
    assert desk.metric(notices, kind="pay", verdict="applied") == 1
    assert desk.metric(notices, kind="pay", verdict="repeated") == 1


async def test_a_thousand_copies_at_once_over_http_have_one_effect(desk: Desk) -> None:
    """Control C46, on the wire."""
    invoice = await desk.till.checkout()
    raw = body_of(notice(Kind.PAY, desk.till.acquirer.take(invoice)))
    answers = await asyncio.gather(*(desk.post("pay", raw) for _ in range(1000)))
    assert set(answers) == {(200, b'{"code": 0}')}
    assert (await desk.count("payment_inbox"), await desk.count("ledger_transactions")) == (1, 2)
    assert desk.till.access.paid_for == [invoice.id]


async def test_each_reason_to_refuse_a_check_has_its_code(desk: Desk) -> None:
    """Control C48."""
    till = desk.till

    async def code(**said: object) -> int:
        return await desk.tell(Kind.CHECK, till.acquirer.take(await till.checkout(), **said))

    assert await code() == 0
    assert await code(invoice=str(uuid4())) == 10
    assert await code(account="999999") == 11
    assert await code(money=replace(PRICE, minor=1)) == 12
    paid, _ = await till.paid()
    assert await desk.tell(Kind.CHECK, till.acquirer.take(paid)) == 13
    over = await till.paying.cashier.bill(till.bill(lives_s=0.001))
    assert await desk.tell(Kind.CHECK, till.acquirer.take(over)) == 20
    assert await till.balances() == {"acquirer:fake": PRICE.minor, "revenue:subscriptions": -PRICE.minor}


async def test_what_is_not_signed_is_turned_away_counted_and_kept_within_bounds(desk: Desk) -> None:
    raw = body_of(notice(Kind.PAY, desk.till.acquirer.take(await desk.till.checkout())))
    forged = (
        (raw, signature(b"something else")),
        (raw.replace(b"KZT", b"RUB"), signature(raw)),
        (raw + b" ", signature(raw)),
        (b"", ""),
        (CARD_NUMBERS[0] * 100, "x"),
    )
    for number in range(60):
        body, sign = forged[number % len(forged)]
        assert (await desk.post("pay", body, **{"X-Signature": sign}))[0] == 401
    assert desk.metric("desk_payment_forged_total") == 60
    assert await desk.count("payment_forgeries") == webhook.FORGED_A_MINUTE
    assert await desk.count("payment_inbox") == 0
    await desk.till.pool.execute(
        "INSERT INTO payment_forgeries (provider, kind, peer, size, digest, received_at)"
        " SELECT 'fake', 'pay', '', 0, '', now() - interval '40 days' * (n % 2) FROM generate_series(1, 3000) n"
    )
    await desk.till.paying.notices.forget_old()
    assert await desk.count("payment_forgeries") <= 1000


async def test_what_is_signed_and_cannot_be_read_is_kept_apart_and_answered(desk: Desk) -> None:
    """Control C45, our half: signed-but-malformed is no forgery."""
    for kind, code in (("pay", CODES["accepted"]), ("check", CODES["not_now"])):  # type: ignore[index]
        raw = f'{{"key": "1", "transaction": {{"minor": "much", "kind": "{kind}"}}}}'.encode()
        for _ in range(2):
            assert await desk.post(kind, raw) == (200, json.dumps({"code": code}).encode())
    rows = await desk.till.paying.notices.page(None, 10, alerts=True)
    assert [(row.kind, row.verdict) for row in rows] == [("check", "malformed"), ("pay", "malformed")]
    body = await desk.till.paying.notices.body(rows[1].id)
    assert b'"minor": "much"' in body.raw and "x-signature" not in body.headers
    assert desk.metric("desk_payment_alerts_total", what="malformed") == 4
    assert desk.metric("desk_payment_forged_total") == 0


async def test_paths_bodies_and_methods_that_are_none(desk: Desk) -> None:
    assert (await desk.post("pay", b"{}", name="nobody"))[0] == 404
    assert (await desk.post("pay", b"x" * 70_000))[0] == 413
    async with desk.http.put(f"{desk.server.url}/hooks/acquirers/fake/pay") as answer:
        assert answer.status == 405
    assert await desk.count("payment_inbox") == await desk.count("payment_forgeries") == 0


async def test_a_check_that_cannot_be_decided_in_time_is_refused_and_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "CHECK_S", 0.2)
    invoice = await desk.till.checkout()
    payment = desk.till.acquirer.take(invoice)
    connection = await asyncpg.connect(desk.server.dsn)
    async with connection.transaction():
        await connection.execute("SELECT FROM invoices WHERE id = $1 FOR UPDATE", invoice.id)
        assert await desk.tell(Kind.CHECK, payment) == 13
    await connection.close()
    assert await desk.count("payment_inbox") == 0
    assert await desk.tell(Kind.CHECK, payment) == 0


async def test_a_payer_who_takes_another_card_at_once_is_let_through_though_the_decline_was_not_told(
    desk: Desk,
) -> None:
    till = desk.till
    invoice = await till.checkout()
    declined = till.acquirer.take(invoice, state=State.PENDING)
    assert await desk.tell(Kind.CHECK, declined) == 0
    second = till.acquirer.take(invoice)
    # The bank is still at the first one: it may yet be taken.
    del till.acquirer.transactions[second.id]
    assert await desk.tell(Kind.CHECK, replace(second, id="another")) == 13
    till.acquirer.transactions[declined.id] = replace(declined, state=State.DECLINED)
    assert await desk.tell(Kind.CHECK, second) == 0
    assert await desk.tell(Kind.FAIL, declined) == 0
    assert await till.state(invoice) is InvoiceState.PENDING
    till.acquirer.misbehave = ["unavailable"]
    assert await desk.tell(Kind.CHECK, till.acquirer.take(invoice, id="third")) == 13


async def test_while_the_database_is_away_nothing_is_acknowledged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant I7: code 0 means that it is stored. An acquirer tells it again."""
    payment = desk.till.acquirer.take(await desk.till.checkout())

    async def away(*_: object, **__: object) -> None:
        raise ConnectionResetError("PostgreSQL is away")

    with monkeypatch.context() as patch:
        patch.setattr(desk.till.paying.inbox, "receive", away)
        assert (await desk.post("pay", body_of(notice(Kind.PAY, payment))))[0] == 503
        assert await desk.tell(Kind.CHECK, payment) == 13
    assert await desk.tell(Kind.PAY, payment) == 0


async def test_a_message_about_no_transaction_is_kept_once(desk: Desk) -> None:
    raw = body_of(Notification(Kind.RECURRENT, "sc_1 Active 3", None))
    for _ in range(3):
        assert await desk.post("recurrent", raw) == (200, b'{"code": 0}')
    assert await desk.count("payment_inbox") == 1


UUIDS = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN
    ('text', 'character varying', 'character', 'bytea', 'json', 'jsonb', 'ARRAY')
    AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
    AND table_name <> 'spatial_ref_sys' ORDER BY 1, 2
"""


async def everything(pool: asyncpg.Pool) -> dict[str, bytes]:
    """All text and bytes of the database, by column."""
    found = {}
    for table, column, kind in await pool.fetch(COLUMNS):
        as_bytes = f'"{column}"' if kind == "bytea" else f"convert_to(\"{column}\"::text, 'UTF8')"
        rows = await pool.fetch(f'SELECT {as_bytes} FROM "{table}" WHERE "{column}" IS NOT NULL')
        found[f"{table}.{column}"] = UUIDS.sub(b"", b"\n".join(row[0] for row in rows))
    return found


async def test_no_card_number_is_in_the_database_or_the_log_whatever_was_sent(
    desk: Desk, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Control C50."""
    caplog.set_level(logging.DEBUG)
    till = desk.till
    invoice = await till.checkout(save_card=True)
    payment = till.acquirer.take(invoice)
    whole = body_of(notice(Kind.PAY, payment)).replace("ИВАН ПЕТРОВ".encode(), b"-".join(CARD_NUMBERS))
    # An acquirer that sends numbers after all, a stranger, and what cannot be read.
    for raw in (whole, b'{"number": "' + CARD_NUMBERS[1] + b'"}'):
        await desk.post("pay", raw)
        await desk.post("pay", raw, **{"X-Signature": "forged"})
    assert await till.state(invoice) is InvoiceState.PAID
    (card,) = await till.paying.cards.of_user(till.user)
    renewal, _ = await till.with_card()
    await till.charge(renewal, card.id)
    await till.tell(Kind.REFUND, till.acquirer.give_back(payment))
    stored = await everything(till.pool)
    assert {
        "payment_inbox.raw",
        "saved_cards.token",
        "ledger_transactions.key",
        "users.phone",
    } <= stored.keys()
    assert {column: found for column, text in stored.items() if (found := numbers_in(text))} == {}
    for row in await till.paying.notices.page(None, 100):
        if row.source == "notice":
            body = (await till.paying.notices.body(row.id)).raw
            assert numbers_in(UUIDS.sub(b"", body)) == []
    format_ = JsonFormatter(0).format
    lines = "\n".join(format_(record) for record in caplog.records).encode()
    assert b"payments.card_number" in lines
    assert numbers_in(UUIDS.sub(b"", lines)) == []
    assert b"tok_9f8a7b" not in lines
    assert all(b"tok_9f8a7b" not in text for text in stored.values())
    assert (await verify(till.pool)).faults == []
