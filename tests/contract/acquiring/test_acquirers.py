"""Every adapter against its fake: the cases of `contract.py`, one test each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from storage.postgres import Pool

from . import contract, fake_cloudpayments, fake_stripe, sandbox
from .contract import Bench, Case

# Name of the acquirer -> opens its bench. An adapter joins by one line.
BENCHES: dict[str, Callable[[], AbstractAsyncContextManager[Bench]]] = {
    "cloudpayments": fake_cloudpayments.opened,
    "stripe": fake_stripe.opened,
}


@pytest.fixture(params=sorted(BENCHES))
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with BENCHES[request.param]() as opened:
        yield opened


@pytest.mark.parametrize("case", [*contract.CALM, *contract.FAULTY], ids=lambda case: case.__name__)
async def test_an_acquirer(bench: Bench, case: Case) -> None:
    await case(bench)


@pytest.mark.parametrize("case", contract.CALM, ids=lambda case: case.__name__)
async def test_the_sandbox(pool: Pool, case: Case) -> None:
    async with sandbox.opened(pool) as behind:
        await case(Bench(behind.sandbox, behind))
