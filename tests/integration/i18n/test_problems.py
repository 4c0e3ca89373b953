"""A refusal over HTTP is told in the caller's language: its title, its detail, and what is wrong with a field."""

from typing import Any

import aiohttp
import pytest

from tests.served import Server

ORDER: dict[str, Any] = {"pickup_city": 1526384, "drop_city": 1519948, "cargo": "яблоки", "weight_kg": 300.0}
NEEDED = {
    "ru": "нужен заголовок Idempotency-Key",
    "kk": "Idempotency-Key тақырыбы керек",
    "en": "the header Idempotency-Key is required",
    "zh": "需要请求头 Idempotency-Key",
}


async def refused(server: Server, lang: str, body: object, **headers: str) -> dict[str, Any]:
    shipper = server.accounts["shippers"][0]
    told = {"Authorization": f"Bearer {shipper['access']}", "Accept-Language": lang, **headers}
    async with (
        aiohttp.ClientSession(server.url, headers=told) as http,
        http.post("/api/v1/orders", json=body) as answer,
    ):
        assert answer.status >= 400 and answer.headers["Content-Language"] == lang
        problem: dict[str, Any] = await answer.json(content_type=None)
        return problem


@pytest.mark.parametrize("lang", NEEDED)
async def test_title_and_detail_come_in_the_language_that_was_asked_for(server: Server, lang: str) -> None:
    problem = await refused(server, lang, ORDER)
    assert (problem["code"], problem["detail"]) == ("bad_request", NEEDED[lang])
    assert problem["title"] != problem["detail"]


@pytest.mark.parametrize(
    ("change", "path", "detail"),
    [
        ({"weight_kg": "тяжёлый"}, "$.weight_kg", "Нужно: число, получено: текст"),
        ({"weight_kg": 1e9}, "$.weight_kg", "Слишком большое число: не больше 100 000"),
        ({"cargo": ""}, "$.cargo", "Текст слишком короткий, символов не меньше: 1"),
        ({"body": "ковёр-самолёт"}, "$.body", "'ковёр-самолёт' — не из допустимых слов"),
        ({"colour": "red"}, None, "Поля colour не бывает"),
        ({"pickup_city": 5}, "pickup_city", "нет города с номером 5"),
    ],
)
async def test_whoever_fills_in_a_form_reads_how_the_field_is_wrong(
    server: Server, change: dict[str, object], path: str | None, detail: str
) -> None:
    problem = await refused(server, "ru", {**ORDER, **change}, **{"Idempotency-Key": "k1"})
    assert (problem["path"], problem["detail"].replace("\u00a0", " ")) == (path, detail)


@pytest.mark.parametrize("header", ["x" * 4000, "ru;q=0,*;q=0", "en;q=2", ";;;,,,", "*"])
async def test_a_header_that_says_nothing_is_answered_in_russian(server: Server, header: str) -> None:
    async with (
        aiohttp.ClientSession(server.url, headers={"Accept-Language": header}) as http,
        http.get("/api/v1/me") as answer,
    ):
        assert answer.status == 401
        assert answer.headers["Content-Language"] in ("ru", "kk")
