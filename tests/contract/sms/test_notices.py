"""Notices by SMS against the local provider: in one part, within the budget, never more often than it helps."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp.test_utils import TestServer

from server.gateways.mobizon import Mobizon
from server.gateways.push import Delivered, Later, Push, Rejected, push_to
from server.gateways.settings import SmsBudget
from server.gateways.sms_notices import RETRY_S, SmsSender
from server.gateways.smsc import Smsc
from server.gateways.texting import Texting
from storage.accounts import Endpoint

from .provider import MOBIZON, SMSC, Provider

PHONE = "+77011234567"


class Purse:
    """Budgets that grant as many SMS as they have."""

    def __init__(self, left: int = 100) -> None:
        self.left = left
        self.asked: list[tuple[int, int, int]] = []

    async def spend_sms(self, user: int, a_user: int, all_together: int) -> bool:
        self.asked.append((user, a_user, all_together))
        self.left -= 1
        return self.left >= 0


@pytest.fixture
async def provider(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> Provider:
    fake = Provider()
    server = await aiohttp_server(fake.app(), shutdown_timeout=0.1)
    fake.url = f"http://127.0.0.1:{server.port}"
    return fake


@pytest.fixture
async def texting(provider: Provider) -> AsyncIterator[Texting]:
    made = Texting([Mobizon(provider.url, "key"), Smsc(provider.url, "desk", "x")])
    yield made
    await made.close()


def sender(texting: Texting, purse: Purse) -> SmsSender:
    return SmsSender(texting, purse, SmsBudget(3, 500))  # type: ignore[arg-type]  # what it needs of a ledger


def cancelled(lang: str = "ru", order: int = 88213) -> Push:
    endpoint = Endpoint(0, 7, "sms", PHONE, {}, lang)
    return push_to(endpoint, "order.changed", {"order": order}, {"event": "cancelled"}, 3600.0, 31)


async def test_an_sms_says_what_a_push_says_in_one_part(provider: Provider, texting: Texting) -> None:
    purse = Purse()
    assert await sender(texting, purse).send([cancelled(), cancelled("kk")]) == [Delivered()] * 2
    russian, kazakh = (asked.form["text"] for asked in provider.asked)
    assert russian == "Заказ 88213. Заказ отменён." and kazakh != russian
    assert len(russian) <= 70 and len(kazakh) <= 70
    assert purse.asked == [(7, 3, 500)] * 2


async def test_beyond_the_budget_nothing_is_asked(provider: Provider, texting: Texting) -> None:
    texts = sender(texting, Purse(1))
    assert await texts.send([cancelled(), cancelled()]) == [Delivered(), Rejected("budget")]
    assert len(provider.asked) == 1 and texts.over_budget == 1


@pytest.mark.parametrize(
    ("mobizon", "smsc", "outcome"),
    [
        (1, 8, Rejected),  # the number, says each of them
        (2, 6, Rejected),  # our text or sender's name
        (15, 3, Later),  # our money: somebody may pay
        ("503", "429", Later),
        (3, 9, Later),  # throttled
        ("drop", "drop", Later),  # who knows
    ],
)
async def test_what_will_not_get_better_is_not_tried_again(
    provider: Provider, texting: Texting, mobizon: int | str, smsc: int | str, outcome: type
) -> None:
    provider.mobizon, provider.smsc = [mobizon], [smsc]
    (came_of,) = await sender(texting, Purse()).send([cancelled()])
    assert type(came_of) is outcome and len(provider.asked) == 2
    if isinstance(came_of, Later):
        assert came_of.after_s == RETRY_S


async def test_what_would_be_begun_too_late_waits_and_was_no_attempt(
    provider: Provider, texting: Texting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.sms_notices.BEGIN_WITHIN_S", -1.0)
    purse = Purse()
    assert await sender(texting, purse).send([cancelled()]) == [Later("queue", 0.0, tried=False)]
    assert provider.asked == [] and purse.asked == []


async def test_a_gateway_that_hangs_is_left_for_the_next(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.mobizon.TIMEOUT_S", 0.2)
    texting = Texting([Mobizon(provider.url, "key"), Smsc(provider.url, "desk", "x")])
    provider.mobizon = ["hang"]
    assert await sender(texting, Purse()).send([cancelled()]) == [Delivered()]
    assert [asked.path for asked in provider.asked] == [MOBIZON, SMSC]
    await texting.close()
