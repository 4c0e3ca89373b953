"""Secrets that must be read again (authenticator keys, other companies' tokens), sealed before they are stored."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12


class Sealer:
    """AES-256-GCM under a key derived from the pepper: a copy of the database alone opens nothing.

    `context` says what is sealed and for whom. It is bound in, so that a row moved to another user does not open.
    """

    def __init__(self, pepper: str) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=b"tracking-desk sealed columns").derive(pepper.encode())
        self._box = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        """The sealed form: a fresh nonce, then what only `open` with the same context reads."""
        nonce = os.urandom(NONCE)
        return nonce + self._box.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plain form. ValueError for what was not sealed so: another pepper, another row, a changed byte."""
        try:
            return self._box.decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to have a nonce
            raise ValueError(f"the sealed {context} does not open: was the pepper changed?") from None
