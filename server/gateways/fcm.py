"""Firebase Cloud Messaging over HTTP v1, by firebase-admin (the optional extra `fcm`)."""

import asyncio
import logging
import time
import uuid
import warnings
from collections.abc import Sequence
from typing import Any

from .pace import Pace
from .push import Delivered, Gone, Later, Outcome, Push, Rejected
from .webpush import wait_of

log = logging.getLogger("desk.push.fcm")

CHUNK = 100  # requests in flight; the library allows 500, FCM's quota is per minute
TIMEOUT_S = 10  # the library retries 500 and 503 by itself, so a chunk may take a few of these
QUOTA_WAIT_S = 60.0  # 429 lasts until the quota's minute is over
# Of one worker. A project may send 10,000 a second; five workers together stay at half of it.
A_SECOND = 1000.0

# What FCM's error means for us, by the class that firebase-admin raises.
GONE = ("UnregisteredError", "SenderIdMismatchError")
# A bare NotFoundError may be a mistyped project: it must not cost every phone its registration.
REJECTED = ("NotFoundError", "InvalidArgumentError", "FailedPreconditionError", "OutOfRangeError")
QUOTA = ("QuotaExceededError", "ResourceExhaustedError")
CREDENTIALS = ("ThirdPartyAuthError", "UnauthenticatedError", "PermissionDeniedError")


class FcmSender:
    """Sends to Firebase installation ids (`fid`) and legacy registration tokens (`token`).

    `credentials` is the path of a service account file. None is for a fake at `url`: project "demo", a token
    that means nothing. `url` replaces https://fcm.googleapis.com; the library has no setting for it, so a
    contract test guards the private names used here.
    """

    def __init__(
        self, credentials: str | None, *, url: str | None = None, a_second: float = A_SECOND
    ) -> None:
        # 0.4 s and many megabytes: paid only by those who push through Firebase.
        import firebase_admin
        from firebase_admin import credentials as firebase_credentials
        from firebase_admin import exceptions, messaging

        self._messaging = messaging
        self.pace = Pace(a_second)
        self._failure = exceptions.FirebaseError
        options: dict[str, Any] = {"httpTimeout": TIMEOUT_S}
        if credentials is not None:
            credential = firebase_credentials.Certificate(credentials)
        else:
            credential, options["projectId"] = _fake_credential(), "demo"
        self._app = firebase_admin.initialize_app(credential, options, name=f"desk-{uuid.uuid4().hex}")
        if url is not None:
            service = messaging._get_messaging_service(self._app)
            service._fcm_url = f"{url.rstrip('/')}/v1/projects/{self._app.project_id}/messages:send"

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """Sends in chunks of 100 parallel requests; outcomes in order. Beyond the pace they wait."""
        outcomes: list[Outcome] = []
        now = time.monotonic()
        granted = self.pace.take(len(pushes), now)
        held = len(pushes) - granted
        for start in range(0, granted, CHUNK):
            chunk = pushes[start : min(start + CHUNK, granted)]
            messages = [self._message(push) for push in chunk]
            try:
                batch = await self._messaging.send_each_async(messages, app=self._app)
            except self._failure as error:  # no token could be had: not one message's fault
                log.error("push.credentials_refused", extra={"error": str(error)})
                outcomes += [Later("credentials refused")] * len(chunk)
                continue
            came = [self._outcome(answer.exception) for answer in batch.responses]
            self._slow_down(came)
            outcomes += came
        return outcomes + [Later("pace", self.pace.wait_s(now), tried=False)] * held

    async def close(self) -> None:
        """Closes the library's connections; in a thread, since it starts an event loop for that."""
        import firebase_admin

        await asyncio.to_thread(firebase_admin.delete_app, self._app)

    def _message(self, push: Push) -> Any:
        messaging = self._messaging
        title, body = push.text
        priority = "high" if push.urgent else "normal"
        with warnings.catch_warnings():
            # `token` is deprecated in favour of `fid`; phones that still hold one are served until it ends.
            warnings.simplefilter("ignore", DeprecationWarning)
            return messaging.Message(
                **{push.endpoint.kind: push.endpoint.address},
                data={name: str(value) for name, value in push.data.items()},
                notification=messaging.Notification(title=title, body=body),
                android=messaging.AndroidConfig(
                    priority=priority,
                    ttl=push.ttl_s,
                    # At most four live keys a phone: the kind collapses, the tag tells cards apart.
                    collapse_key=push.kind,
                    notification=messaging.AndroidNotification(tag=push.topic, channel_id=push.kind),
                ),
                apns=messaging.APNSConfig(
                    headers={
                        "apns-priority": "10" if push.urgent else "5",
                        "apns-push-type": "alert",
                        "apns-expiration": str(int(time.time()) + push.ttl_s),
                        "apns-collapse-id": push.topic[:64],
                    }
                ),
            )

    def _slow_down(self, came: Sequence[Outcome]) -> None:
        """A spent quota of the project meets many messages; that of one phone, which answers 429 too, its own."""
        refused = [one for one in came if isinstance(one, Later) and one.reason in QUOTA]
        if len(refused) >= 2 and len(refused) * 2 >= len(came):
            self.pace.refuse(max(one.after_s or 0.0 for one in refused), time.monotonic())
            log.warning("push.slowed_down", extra={"refused": len(refused), "of": len(came)})

    def _outcome(self, error: Exception | None) -> Outcome:
        if error is None:
            return Delivered()
        name = type(error).__name__
        if name in GONE:
            return Gone()
        response = getattr(error, "http_response", None)
        if name == "InvalidArgumentError" and _address_is_bad(response):
            return Gone()
        if name in REJECTED:
            return Rejected(f"{name}: {error}")
        wait = wait_of(response.headers.get("Retry-After"), time.time()) if response is not None else None
        if name in QUOTA:
            return Later(name, wait if wait is not None else QUOTA_WAIT_S)
        if name in CREDENTIALS:
            log.error("push.credentials_refused", extra={"error": str(error)})
        return Later(name, wait)


def _address_is_bad(response: Any) -> bool:
    """Whether a 400 finds fault with the address and not with the message."""
    try:
        details = response.json()["error"]["details"]
        fields = [violation["field"] for one in details for violation in one.get("fieldViolations", ())]
    except (AttributeError, KeyError, TypeError, ValueError):  # no body, or not of this form
        return False
    return bool(fields) and all(field in ("message.token", "message.fid") for field in fields)


def _fake_credential() -> Any:
    from firebase_admin import credentials
    from google.auth.credentials import Credentials

    class FakeToken(Credentials):
        def refresh(self, request: object) -> None:
            self.token = "fake"

    class FakeCredential(credentials.Base):  # type: ignore[misc]  # the library has no types
        def get_credential(self) -> Any:
            return FakeToken()  # type: ignore[no-untyped-call]  # nor has this one

    return FakeCredential()
