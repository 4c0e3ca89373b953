"""Access tokens: what is ours passes, and every hostile form (control C01) is refused unread."""

import base64
import hmac
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dispatch.errors import Refusal
from server.auth import Principal, Tokens, thumbprint

KEY = Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()
NOW = 1_800_000_000.0


def private_pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


TOKENS = Tokens(private_pem(KEY))
HEADER: dict[str, Any] = {"alg": "EdDSA", "kid": thumbprint(KEY.public_key()), "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": "tracking-desk",
    "aud": "desk.api",
    "sub": "7",
    "sid": "5a0f6f9e-0000-4000-8000-000000000001",
    "role": "admin",
    "iat": int(NOW),
    "exp": int(NOW) + 900,
    "jti": "0" * 32,
}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def signed(header: dict[str, Any], payload: bytes, key: Ed25519PrivateKey = KEY) -> str:
    """A token with a true signature, whatever it says."""
    body = f"{b64(compact(header))}.{b64(payload)}"
    return f"{body}.{b64(key.sign(body.encode()))}"


def without(name: str) -> bytes:
    return compact({key: value for key, value in CLAIMS.items() if key != name})


def hs256_with_the_public_key() -> str:
    body = f"{b64(compact({**HEADER, 'alg': 'HS256'}))}.{b64(compact(CLAIMS))}"
    return f"{body}.{b64(hmac.digest(public_pem(KEY).encode(), body.encode(), 'sha256'))}"


def none_algorithm(name: str) -> Callable[[], str]:
    return lambda: f"{b64(compact({**HEADER, 'alg': name}))}.{b64(compact(CLAIMS))}."


HOSTILE: dict[str, Callable[[], str]] = {
    "alg none": none_algorithm("none"),
    "alg nOnE": none_algorithm("nOnE"),
    "our header, no signature": lambda: signed(HEADER, compact(CLAIMS)).rpartition(".")[0] + ".",
    "HS256 keyed with the public key": hs256_with_the_public_key,
    "a stranger's key": lambda: signed(HEADER, compact(CLAIMS), STRANGER),
    "a stranger's key under its own kid": lambda: signed(
        {**HEADER, "kid": thumbprint(STRANGER.public_key())}, compact(CLAIMS), STRANGER
    ),
    "wrong issuer": lambda: signed(HEADER, compact({**CLAIMS, "iss": "elsewhere"})),
    "wrong audience": lambda: signed(HEADER, compact({**CLAIMS, "aud": "desk.share"})),
    "list of audiences": lambda: signed(HEADER, compact({**CLAIMS, "aud": ["desk.api", "x"]})),
    "wrong typ": lambda: signed({**HEADER, "typ": "JWT"}, compact(CLAIMS)),
    "no typ": lambda: signed({k: v for k, v in HEADER.items() if k != "typ"}, compact(CLAIMS)),
    "no expiry": lambda: signed(HEADER, without("exp")),
    "no subject": lambda: signed(HEADER, without("sub")),
    "no session": lambda: signed(HEADER, without("sid")),
    "unknown role": lambda: signed(HEADER, compact({**CLAIMS, "role": "root"})),
    "subject that is no number": lambda: signed(HEADER, compact({**CLAIMS, "sub": "7 OR 1=1"})),
    "future nbf": lambda: signed(HEADER, compact({**CLAIMS, "nbf": int(NOW) + 3600})),
    "minted in the future": lambda: signed(HEADER, compact({**CLAIMS, "iat": int(NOW) + 3600})),
    "kid with a path": lambda: signed({**HEADER, "kid": "../../../dev/null"}, compact(CLAIMS)),
    "kid with SQL": lambda: signed({**HEADER, "kid": "x' UNION SELECT 'k"}, compact(CLAIMS)),
    "kid with a URL": lambda: signed({**HEADER, "kid": "http://127.0.0.1:9/k"}, compact(CLAIMS)),
    "jku": lambda: signed({**HEADER, "jku": "http://127.0.0.1:9/jwks"}, compact(CLAIMS)),
    "x5u": lambda: signed({**HEADER, "x5u": "http://127.0.0.1:9/cert"}, compact(CLAIMS)),
    "jwk of the signer": lambda: signed(
        {
            **HEADER,
            "jwk": {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": b64(STRANGER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
            },
        },
        compact(CLAIMS),
        STRANGER,
    ),
    "unknown crit": lambda: signed({**HEADER, "crit": ["exp2"], "exp2": 1}, compact(CLAIMS)),
    "b64 false": lambda: signed({**HEADER, "crit": ["b64"], "b64": False}, compact(CLAIMS)),
    "doubled claim": lambda: signed(HEADER, compact(CLAIMS)[:-1] + b',"sub":"1"}'),
    "doubled claim, escaped": lambda: signed(HEADER, compact(CLAIMS)[:-1] + b',"s\\u0075b":"1"}'),
    "1 MB": lambda: signed(HEADER, compact({**CLAIMS, "jti": "0" * 1_000_000})),
    "two segments": lambda: signed(HEADER, compact(CLAIMS)).rpartition(".")[0],
    "empty": lambda: "",
    "not ASCII": lambda: signed(HEADER, compact(CLAIMS)).replace(".", ".ы", 1),
    "a lone surrogate": lambda: signed(HEADER, compact(CLAIMS)) + "\udc80",
    "a grade of no staff": lambda: signed(
        HEADER, compact({**CLAIMS, "role": "driver", "grade": "superadmin"})
    ),
    "an unknown grade": lambda: signed(HEADER, compact({**CLAIMS, "grade": "root"})),
    "a grade of null": lambda: signed(HEADER, compact({**CLAIMS, "grade": None})),
    "a grade in another place": lambda: signed(HEADER, compact({"grade": "support", **CLAIMS})),
    "payload that is no object": lambda: signed(HEADER, b"[1]"),
}


@pytest.mark.parametrize("forge", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_token_is_refused_and_nothing_is_fetched(
    forge: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("a token made us open a connection")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    with pytest.raises(Refusal) as refused:
        TOKENS.verify(forge(), NOW)
    assert refused.value.code == "unauthenticated"


def test_the_forge_itself_makes_a_good_token_when_it_tells_the_truth() -> None:
    assert TOKENS.verify(signed(HEADER, compact(CLAIMS)), NOW) == Principal(
        7, "admin", CLAIMS["sid"], NOW + 900
    )


def test_a_minted_token_speaks_for_its_user_until_it_ends() -> None:
    token, expires_at = TOKENS.mint(42, "driver", "s-1", NOW, 60)
    assert expires_at == NOW + 60
    assert TOKENS.verify(token, NOW + 59.9) == Principal(42, "driver", "s-1", NOW + 60)
    with pytest.raises(Refusal) as refused:
        TOKENS.verify(token, NOW + 60)
    assert refused.value.code == "token_expired"


def test_the_grade_of_staff_is_in_the_token_and_that_of_others_nowhere() -> None:
    token, _ = TOKENS.mint(1, "admin", "s-1", NOW, grade="moderator")
    assert TOKENS.verify(token, NOW) == Principal(1, "admin", "s-1", NOW + 900, "moderator")
    plain, _ = TOKENS.mint(1, "admin", "s-1", NOW)
    assert TOKENS.verify(plain, NOW).grade is None
    assert b"grade" not in base64.urlsafe_b64decode(plain.split(".")[1] + "==")


def test_without_a_time_the_clock_decides() -> None:
    token, _ = TOKENS.mint(42, "driver", "s-1", time.time())
    assert TOKENS.verify(token).user == 42
    with pytest.raises(Refusal):
        TOKENS.verify(TOKENS.mint(42, "driver", "s-1", NOW - 10**9)[0])


def test_two_tokens_of_one_second_differ() -> None:
    assert TOKENS.mint(1, "driver", "s", NOW)[0] != TOKENS.mint(1, "driver", "s", NOW)[0]


def test_a_changed_letter_anywhere_ends_the_token() -> None:
    token, _ = TOKENS.mint(42, "driver", "s-1", NOW)
    # The last letter of a segment carries spare bits, so the letter before it is the one that must count.
    for place in range(0, len(token) - 1, 7):
        if token[place] == ".":
            continue
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(Refusal):
            TOKENS.verify(token[:place] + other + token[place + 1 :], NOW)


def test_a_token_of_the_previous_key_passes_during_the_change_and_not_after_it() -> None:
    old = Tokens(private_pem(STRANGER))
    token, _ = old.mint(9, "shipper", "s-2", NOW)
    during = Tokens(private_pem(KEY), previous_public_keys=[public_pem(STRANGER)])
    assert during.verify(token, NOW).user == 9
    with pytest.raises(Refusal):
        Tokens(private_pem(KEY)).verify(token, NOW)
