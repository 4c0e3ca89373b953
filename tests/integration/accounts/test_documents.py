"""Papers: sent in, reviewed, running out."""

import time
from typing import Any

import pytest

from tests.integration.accounts.conftest import TRUCK, Answer, Desk, Person
from tests.papers import jpeg, pdf

DAY = 86_400.0


async def paper(person: Person, kind: str = "driver_licence", **fields: Any) -> Answer:
    """Uploads something and makes it a paper."""
    file = (await person.upload(jpeg())).body["file"]
    return await person.post("/documents", {"file": file, "kind": kind, **fields})


async def test_a_paper_is_sent_in_listed_fetched_and_deleted(desk: Desk) -> None:
    file = (await desk.driver.upload(pdf(2))).body["file"]
    form = {"file": file, "kind": "driver_licence", "number": "KZ 123", "issued_at": 1e9, "expires_at": 2e9}
    made = await desk.driver.post("/documents", form)
    assert made.status == 201 and made.body["state"] == "pending" and made.body["mime"] == "application/pdf"
    path = f"/documents/{made.body['document']}"
    assert (await desk.driver.get(path)).body == made.body
    assert (await desk.driver.get("/documents")).body["documents"] == [made.body]
    got = await desk.driver.get(f"{path}/file")
    assert got.content == pdf(2)
    name = f"document-{made.body['document']}.pdf"
    assert got.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert (await desk.driver.delete(path)).status == 204
    assert (await desk.driver.get(path)).code == "not_found" and desk.on_disk() == []
    assert await desk.rows("files") == []


async def test_a_paper_belongs_to_what_its_kind_is_of(desk: Desk) -> None:
    vehicle = (await desk.driver.get("/vehicles")).body["vehicles"][0]["vehicle"]
    assert (await paper(desk.driver, "insurance", vehicle=vehicle)).body["vehicle"] == vehicle
    for kind, fields in (
        ("insurance", {}),
        ("driver_licence", {"vehicle": vehicle}),
        ("company_registration", {}),
        ("other", {"vehicle": vehicle, "for_company": True}),
        ("passport", {}),
        ("other", {"issued_at": 2e9, "expires_at": 1e9}),
        ("other", {"number": "x" * 61}),
    ):
        assert (await paper(desk.driver, kind, **fields)).code == "bad_request", kind
    # Nothing of what was refused holds its file.
    assert sum(1 for row in await desk.rows("documents")) == 1
    assert (await paper(desk.shipper, "company_registration", for_company=True)).code == "company_required"


async def test_nobody_makes_a_paper_of_what_is_not_theirs(desk: Desk) -> None:
    one, two = desk.drivers[:2]
    theirs = (await two.upload(jpeg())).body["file"]
    assert (await one.post("/documents", {"file": theirs, "kind": "other"})).code == "not_found"
    assert (await one.post("/documents", {"file": 10**9, "kind": "other"})).code == "not_found"
    vehicle = (await two.get("/vehicles")).body["vehicles"][0]["vehicle"]
    assert (await paper(one, "insurance", vehicle=vehicle)).code == "not_found"
    made = (await paper(two)).body["document"]
    for who in (one, desk.shipper, desk.logistician):
        for document in (made, 10**9):
            for method, path in (
                ("GET", f"/documents/{document}"),
                ("GET", f"/documents/{document}/file"),
                ("DELETE", f"/documents/{document}"),
            ):
                assert (await who.call(method, path)).code == "not_found"
        assert (await who.get("/documents")).body["documents"] == []


async def test_a_company_sees_the_papers_of_its_own_and_of_its_trucks(desk: Desk) -> None:
    await desk.fleet(desk.driver)
    boss = desk.logistician
    truck = (await boss.post("/vehicles", TRUCK)).body["vehicle"]
    await boss.put(f"/vehicles/{truck}/driver", {"driver": desk.driver.id})
    registration = (await paper(boss, "company_registration", for_company=True)).body
    insurance = (await paper(desk.driver, "insurance", vehicle=truck)).body
    own = (await paper(desk.driver)).body
    seen = [each["document"] for each in (await boss.get("/documents")).body["documents"]]
    assert seen == [insurance["document"], registration["document"]]
    assert (await boss.get(f"/documents/{insurance['document']}/file")).status == 200
    assert (await boss.get(f"/documents/{own['document']}")).code == "not_found"
    assert (await boss.delete(f"/documents/{insurance['document']}")).code == "forbidden"
    assert (await desk.driver.get(f"/documents/{registration['document']}")).code == "not_found"


async def test_staff_reviews_and_the_sender_is_told(desk: Desk) -> None:
    moderator = desk.staff["moderator"]
    first, second = (await paper(desk.driver)).body, (await paper(desk.drivers[1])).body
    queue = (await moderator.get("/admin/documents?limit=1")).body
    assert [each["document"] for each in queue["documents"]] == [first["document"]]
    rest = (await moderator.get(f"/admin/documents?after={queue['next']}")).body
    assert [each["document"] for each in rest["documents"]] == [second["document"]]
    path = f"/admin/documents/{first['document']}"
    seen = await moderator.get(path)
    assert (await moderator.get(f"{path}/file")).status == 200
    review = f"{path}/review"
    assert (await moderator.put(review, {"approved": True})).code == "precondition_required"
    assert (
        await moderator.put(review, {"approved": True, "reason": "other"}, seen.version)
    ).code == "bad_request"
    assert (await moderator.put(review, {"approved": False}, seen.version)).code == "bad_request"
    assert (
        await moderator.put(review, {"approved": False, "reason": "ugly"}, seen.version)
    ).code == "bad_request"
    done = await moderator.put(review, {"approved": False, "reason": "unreadable"}, seen.version)
    assert (done.body["state"], done.body["reason"]) == ("rejected", "unreadable")
    assert (await moderator.put(review, {"approved": True}, seen.version)).code == "version_stale"
    mine = (await desk.driver.get(f"/documents/{first['document']}")).body
    assert (mine["state"], mine["reason"]) == ("rejected", "unreadable")
    told = await desk.pool.fetchrow("SELECT user_id, kind, payload FROM outbox")
    assert told["user_id"] == desk.driver.id and told["kind"] == "document.reviewed"
    assert told["payload"] == {"document": first["document"], "state": "rejected"}
    assert (
        await moderator.put("/admin/documents/999/review", {"approved": True}, seen.version)
    ).code == "not_found"


async def test_who_of_the_staff_may_look_and_who_may_judge(desk: Desk) -> None:
    made = await paper(desk.driver)
    path = f"/admin/documents/{made.body['document']}"
    for grade, looks, judges in (
        ("support", True, False),
        ("finance", False, False),
        ("moderator", True, True),
    ):
        who = desk.staff[grade]
        for look in ("/admin/documents", path, f"{path}/file"):
            assert ((await who.get(look)).status == 200) is looks, (grade, look)
        answer = await who.put(f"{path}/review", {"approved": True}, {"If-Match": '"99"'})
        assert answer.code == ("version_stale" if judges else "forbidden")
        assert (await who.get(f"/documents/{made.body['document']}")).code == "forbidden"
    for person in (desk.driver, desk.shipper, desk.logistician):
        assert (await person.get(path)).code == "forbidden"


async def test_owners_are_told_of_papers_that_run_out_thirty_seven_and_one_day_before(desk: Desk) -> None:
    now = time.time()
    warn = desk.services.documents.warn
    document = (await paper(desk.driver, expires_at=now + 40 * DAY)).body["document"]
    forgotten = (await paper(desk.driver, expires_at=now + 200 * DAY)).body["document"]

    async def told() -> list[tuple[int, int]]:
        rows = await desk.pool.fetch("SELECT payload FROM outbox WHERE kind = 'document.expires' ORDER BY id")
        return [(row["payload"]["document"], row["payload"]["n"]) for row in rows]

    for day, expected in (
        (0, []),
        (9.9, []),
        (10.1, [30]),
        (20, [30]),
        (33.1, [30, 7]),
        (38, [30, 7]),
        (39.5, [30, 7, 1]),
        (41, [30, 7, 1]),
    ):
        at = now + day * DAY
        while await warn(at):
            pass
        assert await told() == [(document, days) for days in expected], day
        # Told notices are forgotten after a week, and still nobody is told twice.
        await desk.pool.execute("UPDATE outbox SET dedupe_key = dedupe_key || $1::text", f":{day}")
    # Who comes in late hears the nearest one only.
    while await warn(now + 199.5 * DAY):
        pass
    assert (await told())[-1] == (forgotten, 1)


async def test_a_company_hears_of_its_papers_through_everybody_in_it(desk: Desk) -> None:
    owner, manager = desk.shippers[:2]
    await owner.post("/company", {"legal_name": "ТОО", "bin": "990340005977"})
    asked = await owner.post("/company/invitations", {"phone": manager.phone, "joins": "manager"})
    await manager.post(f"/invitations/{asked.body['invitation']}/accept")
    now = time.time()
    await paper(owner, "transport_licence", for_company=True, expires_at=now + 5 * DAY)
    await desk.services.documents.warn(now)
    told = await desk.pool.fetch(
        "SELECT user_id FROM outbox WHERE kind = 'document.expires' ORDER BY user_id"
    )
    assert [row["user_id"] for row in told] == sorted((owner.id, manager.id))


async def test_rejected_papers_and_those_that_are_over_warn_nobody(desk: Desk) -> None:
    now = time.time()
    await paper(desk.driver, expires_at=now - 1)
    rejected = await paper(desk.driver, expires_at=now + DAY)
    await desk.staff["moderator"].put(
        f"/admin/documents/{rejected.body['document']}/review",
        {"approved": False, "reason": "expired"},
        rejected.version,
    )
    assert await desk.services.documents.warn(now) == 0


async def test_nobody_keeps_more_papers_than_a_folder_holds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.documents.MAX_OWN", 1)
    assert (await paper(desk.driver)).status == 201
    assert (await paper(desk.driver)).code == "limit_reached"
