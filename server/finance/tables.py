"""Tables of money for people: what stands in their columns, and the rows of those that are reckoned."""

from collections.abc import Sequence

from billing.figures import Moves, Recurring, Trials
from server.i18n import Lang, label, say
from server.sheets import Column
from server.sheets.table import Kind, Value
from storage.billing.dunning import Failing

# (key, kind) in the order of the rows. The first four are those of storage.billing.accounting.
COLUMNS: dict[str, tuple[tuple[str, Kind], ...]] = {
    "payments": (
        ("at", "moment"), ("act", "text"), ("invoice", "text"), ("user", "int"), ("provider", "text"),
        ("transaction", "text"), ("purpose", "text"), ("plan", "text"), ("amount", "amount"), ("currency", "text"),
        ("state", "text"),
    ),
    "refunds": (
        ("at", "moment"), ("act", "text"), ("invoice", "text"), ("user", "int"), ("provider", "text"),
        ("transaction", "text"), ("payment", "text"), ("amount", "amount"), ("currency", "text"),
        ("requested_by", "int"), ("approved_by", "int"), ("reason", "text"),
    ),
    "postings": (
        ("at", "moment"), ("booking", "int"), ("act", "text"), ("account", "text"), ("amount", "amount"),
        ("currency", "text"), ("invoice", "text"), ("key", "text"),
    ),
    "receipts": (
        ("at", "moment"), ("invoice", "text"), ("user", "int"), ("payer", "text"), ("bought", "text"),
        ("provider", "text"), ("transaction", "text"), ("begins", "moment"), ("ends", "moment"),
        ("amount", "amount"), ("refunded", "amount"), ("currency", "text"),
    ),
    "mrr": (("plan", "text"), ("currency", "text"), ("payers", "int"), ("mrr", "amount")),
    "months": (
        ("month", "text"), ("currency", "text"), ("at_start", "int"), ("new", "int"), ("renewed", "int"),
        ("reactivated", "int"), ("churned", "int"), ("churn", "share"),
    ),
    "trials": (
        ("month", "text"), ("begun", "int"), ("converted", "int"), ("running", "int"), ("conversion", "share"),
    ),
    "dunning": (
        ("failed_at", "moment"), ("user", "int"), ("plan", "text"), ("standing", "text"), ("failures", "int"),
        ("reason", "text"), ("until", "moment"), ("next", "text"), ("next_at", "moment"),
    ),
}  # fmt: skip
# Words of the contract among the values, by column.
VOCABULARIES: dict[str, str] = {
    "act": "LedgerAct",
    "provider": "PaymentProvider",
    "purpose": "InvoicePurpose",
    "state": "InvoiceState",
    "standing": "SubscriptionState",
    "next": "SubscriptionStep",
}


def columns(table: str, lang: Lang) -> list[Column]:
    """The columns with their headings in this language."""
    titles = _titles(lang)
    return [Column(titles[key], kind) for key, kind in COLUMNS[table]]


def said(table: str, lang: Lang, rows: Sequence[Sequence[Value]]) -> list[list[Value]]:
    """The rows with words of vocabularies as people say them."""
    words = [VOCABULARIES.get(key) for key, _ in COLUMNS[table]]
    return [
        [
            label(lang, word, value) if word is not None and isinstance(value, str) else value
            for word, value in zip(words, row, strict=True)
        ]
        for row in rows
    ]


def mrr_rows(found: Sequence[Recurring]) -> list[list[Value]]:
    """As `mrr` has them."""
    return [[each.plan, each.currency.value, each.payers, each.minor] for each in found]


def month_rows(found: Sequence[Moves]) -> list[list[Value]]:
    """As `months` has them."""
    return [
        [
            each.month,
            each.currency.value,
            each.at_start,
            each.new,
            each.renewed,
            each.reactivated,
            each.churned,
            each.churn,
        ]
        for each in found
    ]


def trial_rows(found: Sequence[Trials]) -> list[list[Value]]:
    """As `trials` has them."""
    return [[each.month, each.begun, each.converted, each.running, each.conversion] for each in found]


def dunning_rows(found: Sequence[Failing]) -> list[list[Value]]:
    """As `dunning` has them."""
    return [
        [
            each.failed_at,
            each.user,
            each.plan,
            each.state.value,
            each.failures,
            each.reason,
            each.until,
            None if each.next is None else each.next.step.value,
            None if each.next is None else each.next.at,
        ]
        for each in found
    ]


def _titles(lang: Lang) -> dict[str, str]:
    return {
        "at": say(lang, "Time"),
        "act": say(lang, "What happened"),
        "invoice": say(lang, "Invoice"),
        "user": say(lang, "Account number"),
        "provider": say(lang, "Way of paying"),
        "transaction": say(lang, "Number of the transaction"),
        "purpose": say(lang, "Purpose"),
        "plan": say(lang, "Plan"),
        "amount": say(lang, "Amount"),
        "currency": say(lang, "Currency"),
        "state": say(lang, "State"),
        "payment": say(lang, "Number of the payment"),
        "requested_by": say(lang, "Asked for by"),
        "approved_by": say(lang, "Approved by"),
        "reason": say(lang, "Reason"),
        "booking": say(lang, "Number of the booking"),
        "account": say(lang, "Account of the books"),
        "key": say(lang, "Key of the booking"),
        "payer": say(lang, "Payer"),
        "bought": say(lang, "What was bought"),
        "begins": say(lang, "Access from"),
        "ends": say(lang, "Access to"),
        "refunded": say(lang, "Given back"),
        "payers": say(lang, "Payers"),
        "mrr": say(lang, "Recurring in 30 days"),
        "month": say(lang, "Month"),
        "at_start": say(lang, "Payers at the start"),
        "new": say(lang, "New payers"),
        "renewed": say(lang, "Renewals"),
        "reactivated": say(lang, "Came back"),
        "churned": say(lang, "Left"),
        "churn": say(lang, "Churn"),
        "begun": say(lang, "Trials begun"),
        "converted": say(lang, "Of them have paid"),
        "running": say(lang, "Of them still running"),
        "conversion": say(lang, "Conversion"),
        "failed_at": say(lang, "Failed on"),
        "standing": say(lang, "State"),
        "failures": say(lang, "Failed tries"),
        "until": say(lang, "Access until"),
        "next": say(lang, "What comes next"),
        "next_at": say(lang, "Next try"),
    }
