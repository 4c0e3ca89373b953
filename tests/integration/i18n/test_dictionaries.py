"""Labels over HTTP: public, in the asked language, and cheap to ask for again."""

import aiohttp
import pytest

from server.i18n import LANGS
from server.i18n.labels import LABELS
from server.protocol.codes import ERRORS, Close
from tests.served import Server

PATH = "/api/v1/dictionaries"


@pytest.mark.parametrize("lang", LANGS)
async def test_a_stranger_gets_every_word_in_the_asked_language(server: Server, lang: str) -> None:
    async with aiohttp.ClientSession(server.url) as http, http.get(PATH, params={"lang": lang}) as answer:
        assert answer.status == 200 and answer.headers["Content-Language"] == lang
        told = await answer.json()
    assert told["lang"] == lang
    assert {name: list(words) for name, words in told["words"].items()} == {
        name: list(words) for name, words in LABELS.items()
    }
    assert set(told["errors"]) == set(ERRORS) and len(told["closes"]) == len(Close)
    assert told["languages"]["kk"] == "Қазақша"


async def test_without_a_language_the_header_decides_and_caches_are_told_so(server: Server) -> None:
    async with aiohttp.ClientSession(server.url, headers={"Accept-Language": "kk-KZ, ru;q=0.5"}) as http:
        async with http.get(PATH) as answer:
            assert (answer.headers["Content-Language"], (await answer.json())["lang"]) == ("kk", "kk")
            assert "Accept-Language" in answer.headers["Vary"]
            assert answer.headers["Cache-Control"].startswith("public, max-age=")
        async with http.get(PATH, params={"lang": "de"}) as answer:
            assert answer.status == 400


async def test_who_has_them_already_is_told_so_without_a_body(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        tags = {}
        for lang in LANGS:
            async with http.get(PATH, params={"lang": lang}) as answer:
                tags[lang] = answer.headers["ETag"]
        assert len(set(tags.values())) == len(LANGS)
        for known, status in (
            (tags["ru"], 304),
            (f'"old", W/{tags["ru"]}', 304),
            ("*", 304),
            (tags["kk"], 200),
            ("nonsense", 200),
        ):
            async with http.get(PATH, params={"lang": "ru"}, headers={"If-None-Match": known}) as answer:
                assert answer.status == status
                assert answer.headers["ETag"] == tags["ru"]
