"""Settings of transfers: what payers write down must be right, or the server does not start."""

import pytest

from billing.money import Currency
from server.paying.bank import bank_of, valid_iban

GOOD = {
    "DESK_TRANSFER_RECIPIENT": "ТОО «Пример»",
    "DESK_TRANSFER_ACCOUNTS": "KZT=KZ86 125K ZT50 0410 0100, USD=GB82WEST12345698765432",
    "DESK_TRANSFER_KASPI_URL": "https://pay.kaspi.kz/pay/example",
}


def test_accounts_are_read_as_the_bank_writes_them() -> None:
    problems: list[str] = []
    bank = bank_of(GOOD, problems)
    assert not problems
    assert bank.accounts == {Currency.KZT: "KZ86125KZT5004100100", Currency.USD: "GB82WEST12345698765432"}
    assert bank.takes(Currency.KZT) and bank.takes(Currency.USD) and not bank.takes(Currency.CNY)


def test_the_kaspi_link_takes_tenge_without_an_account() -> None:
    bank = bank_of({name: GOOD[name] for name in GOOD if not name.endswith("ACCOUNTS")}, [])
    assert bank.takes(Currency.KZT) and not bank.takes(Currency.USD)


def test_nothing_set_means_no_transfers_and_no_problem() -> None:
    problems: list[str] = []
    bank = bank_of({}, problems)
    assert not problems and not bank.recipient and not any(map(bank.takes, Currency))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCOUNTS", "KZT=KZ87125KZT5004100100"),  # a digit mistyped
        ("ACCOUNTS", "EUR=KZ86125KZT5004100100"),
        ("ACCOUNTS", "KZ86125KZT5004100100"),
        ("KASPI_URL", "http://pay.kaspi.kz/pay/example"),
        ("KASPI_URL", "https://pay.kaspi.kz/a b"),
        ("BIN", "123456789012"),
        ("RECIPIENT", ""),
    ],
)
def test_what_would_lead_a_payer_astray_is_a_problem(name: str, value: str) -> None:
    problems: list[str] = []
    bank_of(GOOD | {f"DESK_TRANSFER_{name}": value}, problems)
    assert len(problems) == 1 and f"DESK_TRANSFER_{name}" in problems[0]


@pytest.mark.parametrize(
    "number", ["", "KZ", "kz86125KZT5004100100", "KZ86125KZT50041001O0", "KZ86" + "1" * 40]
)
def test_what_only_looks_like_an_iban_is_none(number: str) -> None:
    assert not valid_iban(number)
