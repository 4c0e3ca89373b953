"""Web Push: RFC 8030 delivery, RFC 8291 encryption, RFC 8292 (VAPID) signature; no account anywhere."""

import asyncio
import base64
import email.utils
import hashlib
import json
import logging
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher

from . import outbound
from .outbound import acceptable
from .push import Delivered, Gone, Later, Outcome, Push, Rejected

TIMEOUT_S = 10
PARALLEL = 50
VAPID_LIFETIME_S = 12 * 3600  # RFC 8292 allows 24 h
MAX_WAIT_S = 3600.0
UNSIGNED = (401, 403)  # the signature is not believed, or its key is not the one of the subscription

log = logging.getLogger("desk.push.webpush")


class WebPushSender:
    """Sends to browsers' push services. Endpoint URLs come from users, so only public https hosts are called.

    `allow_private` lets tests use a fake on this machine; nothing else sets it.
    """

    def __init__(self, private_key: str, subject: str, *, allow_private: bool = False) -> None:
        self._vapid = Vapid02.from_string(private_key=private_key)
        self._subject = subject
        self._allow_private = allow_private
        self._signatures: dict[str, tuple[float, str]] = {}  # by origin: fresh until, header
        self._authorization("https://push.example")  # a subject that cannot be signed stops the start
        self._session = outbound.session(PARALLEL, TIMEOUT_S, allow_private=allow_private)

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """Sends at most PARALLEL at a time; an endpoint that fails or hangs holds up no other."""
        gate = asyncio.Semaphore(PARALLEL)

        async def one(push: Push) -> Outcome:
            async with gate:
                return await self._send(push)

        return list(await asyncio.gather(*(one(push) for push in pushes)))

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    async def _send(self, push: Push) -> Outcome:
        url = push.endpoint.address
        if not self._allow_private and not acceptable(url):
            return Gone()
        title, body = push.text
        message = {**push.data, "title": title, "body": body}
        try:
            encrypted = WebPusher({"endpoint": url, "keys": push.endpoint.keys}).encode(
                json.dumps(message, ensure_ascii=False).encode()
            )
        except Exception as error:  # the subscription's keys are a stranger's bytes and fail in many ways
            return Rejected(f"unusable keys: {type(error).__name__}")
        headers = {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(push.ttl_s),
            "Urgency": "high" if push.urgent else "normal",
            # RFC 8030: at most 32 characters of base64url; a hash also tells the push service nothing.
            "Topic": hashlib.sha256(push.topic.encode()).hexdigest()[:32],
        }
        try:
            status, retry_after = await self._post(url, encrypted["body"], headers)
            if status in UNSIGNED:
                # Once with a new signature: the push service's clock or ours may have moved.
                self._signatures.pop(_origin(url), None)
                status, retry_after = await self._post(url, encrypted["body"], headers)
                if status in UNSIGNED:
                    log.error("push.signature_refused", extra={"origin": _origin(url), "status": status})
        except VapidException as error:  # an origin that no audience can be made of, such as an IPv6 literal
            return Rejected(str(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Later(type(error).__name__)
        return outcome_of(status, retry_after, time.time())

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
        signed = {**headers, "Authorization": self._authorization(url)}
        async with self._session.post(url, data=body, headers=signed, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Retry-After")

    def _authorization(self, url: str) -> str:
        """The VAPID header for this push service, signed once in half its life."""
        origin = _origin(url)
        now = time.time()
        fresh_until, header = self._signatures.get(origin, (0.0, ""))
        if now >= fresh_until:
            claims = {"aud": origin, "sub": self._subject, "exp": int(now) + VAPID_LIFETIME_S}
            header = self._vapid.sign(claims)["Authorization"]
            if len(self._signatures) > 1000:  # origins are users' input
                self._signatures.clear()
            self._signatures[origin] = (now + VAPID_LIFETIME_S / 2, header)
        return header


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def usable_keys(p256dh: str, auth: str) -> bool:
    """Whether these are a subscription's keys: a P-256 point and 16 secret bytes (RFC 8291), base64url."""
    try:
        point, secret = (base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) for text in (p256dh, auth))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return False
    return len(secret) == 16


def outcome_of(status: int, retry_after: str | None, now: float) -> Outcome:
    """What a push service's answer means (RFC 8030, sections 5 and 8.4)."""
    if 200 <= status < 300:
        return Delivered()
    if status in (404, 410):
        return Gone()
    if status == 429 or status >= 500:
        return Later(f"status {status}", wait_of(retry_after, now))
    return Rejected(f"status {status}")


def wait_of(retry_after: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date), within an hour."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        parsed = email.utils.parsedate_tz(retry_after)
        if parsed is None:
            return None
        seconds = email.utils.mktime_tz(parsed) - now
    return min(max(seconds, 0.0), MAX_WAIT_S) if seconds == seconds else None


def public_key_of(private_key: str) -> str:
    """The key for `pushManager.subscribe`: the uncompressed P-256 point, base64url without padding."""
    public = Vapid02.from_string(private_key=private_key).public_key
    point: bytes = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
