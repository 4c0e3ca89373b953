import asyncio
import time
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from loadtests.bench.openloop import OpenLoop, Punctuality


async def test_every_source_sends_at_its_own_steady_period() -> None:
    sent: dict[int, list[float]] = {}
    loop = OpenLoop(20, 400, Random(1))
    kept = await loop.run(lambda source, at: sent.setdefault(source, []).append(at), 0.3)
    assert kept.sends == sum(len(times) for times in sent.values())
    assert abs(kept.sends - 120) <= 20  # each of the 20 may gain or lose one at the ends
    assert len(sent) == 20
    for times in sent.values():
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert all(gap == pytest.approx(loop.period_s) for gap in gaps)


async def test_a_stalled_generator_sends_everything_with_the_intended_times_and_says_it_was_late() -> None:
    sent: list[float] = []

    def send(source: int, intended: float) -> None:
        if not sent:
            time.sleep(0.2)
        sent.append(intended)

    kept = await OpenLoop(10, 200, Random(2)).run(send, 0.4)
    assert len(sent) == kept.sends
    assert sent == sorted(sent)
    assert kept.late > 0
    assert any("late" in fault for fault in kept.faults())


async def test_a_generator_that_can_never_keep_up_gives_up_and_counts_what_it_owes() -> None:
    kept = await OpenLoop(1, 1000, Random(3)).run(lambda *_: time.sleep(0.02), 0.2)
    assert kept.skipped > 0
    assert kept.faults()


async def test_answers_are_read_between_sends_of_a_burst() -> None:
    seen: Counter[str] = Counter()

    async def reader() -> None:
        while True:
            seen["reads"] += 1
            await asyncio.sleep(0)

    reading = asyncio.create_task(reader())
    await OpenLoop(2000, 20_000, Random(4)).run(lambda *_: seen.update(["sends"]), 0.2)
    reading.cancel()
    assert seen["reads"] >= seen["sends"] / 64


def test_a_busy_generator_voids_the_run() -> None:
    assert Punctuality(sends=1000, cpu_s=0.5, wall_s=1.0).faults() == []
    assert Punctuality(sends=1000, late=9, cpu_s=0.5, wall_s=1.0).faults() == []
    assert "85 %" in Punctuality(sends=1000, cpu_s=0.85, wall_s=1.0).faults()[0]
    assert "1.1 %" in Punctuality(sends=1000, late=11, cpu_s=0.5, wall_s=1.0).faults()[0]


@pytest.mark.parametrize(("sources", "rate"), [(0, 10), (5, 0)])
def test_a_load_of_nothing_is_refused(sources: int, rate: float) -> None:
    with pytest.raises(ValueError, match="open loop"):
        OpenLoop(sources, rate, Random(1))
