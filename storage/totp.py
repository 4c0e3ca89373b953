"""Codes of authenticator apps (RFC 6238: SHA-1, six digits, 30 s), and recovery codes for a lost phone. Pure."""

import hmac
import secrets

import pyotp

STEP_S = 30
WINDOW = 1  # steps to either side: clocks of phones, and the time it takes to type
ISSUER = "Tracking Desk"
RECOVERY_CODES = 10
# Crockford's letters: none that reads like another.
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
HALF = 5  # characters on either side of the hyphen: 50 bits together


def new_secret() -> str:
    """160 random bits, base32, as authenticator apps take them."""
    return pyotp.random_base32(32)


def uri(secret: str, name: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: float, after: int) -> int | None:
    """The time step whose code this is, if it lies in the window and beyond `after`, the last step used.

    A code is good once: the step that it was used for, and all before it, are over.
    """
    here = int(now) // STEP_S
    generator = pyotp.TOTP(secret)
    found = None
    for step in range(here - WINDOW, here + WINDOW + 1):
        # All are compared, whichever fits: how long it takes says nothing.
        if hmac.compare_digest(generator.generate_otp(step).encode(), code.encode()) and step > after:
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes for a sheet of paper, each good once."""
    return [
        "-".join("".join(secrets.choice(LETTERS) for _ in range(HALF)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    ]


def plain(code: str) -> str:
    """A typed code without what people add: spaces, hyphens, capitals, and the letters that read like digits."""
    kept = "".join(character for character in code.lower() if character.isalnum())
    return kept.translate(str.maketrans("oil", "011"))
