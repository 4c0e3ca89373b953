"""ID tokens: nothing in one is believed before its signature holds; then each claim must be what was asked for."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.gateways.http import NoAnswer
from server.oidc.idtoken import LEEWAY_S, MAX_AGE_S, Expected, Untrusted, Vouched, plain, verify
from server.oidc.jwks import Key, keys_of
from tests.contract.oidc.issuer import EC, OTHER_RSA, RSA, b64, public_jwk

NOW = time.time()
WEB, ANDROID = "web.apps", "android.apps"
EXPECTED = Expected(
    issuers=frozenset({"https://issuer.example", "issuer.example"}),
    audiences=frozenset({WEB, ANDROID}),
    nonces=frozenset({"n-1"}),
    code="c-1",
)
KEYS = keys_of({"keys": [public_jwk(RSA, "rsa-1"), public_jwk(EC, "ec-1")]})
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "aud": WEB,
    "sub": "person-1",
    "iat": int(NOW),
    "exp": int(NOW) + 600,
    "nonce": "n-1",
    "email": "a@example.org",
    "email_verified": True,
    "name": "Айдос Беков",
}


async def key_of(kid: str) -> Key | None:
    return KEYS.get(kid)


def signed(key: Any = RSA, kid: str = "rsa-1", algorithm: str = "RS256", **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def forged(header: dict[str, Any], sign: Callable[[bytes], bytes] = lambda body: b"") -> str:
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(CLAIMS).encode())}"
    return f"{body}.{b64(sign(body.encode()))}"


def hmac_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda body: hmac.digest(secret, body, hashlib.sha256)


async def test_a_true_token_vouches_for_its_subject_by_either_kind_of_key() -> None:
    person = Vouched("person-1", "a@example.org", "Айдос Беков")
    assert await verify(signed(), key_of, EXPECTED, NOW) == person
    assert await verify(signed(EC, "ec-1", "ES256"), key_of, EXPECTED, NOW) == person


PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
FORGED: dict[str, Callable[[], str]] = {
    "none": lambda: forged({"alg": "none", "kid": "rsa-1"}),
    "None with a signature": lambda: forged({"alg": "None", "kid": "rsa-1"}, lambda body: b"x" * 256),
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "HS256 with our public key": lambda: forged({"alg": "HS256", "kid": "rsa-1"}, hmac_with(PEM)),
    "another algorithm of the same key": lambda: signed(algorithm="RS512"),
    "PS256": lambda: signed(algorithm="PS256"),
    "an RSA token that means the EC key": lambda: signed(kid="ec-1"),
    "a stranger's key": lambda: signed(OTHER_RSA),
    "an unknown key": lambda: signed(kid="never-heard-of"),
    "a key id that is a path": lambda: signed(kid="../../keys"),
    "no key id": lambda: jwt.encode(CLAIMS, RSA, algorithm="RS256"),
    "a key of its own": lambda: jwt.encode(
        CLAIMS, OTHER_RSA, algorithm="RS256", headers={"kid": "rsa-1", "jwk": public_jwk(OTHER_RSA, "rsa-1")}
    ),
    "an address of keys": lambda: jwt.encode(
        CLAIMS, OTHER_RSA, algorithm="RS256", headers={"kid": "rsa-1", "jku": "https://evil.example/keys"}
    ),
    "crit": lambda: jwt.encode(
        CLAIMS, RSA, algorithm="RS256", headers={"kid": "rsa-1", "crit": ["x"], "x": 1}
    ),
    "a changed payload": lambda: signed().replace(".", ".e", 1),
    "two parts": lambda: signed().rpartition(".")[0],
    "five parts": lambda: signed() + ".x.y",
    "not ASCII": lambda: "ы." + signed(),
    "empty": lambda: "",
    "9 KB": lambda: signed(pad="x" * 9000),
    "a header that is a list": lambda: f"{b64(b'[]')}.{b64(b'{}')}.{b64(b'x')}",
    "a header that is no base64": lambda: "!!!." + signed().partition(".")[2],
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_vouches_for_nobody(forge: Callable[[], str]) -> None:
    with pytest.raises(Untrusted):
        await verify(forge(), key_of, EXPECTED, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": []},
        {"aud": None},
        {"aud": ["somebody-else", "another"]},
        {"aud": [WEB, "somebody-else"]},  # several, and nobody says which asked
        {"aud": [WEB, "somebody-else"], "azp": "somebody-else"},
        {"azp": "somebody-else"},
        {"nonce": "n-2"},
        {"nonce": ""},
        {"nonce": None},
        {"exp": int(NOW - LEEWAY_S) - 1},
        {"exp": None},
        {"iat": int(NOW + LEEWAY_S) + 2},
        {"iat": int(NOW - MAX_AGE_S - LEEWAY_S) - 2},
        {"iat": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
        {"sub": 7},
        {"sub": None},
        {"c_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
async def test_a_true_token_of_another_place_person_or_time_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Untrusted):
        await verify(signed(**changes), key_of, EXPECTED, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "issuer.example"},
        {"aud": ANDROID},
        {"aud": [WEB]},
        {"aud": [WEB, ANDROID], "azp": ANDROID},
        {"azp": ANDROID},
        {"exp": int(NOW - LEEWAY_S) + 2},
        {"iat": int(NOW + LEEWAY_S) - 2, "exp": int(NOW) + 900},
        {"c_hash": b64(hashlib.sha256(b"c-1").digest()[:16])},
    ],
)
async def test_what_may_differ_may_differ(changes: dict[str, Any]) -> None:
    assert (await verify(signed(**changes), key_of, EXPECTED, NOW)).subject == "person-1"


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({"email_verified": "true"}, "a@example.org"),  # Apple's way of saying it
        ({"email": "x7@privaterelay.appleid.com"}, "x7@privaterelay.appleid.com"),
        ({"email_verified": False}, None),
        ({"email_verified": "false"}, None),
        ({"email_verified": None}, None),
        ({"email": None}, None),
    ],
)
async def test_an_address_counts_only_when_it_was_verified(
    changes: dict[str, Any], email: str | None
) -> None:
    assert (await verify(signed(**changes), key_of, EXPECTED, NOW)).email == email


async def test_without_keys_nobody_is_called_a_forger() -> None:
    async def away(kid: str) -> Key | None:
        raise NoAnswer("down")

    with pytest.raises(NoAnswer):
        await verify(signed(), away, EXPECTED, NOW)


def test_a_name_is_one_line_that_can_be_stored() -> None:
    assert plain("  Айдос\x00\n Беков\u202e ", 120) == "Айдос Беков"
    assert plain("x" * 500, 120) == "x" * 120
    assert base64.b64encode(plain("", 10).encode()) == b""
