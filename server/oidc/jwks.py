"""The signing keys of an issuer, kept here: fetched when they age or an unknown one is named, never too often."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidKeyError, PyJWK
from jwt.exceptions import PyJWTError

from server.gateways.http import NoAnswer

log = logging.getLogger("desk.oidc")

FRESH_S, FRESH_MIN_S, FRESH_MAX_S = 3600.0, 300.0, 86400.0  # by default, and whatever the issuer says
STALE_S = 86400.0  # an issuer that does not answer is believed so much longer
COLD_EVERY_S = 1.0  # while there are no keys at all
UNKNOWN_EVERY_S = 60.0  # a stranger's token with an invented key id makes us ask no more often
MIN_RSA_BITS = 2048
MAX_KEYS = 50

Fetch = Callable[[], Awaitable[tuple[dict[str, Any], Mapping[str, str]]]]
Public = RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the one algorithm that it is for: never what a token says."""

    public: Public
    algorithm: str


class KeyCache:
    """Keys by id. `fetch` gives the JWKS document and the headers of its answer, or raises NoAnswer."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._fresh_until = float("-inf")
        self._asked_at = float("-inf")
        self._got_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> Key | None:
        """The key with this id. Raises NoAnswer when there are no keys and none can be had."""
        if self._clock() >= self._fresh_until:
            await self._refresh(lambda: self._clock() >= self._fresh_until)
        found = self._keys.get(kid)
        if found is None and self._clock() >= self._asked_at + UNKNOWN_EVERY_S:
            asked = self._asked_at
            await self._refresh(lambda: self._asked_at == asked)  # a new key, perhaps: rotation
            found = self._keys.get(kid)
        return found

    async def _refresh(self, still_wanted: Callable[[], bool]) -> None:
        async with self._lock:
            if not still_wanted():  # somebody else has just asked
                return
            now = self._clock()
            if now < self._asked_at + COLD_EVERY_S:
                raise NoAnswer("keys were asked for a moment ago")
            self._asked_at = now
            try:
                document, headers = await self._fetch()
                keys = keys_of(document)
                if not keys:
                    raise NoAnswer("no usable keys")
            except NoAnswer as error:
                log.warning("oidc.no_keys", extra={"error": str(error)})
                if not self._keys or now >= self._got_at + FRESH_MAX_S + STALE_S:
                    raise
                self._fresh_until = now + UNKNOWN_EVERY_S
                return
            self._keys, self._got_at = keys, now
            self._fresh_until = now + min(max(max_age(headers), FRESH_MIN_S), FRESH_MAX_S)


def keys_of(document: Mapping[str, Any]) -> dict[str, Key]:
    """The usable keys of a JWKS by id: RSA of 2048 bits or more for RS256, P-256 for ES256, for signatures."""
    found: dict[str, Key] = {}
    listed = document.get("keys")
    for entry in listed[:MAX_KEYS] if isinstance(listed, list) else ():
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or "d" in entry:
            continue
        kid, kind = entry.get("kid"), entry.get("kty")
        algorithm = {"RSA": "RS256", "EC": "ES256"}.get(kind) if isinstance(kind, str) else None
        if not isinstance(kid, str) or algorithm is None or entry.get("alg", algorithm) != algorithm:
            continue
        try:
            public = PyJWK(entry, algorithm).key
        except (InvalidKeyError, PyJWTError, ValueError, TypeError, KeyError):
            continue
        if isinstance(public, RSAPublicKey) and public.key_size >= MIN_RSA_BITS:
            found[kid] = Key(public, algorithm)
        elif isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
            found[kid] = Key(public, algorithm)
    return found


def max_age(headers: Mapping[str, str]) -> float:
    """How long the issuer says that its keys stay good."""
    seconds = re.search(r"max-age=([0-9]{1,9})", headers.get("Cache-Control", ""))
    return float(seconds[1]) if seconds else FRESH_S
