"""Companies, the people in them, invitations, and staff's word."""

import asyncio
import logging

import pytest

from tests.integration.accounts.conftest import BIN, COMPANY, Desk, Person
from tests.integration.accounts.mailboxes import prove

WHOLE = {
    **COMPANY,
    "country": "KZ",
    "address": "Алматы, Абая 1",
    "vat_payer": True,
    "contact_name": "Асель",
    "contact_phone": "8 (727) 250-00-00",
    "contact_email": "office@example.kz",
}


async def invite(by: Person, whom: Person, joins: str) -> str:
    """The path of an invitation."""
    made = await by.post("/company/invitations", {"phone": whom.phone, "joins": joins})
    assert made.status == 201, made.content
    return f"/invitations/{made.body['invitation']}"


async def test_a_company_is_registered_changed_and_seen_by_others(desk: Desk) -> None:
    made = await desk.shipper.post("/company", WHOLE)
    assert made.status == 201 and made.body["role"] == "owner" and made.body["state"] == "unverified"
    assert made.body["contact_phone"] == "+77272500000"  # a fixed line is a company's number too
    own = await desk.shipper.get("/company")
    assert own.body == made.body
    assert own.body["company"] == (await desk.shipper.get("/me")).body["company"]
    edited = await desk.shipper.patch("/company", {"address": "", "contact_phone": ""}, own.version)
    assert (edited.body["address"], edited.body["contact_phone"], edited.body["version"]) == ("", None, 2)
    assert edited.body["legal_name"] == WHOLE["legal_name"]
    card = await desk.driver.get(f"/companies/{made.body['company']}")
    assert card.body == {
        "company": made.body["company"],
        "legal_name": WHOLE["legal_name"],
        "country": "KZ",
        "verified": False,
        "since": made.body["since"],
        "rating": None,
        "hauls": 0,
        "payments": {"cases": 0, "share": None, "late_days": None},
    }
    assert (await desk.driver.get("/companies/999")).code == "not_found"
    assert (await desk.driver.get("/company")).code == "forbidden"
    assert (await desk.shippers[1].get("/company")).code == "company_required"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"bin": "990340005978"}, "bin_invalid"),
        ({"bin": "123"}, "bad_request"),
        ({"bin": "123456"}, "bin_invalid"),
        ({"country": "RU", "bin": "12"}, "bad_request"),
        ({"legal_name": ""}, "bad_request"),
        ({"legal_name": "a\x00b"}, "bad_request"),
        ({"contact_phone": "12345"}, "phone_invalid"),
        ({"contact_email": "no mail"}, "bad_request"),
        ({"contact_email": "a@b.kz\n"}, "bad_request"),
        ({"state": "verified"}, "bad_request"),
    ],
)
async def test_a_company_that_none_can_be_is_refused(desk: Desk, wrong: dict[str, object], code: str) -> None:
    assert (await desk.shipper.post("/company", {**WHOLE, **wrong})).code == code
    assert await desk.rows("companies") == []


async def test_nobody_is_in_two_companies(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.shipper.post("/company", COMPANY) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]
    assert len(await desk.rows("companies")) == 1
    await desk.shippers[1].post("/company", COMPANY)  # a number may be claimed twice until one is verified
    path = await invite(desk.shippers[1], desk.shipper, "manager")
    assert (await desk.shipper.post(f"{path}/accept")).code == "company_member"


async def test_every_column_that_is_not_on_the_form_is_refused(desk: Desk) -> None:
    from server.protocol.rest.companies import CompanyPatch

    made = await desk.shipper.post("/company", WHOLE)
    before = await desk.rows("companies")
    columns = await desk.pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'companies'"
    )
    foreign = [row[0] for row in columns if row[0] not in CompanyPatch.__struct_fields__]
    assert {"state", "reason", "decided_by", "id", "version"} <= set(foreign)
    for column in foreign:
        assert (await desk.shipper.patch("/company", {column: 1}, made.version)).code == "bad_request"
    assert await desk.rows("companies") == before
    assert (await desk.shipper.patch("/company", {"address": "x"})).code == "precondition_required"
    assert (
        await desk.shipper.patch("/company", {"address": "x"}, {"If-Match": '"7"'})
    ).code == "version_stale"


async def test_staff_verifies_and_a_new_name_asks_for_a_new_look(desk: Desk) -> None:
    moderator = desk.staff["moderator"]
    company = (await desk.shipper.post("/company", WHOLE)).body["company"]
    asked = await desk.shipper.post("/company/verification")
    assert asked.body["state"] == "pending"
    waiting = await moderator.get("/admin/companies?state=pending")
    assert [each["company"] for each in waiting.body["companies"]] == [company]
    seen = await moderator.get(f"/admin/companies/{company}")
    path = f"/admin/companies/{company}/verification"
    assert (await moderator.put(path, {"verified": True}, {"If-Match": '"1"'})).code == "version_stale"
    assert (
        await moderator.put(path, {"verified": True, "reason": "other"}, seen.version)
    ).code == "bad_request"
    assert (await moderator.put(path, {"verified": False}, seen.version)).code == "bad_request"
    rejected = await moderator.put(path, {"verified": False, "reason": "name_mismatch"}, seen.version)
    assert (rejected.body["state"], rejected.body["reason"]) == ("rejected", "name_mismatch")
    assert (await desk.shipper.get("/company")).body["reason"] == "name_mismatch"
    asked = await desk.shipper.post("/company/verification")
    verified = await moderator.put(path, {"verified": True}, asked.version)
    assert verified.body["state"] == "verified" and verified.body["reason"] is None
    assert (await desk.driver.get(f"/companies/{company}")).body["verified"]
    # What was not verified may change; what was, may not without a new look.
    own = await desk.shipper.get("/company")
    moved = await desk.shipper.patch("/company", {"address": "Астана"}, own.version)
    assert moved.body["state"] == "verified"
    renamed = await desk.shipper.patch("/company", {"legal_name": "ТОО «Другое»"}, moved.version)
    assert renamed.body["state"] == "unverified"
    assert not (await desk.driver.get(f"/companies/{company}")).body["verified"]


async def test_a_number_is_verified_for_one_company(desk: Desk) -> None:
    moderator = desk.staff["moderator"]
    companies = []
    for shipper in desk.shippers[:2]:
        made = await shipper.post("/company", COMPANY)
        companies.append((made.body["company"], (await shipper.post("/company/verification")).version))
    paths = [f"/admin/companies/{company}/verification" for company, _ in companies]
    assert (await moderator.put(paths[0], {"verified": True}, companies[0][1])).status == 200
    assert (await moderator.put(paths[1], {"verified": True}, companies[1][1])).code == "company_taken"


async def test_only_moderators_decide(desk: Desk) -> None:
    made = await desk.shipper.post("/company", COMPANY)
    path = f"/admin/companies/{made.body['company']}/verification"
    for who in (desk.staff["support"], desk.staff["finance"], desk.shipper, desk.driver, desk.logistician):
        assert (await who.put(path, {"verified": True}, made.version)).code == "forbidden"
    assert (await desk.staff["finance"].get("/admin/companies")).code == "forbidden"
    assert (await desk.staff["support"].get("/admin/companies")).status == 200
    assert (await desk.superadmin.put(path, {"verified": True}, made.version)).status == 200


async def test_members_come_by_invitation_and_an_owner_is_always_left(desk: Desk) -> None:
    owner, manager, other = desk.shippers
    await owner.post("/company", COMPANY)
    path = await invite(owner, manager, "manager")
    seen = (await manager.get("/invitations")).body["invitations"]
    assert seen[0]["legal_name"] == COMPANY["legal_name"] and seen[0]["joins"] == "manager"
    assert (await other.get("/invitations")).body["invitations"] == []
    assert (await other.post(f"{path}/accept")).code == "not_found"
    assert (await manager.post(f"{path}/accept")).status == 204
    assert (await manager.post(f"{path}/accept")).code == "not_found"  # once
    members = (await manager.get("/company/members")).body["members"]
    assert [(each["user"], each["role"]) for each in members] == [
        (owner.id, "owner"),
        (manager.id, "manager"),
    ]
    # A manager reads, an owner changes.
    company = await manager.get("/company")
    assert company.body["role"] == "manager"
    assert (await manager.patch("/company", {"address": "x"}, company.version)).code == "forbidden"
    assert (await manager.post("/company/verification")).code == "forbidden"
    assert (
        await manager.post("/company/invitations", {"phone": other.phone, "joins": "owner"})
    ).code == "forbidden"
    assert (await manager.put(f"/company/members/{owner.id}", {"role": "manager"})).code == "forbidden"
    assert (await manager.delete(f"/company/members/{owner.id}")).code == "forbidden"
    assert (await owner.delete(f"/company/members/{owner.id}")).code == "owner_needed"
    assert (await owner.put(f"/company/members/{owner.id}", {"role": "manager"})).code == "owner_needed"
    assert (await owner.put(f"/company/members/{other.id}", {"role": "owner"})).code == "not_found"
    assert (await owner.put(f"/company/members/{manager.id}", {"role": "owner"})).status == 204
    assert (await manager.get("/company")).body["role"] == "owner"
    # Both leave at once: one stays.
    left = await asyncio.gather(*(who.delete(f"/company/members/{who.id}") for who in (owner, manager)))
    assert sorted(answer.status for answer in left) == [204, 409]


async def test_an_invitation_ends_by_no_by_withdrawal_and_by_time(desk: Desk) -> None:
    owner, guest = desk.shippers[:2]
    await owner.post("/company", COMPANY)
    path = await invite(owner, guest, "manager")
    assert (await guest.post(f"{path}/decline")).status == 204
    assert (await guest.post(f"{path}/accept")).code == "not_found"
    path = await invite(owner, guest, "manager")
    sent = (await owner.get("/company/invitations")).body["invitations"]
    assert [each["phone"] for each in sent] == [guest.phone]
    assert (await guest.delete(f"/company{path}")).code == "not_found"
    assert (await owner.delete(f"/company{path}")).status == 204
    assert (await guest.post(f"{path}/accept")).code == "not_found"
    first = await invite(owner, guest, "manager")
    second = await invite(owner, guest, "owner")
    assert first == second  # the same number has one open invitation, of the newest kind
    await desk.pool.execute("UPDATE invitations SET expires_at = now() - interval '1 second'")
    assert (await guest.post(f"{second}/accept")).code == "not_found"
    assert (await guest.get("/invitations")).body["invitations"] == []


async def test_an_invitation_says_nothing_about_who_has_an_account(desk: Desk) -> None:
    await desk.shipper.post("/company", COMPANY)
    known = await desk.shipper.post(
        "/company/invitations", {"phone": desk.shippers[1].phone, "joins": "manager"}
    )
    unknown = await desk.shipper.post("/company/invitations", {"phone": "+77019999999", "joins": "manager"})
    assert known.status == unknown.status == 201 and known.body.keys() == unknown.body.keys()
    # Whoever has one is told.
    told = await desk.pool.fetch("SELECT user_id, kind FROM outbox")
    assert [tuple(row) for row in told] == [(desk.shippers[1].id, "company.invited")]


async def test_who_may_be_invited_as_what(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.shipper.post("/company", COMPANY)
    ask = {"phone": desk.driver.phone, "joins": "driver"}
    assert (await desk.shipper.post("/company/invitations", ask)).code == "forbidden"  # no fleet
    path = await invite(desk.shipper, desk.driver, "manager")
    assert (await desk.driver.post(f"{path}/accept")).code == "forbidden"  # a driver manages nothing
    assert (await desk.shippers[1].post("/company/invitations", ask)).code == "company_required"
    monkeypatch.setattr("storage.members.MAX_PENDING", 1)
    again = await desk.shipper.post("/company/invitations", {"phone": "+77019999999", "joins": "manager"})
    assert again.code == "limit_reached"


async def test_no_number_and_no_mail_reaches_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await desk.shipper.post("/company", WHOLE)
    await desk.shipper.patch("/company", {"contact_email": "new@example.kz"}, made.version)
    await invite(desk.shipper, desk.shippers[1], "manager")
    await desk.shipper.post("/company/invitations", {"phone": "12", "joins": "manager"})
    await desk.shipper.post("/company", {**WHOLE, "contact_phone": "nothing"})
    await prove(desk, desk.driver, "driver@example.kz")
    told = " ".join(str(record.__dict__) for record in caplog.records)
    for secret in (desk.shippers[1].phone, "2500000", "example.kz", BIN, "Асель"):
        assert secret not in told
