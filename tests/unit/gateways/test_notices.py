"""C45: what CloudPayments signs, as bytes, and what is signed but cannot be read."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.acquiring import Advice, Answer, Card, Forged, Kind, Malformed, State, Transaction
from billing.money import Currency, Money
from server.gateways.acquiring import notices

SECRET = b"secret"
# The documentation's rule, computed elsewhere (reference/integrations.md 3.2).
VECTOR = (
    b"TransactionId=504&Amount=10.00&Currency=KZT&InvoiceId=inv-7&Name=IVAN+PETROV"
    b"&Description=%D0%A2%D0%B5%D1%81%D1%82"
)
RAW = "yx2xCtNuk7XJosU42KwCBbnvdogmBGPR8lZVHLvW+2Q="
DECODED = "qXR4IsBk5RFTuwdx8nMwK93bsGm7Y70Lb4cAYYbLAIc="
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"content-type": "application/json; charset=utf-8"}
PAY = {
    "TransactionId": "2891583633",
    "Amount": "1990.07",
    "Currency": "KZT",
    "PaymentAmount": "1990.07",
    "PaymentCurrency": "KZT",
    "DateTime": "2026-11-02 09:30:00",
    "OperationType": "Payment",
    "Status": "Completed",
    "InvoiceId": "9f0c",
    "AccountId": "4711",
    "CardFirstSix": "424242",
    "CardLastFour": "4242",
    "CardType": "Visa",
    "CardExpDate": "12/30",
    "TestMode": "1",
    "Token": "tk_1",
    "GatewayName": "Test",
    "Name": "ИВАН ПЕТРОВ+1 & Co",
    "Email": "",
}


def mac(told: bytes, secret: bytes = SECRET) -> str:
    return base64.b64encode(hmac.new(secret, told, hashlib.sha256).digest()).decode()


def read(kind: str, fields: dict[str, Any]) -> Transaction | None:
    (one,) = notices.read(kind, FORM, urlencode(fields).encode(), Currency.KZT)
    return one.transaction


def test_the_published_vector_holds_by_either_header_alone() -> None:
    assert notices.sign(SECRET, VECTOR) == {"content-hmac": RAW, "x-content-hmac": DECODED}
    notices.verify(SECRET, {**FORM, "content-hmac": RAW}, VECTOR)
    notices.verify(SECRET, {**FORM, "x-content-hmac": DECODED}, VECTOR)
    notices.verify(SECRET, {"content-hmac": RAW, "x-content-hmac": DECODED}, VECTOR)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-hmac": ""},
        {"content-hmac": DECODED},
        {"x-content-hmac": RAW},
        {"content-hmac": mac(VECTOR, b"Secret")},
        {"content-hmac": RAW[:-2] + "q="},
        {"content-hmac": RAW.lower()},
        {"content-hmac": "яя"},
        {"content-hmac": base64.b64decode(RAW).hex()},
        {"content-hmac": RAW + RAW},
        # A body that decodes to the same text has other bytes: the header over the bytes decides.
        {"content-hmac": "x", "x-content-hmac": DECODED},
    ],
)
def test_what_is_absent_or_wrong_is_forged(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        notices.verify(SECRET, {**FORM, **headers}, VECTOR)


@pytest.mark.parametrize("at", range(0, len(VECTOR), 17))
def test_one_byte_off_is_forged_whichever_it_is(at: int) -> None:
    other = VECTOR[:at] + bytes([VECTOR[at] ^ 1]) + VECTOR[at + 1 :]
    with pytest.raises(Forged):
        notices.verify(SECRET, {**FORM, "content-hmac": RAW}, other)


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_any_text_is_signed_as_it_came_and_as_it_reads(fields: dict[str, str]) -> None:
    text = urlencode(fields, errors="replace")
    raw = text.encode()
    assert notices.sign(SECRET, raw) == {
        "content-hmac": mac(raw),
        "x-content-hmac": mac(unquote_plus(text).encode()),
    }


def test_plus_and_cyrillic_are_decoded_once_and_in_that_order() -> None:
    raw = f"Name={quote_plus('Ә+Б В')}&Description=%252B".encode()
    notices.verify(SECRET, {**FORM, "x-content-hmac": mac("Name=Ә+Б В&Description=%2B".encode())}, raw)


def test_json_is_signed_as_it_is() -> None:
    raw = json.dumps({"Name": "50%25 + ИВАН"}, ensure_ascii=False).encode()
    for name in ("content-hmac", "x-content-hmac"):
        notices.verify(SECRET, {**JSON, name: mac(raw)}, raw)
    with pytest.raises(Forged):
        notices.verify(SECRET, {**JSON, "x-content-hmac": mac(unquote_plus(raw.decode()).encode())}, raw)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    with pytest.raises(Forged):
        notices.verify(SECRET, {"content-hmac": RAW}, VECTOR)
    assert compared == [(RAW.encode(), RAW.encode())]


def test_a_pay_says_what_was_paid_by_whom_for_what() -> None:
    made = read("pay", PAY)
    assert made == Transaction(
        "2891583633",
        State.PAID,
        Money(1_990_07, Currency.KZT),
        "9f0c",
        "4711",
        datetime(2026, 11, 2, 9, 30, tzinfo=UTC).timestamp(),
        card=Card("tk_1", "4242", "Visa", "12/30"),
        test=True,
    )


def test_a_pay_in_json_says_the_same_to_the_last_digit() -> None:
    fields = {**PAY, "TransactionId": 2891583633, "Amount": 1990.07, "TestMode": 1}
    raw = json.dumps(fields, ensure_ascii=False).encode()
    (one,) = notices.read("pay", JSON, raw, Currency.KZT)
    assert one.transaction == read("pay", PAY)
    big = raw.replace(b'"Amount": 1990.07', b'"Amount": 9007199254740.93')  # no float holds it
    (one,) = notices.read("pay", JSON, big, Currency.KZT)
    assert one.transaction is not None and one.transaction.money.minor == 900_719_925_474_093


def test_each_kind_has_its_state() -> None:
    common = {name: PAY[name] for name in ("TransactionId", "Amount", "Currency", "DateTime", "InvoiceId")}
    cases: dict[str, tuple[dict[str, str], State]] = {
        "check": ({"Status": "Completed"}, State.PENDING),
        "pay": ({"Status": "Authorized", "GatewayName": "Test"}, State.HELD),
        "fail": ({"ReasonCode": "5051", "Reason": "InsufficientFunds"}, State.DECLINED),
        "confirm": ({"Status": "Completed"}, State.PAID),
        "cancel": ({}, State.CANCELLED),
        "refund": ({"PaymentTransactionId": "17", "OperationType": "Refund"}, State.REFUNDED),
    }
    for kind, (fields, state) in cases.items():
        made = read(kind, {**common, **fields})
        assert made is not None and made.state is state
    assert {*cases, "recurrent"} == set(Kind)


def test_a_refund_without_a_currency_has_that_of_the_terminal() -> None:
    fields = {
        "TransactionId": "5",
        "PaymentTransactionId": "4",
        "Amount": "1.00",
        "DateTime": PAY["DateTime"],
    }
    (one,) = notices.read("refund", FORM, urlencode(fields).encode(), Currency.RUB)
    assert one.transaction is not None
    assert (one.transaction.money, one.transaction.refunds) == (Money(1_00, Currency.RUB), "4")


def test_a_change_of_their_subscription_is_told_apart_from_the_next_and_is_no_payment() -> None:
    def key(**more: str) -> str:
        fields = {"Id": "sc_1", "Status": "Active", "SuccessfulTransactionsNumber": "1", **more}
        (one,) = notices.read("recurrent", FORM, urlencode(fields).encode(), Currency.KZT)
        assert one.transaction is None
        return one.key

    assert key() == key(Amount="10") != key(SuccessfulTransactionsNumber="2") != key(Status="PastDue")


def test_a_payout_means_nothing_to_us() -> None:
    raw = urlencode({**PAY, "OperationType": "CardPayout"}).encode()
    assert notices.read("pay", FORM, raw, Currency.KZT) == []


def test_a_card_that_the_payer_did_not_want_kept_is_not_a_card_of_ours() -> None:
    for data in ('{"once":true}', '{"once": true, "x": 1}'):
        made = read("pay", {**PAY, "Data": data})
        assert made is not None and made.card is None
    for data in ('{"once":false}', "{}", "no json", "[true]", ""):
        made = read("pay", {**PAY, "Data": data})
        assert made is not None and made.card is not None
    raw = json.dumps({**PAY, "Data": {"once": True}}).encode()
    (one,) = notices.read("pay", JSON, raw, Currency.KZT)
    assert one.transaction is not None and one.transaction.card is None


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("pay", {"Amount": "1990.075"}),
        ("pay", {"Amount": "-1.00"}),
        ("pay", {"Amount": "0"}),
        ("pay", {"Amount": "NaN"}),
        ("pay", {"Amount": "Infinity"}),
        ("pay", {"Amount": "9e999999"}),
        ("pay", {"Amount": "1,990.00"}),
        ("pay", {"Amount": None}),
        ("pay", {"Currency": "EUR"}),
        ("pay", {"Currency": "kzt"}),
        ("pay", {"Currency": None}),
        ("pay", {"TransactionId": "none"}),
        ("pay", {"TransactionId": "1.5"}),
        ("pay", {"TransactionId": None}),
        ("pay", {"DateTime": "yesterday"}),
        ("pay", {"DateTime": "2026-13-01 00:00:00"}),
        ("pay", {"Status": "Declined"}),
        ("pay", {"Status": None}),
        # A Check that comes to the address of Pay is not money.
        ("pay", {"GatewayName": None}),
        ("fail", {"ReasonCode": None}),
        ("refund", {"PaymentTransactionId": None}),
        ("recurrent", {}),
        ("payment", {}),
        ("", {}),
        ("PAY", {}),
    ],
)
def test_what_is_signed_and_cannot_be_is_malformed(kind: str, change: dict[str, str | None]) -> None:
    fields = {name: value for name, value in {**PAY, **change}.items() if value is not None}
    with pytest.raises(Malformed):
        read(kind, fields)


@pytest.mark.parametrize(
    ("headers", "raw"),
    [
        (FORM, b""),
        (FORM, b"TransactionId"),
        (FORM, b"\xff\xfe=1"),
        (FORM, urlencode(PAY).encode() + b"&Amount=1.00"),  # which of the two was paid?
        (FORM, b"&".join(b"a%d=1" % i for i in range(300))),
        (JSON, b""),
        (JSON, b"[]"),
        (JSON, b"[" * 100_000),
        (JSON, b'{"TransactionId": 1'),
        (JSON, b'{"TransactionId": "\xff"}'),
        (JSON, json.dumps({**PAY, "TransactionId": [1]}).encode()),
        (JSON, json.dumps({**PAY, "TransactionId": True}).encode()),
        (JSON, json.dumps({**PAY, "InvoiceId": {"a": 1}}).encode()),
    ],
)
def test_bodies_that_are_none_are_malformed(headers: dict[str, str], raw: bytes) -> None:
    with pytest.raises(Malformed):
        notices.read("pay", headers, raw, Currency.KZT)


@given(st.binary(max_size=300), st.sampled_from([*Kind, "x"]), st.sampled_from([FORM, JSON]))
def test_any_bytes_are_read_or_malformed_and_nothing_else(
    raw: bytes, kind: str, headers: dict[str, str]
) -> None:
    try:
        notices.read(kind, headers, raw, Currency.KZT)
    except Malformed:
        pass


MOMENTS = st.integers(0, 4_000_000_000).map(float)
PAYMENTS = st.builds(
    Transaction,
    st.integers(1, 2**62).map(str),
    st.just(State.PAID),
    st.builds(Money, st.integers(1, 10**13), st.sampled_from(list(Currency))),
    st.uuids().map(str),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zs"]), min_size=1),
    MOMENTS,
    card=st.none() | st.builds(Card, st.just("tk_1"), st.just("4242"), st.just("Visa"), st.just("01/31")),
    test=st.booleans(),
)


@given(PAYMENTS)
def test_what_is_written_reads_the_same(payment: Transaction) -> None:
    raw = notices.write(Kind.PAY, payment, "Водитель, 1 месяц")
    (one,) = notices.read("pay", FORM, raw, Currency.KZT)
    assert (one.transaction, one.key) == (payment, payment.id)


def test_a_decline_and_a_refund_are_written_as_they_read() -> None:
    common = ("1", State.DECLINED, Money(5_00, Currency.USD), "i", "a", 1_793_611_800.0)
    fail = Transaction(*common, reason="5051 InsufficientFunds", advice=Advice.LATER, test=True)
    back = Transaction(
        "2", State.REFUNDED, Money(5_00, Currency.USD), "i", "a", 1_793_611_800.0, refunds="1", test=True
    )
    for kind, wanted in ((Kind.FAIL, fail), (Kind.REFUND, back)):
        (one,) = notices.read(kind, FORM, notices.write(kind, wanted), Currency.KZT)
        assert one.transaction == wanted


def test_a_check_is_answered_by_the_codes_of_the_documentation() -> None:
    codes = {answer: json.loads(notices.reply(answer)[2])["code"] for answer in Answer}
    assert codes == {
        Answer.ACCEPTED: 0,
        Answer.UNKNOWN_INVOICE: 10,
        Answer.WRONG_ACCOUNT: 11,
        Answer.WRONG_AMOUNT: 12,
        Answer.NOT_NOW: 13,
        Answer.EXPIRED: 20,
    }
    assert notices.reply(Answer.EXPIRED)[:2] == (200, "application/json")
