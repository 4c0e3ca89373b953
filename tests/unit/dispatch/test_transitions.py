"""The table of steps, whole, and a machine that walks it."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dispatch.model import ENDED, TRANSITIONS, Actor, Status, allowed

SHIPPER, DRIVER, ADMIN, SYSTEM = Actor.SHIPPER, Actor.DRIVER, Actor.ADMIN, Actor.SYSTEM
PARTIES = {SHIPPER, DRIVER, ADMIN}

# Written a second time on purpose: each step as a person would explain it.
EXPECTED = {
    "draft": {"moderation": {SHIPPER}, "open": {SHIPPER}, "cancelled": {SHIPPER, ADMIN}},
    "moderation": {"open": {ADMIN, SYSTEM}, "cancelled": {SHIPPER, ADMIN}, "expired": {SYSTEM}},
    "open": {
        "assigned": {DRIVER},
        "moderation": {ADMIN, SYSTEM},
        "expired": {SYSTEM},
        "cancelled": {SHIPPER, ADMIN},
    },
    "assigned": {"at_pickup": {DRIVER}, "cancelled": PARTIES},
    "at_pickup": {"loaded": {DRIVER}, "cancelled": PARTIES},
    "loaded": {"in_transit": {DRIVER}, "disputed": PARTIES},
    "in_transit": {"at_drop": {DRIVER}, "disputed": PARTIES},
    "at_drop": {"delivered": {DRIVER}, "disputed": PARTIES},
    "delivered": {"closed": {SHIPPER, ADMIN, SYSTEM}, "disputed": PARTIES},
    "disputed": {
        "closed": {ADMIN},
        "cancelled": {ADMIN},
        **{then: {SYSTEM} for then in ("loaded", "in_transit", "at_drop", "delivered")},  # it was withdrawn
    },
    "closed": {},
    "cancelled": {},
    "expired": {},
}


def test_each_pair_of_states_is_open_to_exactly_these_actors() -> None:
    for now in Status:
        for then in Status:
            for actor in Actor:
                expected = actor in EXPECTED[now].get(then, set())
                assert allowed(now, then, actor) == expected, (now, then, actor)


def test_closed_cancelled_and_expired_are_final_and_everything_else_can_end() -> None:
    final = {status for status in Status if not any(now is status for now, _ in TRANSITIONS)}
    assert final == {Status.CLOSED, Status.CANCELLED, Status.EXPIRED}
    for start in Status:
        reached, before = {start}, set()
        while reached != before:
            before = set(reached)
            reached |= {then for now, then in TRANSITIONS if now in reached}
        assert reached & final


class OrderWalk(RuleBasedStateMachine):
    """Anybody tries anything, again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.path = [Status.DRAFT]

    @rule(then=st.sampled_from(Status), actor=st.sampled_from(Actor))
    def attempt(self, then: Status, actor: Actor) -> None:
        if allowed(self.path[-1], then, actor):
            self.path.append(then)

    @invariant()
    def no_state_is_visited_twice_but_for_a_load_that_staff_look_at_again(self) -> None:
        once = [status for status in self.path if status not in (Status.OPEN, Status.MODERATION)]
        assert len(set(once)) == len(once)

    @invariant()
    def an_order_is_assigned_before_it_moves_and_loaded_cargo_is_never_called_off_by_a_party(self) -> None:
        passed = set(self.path)
        if Status.LOADED in passed:
            assert {Status.ASSIGNED, Status.AT_PICKUP} <= passed
            assert self.path[-1] is not Status.CANCELLED or Status.DISPUTED in passed
        if Status.DELIVERED in passed:
            assert {Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP} <= passed

    @invariant()
    def what_has_ended_stays_ended_but_for_a_dispute(self) -> None:
        for now, then in zip(self.path, self.path[1:], strict=False):
            assert now not in ENDED or then in ENDED or then is Status.DISPUTED


TestOrderWalk = OrderWalk.TestCase
