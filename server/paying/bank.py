"""Where transfers go: the bank account and the Kaspi link that payers are shown. Without them none are offered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from billing.money import Currency
from dispatch.registers import valid_bin

VARIABLES: dict[str, str] = {
    "DESK_TRANSFER_RECIPIENT": "whom transfers go to, as the bank writes it; without it nobody is "
    "offered to pay by transfer",
    "DESK_TRANSFER_BIN": "the recipient's BIN",
    "DESK_TRANSFER_BIC": "BIC of the recipient's bank",
    "DESK_TRANSFER_ACCOUNTS": "comma-separated CURRENCY=IBAN, e.g. KZT=KZ...",
    "DESK_TRANSFER_CODES": "KBe and KNP that banks of Kazakhstan ask for, as the accountant says them, e.g. "
    "17/859",
    "DESK_TRANSFER_KASPI_URL": "https link by which Kaspi takes a payment, for KZT",
}
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")


@dataclass(frozen=True, slots=True)
class BankDetails:
    """What a payer writes down. `codes` are KBe and KNP; `accounts` IBANs by currency."""

    recipient: str = ""
    bin: str = ""
    bic: str = ""
    codes: str = ""
    kaspi: str = ""
    accounts: Mapping[Currency, str] = field(default_factory=dict)

    def takes(self, currency: Currency) -> bool:
        """Whether there is a way for this money."""
        return currency in self.accounts or (currency is Currency.KZT and bool(self.kaspi))


def bank_of(environ: Mapping[str, str], problems: list[str]) -> BankDetails:
    """Reads the settings; what is wrong with them is added to `problems`."""

    def text(name: str) -> str:
        return environ.get(f"DESK_TRANSFER_{name}", "").strip()

    accounts: dict[Currency, str] = {}
    for part in filter(None, (part.strip() for part in text("ACCOUNTS").split(","))):
        code, _, number = part.partition("=")
        number = number.replace(" ", "").upper()
        if code not in tuple(Currency) or not valid_iban(number):
            problems.append(
                f"DESK_TRANSFER_ACCOUNTS has {part!r}: give CURRENCY=IBAN, of {', '.join(Currency)}, as the bank "
                "writes it"
            )
        else:
            accounts[Currency(code)] = number
    kaspi = text("KASPI_URL")
    if kaspi and not re.fullmatch(r"https://[!-~]{4,300}", kaspi):
        problems.append(f"DESK_TRANSFER_KASPI_URL is {kaspi!r}: give an https link")
    if text("BIN") and not valid_bin(text("BIN")):
        problems.append(f"DESK_TRANSFER_BIN is {text('BIN')!r}: give the twelve digits of a BIN")
    if (accounts or kaspi) and not text("RECIPIENT"):
        problems.append("DESK_TRANSFER_RECIPIENT is missing: payers must know whom they pay")
    return BankDetails(text("RECIPIENT"), text("BIN"), text("BIC"), text("CODES"), kaspi, accounts)


def valid_iban(number: str) -> bool:
    """Whether its check digits are right (ISO 13616: the rest of the division by 97 is 1)."""
    if not _IBAN.fullmatch(number):
        return False
    digits = "".join(str(int(letter, 36)) for letter in number[4:] + number[:4])
    return int(digits) % 97 == 1
