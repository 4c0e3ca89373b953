"""The snippet that the guide shows checks what the desk really signs, and so does the SDK."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from server.gateways.webhook import sign
from server.hooks import WAITS_S
from tracking_desk_client.webhooks import BadSignature, verify

GUIDE = (Path(__file__).parents[3] / "docs/integrations.md").read_text(encoding="utf-8")
BODY = json.dumps({"delivery": 1, "type": "order.assigned"}).encode()


def from_guide() -> Callable[[str, str, bytes], bool]:
    (snippet,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Callable[[str, str, bytes], bool]] = {}
    exec(snippet, names)
    return names["from_the_desk"]


def by_sdk(secret: str, header: str, body: bytes) -> bool:
    try:
        return verify(secret, header, body) == json.loads(BODY)
    except BadSignature:
        return False


@pytest.mark.parametrize("check", [from_guide(), by_sdk])
def test_a_signature_is_right_only_as_it_was_made(check: Callable[[str, str, bytes], bool]) -> None:
    now = int(time.time())
    assert check("new", sign([b"new"], now, BODY), BODY)
    # While a secret is replaced both sign.
    both = sign([b"new", b"old"], now, BODY)
    assert check("new", both, BODY) and check("old", both, BODY)
    assert not check("another", both, BODY)
    assert not check("new", sign([b"new"], now, BODY), BODY + b" ")
    assert not check("new", sign([b"new"], now - 301, BODY), BODY)
    assert not check("new", sign([b"new"], now + 301, BODY), BODY)
    # The time is signed too.
    assert not check("new", sign([b"new"], now, BODY).replace(f"t={now}", f"t={now - 1}"), BODY)


@pytest.mark.parametrize(
    "header", ["", "t=", "v1=00", "t=x,v1=00", "t=1", "nonsense", "t=1,v1=ключ", "=,=,="]
)
def test_the_sdk_refuses_what_is_no_signature(header: str) -> None:
    with pytest.raises(BadSignature):
        verify("secret", header, BODY, now=1.0)


def test_the_guide_tells_the_waits_that_are_kept() -> None:
    def told(seconds: float) -> str:
        if seconds < 60:
            return f"{seconds:.0f} s"
        return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.0f} h"

    assert ", ".join(told(wait) for wait in WAITS_S) in GUIDE.replace("\n", " ").replace("  ", " ")
