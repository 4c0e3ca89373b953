"""A socket answers in the language that was asked for, from the first refusal to the reason of its close."""

import pytest

from tests.served import Server

from .wire import connect, signed_in

SIGN_IN = {"ru": "Сначала войдите.", "kk": "Алдымен кіріңіз.", "en": "Sign in first.", "zh": "请先登录。"}


@pytest.mark.parametrize(("tag", "lang"), [("ru", "ru"), ("kk-KZ", "kk"), ("en", "en"), ("zh-Hans-CN", "zh")])
async def test_a_hello_names_the_language_of_every_sentence(server: Server, tag: str, lang: str) -> None:
    async with connect(server) as wire:
        await wire.send("hello", version=1, lang=tag)
        assert (await wire.receive("error"))["message"] == SIGN_IN[lang]
        reason = (await wire.close_reason())[1]
        assert reason and (reason[-1] == "。") == (lang == "zh")


async def test_the_address_goes_before_the_header_and_the_hello_before_both(server: Server) -> None:
    for path, header, said, lang in (
        ("/ws", "kk", "", "kk"),
        ("/ws?lang=zh-CN", "kk", "", "zh"),
        ("/ws?lang=zh-CN", "kk", "en", "en"),
        ("/ws?lang=nonsense", "kk", "xx", "kk"),
        ("/ws", "xx", "", "ru"),
    ):
        async with connect(server, path=path, headers={"Accept-Language": header}) as wire:
            await wire.send("hello", version=1, lang=said)
            assert (await wire.receive("error"))["message"] == SIGN_IN[lang], (path, header, said)


async def test_a_refused_command_is_told_in_that_language_with_its_values(server: Server) -> None:
    driver = server.accounts["drivers"][0]
    async with signed_in(server, driver, lang="ru") as wire:
        refused = await wire.command("order.advance", order=1, status="flying")
        assert (refused["code"], refused["message"]) == ("transition_forbidden", "нет такого статуса: flying")
        await wire.send("order.advance", id=2, order="x", status="loaded")
        assert (await wire.receive("error"))["message"] == "Нужно: целое число, получено: текст"
