"""Apple: its answer is a form from another site, the name comes once in a life, our secret is a token of ours."""

import hashlib

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.signing_in import AppleIds

from .idtoken import plain
from .provider import Provider

SECRET_S = 300  # Apple allows six months; nothing needs one that long


class Apple(Provider):
    """The Services ID is the page's client, the bundle id the app's: tokens are for either."""

    name = "apple"
    scope = "name email"

    def __init__(self, ids: AppleIds, redirect: str) -> None:
        super().__init__(ids.issuer, ids.services_id, frozenset({ids.services_id, ids.bundle_id}), redirect)
        self.app = ids.bundle_id
        self._team, self._key_id = ids.team, ids.key_id
        key = load_pem_private_key(ids.key.encode(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("DESK_APPLE_KEY is not a P-256 key")
        self._key = key

    def client_secret(self, client: str, now: float) -> str | None:
        """A token in which our team says that it is this client (ES256)."""
        claims = {
            "iss": self._team,
            "iat": int(now),
            "exp": int(now) + SECRET_S,
            "aud": self.issuer,
            "sub": client,
        }
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})

    def request(self, state: str, nonce: str) -> dict[str, str]:
        """With scopes the answer must be a form, POSTed by Apple's page: no cookie of ours comes with it."""
        asked = super().request(state, nonce)
        return asked | {"response_type": "code id_token", "response_mode": "form_post"}

    def native_nonces(self, nonce: str) -> frozenset[str]:
        """Apple's dialogue is given the SHA-256 of the nonce, and gives that back."""
        return frozenset({hashlib.sha256(nonce.encode()).hexdigest()})


class _Name(msgspec.Struct):
    firstName: str | None = None  # Apple's spelling
    lastName: str | None = None


class _User(msgspec.Struct):
    name: _Name | None = None


def name_in(form: str) -> str:
    """The name in the field `user`, which Apple sends the first time only; empty when it does not make sense."""
    try:
        user = msgspec.json.decode(form.encode("utf-8", "replace"), type=_User)
    except (msgspec.MsgspecError, RecursionError):
        return ""
    if user.name is None:
        return ""
    return plain(" ".join(part for part in (user.name.firstName, user.name.lastName) if part), 120)
