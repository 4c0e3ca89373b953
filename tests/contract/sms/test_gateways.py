"""Both SMS adapters against one local provider: what they send, and the one meaning of each answer."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp.test_utils import TestServer

from server.gateways.mobizon import Mobizon
from server.gateways.sms import NotSent, Sent, SmsGateway, Trouble
from server.gateways.smsc import Smsc

from .provider import MOBIZON, SMSC, Provider

PHONE, TEXT = "+77011234567", "Код 048213. Никому его не говорите.\n@desk.kz #048213"
KEY = "kz-not-a-real-key"


@pytest.fixture
async def provider(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> Provider:
    fake = Provider()
    server = await aiohttp_server(fake.app(), shutdown_timeout=0.1)
    fake.url = f"http://127.0.0.1:{server.port}"
    return fake


@pytest.fixture
async def mobizon(provider: Provider) -> AsyncIterator[Mobizon]:
    gateway = Mobizon(provider.url + "/", KEY, "TrackDesk")
    yield gateway
    await gateway.close()


@pytest.fixture
async def smsc(provider: Provider) -> AsyncIterator[Smsc]:
    gateway = Smsc(provider.url, "desk", "not-a-password", "TrackDesk")
    yield gateway
    await gateway.close()


async def test_mobizon_gets_a_form_and_the_key_in_the_query(provider: Provider, mobizon: Mobizon) -> None:
    assert await mobizon.send(PHONE, TEXT) == Sent("4242")
    (asked,) = provider.asked
    assert asked.path == MOBIZON and asked.content_type == "application/x-www-form-urlencoded"
    assert asked.query == {"output": "json", "api": "v1", "apiKey": KEY}
    assert asked.form == {"recipient": "77011234567", "text": TEXT, "from": "TrackDesk"}


async def test_smsc_gets_everything_in_the_form(provider: Provider, smsc: Smsc) -> None:
    assert await smsc.send(PHONE, TEXT) == Sent("4243")
    (asked,) = provider.asked
    assert asked.path == SMSC and asked.query == {}
    assert asked.form == {
        "login": "desk",
        "psw": "not-a-password",
        "phones": PHONE,
        "mes": TEXT,
        "sender": "TrackDesk",
        "charset": "utf-8",
        "fmt": "3",
    }


async def test_without_a_sender_name_none_is_sent(provider: Provider) -> None:
    for gateway in (Mobizon(provider.url, KEY), Smsc(provider.url, "desk", "x")):
        assert isinstance(await gateway.send(PHONE, TEXT), Sent)
        await gateway.close()
    assert all("from" not in asked.form and "sender" not in asked.form for asked in provider.asked)


async def test_mobizon_s_answer_that_it_sends_in_the_background_is_success(
    provider: Provider, mobizon: Mobizon
) -> None:
    provider.mobizon = [100]
    assert isinstance(await mobizon.send(PHONE, TEXT), Sent)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (1, Trouble.NUMBER),
        (2, Trouble.REFUSED),
        (3, Trouble.DOWN),
        (8, Trouble.ACCOUNT),
        (9, Trouble.ACCOUNT),
        (10, Trouble.DOWN),
        (11, Trouble.REFUSED),
        (12, Trouble.REFUSED),
        (14, Trouble.ACCOUNT),
        (15, Trouble.ACCOUNT),
        (999, Trouble.REFUSED),
    ],
)
async def test_each_code_of_mobizon_has_one_meaning(
    provider: Provider, mobizon: Mobizon, code: int, trouble: Trouble
) -> None:
    provider.mobizon = [code]
    assert await mobizon.send(PHONE, TEXT) == NotSent(trouble, f"code {code}")


async def test_a_field_of_mobizon_s_form_that_is_not_the_number_is_our_mistake(
    provider: Provider, mobizon: Mobizon
) -> None:
    provider.mobizon = ['{"code": 1, "data": {"from": "Not registered"}, "message": ""}']
    assert await mobizon.send(PHONE, TEXT) == NotSent(Trouble.REFUSED, "code 1")


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (1, Trouble.REFUSED),
        (2, Trouble.ACCOUNT),
        (3, Trouble.ACCOUNT),
        (4, Trouble.ACCOUNT),
        (5, Trouble.REFUSED),
        (6, Trouble.REFUSED),
        (7, Trouble.NUMBER),
        (8, Trouble.NUMBER),
        (9, Trouble.THROTTLED),
    ],
)
async def test_each_code_of_smsc_has_one_meaning(
    provider: Provider, smsc: Smsc, code: int, trouble: Trouble
) -> None:
    provider.smsc = [code]
    assert await smsc.send(PHONE, TEXT) == NotSent(trouble, f"error {code}")


async def test_an_unknown_code_of_smsc_calls_a_person(provider: Provider, smsc: Smsc) -> None:
    for step in (77, '{"error": "?", "error_code": "x"}', '{"error": "?", "error_code": [1]}'):
        provider.smsc = [step]
        assert await smsc.send(PHONE, TEXT) == NotSent(Trouble.REFUSED, "an unknown error")


@pytest.mark.parametrize(
    ("step", "detail"),
    [
        ("500", "HTTP 500"),
        ("503", "HTTP 503"),
        ("302", "HTTP 302"),  # nobody is led elsewhere with a key
        ("", "no JSON"),
        ("<html>", "no JSON"),
        ("[" * 2000, "no JSON"),
        ("[1]", "no JSON object"),
        ('{"cnt": 1}', None),
        ('{"code": "0"}', None),
        ('{"code": true}', None),
        ('{"x": "' + "y" * 300_000 + '"}', "the answer is too long"),
    ],
)
async def test_what_is_no_answer_counts_as_down(
    provider: Provider, mobizon: Mobizon, smsc: Smsc, step: str, detail: str | None
) -> None:
    provider.mobizon, provider.smsc = [step], [step]
    for gateway in (mobizon, smsc):
        outcome = await gateway.send(PHONE, TEXT)
        assert isinstance(outcome, NotSent) and outcome.trouble is Trouble.DOWN
        assert detail is None or outcome.detail == detail


async def test_a_provider_that_hangs_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.gateways.mobizon.TIMEOUT_S", 0.2)
    monkeypatch.setattr("server.gateways.smsc.TIMEOUT_S", 0.2)
    provider.mobizon, provider.smsc = ["hang"], ["hang"]
    gateways: list[SmsGateway] = [Mobizon(provider.url, KEY), Smsc(provider.url, "desk", "x")]
    for gateway in gateways:
        assert await gateway.send(PHONE, TEXT) == NotSent(Trouble.DOWN, "TimeoutError")
        await gateway.close()


async def test_nobody_listening_is_told_without_the_address_or_the_key() -> None:
    gateways: list[SmsGateway] = [Mobizon("http://127.0.0.1:1", KEY), Smsc("http://127.0.0.1:1", "a", KEY)]
    for gateway in gateways:
        outcome = await gateway.send(PHONE, TEXT)
        assert isinstance(outcome, NotSent) and outcome.trouble is Trouble.DOWN
        assert KEY not in outcome.detail and "127" not in outcome.detail
        await gateway.close()
