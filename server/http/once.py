"""Idempotency-Key: the same key with the same request is carried out once and answered the same ever after.

The request runs in one unit of work with its key and its answer (`storage.idempotency`), so a crash leaves all
or nothing. Copies that arrive at this worker meanwhile wait here for the first, without a connection; copies at
other workers wait at the primary key.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web

from dispatch.errors import Refusal
from storage.idempotency import Answered, IdempotencyStore, Kept
from storage.seal import Seal

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
MAX_KEY = 80  # characters, the width of idempotency_keys.key
# Of an answer's headers, those that belong to what was done. Cookies are never kept.
KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Content-Language", "Content-Disposition")


class Once:
    """Keys of this worker's requests."""

    def __init__(self, store: IdempotencyStore, pepper: str) -> None:
        self._store = store
        # Answers may hold secrets that are shown once: a copy of the database alone must not show them again.
        self._seal = Seal(pepper, "idempotency answers")
        self._locks: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()

    async def run(
        self, request: web.Request, user: int, body: object, work: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """`work`'s answer, or that of the first request with this key."""
        key = request.headers[KEY_HEADER]
        if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
            raise Refusal(
                "bad_request",
                "{header}: 1 to {limit} printable ASCII characters",
                header=KEY_HEADER,
                limit=MAX_KEY,
            )
        request_hash = _hash(request, body)
        lock = self._locks.get((user, key))
        if lock is None:
            lock = self._locks[user, key] = asyncio.Lock()
        async with lock:
            if kept := await self._store.kept(user, key, request_hash):
                return self._replay(user, key, kept)
            try:
                async with self._store.claim(user, key, request_hash) as claim:
                    answer = await work()
                    if isinstance(answer, web.Response) and 200 <= answer.status < 300:
                        await claim.answer(self._keep(user, key, answer))
                    else:
                        await claim.withdraw()
            except Answered as first:
                return self._replay(user, key, first.kept)
            return answer

    def _keep(self, user: int, key: str, answer: web.Response) -> Kept:
        headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
        body = answer.body or b""
        if not isinstance(body, bytes):
            raise TypeError("an answer under an Idempotency-Key is bytes")
        sealed = self._seal.seal(body, f"{user} {key}") if body else b""
        return Kept(answer.status, headers, sealed)

    def _replay(self, user: int, key: str, kept: Kept) -> web.Response:
        body = self._seal.open(kept.body, f"{user} {key}") if kept.body else None
        headers = {**kept.headers, REPLAYED_HEADER: "true"}
        return web.Response(status=kept.status, body=body, headers=headers)


def _hash(request: web.Request, body: object) -> bytes:
    """What makes two requests the same.

    The body counts as it was decoded, so that spaces and the order of fields do not make another request; of a
    route that reads its body by itself (an upload) only the length counts.
    """
    told = b"%d" % (request.content_length or 0) if body is None else msgspec.json.encode(body)
    parts = (request.method, request.rel_url.raw_path_qs, request.headers.get("If-Match", ""))
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + told).digest()
