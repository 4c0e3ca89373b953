"""Asking other companies' servers: an end to waiting, an end to reading, and errors that tell no secret."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

MAX_ANSWER = 256 * 1024


class NoAnswer(Exception):
    """There was no usable answer. The text is a kind of failure: addresses and forms hold keys.

    `sent` is False where the request surely never left, so that whoever moves money knows that none was moved.
    """

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.sent = sent


def client(timeout_s: float, *, connect_s: float | None = None, parallel: int = 100) -> aiohttp.ClientSession:
    """A session for one provider: no proxy of the environment, no cookies. `connect_s` is for a connection, and
    for a free one of the `parallel`."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=parallel),
        timeout=aiohttp.ClientTimeout(total=timeout_s, connect=connect_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    body: bytes | None = None,
    query: dict[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    most: int = MAX_ANSWER,
) -> tuple[int, bytes, Mapping[str, str]]:
    """(status, body, headers) of one request; redirects are not followed. Raises NoAnswer."""
    try:
        async with session.request(
            method,
            url,
            data=form if body is None else body,
            params=query,
            headers=headers,
            allow_redirects=False,
        ) as answer:
            raw = bytearray()
            async for chunk in answer.content.iter_any():
                raw += chunk
                if len(raw) > most:
                    raise NoAnswer("the answer is too long")
            return answer.status, bytes(raw), answer.headers
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        # No name, nobody listening, no TLS, no free connection in time: nothing was written.
        raise NoAnswer(type(error).__name__, sent=False) from None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NoAnswer(type(error).__name__) from None


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises NoAnswer for anything else."""
    try:
        content = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoAnswer("no JSON") from None
    if not isinstance(content, dict):
        raise NoAnswer("no JSON object")
    return content
