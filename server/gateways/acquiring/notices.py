"""Notifications as CloudPayments posts them: signed, read, written and answered.

The sandbox speaks the same, so both sides of the wire stand here. A signature is base64 of HMAC-SHA256 with the
secret: `Content-HMAC` over the bytes as they came, `X-Content-HMAC` over the same with the URL encoding taken off.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

import msgspec

from billing.acquiring import Answer, Card, Forged, Kind, Malformed, Notification, State, Transaction
from billing.money import Currency, read_decimal

from .reasons import advice_of

RAW, DECODED = "content-hmac", "x-content-hmac"
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
KINDS = frozenset(Kind)
# What a Check may be refused with; everything else is answered by ACCEPTED once it is stored.
CODES = {
    Answer.ACCEPTED: 0,
    Answer.UNKNOWN_INVOICE: 10,
    Answer.WRONG_ACCOUNT: 11,
    Answer.WRONG_AMOUNT: 12,
    Answer.NOT_NOW: 13,
    Answer.EXPIRED: 20,
}
_STATES = {
    Kind.CHECK: State.PENDING,
    Kind.FAIL: State.DECLINED,
    Kind.CONFIRM: State.PAID,
    Kind.CANCEL: State.CANCELLED,
    Kind.REFUND: State.REFUNDED,
}
_PAID = {"Completed": State.PAID, "Authorized": State.HELD}
# A note of ours that travels with an order and comes back with its payment: the payer did not want the card kept.
ONCE = "once"


class _Notice(msgspec.Struct, frozen=True, rename="pascal"):
    """The fields that we use, of all kinds but Recurrent; empty ones count as absent."""

    transaction_id: int
    amount: Decimal
    date_time: str
    currency: str | None = None
    status: str | None = None
    operation_type: str | None = None
    invoice_id: str | None = None
    account_id: str | None = None
    test_mode: bool | None = None
    card_last_four: str | None = None
    card_type: str | None = None
    card_exp_date: str | None = None
    token: str | None = None
    gateway_name: str | None = None
    reason: str | None = None
    reason_code: int | None = None
    payment_transaction_id: int | None = None
    data: str | dict[str, object] | None = None


class _Recurrent(msgspec.Struct, frozen=True, rename="pascal"):
    """A change of a subscription that the acquirer keeps; we make none, so it only has to be told apart."""

    id: str
    status: str
    successful_transactions_number: int = 0
    failed_transactions_number: int = 0


def sign(secret: bytes, raw: bytes) -> dict[str, str]:
    """Both headers of a form, by their names in lower case."""
    return {RAW: _mac(secret, raw), DECODED: _mac(secret, _decoded(raw))}


def verify(secret: bytes, headers: Mapping[str, str], raw: bytes) -> None:
    """Forged unless the body is signed. One header is enough; where both came, the one over the bytes as they are
    decides, since two bodies can be the same once decoded."""
    told, wanted = headers.get(RAW), raw
    if told is None:
        told, wanted = headers.get(DECODED), _decoded(raw) if _is_form(headers) else raw
    if told is None:
        raise Forged("there is no signature")
    if not hmac.compare_digest(_mac(secret, wanted).encode(), told.strip().encode()):
        raise Forged("the signature is of another body, or made with another key")


def reply(answer: Answer) -> tuple[int, str, bytes]:
    """What tells the acquirer what became of its request."""
    return 200, "application/json", b'{"code":%d}' % CODES[answer]


def read(kind: str, headers: Mapping[str, str], raw: bytes, currency: Currency) -> list[Notification]:
    """What a body says whose signature holds; empty for what means nothing to us (payouts). `currency` is that of
    the terminal, for refunds: they name none."""
    if kind not in KINDS:
        raise Malformed(f"no kind of notification: {kind[:20]!r}")
    fields = _form(raw) if _is_form(headers) else _json(raw)
    try:
        if kind == Kind.RECURRENT:
            change = msgspec.convert(fields, _Recurrent, strict=False)
            counts = f"{change.successful_transactions_number}:{change.failed_transactions_number}"
            return [Notification(Kind.RECURRENT, f"{change.id}:{change.status}:{counts}", None)]
        notice = msgspec.convert(fields, _Notice, strict=False)
        if notice.operation_type not in (None, "Payment", "Refund"):
            return []
        transaction = _transaction(Kind(kind), notice, currency)
    except (msgspec.ValidationError, ValueError, ArithmeticError) as error:
        raise Malformed(str(error)[:200]) from None
    return [Notification(Kind(kind), transaction.id, transaction)]


def write(kind: Kind, transaction: Transaction, description: str = "") -> bytes:
    """The form that CloudPayments would post, of the fields that `read` knows and the ones it always has."""
    card = transaction.card
    fields = {
        "TransactionId": transaction.id,
        "Amount": transaction.money.decimal(),
        "Currency": transaction.money.currency,
        "DateTime": datetime.fromtimestamp(transaction.at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "OperationType": "Refund" if kind is Kind.REFUND else "Payment",
        "TestMode": "1" if transaction.test else "0",
        "InvoiceId": transaction.invoice,
        "AccountId": transaction.account,
        "Description": description,
    }
    if kind is Kind.REFUND:
        fields["PaymentTransactionId"] = transaction.refunds
    else:
        fields |= {"PaymentAmount": fields["Amount"], "PaymentCurrency": fields["Currency"]}
    if card is not None:
        fields |= {"CardLastFour": card.last_four, "CardType": card.brand, "CardExpDate": card.expires}
        if kind in (Kind.PAY, Kind.FAIL, Kind.CONFIRM):
            fields["Token"] = card.token
    if kind in (Kind.CHECK, Kind.PAY, Kind.CONFIRM):
        fields["Status"] = "Authorized" if transaction.state is State.HELD else "Completed"
    if kind is Kind.PAY:
        fields["GatewayName"] = "Sandbox"
    if kind is Kind.FAIL:
        code, _, reason = (transaction.reason or "5005").partition(" ")
        fields |= {"ReasonCode": code, "Reason": reason}
    return urlencode({name: value for name, value in fields.items() if value}).encode()


def card_of(token: str | None, last_four: str | None, brand: str | None, expires: str | None) -> Card | None:
    """A card that may be charged again, which takes a token."""
    return Card(token, last_four or "", brand or "", expires) if token else None


def kept(data: object) -> bool:
    """Whether the payer let us keep the card: what `ONCE` in an order's own data says, however it comes back."""
    if isinstance(data, str):
        try:
            data = msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return True
    return not (isinstance(data, dict) and data.get(ONCE) is True)


def moment(text: str) -> float:
    """`2026-11-02 09:30:00` or ISO 8601, in UTC unless it says otherwise, as epoch seconds. ValueError."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _transaction(kind: Kind, notice: _Notice, currency: Currency) -> Transaction:
    """What a notice is of. Fields that only this kind has are demanded: a signature does not cover the address, so
    a Check that comes to the address of Pay by a slip in the operator's settings must not count as money."""
    state = _PAID.get(notice.status or "") if kind is Kind.PAY else _STATES[kind]
    if state is None or (kind is Kind.PAY and notice.gateway_name is None):
        raise ValueError("not a Pay: its address may be set for another kind of notification")
    if kind is Kind.FAIL and notice.reason_code is None:
        raise ValueError("a Fail without ReasonCode")
    if kind is Kind.REFUND and notice.payment_transaction_id is None:
        raise ValueError("a Refund without PaymentTransactionId")
    if kind is not Kind.REFUND and notice.currency is None:
        raise ValueError("no Currency")
    if notice.amount <= 0:
        raise ValueError("an amount that is none")
    code = notice.reason_code if kind is Kind.FAIL else None
    return Transaction(
        str(notice.transaction_id),
        state,
        read_decimal(str(notice.amount), Currency(notice.currency) if notice.currency else currency),
        notice.invoice_id,
        notice.account_id,
        moment(notice.date_time),
        None if notice.payment_transaction_id is None else str(notice.payment_transaction_id),
        card_of(
            notice.token if kept(notice.data) else None,
            notice.card_last_four,
            notice.card_type,
            notice.card_exp_date,
        ),
        None if code is None else f"{code} {notice.reason or ''}".strip(),
        None if code is None else advice_of(code),
        bool(notice.test_mode),
    )


def _mac(secret: bytes, told: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, told, hashlib.sha256)).decode()


def _decoded(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _is_form(headers: Mapping[str, str]) -> bool:
    return "json" not in headers.get("content-type", FORM).lower()


def _form(raw: bytes) -> dict[str, object]:
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"), strict_parsing=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise Malformed(f"no form: {type(error).__name__}") from None
    if len(dict(pairs)) != len(pairs):
        raise Malformed("a field is there twice")
    return dict(pairs)


def _json(raw: bytes) -> dict[str, object]:
    try:
        # Amounts as they are written: a float would round them.
        fields = msgspec.json.Decoder(dict[str, object], float_hook=Decimal).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Malformed("no JSON object") from None
    return {name: value for name, value in fields.items() if value != ""}
