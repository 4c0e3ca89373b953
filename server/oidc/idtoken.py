"""Judging an ID token: its signature first, by a key of ours, then everything that it says."""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from jwt import InvalidTokenError, PyJWS

from server.auth import base64url

from .jwks import Key

MAX_TOKEN_BYTES = 8192
LEEWAY_S = 120.0  # phones' and servers' clocks are not ours
MAX_AGE_S = 3600.0  # an older one was not made for this sign-in
ALGORITHMS = ("RS256", "ES256")


class Untrusted(Exception):
    """The token does not prove who came. The text is for our log; the caller is told no more than that."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say. `nonces` are the forms in which the provider may give back the one that we sent."""

    issuers: frozenset[str]
    audiences: frozenset[str]
    nonces: frozenset[str]
    code: str | None = None  # what c_hash, if there, is of


class Claims(msgspec.Struct, frozen=True):
    """What we read of an ID token's payload."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str = ""
    azp: str | None = None
    email: str | None = None
    email_verified: bool | str | None = None
    name: str | None = None
    c_hash: str | None = None


class Header(msgspec.Struct, frozen=True):
    """Of the header no more than which of our keys it means. Nothing in it is believed."""

    alg: str
    kid: str
    crit: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who came, as the provider vouches. `email` only if it says that it has verified it."""

    subject: str
    email: str | None
    name: str


_JWS = PyJWS(algorithms=list(ALGORITHMS))
_HEADER = msgspec.json.Decoder(Header)
_CLAIMS = msgspec.json.Decoder(Claims)


async def verify(
    token: str, key_of: Callable[[str], Awaitable[Key | None]], expected: Expected, now: float
) -> Vouched:
    """Who this token vouches for. Raises Untrusted, and NoAnswer when the issuer's keys cannot be had."""
    header = _header(token)
    key = await key_of(header.kid)
    if key is None:
        raise Untrusted("unknown key")
    if header.alg != key.algorithm or header.crit is not None:
        raise Untrusted("another algorithm than the key's")
    try:
        payload: bytes = _JWS.decode(token, key.public, algorithms=[key.algorithm])
    except InvalidTokenError as error:
        raise Untrusted(type(error).__name__) from None
    try:
        claims = _CLAIMS.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Untrusted("claims of another form") from None
    _judge(claims, expected, now)
    verified = claims.email_verified in (True, "true")
    email = plain(claims.email or "", 254) if verified else ""
    return Vouched(claims.sub, email or None, plain(claims.name or "", 120))


def _header(token: str) -> Header:
    if len(token) > MAX_TOKEN_BYTES or token.count(".") != 2 or not token.isascii():
        raise Untrusted("no token")
    try:
        first = token.partition(".")[0]
        return _HEADER.decode(base64.b64decode(first + "=" * (-len(first) % 4), b"-_", validate=True))
    except (msgspec.MsgspecError, ValueError):  # UnicodeDecodeError and binascii.Error are ValueErrors
        raise Untrusted("a header of another form") from None


def _judge(claims: Claims, expected: Expected, now: float) -> None:
    audiences = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
    if claims.iss not in expected.issuers:
        raise Untrusted("another issuer")
    if not audiences & expected.audiences:
        raise Untrusted("another audience")
    # Several audiences, or a party that asked for another: it must be one of ours, too (OIDC core, 3.1.3.7).
    if claims.azp is None and len(audiences) > 1:
        raise Untrusted("several audiences and no authorized party")
    if claims.azp is not None and claims.azp not in expected.audiences:
        raise Untrusted("another authorized party")
    if claims.exp + LEEWAY_S <= now:
        raise Untrusted("expired")
    if claims.iat - LEEWAY_S > now or claims.iat + MAX_AGE_S + LEEWAY_S <= now:
        raise Untrusted("made at another time")
    if not any(hmac.compare_digest(claims.nonce.encode(), nonce.encode()) for nonce in expected.nonces):
        raise Untrusted("another nonce")
    if expected.code is not None and claims.c_hash is not None:
        half = base64url(hashlib.sha256(expected.code.encode()).digest()[:16])
        if not hmac.compare_digest(claims.c_hash.encode(), half.encode()):
            raise Untrusted("another code")
    if not 1 <= len(claims.sub) <= 255 or "\x00" in claims.sub:
        raise Untrusted("no subject")


def plain(text: str, most: int) -> str:
    """A stranger's text as we may store it: of one line, and no longer than that."""
    return "".join(character for character in text if character.isprintable())[:most].strip()
