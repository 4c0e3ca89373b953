"""Access tokens: EdDSA JWTs that live minutes, minted and verified by this service only."""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt import InvalidTokenError, PyJWS

from dispatch.errors import Refusal
from server.i18n import known
from server.protocol.rest.common import Grade, Lang, Role

MAX_TOKEN_BYTES = 2048  # ours are about 420: longer ones are not worth a look
CLOCK_LEEWAY_S = 30.0  # between the hosts of one deployment, for tokens minted "in the future"
ALGORITHM = "EdDSA"
TYP = "at+jwt"  # RFC 9068, so that no other kind of JWT passes for an access token


class ApiKeyProof(NamedTuple):
    """Which of a company's keys stands for a user, and what it may be used for."""

    id: int
    company: int
    scopes: frozenset[str]


class Viewing(NamedTuple):
    """Staff who look at the product as the user whose id the token bears: who, and by which view."""

    staff: int
    view: int


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: user id, role, the session (sign-in) id, when this proof ends (epoch seconds); of staff the
    grade, and when they last showed their second factor. `key` is the API key that speaks for the user, None for
    a sign-in. `lang` is the language of the profile. With `viewing` it is not the user but staff who look as the
    user, reading only; the session is theirs."""

    user: int
    role: str
    session: str
    expires_at: float
    grade: str | None = None
    factor_at: float | None = None
    key: ApiKeyProof | None = None
    lang: str | None = None
    viewing: Viewing | None = None


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who acts as the subject (RFC 8693, section 4.1), and by which view of the account."""

    sub: str
    view: int


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The payload, in the order it is written. Times are whole epoch seconds. Only staff have grade and factor."""

    iss: str
    aud: str
    sub: str
    sid: str
    role: Role
    iat: int
    exp: int
    jti: str
    grade: Grade | None = None
    factor: int | None = None
    lang: Lang | None = None
    act: Act | None = None


class Tokens:
    """Mints and verifies access tokens.

    Issuer and verifier are one program, so a genuine token has exactly one form. Its header must be, byte
    for byte, one that this object would write: no header of a stranger is ever parsed, no key looked up by
    what it says. `previous_public_keys` (PEM) are still accepted while a signing key is being replaced.
    """

    def __init__(
        self,
        signing_key_pem: str,
        *,
        issuer: str = "tracking-desk",
        audience: str = "desk.api",
        previous_public_keys: Sequence[str] = (),
    ) -> None:
        key = load_pem_private_key(signing_key_pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the signing key is not an Ed25519 key")
        self._key = key
        self._issuer = issuer
        self._audience = audience
        self._jws = PyJWS(algorithms=[ALGORITHM])
        self._headers = {"typ": TYP, "kid": thumbprint(key.public_key())}
        self._keys: dict[str, Ed25519PublicKey] = {self._header_segment(key.public_key()): key.public_key()}
        for pem in previous_public_keys:
            public = load_pem_public_key(pem.encode())
            if not isinstance(public, Ed25519PublicKey):
                raise ValueError("a previous key is not an Ed25519 public key")
            self._keys[self._header_segment(public)] = public

    def mint(
        self,
        user: int,
        role: str,
        session: str,
        now: float,
        lifetime_s: float = 900,
        *,
        grade: str | None = None,
        factor_at: float | None = None,
        lang: str | None = None,
        viewing: Viewing | None = None,
    ) -> tuple[str, float]:
        """(token, expires_at): an access token for this user's session, and when it ends; with `viewing` for staff
        who look as this user, bound to the session of the staff."""
        expires = int(now + lifetime_s)
        claims = msgspec.json.encode(
            msgspec.convert(
                {
                    "iss": self._issuer,
                    "aud": self._audience,
                    "sub": str(user),
                    "sid": session,
                    "role": role,
                    "iat": int(now),
                    "exp": expires,
                    "jti": uuid.uuid4().hex,
                    "grade": grade,
                    "factor": None if factor_at is None else int(factor_at),
                    "lang": known(lang),
                    "act": None if viewing is None else Act(str(viewing.staff), viewing.view),
                },
                Claims,
            )
        )
        token = self._jws.encode(claims, self._key, algorithm=ALGORITHM, headers=self._headers)
        return token, float(expires)

    def verify(self, token: str, now: float | None = None) -> Principal:
        """Who this token speaks for at `now` (default: the clock).

        Refusal `token_expired` for our own token past its end, `unauthenticated` for anything else.
        """
        if now is None:
            now = time.time()
        if len(token) > MAX_TOKEN_BYTES:
            raise Refusal("unauthenticated")
        public = self._keys.get(token.partition(".")[0])
        if public is None:
            raise Refusal("unauthenticated")
        try:
            payload: bytes = self._jws.decode(token, public, algorithms=[ALGORITHM])
            claims = msgspec.json.decode(payload, type=Claims)
        except (InvalidTokenError, msgspec.MsgspecError, UnicodeError):
            raise Refusal("unauthenticated") from None
        # Written again it must be the same bytes: doubled claims and other ways of saying it end here.
        if msgspec.json.encode(claims) != payload:
            raise Refusal("unauthenticated")
        if claims.iss != self._issuer or claims.aud != self._audience or not claims.sub.isdecimal():
            raise Refusal("unauthenticated")
        if claims.role != "admin" and (claims.grade is not None or claims.factor is not None):
            raise Refusal("unauthenticated")
        if claims.act is not None and (claims.role == "admin" or not claims.act.sub.isdecimal()):
            raise Refusal("unauthenticated")  # nobody looks as staff
        if claims.iat > now + CLOCK_LEEWAY_S:
            raise Refusal("unauthenticated")
        if claims.exp <= now:
            raise Refusal("token_expired")
        shown = None if claims.factor is None else float(claims.factor)
        viewing = None if claims.act is None else Viewing(int(claims.act.sub), claims.act.view)
        return Principal(
            int(claims.sub),
            claims.role,
            claims.sid,
            float(claims.exp),
            claims.grade,
            shown,
            lang=claims.lang,
            viewing=viewing,
        )

    def _header_segment(self, public: Ed25519PublicKey) -> str:
        """The first segment of every token signed by this key's other half."""
        probe = self._jws.encode(
            b"{}", self._key, algorithm=ALGORITHM, headers={**self._headers, "kid": thumbprint(public)}
        )
        return probe.partition(".")[0]


def thumbprint(public: Ed25519PublicKey) -> str:
    """The key's RFC 7638 thumbprint (RFC 8037 members crv, kty, x), base64url without padding."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": base64url(raw)}
    return base64url(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def base64url(raw: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
