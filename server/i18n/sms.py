"""Texts that go by SMS. One part of UCS-2 holds 70 characters; a second part would cost as much again."""

from .catalogue import say
from .langs import Lang

PART = 70
OTP = "Code {code}. Do not tell it to anybody."
SHORT = "Code {code}"
TEXTS = (OTP, SHORT)


def otp(lang: Lang, code: str, host: str) -> str:
    """The one-time code in one part: with its warning where that fits, and always with the last line by which a
    browser fills the code in on this host's page alone (WebOTP)."""
    last = f"\n@{host} #{code}"
    whole = say(lang, OTP, code=code) + last
    return whole if units(whole) <= PART else say(lang, SHORT, code=code) + last


def notice(title: str, body: str) -> str:
    """What must be heard, in one part: title and body where both fit. The gate says when not even the body
    does."""
    whole = f"{title}. {body}"
    return whole if units(whole) <= PART else body


def units(text: str) -> int:
    """How many of a part's 70 places this takes: UTF-16 units."""
    return len(text.encode("utf-16-be")) // 2
