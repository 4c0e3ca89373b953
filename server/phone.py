"""Phone numbers as people write them, to E.164."""

from collections.abc import Callable, Sequence

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from dispatch.errors import Refusal

HOME = "KZ"  # 8 701 ..., 701 ... and 7 701 ... mean +7 701 ...
# What takes an SMS: in some countries mobile and fixed numbers look alike. Premium numbers are never texted.
REACHABLE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def e164(text: str) -> str:
    """The number in E.164, `+77011234567`. Refusal `phone_invalid` for what no SMS can reach."""
    return _in_e164(text, lambda number: phonenumbers.number_type(number) in REACHABLE)


def dialled(text: str) -> str:
    """Any number that can be called, also a fixed one, in E.164. Refusal `phone_invalid`."""
    return _in_e164(text, phonenumbers.is_valid_number)


def reachable(text: str, prefixes: Sequence[str]) -> str:
    """The number in E.164, if codes go to its country at all: strangers have SMS sent to dear ones and share in
    what they cost. Refusal `phone_invalid`, `phone_country`."""
    number = e164(text)
    if not number.startswith(tuple(prefixes)):
        raise Refusal("phone_country")
    return number


def country(phone: str) -> str:
    """The country of a number in E.164, ISO 3166-1 alpha-2; home for what belongs to none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or HOME
    except phonenumbers.NumberParseException:  # of an account that was ended
        return HOME


def _in_e164(text: str, suits: Callable[[PhoneNumber], bool]) -> str:
    """What E.164 cannot say, an extension, suits nobody."""
    try:
        number = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        raise Refusal("phone_invalid") from None
    if number.extension or not suits(number):
        raise Refusal("phone_invalid")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
