"""Reviews in any order of words, edits, days and staff: what is read is what the rules say, and totals add up."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dispatch.errors import Refusal
from dispatch.reviews import Words
from storage.postgres import connect_pool

from .hauled import Haul, Reviewed

HAULS = 2
SIDES = ("shipper", "driver")
CLEAN, CALL_ME = "хорошо", "звоните 8 701 123 45 67"

hauls, sides = st.integers(0, HAULS - 1), st.sampled_from(SIDES)
stars, texts = st.integers(1, 5), st.sampled_from([CLEAN, CLEAN, CLEAN, CALL_ME])


def build(loop: asyncio.AbstractEventLoop, market: Reviewed) -> type[RuleBasedStateMachine]:
    class Rating(RuleBasedStateMachine):
        """Two hauls of one shipper; `said` holds what the machine thinks of each word."""

        def run(self, work: Coroutine[Any, Any, Any]) -> Any:
            return loop.run_until_complete(work)

        @initialize()
        def begin(self) -> None:
            shipper = self.run(market.shipper())
            self.hauls: list[Haul] = [self.run(market.delivered(shipper=shipper)) for _ in range(HAULS)]
            self.staff = self.run(market.user("admin"))
            self.age = 0.0  # days since the deliveries
            self.said: dict[tuple[int, str], dict[str, Any]] = {}

        def settle(self, haul: int) -> None:
            """Both have spoken, or a week is over: nothing of the haul is blind."""
            words = [self.said[haul, side] for side in SIDES if (haul, side) in self.said]
            if len(words) == 2 or self.age >= 7:
                for each in words:
                    each["published"] = True

        @rule(haul=hauls, side=sides, stars=stars, text=texts)
        def post(self, haul: int, side: str, stars: int, text: str) -> None:
            party = getattr(self.hauls[haul], side)
            expected = (
                "review_late" if self.age >= 14 else "review_exists" if (haul, side) in self.said else None
            )
            try:
                made = self.run(market.reviews.post(party, self.hauls[haul].order, Words(stars, (), text)))
            except Refusal as refusal:
                assert refusal.code == expected
                return
            assert expected is None
            standing = "held" if text == CALL_ME else "clear"
            self.said[haul, side] = {
                "id": made.id, "stars": stars, "standing": standing, "published": False, "version": 1,
            }  # fmt: skip
            self.settle(haul)

        @rule(haul=hauls, side=sides, stars=stars, text=texts)
        def edit(self, haul: int, side: str, stars: int, text: str) -> None:
            word = self.said.get((haul, side))
            if word is None:
                return
            party = getattr(self.hauls[haul], side)
            closed = word["published"] or word["standing"] == "hidden"
            try:
                self.run(market.reviews.edit(party, word["id"], word["version"], Words(stars, (), text)))
            except Refusal as refusal:
                assert closed and refusal.code == "review_published"
                return
            assert not closed
            standing = "held" if text == CALL_ME else "clear"
            word |= {"stars": stars, "standing": standing, "version": word["version"] + 1}

        @rule(days=st.sampled_from([1.0, 3.0, 6.5]))
        def days_pass(self, days: float) -> None:
            if self.age > 20:
                return
            self.age += days
            self.run(market.days_pass(days))
            while self.run(market.publisher.publish_due()):
                pass
            for haul in range(HAULS):
                self.settle(haul)

        @rule(haul=hauls, side=sides, hide=st.booleans())
        def judge(self, haul: int, side: str, hide: bool) -> None:
            word = self.said.get((haul, side))
            if word is None:
                return
            work = (
                market.judged.hide(self.staff, word["id"], "other", "", reply=False)
                if hide
                else market.judged.restore(self.staff, word["id"], "")
            )
            try:
                self.run(work)
            except Refusal as refusal:
                assert refusal.code == "not_found" and not word["published"] and word["standing"] == "clear"
                return
            changed = not (hide and word["standing"] == "hidden")
            word |= {"standing": "hidden" if hide else "clear", "version": word["version"] + changed}

        @invariant()
        def each_reads_its_own_and_what_is_shown(self) -> None:
            for haul, parties in enumerate(getattr(self, "hauls", ())):
                for reader in SIDES:
                    expected = {
                        (side, self.said[haul, side]["stars"])
                        for side in SIDES
                        if (haul, side) in self.said and (side == reader or self.visible(haul, side))
                    }
                    read = self.run(market.read_by(getattr(parties, reader), parties.order))
                    assert set(read) == expected

        @invariant()
        def the_totals_are_what_a_recount_gives(self) -> None:
            assert self.run(market.kept()) == self.run(market.recounted())

        def visible(self, haul: int, side: str) -> bool:
            word = self.said[haul, side]
            return bool(word["published"] and word["standing"] == "clear")

    return Rating


def test_any_order_of_words_days_and_judgements_shows_what_the_rules_say(dsn: str) -> None:
    loop = asyncio.new_event_loop()
    pool = loop.run_until_complete(connect_pool(dsn, name="machine", size=2))
    try:
        run_state_machine_as_test(
            build(loop, Reviewed(pool)),
            settings=settings(
                max_examples=25,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=True,
            ),
        )
    finally:
        loop.run_until_complete(pool.close())
        loop.close()
