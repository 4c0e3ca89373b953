"""The FCM sender against a local fake of HTTP v1 with a memory of what it was asked and scripted answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.gateways.fcm import QUOTA_WAIT_S, FcmSender
from server.gateways.push import Delivered, Gone, Later, Push, Rejected
from server.i18n import notices
from storage.accounts import Endpoint

pytest.importorskip("firebase_admin", reason="the optional extra fcm is not installed")

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
Answer = tuple[int, str, str | None]  # HTTP status, status text of the platform, FCM's own code


@dataclass
class FakeFcm:
    """`POST /v1/projects/{project}/messages:send`; answers by the address of the message, else with success.

    A step is an Answer, `"hang"`, or `"drop"`: the message is taken and the connection lost, so it comes again.
    `faulty` are the fields that a 400 finds fault with.
    """

    script: dict[str, Answer | str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    faulty: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    projects: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        content = await request.json()
        self.projects.add(request.match_info["project"])
        message = content["message"]
        self.asked.append(message)
        step = self.script.get(message.get("fid") or message.get("token"), "fine")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(3600 if step == "hang" else 0.001)
        finally:
            self.at_once -= 1
        if step == "drop":
            assert request.transport is not None
            request.transport.close()
        if isinstance(step, str):
            return web.json_response({"name": f"projects/demo/messages/{len(self.asked)}"})
        status, text, code = step
        details: list[dict[str, Any]] = [{"@type": FCM_ERROR, "errorCode": code}] if code else []
        if status == 400 and self.faulty:
            details.append(
                {"@type": BAD_REQUEST, "fieldViolations": [{"field": each} for each in self.faulty]}
            )
        error = {"code": status, "message": "scripted", "status": text, "details": details}
        return web.json_response({"error": error}, status=status, headers=self.headers)


@pytest.fixture
async def fcm(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> FakeFcm:
    fake = FakeFcm()
    app = web.Application()
    app.router.add_post("/v1/projects/{project}/messages:send", fake.answer)
    server = await aiohttp_server(app, shutdown_timeout=0.1)
    fake.url = f"http://127.0.0.1:{server.port}"
    return fake


@pytest.fixture
async def sender(fcm: FakeFcm) -> AsyncIterator[FcmSender]:
    opened = FcmSender(None, url=fcm.url)
    yield opened
    await opened.close()


def offer(address: str, kind: str = "fid", **changes: Any) -> Push:
    fields: dict[str, Any] = {
        "endpoint": Endpoint(1, 7, kind, address, {}, "kk"),
        "kind": "offer.made",
        "ids": {"offer": 5, "order": 9},
        "topic": "offer:5",
        "ttl_s": 42,
        "urgent": True,
    }
    return Push(**{**fields, **changes})


async def test_a_message_carries_kind_ids_and_a_sentence_and_nothing_else(
    fcm: FakeFcm, sender: FcmSender
) -> None:
    assert await sender.send([offer("fid-1", item=77)]) == [Delivered()]
    (message,) = fcm.asked
    title, body = notices.text("kk", "offer.made", {})
    assert fcm.projects == {"demo"}
    expires = int(message["apns"]["headers"].pop("apns-expiration"))
    assert 0 <= expires - time.time() <= 42
    assert message == {
        "fid": "fid-1",
        "data": {
            "type": "offer.made",
            "offer": "5",
            "order": "9",
            "item": "77",
            "link": "/shift?offer=5",
        },
        "notification": {"title": title, "body": body},
        "android": {
            "priority": "high",
            "ttl": "42s",
            "collapse_key": "offer.made",
            "notification": {"tag": "offer:5", "channel_id": "offer.made"},
        },
        "apns": {
            "headers": {"apns-priority": "10", "apns-push-type": "alert", "apns-collapse-id": "offer:5"}
        },
    }


async def test_a_legacy_token_is_still_sent_to(fcm: FakeFcm, sender: FcmSender) -> None:
    assert await sender.send([offer("token-1", kind="token", urgent=False)]) == [Delivered()]
    assert fcm.asked[0]["token"] == "token-1" and "fid" not in fcm.asked[0]
    assert fcm.asked[0]["android"]["priority"] == "normal"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((404, "NOT_FOUND", "UNREGISTERED"), Gone),
        ((403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), Gone),
        ((404, "NOT_FOUND", None), Rejected),
        ((400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), Rejected),
        ((429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), Later),
        ((401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), Later),
        ((403, "PERMISSION_DENIED", None), Later),
    ],
)
async def test_each_error_has_one_meaning(
    fcm: FakeFcm, sender: FcmSender, answer: Answer, outcome: type
) -> None:
    fcm.script["fid-1"] = answer
    (came_of,) = await sender.send([offer("fid-1")])
    assert type(came_of) is outcome


@pytest.mark.parametrize(
    ("faulty", "outcome"),
    [
        (["message.token"], Gone),
        (["message.fid"], Gone),
        (["message.android.ttl"], Rejected),
        (["message.token", "message.data"], Rejected),
    ],
)
async def test_a_bad_request_costs_an_endpoint_only_when_its_address_is_the_fault(
    fcm: FakeFcm, sender: FcmSender, faulty: list[str], outcome: type
) -> None:
    fcm.script["fid-1"], fcm.faulty = (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), faulty
    (came_of,) = await sender.send([offer("fid-1")])
    assert type(came_of) is outcome


async def test_beyond_the_pace_messages_wait_and_nothing_is_asked(fcm: FakeFcm) -> None:
    sender = FcmSender(None, url=fcm.url, a_second=3)
    outcomes = await sender.send([offer(f"fid-{number}") for number in range(5)])
    assert outcomes == [Delivered()] * 3 + [Later("pace", 1.0, tried=False)] * 2
    assert len(fcm.asked) == 3 and sender.pace.spent == 2
    await sender.close()


async def test_a_quota_that_meets_many_slows_everything_down_and_that_of_one_phone_does_not(
    fcm: FakeFcm, sender: FcmSender, caplog: pytest.LogCaptureFixture
) -> None:
    spent = (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
    fcm.script["fid-0"], fcm.headers = spent, {"Retry-After": "7"}
    await sender.send([offer(f"fid-{number}") for number in range(4)])
    assert await sender.send([offer("fid-1")]) == [Delivered()]
    fcm.script |= {f"fid-{number}": spent for number in range(4)}
    await sender.send([offer(f"fid-{number}") for number in range(4)])
    (held,) = await sender.send([offer("fid-9")])
    assert isinstance(held, Later) and held.reason == "pace" and 5 < (held.after_s or 0) <= 7
    assert "push.slowed_down" in [record.getMessage() for record in caplog.records]


async def test_a_message_whose_answer_was_lost_comes_again_and_takes_the_first_one_s_place(
    fcm: FakeFcm, sender: FcmSender
) -> None:
    fcm.script["fid-1"] = "drop"
    (lost,) = await sender.send([offer("fid-1")])
    assert isinstance(lost, Later)
    fcm.script = {}
    assert await sender.send([offer("fid-1")]) == [Delivered()]
    first, *_, last = fcm.asked
    assert first["android"]["notification"]["tag"] == last["android"]["notification"]["tag"] == "offer:5"
    assert first["apns"]["headers"]["apns-collapse-id"] == last["apns"]["headers"]["apns-collapse-id"]


def test_the_private_names_that_a_fake_stands_on_are_still_there() -> None:
    """Another version of the library may rename them: then a sender would go to Google in spite of its `url`."""
    import inspect

    from firebase_admin import _retry, messaging

    service = messaging._MessagingService
    assert "_fcm_url" in inspect.getsource(service.__init__) and "_fcm_url" in inspect.getsource(service)
    assert service.FCM_URL == "https://fcm.googleapis.com/v1/projects/{0}/messages:send"
    assert callable(messaging._get_messaging_service)
    assert "_credential" in inspect.getsource(service.__init__)
    assert callable(_retry.HttpxRetry.get_backoff_time)
    assert inspect.iscoroutinefunction(messaging.send_each_async)


async def test_a_spent_quota_waits_as_long_as_asked_or_a_minute(fcm: FakeFcm, sender: FcmSender) -> None:
    fcm.script["fid-1"] = (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
    assert await sender.send([offer("fid-1")]) == [Later("QuotaExceededError", QUOTA_WAIT_S)]
    fcm.headers = {"Retry-After": "7"}
    assert await sender.send([offer("fid-1")]) == [Later("QuotaExceededError", 7.0)]


async def test_refused_credentials_call_a_person(
    fcm: FakeFcm, sender: FcmSender, caplog: pytest.LogCaptureFixture
) -> None:
    fcm.script["fid-1"] = (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR")
    await sender.send([offer("fid-1")])
    assert len(fcm.asked) > 1  # with a new token, before a person is called
    (record,) = [record for record in caplog.records if record.name == "desk.push.fcm"]
    assert (record.levelname, record.getMessage()) == ("ERROR", "push.credentials_refused")


async def test_without_a_token_everything_waits_and_a_person_is_called(
    fcm: FakeFcm, sender: FcmSender, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from google.auth.exceptions import RefreshError

    def refuse(request: object) -> None:
        raise RefreshError("no such key")  # type: ignore[no-untyped-call]  # untyped library

    monkeypatch.setattr(sender._messaging._get_messaging_service(sender._app)._credential, "refresh", refuse)
    assert await sender.send([offer("fid-1"), offer("fid-2")]) == [Later("credentials refused")] * 2
    assert "push.credentials_refused" in [record.getMessage() for record in caplog.records]
    assert fcm.asked == []


async def test_a_server_error_is_tried_again_later(
    fcm: FakeFcm, sender: FcmSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library itself repeats 500 and 503 four times with real pauses; here it may do so without them.
    from firebase_admin import _retry

    monkeypatch.setattr(_retry.HttpxRetry, "get_backoff_time", lambda self: 0.0)
    fcm.script["fid-1"] = (500, "INTERNAL", None)
    (outcome,) = await sender.send([offer("fid-1")])
    assert isinstance(outcome, Later) and len(fcm.asked) > 1


async def test_a_hanging_answer_is_given_up_and_the_others_still_count(
    fcm: FakeFcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.fcm.TIMEOUT_S", 0.3)
    sender = FcmSender(None, url=fcm.url)
    fcm.script["fid-2"] = "hang"
    first, hung, third = await sender.send([offer("fid-1"), offer("fid-2"), offer("fid-3")])
    assert first == third == Delivered() and hung == Later("DeadlineExceededError")
    await sender.close()


async def test_nobody_listening_is_tried_again_later() -> None:
    sender = FcmSender(None, url="http://127.0.0.1:1")
    (outcome,) = await sender.send([offer("fid-1")])
    assert isinstance(outcome, Later)
    await sender.close()


async def test_many_messages_go_a_hundred_at_a_time_and_keep_their_order(
    fcm: FakeFcm, sender: FcmSender
) -> None:
    fcm.script["fid-150"] = (404, "NOT_FOUND", "UNREGISTERED")
    outcomes = await sender.send([offer(f"fid-{number}") for number in range(250)])
    assert outcomes == [Gone() if number == 150 else Delivered() for number in range(250)]
    assert len(fcm.asked) == 250 and 1 < fcm.most_at_once <= 100


def test_the_library_is_only_imported_by_who_uses_it() -> None:
    import subprocess
    import sys

    script = "import server.gateways.fcm, sys; sys.exit('firebase_admin' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
