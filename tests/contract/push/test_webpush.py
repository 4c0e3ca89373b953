"""The Web Push sender against a local push service that decrypts (RFC 8291) and checks VAPID (RFC 8292)."""

import asyncio
import base64
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import http_ece
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.gateways.outbound import PublicResolver, acceptable, is_public
from server.gateways.push import Delivered, Gone, Later, Push, Rejected
from server.gateways.webpush import (
    MAX_WAIT_S,
    WebPushSender,
    public_key_of,
    wait_of,
)
from server.i18n import notices
from storage.accounts import Endpoint

PRIVATE = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class FakePushService:
    """Answers as scripted, remembers what it was asked, and reads messages with the browser's keys."""

    browser: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    script: list[tuple[int, dict[str, str]] | str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    origin: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.headers), await request.read()))
        step = self.script.pop(0) if self.script else (201, {})
        if isinstance(step, str):  # "hang" or "drop"
            if step == "hang":
                await asyncio.sleep(3600)
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.Response(status=step[0], headers=step[1])

    def endpoint(self, path: str = "/sub/1", **changes: Any) -> Endpoint:
        keys = {
            "p256dh": b64(
                self.browser.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            ),
            "auth": b64(self.auth),
        }
        fields: dict[str, Any] = {
            "id": 1,
            "user": 7,
            "kind": "webpush",
            "address": self.origin + path,
            "keys": keys,
            "locale": "ru",
        }
        return Endpoint(**{**fields, **changes})

    def read(self, body: bytes) -> dict[str, Any]:
        plain: bytes = http_ece.decrypt(
            body, private_key=self.browser, auth_secret=self.auth, version="aes128gcm"
        )
        content: dict[str, Any] = json.loads(plain)
        return content


@pytest.fixture
async def service(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> FakePushService:
    fake = FakePushService()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    server = await aiohttp_server(app, shutdown_timeout=0.1)
    fake.origin = f"http://127.0.0.1:{server.port}"
    return fake


@pytest.fixture
async def sender() -> AsyncIterator[WebPushSender]:
    opened = WebPushSender(PRIVATE, "mailto:ops@example.org", allow_private=True)
    yield opened
    await opened.close()


def offer(endpoint: Endpoint, **changes: Any) -> Push:
    fields: dict[str, Any] = {
        "endpoint": endpoint,
        "kind": "offer.made",
        "ids": {"offer": 5, "order": 9},
        "topic": "offer:5",
        "ttl_s": 42,
        "urgent": True,
    }
    return Push(**{**fields, **changes})


async def test_the_browser_can_read_the_message_and_nobody_else(
    service: FakePushService, sender: WebPushSender
) -> None:
    assert await sender.send([offer(service.endpoint(), item=77)]) == [Delivered()]
    ((path, headers, body),) = service.asked
    assert path == "/sub/1" and headers["Content-Encoding"] == "aes128gcm"
    title, text = notices.text("ru", "offer.made", {})
    assert service.read(body) == {
        "type": "offer.made",
        "offer": 5,
        "order": 9,
        "item": 77,
        "link": "/shift?offer=5",
        "title": title,
        "body": text,
    }
    assert b"offer" not in body
    assert (headers["TTL"], headers["Urgency"]) == ("42", "high")
    stranger = FakePushService()
    with pytest.raises(http_ece.ECEException):
        stranger.read(body)


async def test_the_signature_names_us_and_this_push_service(
    service: FakePushService, sender: WebPushSender
) -> None:
    await sender.send([offer(service.endpoint())])
    scheme, _, parameters = service.asked[0][1]["Authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in parameters.split(","))
    assert scheme == "vapid" and parts["k"] == public_key_of(PRIVATE)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
    claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=service.origin)
    assert claims["sub"] == "mailto:ops@example.org" and claims["exp"] <= time.time() + 24 * 3600


async def test_a_topic_is_short_tells_nothing_and_is_the_same_for_the_same_offer(
    service: FakePushService, sender: WebPushSender
) -> None:
    pushes = [offer(service.endpoint(), topic=topic) for topic in ("offer:5", "offer:5", "offer:6")]
    await sender.send(pushes)
    first, second, third = sorted(headers["Topic"] for _, headers, _ in service.asked)
    assert len({first, second, third}) == 2 and all(len(topic) == 32 for topic in (first, second, third))
    assert "offer" not in first


async def test_each_language_has_its_own_text(service: FakePushService, sender: WebPushSender) -> None:
    for locale in ("ru", "kk", "en", "zh", "xx"):
        await sender.send([offer(service.endpoint(locale=locale), kind="order.changed", urgent=False)])
    titles = [service.read(body)["title"] for _, _, body in service.asked]
    assert len(set(titles)) == 4 and titles[4] == titles[0]
    assert {headers["Urgency"] for _, headers, _ in service.asked} == {"normal"}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((201, {}), Delivered()),
        ((200, {}), Delivered()),
        ((404, {}), Gone()),
        ((410, {}), Gone()),
        ((429, {"Retry-After": "17"}), Later("status 429", 17.0)),
        ((503, {"Retry-After": "3"}), Later("status 503", 3.0)),
        ((500, {}), Later("status 500", None)),
        ((400, {}), Rejected("status 400")),
        ((413, {}), Rejected("status 413")),
        ((307, {"Location": "/elsewhere"}), Rejected("status 307")),
    ],
)
async def test_each_answer_has_one_meaning(
    service: FakePushService,
    sender: WebPushSender,
    answer: tuple[int, dict[str, str]],
    outcome: object,
) -> None:
    service.script.append(answer)
    assert await sender.send([offer(service.endpoint())]) == [outcome]
    assert len(service.asked) == 1  # above all: a redirect leads nowhere


@pytest.mark.parametrize("status", [401, 403])
async def test_a_signature_that_is_not_believed_is_made_anew_once(
    service: FakePushService, sender: WebPushSender, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    service.script = [(status, {})]
    assert await sender.send([offer(service.endpoint())]) == [Delivered()]
    assert len(service.asked) == 2 and caplog.records == []
    service.script = [(status, {})] * 2
    assert await sender.send([offer(service.endpoint())]) == [Rejected(f"status {status}")]
    assert len(service.asked) == 4  # and then a person is called
    assert [record.getMessage() for record in caplog.records] == ["push.signature_refused"]


async def test_a_message_whose_answer_was_lost_comes_again_and_takes_the_first_one_s_place(
    service: FakePushService, sender: WebPushSender
) -> None:
    service.script = ["drop"]
    (lost,) = await sender.send([offer(service.endpoint())])
    assert isinstance(lost, Later)
    assert await sender.send([offer(service.endpoint())]) == [Delivered()]
    first, second = service.asked
    assert first[1]["Topic"] == second[1]["Topic"] and service.read(first[2]) == service.read(second[2])


async def test_one_dead_endpoint_holds_up_no_other(
    service: FakePushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.webpush.TIMEOUT_S", 0.2)
    sender = WebPushSender(PRIVATE, "mailto:ops@example.org", allow_private=True)
    service.script = ["hang", "drop", "drop"]
    bad_keys = service.endpoint(keys={"p256dh": "AAAA", "auth": "AAAA"})
    no_service = service.endpoint(address="http://127.0.0.1:1/x")
    hanging = asyncio.ensure_future(sender.send([offer(service.endpoint("/hang"))]))
    while not service.asked:  # noqa: ASYNC110 (a memory of the fake, no event)
        await asyncio.sleep(0.01)
    dropped, keys, unreachable = await sender.send(
        [offer(service.endpoint("/drop")), offer(bad_keys), offer(no_service)]
    )
    assert isinstance(dropped, Later) and isinstance(keys, Rejected) and isinstance(unreachable, Later)
    service.script = []
    assert await sender.send([offer(service.endpoint("/fine"))]) == [Delivered()]
    (hung,) = await hanging
    assert isinstance(hung, Later)
    await sender.close()


async def test_a_subject_that_push_services_refuse_stops_the_start() -> None:
    with pytest.raises(Exception, match="sub"):
        WebPushSender(PRIVATE, "ops@example.org")


async def test_private_addresses_are_never_called(service: FakePushService) -> None:
    sender = WebPushSender(PRIVATE, "mailto:ops@example.org")
    port = service.origin.rpartition(":")[2]
    literal = await sender.send([offer(service.endpoint(address=f"https://127.0.0.1:{port}/x"))])
    assert literal == [Gone()]
    await sender.close()
    assert service.asked == []


async def test_a_name_that_leads_to_a_private_address_leads_nowhere() -> None:
    with pytest.raises(OSError, match="no public address"):
        await PublicResolver().resolve("localhost", 443)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
    ],
)
def test_addresses_that_are_not_of_the_internet(address: str) -> None:
    assert not is_public(address)
    host = f"[{address}]" if ":" in address else address
    assert not acceptable(f"https://{host}/x")


def test_real_push_services_are_acceptable() -> None:
    for url in (
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
    ):
        assert acceptable(url)
    assert is_public("8.8.8.8") and is_public("2606:4700::1111")


def test_retry_after_is_seconds_or_a_date_and_never_more_than_an_hour() -> None:
    now = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
    assert wait_of("5", now) == 5 and wait_of(None, now) is None and wait_of("soon", now) is None
    assert wait_of("Fri, 15 Jan 2027 08:00:30 GMT", now) == 30
    assert wait_of("999999", now) == MAX_WAIT_S and wait_of("-5", now) == 0 and wait_of("nan", now) is None
