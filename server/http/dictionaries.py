"""Labels of every word of the contract, for clients that keep them; and what staff say of the words of a load."""

import hashlib
from functools import lru_cache
from typing import NamedTuple

import msgspec
from aiohttp import web

from dispatch.dictionaries import MANAGED, Entry, Words, may_hide
from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.i18n import Lang, label, say
from server.i18n.labels import LABELS
from server.i18n.langs import LANGS, NAMES
from server.protocol.codes import CLOSE_MEANING, ERRORS
from server.protocol.rest.dictionaries import (
    Dictionaries,
    DictionaryQuery,
    ManagedDictionaries,
    WordForm,
    WordList,
    WordView,
)

from .route import Call, Route, Versioned

# They change with a release, and now and then by staff; the tag makes asking again cheap.
CACHE = "public, max-age=300"


class _Ready(NamedTuple):
    body: bytes
    tag: str


async def dictionaries(call: Call[None, DictionaryQuery]) -> web.Response:
    """The same bytes for everybody who reads this language, until something changes."""
    lang = call.query.lang or call.lang
    words = await call.services.words.now()
    ready = _ready(lang, words.mark)
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


@lru_cache(maxsize=2 * len(LANGS))  # what is, and what was a moment ago
def _ready(lang: Lang, mark: tuple[Entry, ...]) -> _Ready:
    words = Words(mark)
    content = Dictionaries(
        lang=lang,
        words={
            name: {word: label(lang, name, word) for word in words.ordered(name, coded)}
            for name, coded in LABELS.items()
        },
        errors={error.code: say(lang, error.title) for error in ERRORS.values()},
        closes={str(int(close)): say(lang, meaning) for close, meaning in CLOSE_MEANING.items()},
        languages=NAMES,
        hidden=words.hidden,
    )
    body = msgspec.json.encode(content)
    return _Ready(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


async def managed(call: Call[None, None]) -> ManagedDictionaries:
    """Which there are."""
    return ManagedDictionaries(list(MANAGED))


async def listed(call: Call[None, None]) -> WordList:
    """The words of one of them."""
    name = _dictionary(call)
    words = await call.services.word_store.words()
    return WordList([_view(call, words.entry(name, word)) for word in words.ordered(name, LABELS[name])])


async def put(call: Call[WordForm, None]) -> Versioned:
    """Says something of a word."""
    name, word, form = _dictionary(call), call.request.match_info["word"], call.body
    if word not in LABELS[name]:
        raise Refusal("not_found")
    if form.hidden:
        may_hide(name, word)
    entry = Entry(name, word, form.hidden, form.rank, form.note)
    set_ = await call.services.word_store.put(call.caller.user, call.expected_version, entry)
    call.services.notify.stale(call.services.words.name)
    return Versioned(_view(call, set_), set_.version)


def _dictionary(call: Call[object, object]) -> str:
    name = call.request.match_info["dictionary"]
    if name not in MANAGED:
        raise Refusal("not_found")
    return name


def _view(call: Call[object, object], entry: Entry) -> WordView:
    return WordView(
        dictionary=entry.dictionary,
        word=entry.word,
        label=label(call.lang, entry.dictionary, entry.word),
        hidden=entry.hidden,
        rank=entry.rank,
        note=entry.note,
        version=entry.version,
    )


_STAFF = frozenset({"admin"})
_ADMIN = "/api/v1/admin/dictionaries"
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
    Route(
        "GET",
        _ADMIN,
        managed,
        "Dictionaries that staff manage",
        "texts",
        response=ManagedDictionaries,
        roles=_STAFF,
    ),
    Route(
        "GET",
        _ADMIN + "/{dictionary}",
        listed,
        "The words of a dictionary",
        "texts",
        response=WordList,
        roles=_STAFF,
        errors=("not_found",),
    ),
    Route(
        "PUT",
        _ADMIN + "/{dictionary}/{word}",
        put,
        "Hide a word from new loads, or put it in another place",
        "texts",
        request=WordForm,
        response=WordView,
        roles=_STAFF,
        grades=grades(Right.EDIT_WORDS),
        headers=("If-Match",),
        errors=("not_found",),
    ),
)
