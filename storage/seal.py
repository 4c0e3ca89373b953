"""Secrets that must be read again: sealed under the pepper, so that a copy of the database shows none of them."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Unsealable(Exception):
    """These bytes were not sealed here for this."""


class Seal:
    """AES-256-GCM, a key for each purpose. `context` says whose it is and must be the same again."""

    def __init__(self, pepper: str, purpose: str) -> None:
        self._cipher = AESGCM(hmac.digest(pepper.encode(), purpose.encode(), hashlib.sha256))

    def seal(self, plain: bytes, context: str) -> bytes:
        """What may be stored."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """What was sealed. Unsealable for another context, another pepper, or a changed byte."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except (InvalidTag, ValueError):
            raise Unsealable(context) from None
