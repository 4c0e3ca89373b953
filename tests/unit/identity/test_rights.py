"""Rights of staff: the table written a second time, as a person would explain it, and the check of routes."""

import pytest

from dispatch.rights import RIGHTS, Grade, Right, grades, may
from server.http.route import Call, Route
from server.protocol.rest import common

EXPECTED = {
    "support": {
        "see_phones",
        "find_users",
        "mend_orders",
        "see_documents",
        "see_money",
        "view_as_user",
        "watch_habits",
        "read_chats",
        "see_reports",
        "replay_tracks",
        "see_deliveries",
        "edit_content",
        "broadcast",
    },
    "moderator": {
        "moderate_orders",
        "moderate_reviews",
        "see_documents",
        "judge_documents",
        "watch_habits",
        "read_chats",
        "see_reports",
        "edit_content",
        "edit_words",
        "judge_referrals",
    },
    "finance": {
        "find_users",
        "see_money",
        "move_money",
        "set_subscriptions",
        "set_fuel_prices",
        "see_reports",
        "set_tariffs",
        "set_loyalty",
        "judge_referrals",
    },
    "superadmin": {right.value for right in Right},
}


@pytest.mark.parametrize("grade", EXPECTED)
def test_each_grade_has_exactly_its_rights(grade: str) -> None:
    assert {right.value for right in Right if may(grade, right)} == EXPECTED[grade]


def test_every_right_has_a_row_and_every_grade_a_description() -> None:
    assert set(RIGHTS) == set(Right) and set(EXPECTED) == set(Grade)


def test_nobody_without_a_grade_has_a_right() -> None:
    assert not any(may(grade, right) for right in Right for grade in (None, "", "root", "admin"))


def test_the_wire_knows_the_same_grades() -> None:
    assert set(common.Grade.__args__) == {grade.value for grade in Grade}  # type: ignore[attr-defined]  # Literal


async def nothing(call: Call[None, None]) -> None:
    pass


def route(**changes: object) -> Route:
    fields: dict[str, object] = {"status": 204, "roles": frozenset({"admin"})} | changes
    return Route("GET", "/api/v1/x", nothing, "X", "admin", **fields)  # type: ignore[arg-type]  # a test's shorthand


def test_a_route_names_real_grades_and_lets_admins_in() -> None:
    assert route(grades=grades(Right.MOVE_MONEY)).grades == {"finance", "superadmin"}
    with pytest.raises(ValueError, match="no such grades"):
        route(grades=frozenset({"boss"}))
    for roles in (None, frozenset[str](), frozenset({"shipper"})):
        with pytest.raises(ValueError, match="grades are of admins"):
            route(roles=roles, grades=frozenset({"support"}))
