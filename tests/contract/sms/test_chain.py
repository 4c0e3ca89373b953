"""The chain of gateways: the first that takes a code, the breaker of one that fails, and what callers are told."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp.test_utils import TestServer

from dispatch.errors import Refusal
from server.gateways.mobizon import Mobizon
from server.gateways.otp import SmsChain
from server.gateways.smsc import Smsc
from server.gateways.texting import Texting

from .provider import MOBIZON, SMSC, Provider

PHONE = "+77011234567"


@pytest.fixture
async def provider(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> Provider:
    fake = Provider()
    server = await aiohttp_server(fake.app(), shutdown_timeout=0.1)
    fake.url = f"http://127.0.0.1:{server.port}"
    return fake


@pytest.fixture
async def chain(provider: Provider) -> AsyncIterator[SmsChain]:
    made = SmsChain(Texting([Mobizon(provider.url, "key"), Smsc(provider.url, "desk", "x")]), "desk.kz")
    yield made
    await made.close()


def paths(provider: Provider) -> list[str]:
    return [asked.path for asked in provider.asked]


async def refused(chain: SmsChain) -> str:
    with pytest.raises(Refusal) as refusal:
        await chain.send(PHONE, "048213", "ru")
    return refusal.value.code


async def test_the_first_gateway_carries_the_code_in_the_reader_s_language(
    provider: Provider, chain: SmsChain
) -> None:
    for lang in ("ru", "zh"):
        await chain.send(PHONE, "048213", lang)
    assert paths(provider) == [MOBIZON, MOBIZON]
    russian, chinese = (asked.form["text"] for asked in provider.asked)
    assert russian.startswith("Код 048213") and chinese.startswith("验证码 048213")
    assert russian.endswith("\n@desk.kz #048213") and len(russian) <= 70
    assert chain.outcomes == {("mobizon", "sent"): 2}


@pytest.mark.parametrize("step", [8, 15, 12, 3, "503", "nonsense", 1])
async def test_whatever_keeps_the_first_from_it_the_second_carries_it(
    provider: Provider, chain: SmsChain, step: int | str
) -> None:
    provider.mobizon = [step]
    await chain.send(PHONE, "048213", "ru")
    assert paths(provider) == [MOBIZON, SMSC]
    assert chain.outcomes["smsc", "sent"] == 1


async def test_a_number_that_no_gateway_can_reach_is_told_as_that(
    provider: Provider, chain: SmsChain
) -> None:
    provider.mobizon, provider.smsc = [1], [8]
    assert await refused(chain) == "phone_invalid"


async def test_when_none_takes_it_the_caller_is_told_that_it_did_not_go(
    provider: Provider, chain: SmsChain
) -> None:
    provider.mobizon, provider.smsc = ["503", 1], ["503", 3]
    assert [await refused(chain) for _ in range(2)] == ["sms_unavailable"] * 2


async def test_a_gateway_that_keeps_failing_is_left_out_and_tried_again_later(
    provider: Provider, chain: SmsChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr("server.gateways.texting.time.monotonic", lambda: clock)
    provider.mobizon = ["503"] * 6
    for _ in range(7):
        await chain.send(PHONE, "048213", "ru")
    assert paths(provider).count(MOBIZON) == 5 and paths(provider).count(SMSC) == 7
    assert chain.outcomes["mobizon", "left_out"] == 2
    clock += 31
    await chain.send(PHONE, "048213", "ru")  # the one attempt fails
    await chain.send(PHONE, "048213", "ru")
    assert paths(provider).count(MOBIZON) == 6
    clock += 61  # left alone for twice as long
    await chain.send(PHONE, "048213", "ru")  # and this one works
    await chain.send(PHONE, "048213", "ru")
    assert paths(provider).count(MOBIZON) == 8 and paths(provider).count(SMSC) == 9


async def test_an_empty_account_calls_a_person_and_is_left_out_at_once(
    provider: Provider, chain: SmsChain, caplog: pytest.LogCaptureFixture
) -> None:
    provider.mobizon = [15]
    for _ in range(3):
        await chain.send(PHONE, "048213", "ru")
    assert paths(provider).count(MOBIZON) == 1
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "sms.gateway_refuses" and record.__dict__["gateway"] == "mobizon"


async def test_a_bad_number_is_no_fault_of_the_gateway(provider: Provider, chain: SmsChain) -> None:
    provider.mobizon = [1] * 10
    for _ in range(10):
        await chain.send(PHONE, "048213", "ru")
    assert paths(provider).count(MOBIZON) == 10


async def test_neither_the_code_nor_the_whole_number_is_logged(
    provider: Provider, chain: SmsChain, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.mobizon, provider.smsc = [0, 1, 8, "503"], [9, 3, "nonsense"]
    await chain.send(PHONE, "048213", "ru")
    for _ in range(3):
        await refused(chain)
    ours = [record for record in caplog.records if record.name == "desk.sms"]
    assert len(ours) >= 4
    for record in ours:
        assert "048213" not in str(record.__dict__) and "1234567" not in str(record.__dict__)
