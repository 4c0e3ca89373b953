"""Services of one worker on the test's database, its API in the test's loop, and phones that receive codes."""

import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis.asyncio import Redis

from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from server.app import build_app, providers
from server.config import Config
from server.limits import RateLimits
from server.oidc.trips import Trips
from server.services import Services
from storage.buckets import Limit
from storage.postgres import Pool
from tests.contract.oidc.issuer import Issuer

from .desk import Client, Desk, Phones
from .oidc import PUBLIC, Browser, apple_ids, google_ids

PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
VAPID_PRIVATE = base64.urlsafe_b64encode(b"any 32 bytes make a private key.").decode().rstrip("=")
GAZETTEER = Gazetteer.load()
ROADS = RoadGraph.load(GAZETTEER)


@pytest.fixture
def config(dsn: str) -> Config:
    return Config(
        postgres=dsn,
        redis="",
        signing_key=PEM,
        pepper="p" * 40,
        trusted_proxies=frozenset({"127.0.0.1"}),
        vapid_private_key=VAPID_PRIVATE,
        # What one address may ask for is tested elsewhere; here one test is a hundred people.
        rate_limits=RateLimits(anonymous=Limit(10_000, 10_000)),
    )


@pytest.fixture
async def services(config: Config, pool: Pool, redis: Redis) -> Services:
    return Services(
        config,
        worker="a" * 16,
        pool=pool,
        redis=redis,
        subscriber=redis,
        gazetteer=GAZETTEER,
        roads=ROADS,
        epoch="test",
    )


@pytest.fixture
async def client(
    services: Services, aiohttp_client: Callable[..., Awaitable[Client]]
) -> AsyncIterator[Client]:
    # The jar must keep cookies of an address, which browsers do and aiohttp by default does not.
    yield await aiohttp_client(build_app(services), cookie_jar=CookieJar(unsafe=True))


@pytest.fixture
def desk(services: Services, client: Client) -> Desk:
    services.otp_sender = phones = Phones()
    return Desk(services, client, phones)


@pytest.fixture
def codes(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """The newest code, read where a developer reads it."""
    caplog.set_level(logging.INFO, "desk.otp")

    def newest() -> str:
        records = [record for record in caplog.records if record.getMessage() == "otp.code"]
        assert records[-1].__dict__["phone"].endswith("4567") and "123" not in records[-1].__dict__["phone"]
        code: str = records[-1].__dict__["code"]
        return code

    return newest


@pytest.fixture
async def google(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> Issuer:
    return await _serve(Issuer(secrets={"web.apps": "google-secret"}), aiohttp_server)


@pytest.fixture
async def apple(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> Issuer:
    # Apple announces no PKCE, and gives a refresh token for a code.
    return await _serve(Issuer(pkce=False, refresh=True, kid="apple-1"), aiohttp_server)


async def _serve(issuer: Issuer, aiohttp_server: Callable[..., Awaitable[TestServer]]) -> Issuer:
    server = await aiohttp_server(issuer.app(), shutdown_timeout=0.1)
    issuer.url = f"http://127.0.0.1:{server.port}"
    return issuer


@pytest.fixture
async def browser(desk: Desk, google: Issuer, apple: Issuer) -> AsyncIterator[Browser]:
    services = desk.services
    settings = replace(services.config.signing_in, google=google_ids(google), apple=apple_ids(apple))
    services.config = replace(services.config, public_url=PUBLIC, signing_in=settings)
    services.trips = Trips(services.external, providers(services.config))
    yield Browser(desk, {"google": google, "apple": apple})
    for provider in services.trips.providers.values():
        await provider.close()
