"""Ratings and a dispute over HTTP, as two phones and a desk of staff meet them."""

import uuid
from typing import Any

import pytest

from dispatch.model import Status
from tests.integration.orders.market import STEPS, Market
from tests.integration.orders.test_http import calling
from tests.served import LocalServer


class Scene:
    """A haul between the first shipper and the first driver of a server."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.market = Market(server.services.pool)
        self.shipper, self.driver = server.accounts["shippers"][0], server.accounts["drivers"][0]

    async def haul(self, last: Status = Status.DELIVERED) -> int:
        load = {"body": self.driver["body"], "weight_kg": 100.0, "volume_m3": 1.0}
        order = await self.market.order(self.shipper["user"], **load)
        offers = await self.market.offer(order, [self.driver["user"]])
        await self.market.orders.accept(self.driver["user"], offers[self.driver["user"]], uuid.uuid4())
        for step in STEPS[: STEPS.index(last) + 1]:
            await self.market.orders.advance(self.driver["user"], order.id, step)
        return order.id

    def staff(self, grade: str) -> dict[str, Any]:
        found: dict[str, Any] = next(
            each for each in self.server.accounts["admins"] if each.get("grade") == grade
        )
        return found


@pytest.fixture
def scene(server: LocalServer) -> Scene:
    return Scene(server)


async def test_two_sides_rate_a_haul_and_read_each_other(scene: Scene) -> None:
    order, server = await scene.haul(), scene.server
    path = f"/api/v1/orders/{order}"
    async with calling(server, scene.shipper) as shipper, calling(server, scene.driver) as driver:
        form = {"stars": 4, "tags": ["on_time", "polite"], "text": "ехал осторожно"}
        key = {"Idempotency-Key": "rated-once"}
        status, mine = await shipper("POST", f"{path}/review", form, **key)
        assert (status, mine["published_at"], mine["own"], mine["standing"]) == (201, None, True, "clear")
        assert (await shipper("POST", f"{path}/review", form, **key))[1] == mine
        assert (await shipper("POST", f"{path}/review", form))[1]["code"] == "review_exists"
        _, seen = await driver("GET", f"{path}/reviews")
        assert (seen["shipper_posted"], seen["driver_posted"], seen["may_post"]) == (True, False, True)
        assert seen["reviews"] == [] and seen["side"] == "driver"
        edit = f"/api/v1/reviews/{mine['review']}"
        assert (await shipper("PUT", edit, {"stars": 5}))[1]["code"] == "precondition_required"
        status, changed = await shipper("PUT", edit, {**form, "stars": 5}, **{"If-Match": '"1"'})
        assert (status, changed["version"], changed["stars"]) == (200, 2, 5)
        assert (await driver("PUT", edit, {"stars": 1}, **{"If-Match": '"2"'}))[0] == 404
        await driver("POST", f"{path}/review", {"stars": 3, "tags": ["long_wait"]})
        _, seen = await driver("GET", f"{path}/reviews")
        assert [(each["side"], each["stars"], each["own"]) for each in seen["reviews"]] == [
            ("shipper", 5, False),
            ("driver", 3, True),
        ]
        late = await shipper("PUT", edit, {"stars": 1}, **{"If-Match": '"2"'})
        assert (late[0], late[1]["code"]) == (409, "review_published")
        status, answered = await driver("POST", f"{edit}/reply", {"text": "спасибо"})
        assert (status, answered["reply"]) == (200, "спасибо")
        profile = f"/api/v1/users/{scene.driver['user']}"
        _, known = await shipper("GET", f"{profile}/reputation")
        assert known["rating"] == {"mean": 5.0, "count": 1, "stars": [0, 0, 0, 0, 1]}
        assert known["reliability"][0] == {"component": "completed", "number": 1, "of": 1, "share": None}
        _, page = await shipper("GET", f"{profile}/reviews")
        (public,) = page["reviews"]
        assert public["reply"] == "спасибо" and public["order"] is None  # of no haul in particular
        assert (await driver("GET", f"/api/v1/users/{server.accounts['shippers'][1]['user']}/reviews"))[
            0
        ] == 404


async def test_a_report_is_judged_and_the_stars_follow(scene: Scene) -> None:
    order, server = await scene.haul(), scene.server
    async with (
        calling(server, scene.shipper) as shipper,
        calling(server, scene.driver) as driver,
        calling(server, scene.staff("moderator")) as moderator,
        calling(server, scene.staff("support")) as support,
    ):
        _, word = await shipper("POST", f"/api/v1/orders/{order}/review", {"stars": 1, "text": "хам"})
        await driver("POST", f"/api/v1/orders/{order}/review", {"stars": 5})
        about = f"/api/v1/reviews/{word['review']}/report"
        assert (await driver("POST", about, {"reason": "insult", "note": "обидно"}))[0] == 204
        assert (await support("GET", "/api/v1/admin/reviews"))[0] == 403
        _, queue = await moderator("GET", "/api/v1/admin/reviews")
        (waiting,) = queue["reviews"]
        assert (waiting["report_reason"], waiting["report_note"]) == ("insult", "обидно")
        judge = f"/api/v1/admin/reviews/{word['review']}"
        status, hidden = await moderator("POST", f"{judge}/hide", {"reason": "insult", "note": "брань"})
        assert (status, hidden["review"]["standing"], hidden["waiting"]) == (200, "hidden", False)
        _, known = await shipper("GET", f"/api/v1/users/{scene.driver['user']}/reputation")
        assert known["rating"] == {"mean": None, "count": 0, "stars": [0] * 5}
        _, own = await shipper("GET", f"/api/v1/orders/{order}/reviews")
        assert own["reviews"][0]["hidden_reason"] == "insult"
        await moderator("POST", f"{judge}/restore", {})
        _, known = await shipper("GET", f"/api/v1/users/{scene.driver['user']}/reputation")
        assert known["rating"]["count"] == 1


async def test_a_dispute_from_the_first_word_to_the_decision(scene: Scene) -> None:
    order, server = await scene.haul(), scene.server
    path = f"/api/v1/orders/{order}/dispute"
    async with (
        calling(server, scene.shipper) as shipper,
        calling(server, scene.driver) as driver,
        calling(server, scene.staff("support")) as support,
        calling(server, scene.staff("moderator")) as moderator,
    ):
        assert (await driver("GET", path))[0] == 404
        form = {"code": "shortage", "note": "не хватает мешка", "amount": 1_500_000}
        status, state = await shipper("POST", path, form)
        assert (status, state["status"]) == (200, "disputed")
        _, seen = await driver("GET", path)
        assert (seen["amount"], seen["currency"], seen["may_answer"], seen["may_withdraw"]) == (
            1_500_000, "KZT", True, False,
        )  # fmt: skip
        status, seen = await driver("POST", f"{path}/answer", {"text": "все мешки сданы"})
        assert status == 200 and [each["kind"] for each in seen["messages"]] == ["opened", "answer"]
        assert (await moderator("GET", "/api/v1/admin/disputes"))[0] == 403
        _, queue = await support("GET", "/api/v1/admin/disputes")
        (case,) = queue["disputes"]
        admin = f"/api/v1/admin/disputes/{case['dispute']['dispute']}"
        assert case["was"] == "delivered"
        status, taken = await support("POST", f"{admin}/claim")
        assert (status, taken["dispute"]["taken"]) == (200, True)
        await support("POST", f"{path}/messages", {"text": "пришлите акт"})
        _, seen = await shipper("GET", path)
        assert [(each["side"], each["author"]) for each in seen["messages"]][-1] == ("staff", None)
        verdict = {"outcome": "split", "text": "поровну", "amount": 750_000}
        status, decided = await support("POST", f"{admin}/decide", verdict)
        assert (status, decided["order"]["status"], decided["dispute"]["outcome"]) == (200, "closed", "split")
        _, seen = await driver("GET", path)
        assert (seen["state"], seen["decision"], seen["decided_amount"]) == ("decided", "поровну", 750_000)
        assert (await driver("POST", f"{path}/messages", {"text": "но"}))[1]["code"] == "dispute_closed"
        _, detail = await driver("GET", f"/api/v1/orders/{order}")
        assert [(line["kind"], line.get("code")) for line in detail["events"]][-1] == (
            "dispute_decided",
            "split",
        )


async def test_a_company_card_tells_how_its_hauls_were_rated(scene: Scene) -> None:
    order, server = await scene.haul(), scene.server
    company = await scene.market.pool.fetchval(
        "INSERT INTO companies (legal_name, country, bin) VALUES ('ТОО Алма', 'KZ', '1') RETURNING id"
    )
    await scene.market.pool.execute("UPDATE orders SET company_id = $1 WHERE id = $2", company, order)
    async with calling(server, scene.shipper) as shipper, calling(server, scene.driver) as driver:
        await driver("POST", f"/api/v1/orders/{order}/review", {"stars": 4})
        _, card = await driver("GET", f"/api/v1/companies/{company}")
        assert (card["rating"], card["hauls"]) == (None, 0)
        await shipper("POST", f"/api/v1/orders/{order}/review", {"stars": 5})
        _, card = await driver("GET", f"/api/v1/companies/{company}")
        assert (card["rating"], card["hauls"]) == (4.0, 1)
