"""Checking what the desk posts to your webhook: that it is from the desk, whole, and of now."""

import hashlib
import hmac
import json
import time
from typing import Any

HEADER = "Desk-Signature"
TOLERANCE_S = 300.0


class BadSignature(Exception):
    """This was not sent by the desk with your secret, was changed on the way, or is too old."""


def verify(
    secret: str, header: str, body: bytes, *, tolerance_s: float = TOLERANCE_S, now: float | None = None
) -> dict[str, Any]:
    """The event in `body`, if `header` (Desk-Signature) signs it with `secret`. Raises BadSignature.

    Give it the raw bytes of the request, before any JSON is parsed. Deliveries can arrive more than once: those
    with the same `delivery` are the same event.
    """
    at, signatures = None, []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit():
            at = int(value)
        elif name == "v1":
            signatures.append(value)
    if at is None:
        raise BadSignature("no time")
    if abs((time.time() if now is None else now) - at) > tolerance_s:
        raise BadSignature("too old, or your clock is wrong")
    wanted = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    # Several while a secret is being replaced; compared without telling by time how much was right.
    if not any(
        hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")) for given in signatures
    ):
        raise BadSignature("signed with another secret, or changed on the way")
    event: dict[str, Any] = json.loads(body)
    return event
