"""Every adapter against its fake: the cases of `contract.py`, one test each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from . import contract, fake_stripe
from .contract import Bench, Case

# Name of the acquirer -> opens its bench. An adapter joins by one line.
BENCHES: dict[str, Callable[[], AbstractAsyncContextManager[Bench]]] = {"stripe": fake_stripe.bench}


@pytest.fixture(params=sorted(BENCHES))
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with BENCHES[request.param]() as opened:
        yield opened


@pytest.mark.parametrize("case", [*contract.CALM, *contract.FAULTY], ids=lambda case: case.__name__)
async def test_an_acquirer(bench: Bench, case: Case) -> None:
    await case(bench)
