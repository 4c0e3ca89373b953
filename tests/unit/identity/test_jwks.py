"""The keys of an issuer: fetched when they age or turn, never as often as a stranger would like."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from server.gateways.http import NoAnswer
from server.oidc.jwks import KeyCache, keys_of, max_age
from tests.contract.oidc.issuer import EC, OTHER_RSA, RSA, public_jwk


class Source:
    """A JWKS endpoint with a count of its visitors."""

    def __init__(self) -> None:
        self.keys = [public_jwk(RSA, "key-1")]
        self.down = False
        self.asked = 0
        self.now = 1000.0
        self.headers: dict[str, str] = {}
        self.cache = KeyCache(self.fetch, lambda: self.now)

    async def fetch(self) -> tuple[dict[str, Any], Mapping[str, str]]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise NoAnswer("HTTP 500")
        return {"keys": self.keys}, self.headers


@pytest.fixture
def source() -> Source:
    return Source()


async def test_keys_are_fetched_once_for_an_hour(source: Source) -> None:
    for _ in range(10):
        assert await source.cache.get("key-1") is not None
    assert source.asked == 1
    source.now += 3601
    await source.cache.get("key-1")
    assert source.asked == 2


async def test_many_at_once_share_one_fetch(source: Source) -> None:
    found = await asyncio.gather(*(source.cache.get("key-1") for _ in range(50)))
    assert all(found) and source.asked == 1


async def test_a_new_key_is_found_at_once_when_the_last_look_was_a_minute_ago(source: Source) -> None:
    await source.cache.get("key-1")
    source.keys = [public_jwk(OTHER_RSA, "key-2")]
    source.now += 61
    assert await source.cache.get("key-2") is not None and source.asked == 2
    assert await source.cache.get("key-1") is None  # the old one is gone with the turn


async def test_a_thousand_invented_key_ids_cost_one_look_a_minute(source: Source) -> None:
    await source.cache.get("key-1")
    for minute in range(3):
        source.now += 61
        for number in range(1000):
            assert await source.cache.get(f"invented-{number}") is None
        assert source.asked == 2 + minute
    await asyncio.gather(*(source.cache.get(f"at-once-{number}") for number in range(100)))
    assert source.asked == 4


async def test_an_issuer_that_is_down_is_believed_for_a_day_and_asked_each_minute(source: Source) -> None:
    await source.cache.get("key-1")
    source.down = True
    source.now += 3601
    for _ in range(100):
        assert await source.cache.get("key-1") is not None
    assert source.asked == 2
    source.now += 61
    await source.cache.get("key-1")
    assert source.asked == 3
    source.now += 2 * 86400
    with pytest.raises(NoAnswer):
        await source.cache.get("key-1")


async def test_without_any_key_the_next_one_asks_again(source: Source) -> None:
    source.down = True
    with pytest.raises(NoAnswer):
        await source.cache.get("key-1")
    for _ in range(100):
        with pytest.raises(NoAnswer):
            await source.cache.get("key-1")
    assert source.asked == 1  # not for every token that a stranger sends
    source.down = False
    source.now += 1
    assert await source.cache.get("key-1") is not None


async def test_a_document_without_usable_keys_is_no_answer(source: Source) -> None:
    source.keys = []
    with pytest.raises(NoAnswer):
        await source.cache.get("key-1")


def test_the_issuer_says_how_long_within_reason() -> None:
    assert max_age({"Cache-Control": "public, max-age=22000, must-revalidate"}) == 22000
    assert max_age({}) == 3600


async def test_ages_are_kept_between_five_minutes_and_a_day(source: Source) -> None:
    source.headers = {"Cache-Control": "max-age=0"}
    await source.cache.get("key-1")
    source.now += 299
    await source.cache.get("key-1")
    assert source.asked == 1
    source.headers = {"Cache-Control": "max-age=99999999"}
    source.now += 2
    await source.cache.get("key-1")
    source.now += 86401
    await source.cache.get("key-1")
    assert source.asked == 3


@pytest.mark.parametrize(
    "entry",
    [
        public_jwk(RSA, "k", use="enc"),
        public_jwk(RSA, "k", alg="RS512"),
        public_jwk(RSA, "k", alg="HS256"),
        public_jwk(RSA, "k", d="AQAB"),  # a private key has no business there
        public_jwk(rsa.generate_private_key(65537, 1024), "k"),
        public_jwk(EC, "k", crv="P-384"),
        {"kty": "EC", "crv": "P-256", "kid": "k", "x": "AA", "y": "AA"},
        {"kty": "oct", "k": "AAAA", "kid": "k"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "k"},
        {"kty": "RSA", "kid": "k"},
        {"kty": ["RSA"], "kid": "k"},
        {"kid": "k"},
        {key: value for key, value in public_jwk(RSA, "k").items() if key != "kid"},
        public_jwk(RSA, 7),  # type: ignore[arg-type]  # as a stranger writes it
        "key",
        None,
    ],
)
def test_what_is_not_one_of_the_two_kinds_of_key_is_passed_over(entry: Any) -> None:
    found = keys_of({"keys": [entry, public_jwk(EC, "good")]})
    assert list(found) == ["good"] and found["good"].algorithm == "ES256"


def test_a_document_of_another_form_has_no_keys() -> None:
    documents: list[dict[str, Any]] = [{}, {"keys": {}}, {"keys": "x"}, {"keys": None}]
    assert [keys_of(document) for document in documents] == [{}] * 4
    assert isinstance(keys_of({"keys": [public_jwk(EC, "a")]})["a"].public, ec.EllipticCurvePublicKey)
