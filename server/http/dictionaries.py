"""Labels of every word of the contract, for clients that keep them."""

import hashlib
from functools import cache
from typing import NamedTuple

import msgspec
from aiohttp import web

from server.i18n import Lang, label, say
from server.i18n.labels import LABELS
from server.i18n.langs import NAMES
from server.protocol.codes import CLOSE_MEANING, ERRORS
from server.protocol.rest.dictionaries import Dictionaries, DictionaryQuery

from .route import Call, Route

# They change with a release only; the tag makes asking again cheap.
CACHE = "public, max-age=3600"


class _Ready(NamedTuple):
    body: bytes
    tag: str


async def dictionaries(call: Call[None, DictionaryQuery]) -> web.Response:
    """The same bytes for everybody who reads this language, until the next release."""
    lang = call.query.lang or call.lang
    ready = _ready(lang)
    headers = {
        "ETag": ready.tag,
        "Cache-Control": CACHE,
        "Content-Language": lang,
        "Vary": "Accept-Language",
    }
    asked = call.request.headers.get("If-None-Match", "")
    if asked.strip() == "*" or ready.tag in [tag.strip().removeprefix("W/") for tag in asked.split(",")]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=ready.body, content_type="application/json", headers=headers)


@cache
def _ready(lang: Lang) -> _Ready:
    content = Dictionaries(
        lang=lang,
        words={name: {word: label(lang, name, word) for word in words} for name, words in LABELS.items()},
        errors={error.code: say(lang, error.title) for error in ERRORS.values()},
        closes={str(int(close)): say(lang, meaning) for close, meaning in CLOSE_MEANING.items()},
        languages=NAMES,
    )
    body = msgspec.json.encode(content)
    return _Ready(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/dictionaries",
        dictionaries,
        "What people call the words of the API",
        "texts",
        query=DictionaryQuery,
        response=Dictionaries,
        roles=None,
    ),
)
