"""Texts that go by SMS. One part of UCS-2 holds 70 characters; a second part would cost as much again."""

from .catalogue import say
from .langs import Lang

PART = 70
OTP = "Tracking Desk sign-in code: {code}. Do not tell it to anybody."
TEXTS = (OTP,)


def otp(lang: Lang, code: str) -> str:
    """The one-time code with its warning, in one part."""
    return say(lang, OTP, code=code)
