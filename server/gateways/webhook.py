"""One delivery to a company's endpoint: a signed POST, one attempt, and what came of it."""

import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from . import outbound

TIMEOUT_S = 10.0
PARALLEL = 64
SIGNATURE = "Desk-Signature"
MAX_WAIT_S = 3600.0  # of a Retry-After


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt came to. `status` is None when there was no answer; `after_s` is what it asked to wait."""

    status: int | None
    error: str = ""
    after_s: float = 0.0

    @property
    def took(self) -> bool:
        """Whether the endpoint has it."""
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    """Posts to endpoints. `allow_private` is for ERPs on the operator's own network, and for tests."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self.allow_private = allow_private
        self._session = outbound.session(PARALLEL, TIMEOUT_S, of_each=8, allow_private=allow_private)

    async def post(
        self, url: str, body: bytes, secrets: Sequence[bytes], *, delivery: int, kind: str
    ) -> Attempt:
        """One attempt, signed with each of the endpoint's secrets at this moment."""
        if not self.allow_private and not outbound.acceptable(url):
            return Attempt(None, "the address is not one of the public internet")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "tracking-desk-webhooks/1",
            "Desk-Delivery": str(delivery),
            "Desk-Event": kind,
            SIGNATURE: sign(secrets, int(time.time()), body),
        }
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
                after_s = _wait(answer.headers.get("Retry-After", ""))
        except TimeoutError:
            return Attempt(None, f"no answer within {TIMEOUT_S:.0f} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Only the kind: what a connection says of itself could tell of our network.
            return Attempt(None, type(error).__name__)
        if 300 <= status < 400:
            return Attempt(status, "redirects are not followed", after_s)
        return Attempt(status, "" if 200 <= status < 300 else f"status {status}", after_s)

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()


def sign(secrets: Sequence[bytes], at: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 over `<seconds>.<body>`; a `v1` a secret while one replaces another."""
    told = b"%d." % at + body
    return ",".join(
        (f"t={at}", *(f"v1={hmac.digest(secret, told, hashlib.sha256).hex()}" for secret in secrets))
    )


def _wait(retry_after: str) -> float:
    """Seconds of a Retry-After that is a number; a date is rare enough to be ignored."""
    return min(float(retry_after), MAX_WAIT_S) if retry_after.isascii() and retry_after.isdigit() else 0.0
