"""Codes of authenticator apps: the vectors of RFC 6238, the window, and that none is good twice."""

import base64

import pyotp
import pytest

from storage import totp

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
NOW = 1_800_000_000.0
HERE = int(NOW) // 30


def code(step: int, secret: str = RFC_SECRET) -> str:
    return pyotp.TOTP(secret).generate_otp(step)


# The last six digits of RFC 6238, appendix B, SHA-1.
@pytest.mark.parametrize(
    ("at", "digits"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(at: int, digits: str) -> None:
    assert totp.step_of(RFC_SECRET, digits, at, 0) == at // 30


def test_a_clock_may_be_one_step_off_and_not_two() -> None:
    fits = [totp.step_of(RFC_SECRET, code(HERE + off), NOW, 0) for off in (-2, -1, 0, 1, 2)]
    assert fits == [None, HERE - 1, HERE, HERE + 1, None]


def test_a_step_that_was_used_is_over_and_so_are_those_before_it() -> None:
    assert totp.step_of(RFC_SECRET, code(HERE), NOW, HERE) is None
    assert totp.step_of(RFC_SECRET, code(HERE - 1), NOW, HERE) is None
    assert totp.step_of(RFC_SECRET, code(HERE + 1), NOW, HERE) == HERE + 1


@pytest.mark.parametrize("wrong", ["000000", "", "12345", "1234567", "ы23456", "abcdef"])
def test_anything_else_is_no_code(wrong: str) -> None:
    assert totp.step_of(RFC_SECRET, wrong, NOW, 0) is None


def test_a_secret_is_160_bits_and_the_qr_code_names_us_and_the_account() -> None:
    secret = totp.new_secret()
    assert len(base64.b32decode(secret)) == 20 and secret != totp.new_secret()
    assert totp.uri(secret, "+77011234567") == (
        f"otpauth://totp/Tracking%20Desk:%2B77011234567?secret={secret}&issuer=Tracking%20Desk"
    )


def test_recovery_codes_are_fifty_bits_each_and_can_be_typed_carelessly() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10 and all(len(totp.plain(code)) == 10 for code in codes)
    assert totp.plain(" 0ABCD-efgh1 ") == totp.plain("oabcd efghL") == "0abcdefgh1"
