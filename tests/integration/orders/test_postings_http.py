"""What shippers and moderators do with loads over HTTP: forms, drafts, templates, edits, lists, cases."""

import time
import uuid
from typing import Any

import pytest

from tests.integration.orders.test_http import ALMATY, KONAEV, ORDER, Caller, calling, post
from tests.served import Server

HOUR = 3600.0
# A farm 40 km north of Almaty's centre.
FARM = {"lat": 43.61, "lon": 76.91}
PICKUP, DROP = {"kind": "pickup", "city": ALMATY}, {"kind": "drop", "city": KONAEV}


def whole_form() -> dict[str, Any]:
    """A load that says everything."""
    start = round(time.time()) + 24 * HOUR
    return {
        "cargo": "сыр <script>alert(1)</script>'; DROP TABLE orders; --",
        "weight_kg": 18_000.0,
        "volume_m3": 60.0,
        "body": "reefer",
        "other_bodies": ["isotherm"],
        "kind": "food",
        "pieces": 33,
        "length_m": 1.2,
        "width_m": 0.8,
        "height_m": 1.6,
        "sides": ["rear", "side"],
        "temp_min_c": 2.0,
        "temp_max_c": 6.0,
        "adr": "9",
        "documents": ["waybill", "veterinary", "msds"],
        "pricing": "bids",
        "payment_method": "cash",
        "payment_when": "deferred",
        "payment_days": 14,
        "prepay_percent": 30,
        "vat": True,
        "comment": "не трясти",
        "private": True,
        "valid_s": 5 * 86_400,
        "confirm_s": 7200,
        "stops": [
            {"kind": "pickup", **FARM, "address": "ферма", "window_from": start, "window_to": start + 4 * HOUR,
             "contact_name": "Айгүл", "contact_phone": "8 701 222 33 44", "note": "ворота 3"},
            {"kind": "drop", "city": ALMATY, "note": "рынок"},
            {"kind": "drop", "city": KONAEV, "window_to": start + 9 * HOUR},
        ],
    }  # fmt: skip


async def posted(shipper: Caller, form: dict[str, Any], key: str = "") -> tuple[int, dict[str, Any]]:
    return await shipper("POST", "/api/v1/orders", form, **{"Idempotency-Key": key or uuid.uuid4().hex})


async def test_a_load_that_says_everything_is_posted_and_read_back_whole(server: Server) -> None:
    form = whole_form()
    async with calling(server, server.accounts["shippers"][0]) as shipper:
        status, state = await posted(shipper, form)
        assert status == 201, state
        for name in form.keys() - {"stops", "valid_s", "confirm_s"}:
            assert state[name] == form[name], name
        pickup, market, drop = state["stops"]
        assert (pickup["contact_phone"], pickup["note"], pickup["lat"]) == (
            "+77012223344",
            "ворота 3",
            FARM["lat"],
        )
        assert pickup["place"]["lat"] != FARM["lat"], "out of town everybody else is told the cell"
        assert market["place"]["name"] == "Алматы" and "address" not in market
        assert (drop["window_to"], state["drop"]["city"]) == (form["stops"][2]["window_to"], KONAEV)
        assert state["price"]["amount"] > 0, "a guide price, though bids decide"
        assert state["confirm_by"] == pytest.approx(state["created_at"] + 7200)
        _, detail = await shipper("GET", f"/api/v1/orders/{state['order']}")
        assert detail["order"] == state
        assert len(detail["line"]) >= 3
        assert detail["events"][0] == {
            "seq": 1, "kind": "placed", "status": "open", "at": detail["events"][0]["at"],
            "actor": server.accounts["shippers"][0]["user"], "role": "shipper",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"stops": [DROP, DROP]}, "stops_invalid", "stops[0].kind"),
        ({"stops": [PICKUP]}, "order_incomplete", "stops"),
        ({"stops": [{**PICKUP, "city": 5}, DROP]}, "place_unknown", "stops[0].city"),
        ({"stops": [{**PICKUP, "contact_phone": "12"}, DROP]}, "phone_invalid", "stops[0].contact_phone"),
        ({"stops": [{**PICKUP, "window_to": 1e9}, DROP]}, "window_past", "stops[0].window_to"),
        ({"weight_kg": 90_000.0, "body": "tent"}, "load_too_large", "weight_kg"),
        ({"temp_min_c": 2.0}, "temperature_invalid", "body"),
        ({"kind": "fuel"}, "adr_required", "adr"),
        ({"payment_when": "deferred"}, "payment_invalid", "payment_days"),
        ({"pickup_city": None}, "order_incomplete", "pickup_city"),
        ({"price": 0}, "bad_request", "$.price"),
        ({"body": "sledge"}, "bad_request", "$.body"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_load_is_said_with_its_field(
    server: Server, changes: dict[str, Any], code: str, path: str
) -> None:
    form = {**ORDER, **changes}
    if "stops" in changes:
        del form["pickup_city"], form["drop_city"]
    async with calling(server, server.accounts["shippers"][0]) as shipper:
        status, problem = await posted(shipper, form)
        assert (problem["code"], problem["path"]) == (code, path), problem
        assert status in (400, 422) and problem["detail"]
        assert (await shipper("GET", "/api/v1/orders"))[1]["orders"] == []


async def test_a_refused_load_says_so_in_the_readers_language_and_frees_its_key(server: Server) -> None:
    async with calling(server, server.accounts["shippers"][0]) as shipper:
        status, problem = await posted(shipper, {**ORDER, "weight_kg": 90_000.0, "body": "tent"}, "k")
        assert (status, problem["code"]) == (422, "load_too_large")
        status, _ = await posted(shipper, ORDER, "k")
        assert status == 201
        status, problem = await posted(shipper, ORDER, "another")
        assert (status, problem["code"]) == (409, "order_duplicate")
        status, again = await posted(shipper, {**ORDER, "allow_duplicate": True}, "another")
        assert status == 201 and again["order"]


async def test_a_draft_over_http_from_the_first_field_to_the_board(server: Server) -> None:
    async with (
        calling(server, server.accounts["shippers"][0]) as shipper,
        calling(server, server.accounts["shippers"][1]) as stranger,
    ):
        status, draft = await shipper("POST", "/api/v1/orders/drafts", {"cargo": "яблоки"})
        assert status == 201
        assert [lack["code"] for lack in draft["lacks"]] == ["order_incomplete", "order_incomplete"]
        at = f"/api/v1/orders/drafts/{draft['order']}"
        ends = [{"kind": "pickup", "city": ALMATY}, {"kind": "drop", "city": KONAEV}]
        assert (await shipper("PATCH", at, {"stops": ends}))[1]["code"] == "precondition_required"
        status, draft = await shipper("PATCH", at, {"stops": ends, "weight_kg": 300.0}, **{"If-Match": '"1"'})
        assert (status, draft["version"], draft["lacks"]) == (200, 2, [])
        assert draft["form"] == {"stops": ends, "cargo": "яблоки", "weight_kg": 300.0}
        assert (await shipper("PATCH", at, {}, **{"If-Match": '"1"'}))[1]["code"] == "version_stale"
        assert (await stranger("GET", at))[0] == 404
        assert [each["order"] for each in (await shipper("GET", "/api/v1/orders/drafts"))[1]["drafts"]] == [
            draft["order"]
        ]
        status, order = await shipper("POST", f"{at}/publish", {}, **{"If-Match": '"2"'})
        assert (status, order["order"], order["status"], order.get("version", 1)) == (
            200,
            draft["order"],
            "open",
            1,
        )
        assert (await shipper("GET", at))[0] == 404
        assert (await shipper("POST", f"{at}/publish", {}, **{"If-Match": '"2"'}))[1]["code"] in (
            "not_found", "transition_forbidden",
        )  # fmt: skip


async def test_templates_and_copies_make_drafts_without_the_old_times(server: Server) -> None:
    form = whole_form()
    async with calling(server, server.accounts["shippers"][0]) as shipper:
        _, order = await posted(shipper, form)
        status, template = await shipper(
            "POST", "/api/v1/orders/templates", {"name": "сыр", "order": order["order"]}
        )
        assert status == 201 and "window_from" not in template["form"]["stops"][0]
        assert template["form"]["stops"][0]["contact_phone"] == "+77012223344"
        at = f"/api/v1/orders/templates/{template['template']}"
        status, renamed = await shipper("PATCH", at, {"name": "сыр, ферма"}, **{"If-Match": '"1"'})
        assert (status, renamed["name"], renamed["version"]) == (200, "сыр, ферма", 2)
        status, draft = await shipper("POST", f"{at}/draft")
        assert (status, draft["lacks"]) == (201, [])
        assert (await shipper("GET", "/api/v1/orders/templates"))[1]["templates"][0]["uses"] == 1
        both = {"name": "x", "order": order["order"], "form": {}}
        assert (await shipper("POST", "/api/v1/orders/templates", both))[1]["code"] == "bad_request"
        copy = f"/api/v1/orders/{order['order']}/copy"
        status, problem = await shipper("POST", copy, {})
        assert (status, problem["code"], problem["path"]) == (422, "window_invalid", "windows[0]")
        opens = form["stops"][0]["window_from"] + 86_400
        windows = [{"window_from": opens, "window_to": opens + HOUR}, {}, {"window_to": opens + 9 * HOUR}]
        status, draft = await shipper("POST", copy, {"windows": windows})
        assert (status, draft["lacks"]) == (201, [])
        assert draft["form"]["stops"][0]["window_from"] == opens
        assert (await shipper("DELETE", at))[0] == 204
        assert (await shipper("GET", at))[0] == 404


async def test_an_edit_over_http_needs_the_version_it_was_made_from(server: Server) -> None:
    async with (
        calling(server, server.accounts["shippers"][0]) as shipper,
        calling(server, server.accounts["admins"][0]) as admin,
    ):
        _, order = await post(shipper)
        at = f"/api/v1/orders/{order['order']}"
        assert (await shipper("PATCH", at, {"comment": "x"}))[0] == 428
        assert (await shipper("PATCH", at, {"comment": "x"}, **{"If-Match": '"7"'}))[0] == 412
        status, edited = await shipper("PATCH", at, {"comment": "осторожно"}, **{"If-Match": '"1"'})
        assert (status, edited["version"], edited["comment"]) == (200, 2, "осторожно")
        _, detail = await shipper("GET", at)
        assert detail["events"][-1]["fields"] == ["comment"]
        for reader in (shipper, admin):
            _, told = await reader("GET", f"{at}/versions")
            assert [each["version"] for each in told["versions"]] == [1, 2]
            assert told["versions"][1]["form"]["comment"] == "осторожно"


async def test_an_order_is_read_whole_although_its_version_is_the_same(server: Server) -> None:
    async with calling(server, server.accounts["shippers"][0]) as shipper:
        _, order = await post(shipper)
        at = f"/api/v1/orders/{order['order']}"
        status, _ = await shipper("GET", at, **{"If-None-Match": '"1"'})
        assert status == 200, "its state and truck move without a new version"


async def test_lists_are_narrowed_by_state_day_and_words_page_by_page(server: Server) -> None:
    async with calling(server, server.accounts["shippers"][0]) as shipper:
        numbers = []
        for n, cargo in enumerate(("Яблоки «Апорт»", "груши", "яблоки сушёные", "сливы 100%_")):
            _, order = await post(shipper, cargo=cargo, weight_kg=300.0 + 100 * n, comment=f"партия {n}")
            numbers.append(order["order"])
        await shipper("POST", f"/api/v1/orders/{numbers[1]}/cancel", {"code": "mistake"})

        async def found(query: str) -> list[int]:
            status, page = await shipper("GET", f"/api/v1/orders?{query}")
            assert status == 200, page
            return [order["order"] for order in page["orders"]]

        assert await found("q=ЯБЛОК") == [numbers[2], numbers[0]]
        assert await found("q=100%25_") == [numbers[3]], "wildcards are letters"
        assert await found("q=партия 1") == [numbers[1]]
        assert numbers[0] in await found(f"q={numbers[0]}")
        assert await found("q=алматы&limit=1") == [numbers[3]]
        assert await found(f"q=алматы&limit=2&before={numbers[3]}") == [numbers[2], numbers[1]]
        assert await found("status=cancelled,expired") == [numbers[1]]
        assert await found("status=open") == [numbers[3], numbers[2], numbers[0]]
        assert await found(f"since={time.time() + 60}") == []
        assert await found(f"until={time.time() + 60}&status=cancelled") == [numbers[1]]
        status, problem = await shipper("GET", "/api/v1/orders?status=open,lost")
        assert (status, problem["code"], problem["path"]) == (400, "bad_request", "status[1]")


async def test_calling_off_says_why_and_the_history_tells_it(server: Server) -> None:
    async with (
        calling(server, server.accounts["shippers"][0]) as shipper,
        calling(server, server.accounts["admins"][0]) as admin,
    ):
        _, order = await post(shipper)
        at = f"/api/v1/orders/{order['order']}"
        status, problem = await shipper("POST", f"{at}/cancel", {"code": "breakdown"})
        assert (status, problem["code"], problem["path"]) == (422, "reason_invalid", "code")
        await shipper("POST", f"{at}/cancel", {"code": "sold_elsewhere", "reason": "продали на рынке"})
        _, detail = await shipper("GET", at)
        line = detail["events"][-1]
        assert (line["kind"], line["code"], line["note"], line["fault"], line["free"]) == (
            "cancelled", "sold_elsewhere", "продали на рынке", "nobody", True,
        )  # fmt: skip
        _, other = await post(shipper, weight_kg=900.0)
        at = f"/api/v1/orders/{other['order']}"
        await admin("POST", f"{at}/cancel", {"code": "fraud"})
        line = (await shipper("GET", at))[1]["events"][-1]
        assert (line["role"], line["code"], "actor" in line) == ("admin", "fraud", False)
        assert "actor" in (await admin("GET", at))[1]["events"][-1]


async def test_a_suspicious_load_goes_the_whole_way_through_the_queue(server: Server) -> None:
    moderator = next(each for each in server.accounts["admins"] if each.get("grade") == "moderator")
    async with (
        calling(server, server.accounts["shippers"][0]) as shipper,
        calling(server, moderator) as staff,
        calling(server, server.accounts["admins"][0]) as chief,
    ):
        status, order = await post(shipper, comment="пишите в whatsapp 8 701 222 33 44")
        assert (status, order["status"]) == (201, "moderation")
        at = f"/api/v1/orders/{order['order']}"
        judgement = (await shipper("GET", at))[1]["judgement"]
        assert (judgement["state"], judgement["grounds"], judgement["may_appeal"]) == (
            "waiting",
            ["contacts"],
            False,
        )
        _, queue = await staff("GET", "/api/v1/admin/moderation")
        (case,) = queue["cases"]
        assert (case["order"]["order"], case["kind"], case["grounds"]) == (
            order["order"],
            "held",
            ["contacts"],
        )
        case_at = f"/api/v1/admin/moderation/{case['case']}"
        status, claimed = await staff("POST", f"{case_at}/claim")
        assert (status, claimed["claimed_by"]) == (200, moderator["user"])
        assert (await chief("POST", f"{case_at}/approve", {}))[1]["code"] == "case_claimed"
        reject = {"reasons": ["contacts"], "note": "уберите номер"}
        assert (await staff("POST", f"{case_at}/reject", reject))[0] == 204
        judgement = (await shipper("GET", at))[1]["judgement"]
        assert (judgement["reasons"], judgement["note"], judgement["may_appeal"]) == (
            ["contacts"],
            "уберите номер",
            True,
        )
        status, _ = await shipper("POST", f"{at}/appeal", {"text": "это номер склада"})
        assert status == 200
        _, queue = await staff("GET", "/api/v1/admin/moderation?kind=appeal")
        case = queue["cases"][0]
        assert case["appeal"] == "это номер склада"
        one = {"case": case["case"], "verdict": "approve"}
        _, told = await staff("POST", "/api/v1/admin/moderation/decisions", {"decisions": [one]})
        assert told["decisions"] == [{"case": case["case"], "refused": "second_opinion"}]
        _, told = await chief("POST", "/api/v1/admin/moderation/decisions", {"decisions": [one]})
        assert told["decisions"] == [{"case": case["case"], "refused": None}]
        _, detail = await shipper("GET", at)
        assert detail["order"]["status"] == "open"
        assert [event["kind"] for event in detail["events"]][:4] == [
            "placed",
            "rejected",
            "appealed",
            "approved",
        ]
        assert (await shipper("GET", "/api/v1/admin/moderation"))[0] == 403
