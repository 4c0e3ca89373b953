"""HTTP to another company's service: one session, and every way in which it can fail as one kind of fault."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from geo.providers import ProviderFault

T = TypeVar("T")

# A matrix of 25 x 25 and the full line of a 4,000 km route are far below; what is larger is not an answer.
MAX_ANSWER = 8 * 1024 * 1024
CONNECT_S = 2.0
PARALLEL = 32


class Vendor:
    """Calls one service. The session opens with the first call, in the loop that makes it.

    The caller sets the time limit (a chain does); this class only never waits for ever.
    """

    def __init__(self, base_url: str, *, timeout_s: float = 10.0) -> None:
        self._base = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_S)
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, float | None]:
        """(status, body, seconds of Retry-After). ProviderFault when there is no answer."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=PARALLEL), timeout=self._timeout, trust_env=False
            )
        try:
            async with self._session.request(
                method,
                self._base + path,
                params=params,
                data=None if body is None else msgspec.json.encode(body),
                headers={**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})},
                allow_redirects=False,
            ) as answer:
                raw = await answer.content.read(MAX_ANSWER + 1)
                while len(raw) <= MAX_ANSWER and not answer.content.at_eof():
                    raw += await answer.content.read(MAX_ANSWER + 1 - len(raw))
                if len(raw) > MAX_ANSWER:
                    raise ProviderFault("malformed", "the answer is too large")
                return answer.status, raw, _seconds(answer.headers.get("Retry-After"))
        except TimeoutError as error:
            raise ProviderFault("timeout") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderFault("network", type(error).__name__) from error

    async def close(self) -> None:
        """Closes the session and lets its sockets go."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)


def fault_of(status: int, retry_after_s: float | None, detail: str = "") -> ProviderFault:
    """What an HTTP status of a failed call means to a chain."""
    if status == 429:
        return ProviderFault("quota", detail, retry_after_s)
    if status in (401, 403):
        return ProviderFault("refused", detail)
    if status >= 500:
        return ProviderFault("server", detail or str(status), retry_after_s)
    return ProviderFault("rejected", detail or str(status))


def decoded(raw: bytes, kind: type[T], *, strict: bool = True) -> T:
    """The answer as a struct; ProviderFault `malformed` for anything else. Not `strict`: "43.2" is a number."""
    try:
        return msgspec.json.decode(raw, type=kind, strict=strict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderFault("malformed", str(error)[:200]) from error


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is not used by these services."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
