"""Who was brought by whom: written with the new account, once for ever, and looked at when it is odd."""

import asyncio
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from billing.loyalty import Signal
from storage.referrals import invitees
from storage.referrals.attributing import suspect

from .desk import Content, Desk

_phones = itertools.count(1)
Person = dict[str, Any]


def phone() -> str:
    return f"+7705{next(_phones):07d}"


class Town:
    """People at different places with different phones."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.pool = desk.services.pool
        self._addresses = itertools.count(1)

    async def come(
        self, code: str = "", role: str = "shipper", *, address: str = "", program: str = "", **form: Any
    ) -> Content:
        """Somebody signs in, for the first time unless a number is given."""
        number = form.pop("phone", None) or phone()
        asked = await self.desk.ask(number, role)
        await self.pool.execute("UPDATE otp_requests SET created_at = created_at - interval '61 s'")
        at = next(self._addresses)
        headers = {
            "X-Forwarded-For": address or f"203.{at // 200}.{at % 200}.7",
            "User-Agent": program or f"Phone/{at}",
        }
        told = {**asked, **({"referral": code} if code else {}), **form}
        signed = await self.desk.ok("POST", "/auth/verify", json=told, headers=headers)
        return {**signed, "phone": number, "headers": headers}

    async def inviter(self, role: str = "driver") -> Content:
        """Somebody with a code."""
        signed = await self.come(role=role)
        link = await self.desk.ok("POST", "/me/referral", signed["access"])
        return {**signed, "code": link["code"]}

    async def referral(self, user: int) -> dict[str, Any]:
        row = await self.pool.fetchrow("SELECT * FROM referrals WHERE invitee_id = $1", user)
        return {} if row is None else dict(row)

    async def state(self, signed: Content) -> tuple[str, list[str]] | None:
        row = await self.referral(signed["user"])
        return (row["state"], row["signals"]) if row else None

    async def name(self, signed: Content, name: str = "Айгуль") -> None:
        headers = {"If-Match": '"1"'}
        await self.desk.ok("PATCH", "/me/settings", signed["access"], json={"name": name}, headers=headers)

    async def progress(self, inviter: Content) -> Content:
        return await self.desk.ok("GET", "/me/referrals", inviter["access"])

    async def pays(
        self, signed: Content, then: Callable[..., Awaitable[int | None]] = invitees.paid
    ) -> int | None:
        async with self.pool.acquire() as connection, connection.transaction():
            return await then(connection, signed["user"])


@pytest.fixture
def town(desk: Desk) -> Town:
    return Town(desk)


async def test_a_new_account_is_brought_by_the_code_it_names_and_by_no_other_afterwards(town: Town) -> None:
    first, second = await town.inviter(), await town.inviter()
    come = await town.come(first["code"].lower())
    assert come["referred"] is True and await town.state(come) == ("standing", [])
    again = await town.come(second["code"], phone=come["phone"])
    assert again["user"] == come["user"] and again["referred"] is False
    row = await town.referral(come["user"])
    assert row["inviter_id"] == first["user"] and row["stands_at"] is not None


async def test_a_code_that_is_none_stops_nobody_and_one_who_names_none_is_asked_nothing(town: Town) -> None:
    for code in ("AAAAAAAAAA", "'; DROP TABLE users", "короткий"):
        come = await town.come(code)
        assert come["referred"] is False and await town.state(come) is None
    assert (await town.come())["referred"] is None


async def test_nobody_brings_himself(town: Town) -> None:
    inviter = await town.inviter()
    again = await town.come(inviter["code"], phone=inviter["phone"])
    assert again["referred"] is False and await town.state(again) is None
    device = await town.desk.ok("POST", "/devices", inviter["access"], status=201, json={})
    come = await town.come(inviter["code"], **device)
    assert come["referred"] is False and await town.state(come) == ("refused", ["own_device"])
    wrong = await town.come(inviter["code"], device=device["device"], device_secret="x" * 43)
    assert await town.state(wrong) == ("standing", [])


async def test_a_blocked_inviter_brings_nobody(town: Town) -> None:
    inviter = await town.inviter()
    await town.pool.execute("UPDATE users SET blocked = true WHERE id = $1", inviter["user"])
    come = await town.come(inviter["code"])
    assert come["referred"] is False and await town.state(come) is None


async def test_what_is_odd_waits_for_staff(town: Town) -> None:
    inviter, other = await town.inviter(), await town.inviter()
    device = await town.desk.ok("POST", "/devices", other["access"], status=201, json={})
    assert await town.state(await town.come(inviter["code"], **device)) == ("held", ["other_device"])
    seen = inviter["headers"]
    where = {"address": seen["X-Forwarded-For"], "program": seen["User-Agent"]}
    assert await town.state(await town.come(inviter["code"], **where)) == ("held", ["same_program"])
    twin = {"address": "198.51.100.4", "program": "Twin/1"}
    assert await town.state(await town.come(inviter["code"], **twin)) == ("standing", [])
    assert await town.state(await town.come(other["code"], **twin)) == ("held", ["same_program"])
    gone = await town.come(inviter["code"])
    await town.pool.execute("UPDATE users SET phone = 'x' || id WHERE id = $1", gone["user"])
    back = await town.come(other["code"], phone=gone["phone"])
    assert await town.state(back) == ("held", ["same_phone"])


async def test_many_sign_ups_from_one_network_in_a_day_wait_for_staff(town: Town) -> None:
    inviter = await town.inviter()
    states = [
        await town.state(await town.come(inviter["code"], address="2001:db8:7:1::1", program=f"P/{number}"))
        for number in range(4)
    ]
    assert states == [("standing", [])] * 3 + [("held", ["many_sign_ups"])]
    same_site = await town.come(inviter["code"], address="2001:db8:7:1:ffff::2", program="P/9")
    assert await town.state(same_site) == ("held", ["many_sign_ups"])  # a subscriber holds the whole /64
    assert await town.state(await town.come(inviter["code"])) == ("standing", [])


async def test_sign_ups_of_one_network_at_the_same_moment_are_counted_one_after_the_other(town: Town) -> None:
    inviter = await town.inviter()
    come = await asyncio.gather(
        *(town.come(inviter["code"], address="198.51.100.9", program=f"P/{number}") for number in range(6))
    )
    states = sorted([state[0] for signed in come if (state := await town.state(signed)) is not None])
    assert states == ["held"] * 3 + ["standing"] * 3


async def test_hashes_hold_neither_address_nor_number(town: Town) -> None:
    inviter = await town.inviter()
    come = await town.come(inviter["code"], address="198.51.100.77")
    row = await town.referral(come["user"])
    whole = b"".join(row[name] for name in ("program_hash", "network_hash", "phone_hash"))
    assert len(whole) == 96 and b"198.51" not in whole and come["phone"].encode() not in whole


async def test_an_inviter_sees_how_far_each_is_and_not_who(town: Town) -> None:
    inviter = await town.inviter()
    one, two, three = [await town.come(inviter["code"]) for _ in range(3)]
    await town.name(two)
    await town.name(three, "Болат")
    assert await town.pays(three) == inviter["user"]
    seen = await town.progress(inviter)
    assert [(each["name"], each["step"], each["counts"]) for each in seen["invitees"]] == [
        ("Б…", "subscribed", True), ("А…", "confirmed", True), ("…", "registered", True),
    ]  # fmt: skip
    assert set(seen["invitees"][0]) == {"name", "role", "day", "step", "counts"}
    assert seen["progress"] == {
        "rewarded": True, "threshold": 2, "reward_days": 30, "counting": 1, "missing": 1, "granted": 0,
    }  # fmt: skip
    await town.pays(two)
    assert (await town.progress(inviter))["progress"]["granted"] == 1
    await town.pays(two)  # told twice it is one payment
    await town.pays(two, invitees.refunded)
    seen = (await town.progress(inviter))["progress"]
    assert (seen["granted"], seen["counting"]) == (0, 1)
    facts = await town.desk.services.invitees.facts(inviter["user"])
    assert [fact.invitee for fact in facts] == [one["user"], two["user"], three["user"]]
    stranger = await town.inviter()
    assert (await town.progress(stranger))["invitees"] == []
    assert await town.pays(stranger) is None  # whom nobody has brought


async def test_drivers_are_rewarded_for_shippers_and_nobody_else_for_anybody(town: Town) -> None:
    for inviter, come in (("driver", "driver"), ("shipper", "shipper"), ("logistician", "shipper")):
        person = await town.inviter(inviter)
        for _ in range(2):
            signed = await town.come(person["code"], come)
            await town.name(signed)
            await town.pays(signed)
        seen = (await town.progress(person))["progress"]
        assert (seen["rewarded"], seen["granted"]) == (inviter == "driver", 0)


async def test_a_page_holds_so_many(town: Town) -> None:
    inviter = await town.inviter()
    for _ in range(3):
        await town.come(inviter["code"])
    page = await town.desk.ok("GET", "/me/referrals?limit=2", inviter["access"])
    rest = await town.desk.ok("GET", f"/me/referrals?limit=2&before={page['next']}", inviter["access"])
    assert (len(page["invitees"]), len(rest["invitees"]), rest["next"]) == (2, 1, None)


async def test_a_card_of_somebody_else_makes_staff_look_once(town: Town) -> None:
    come = await town.come((await town.inviter())["code"])
    async with town.pool.acquire() as connection:
        for _ in range(2):
            await suspect(connection, come["user"], Signal.SAME_CARD)
    row = await town.referral(come["user"])
    assert (row["state"], row["signals"], row["waiting"]) == ("standing", ["same_card"], True)


async def test_the_link_leads_to_the_page_with_the_code_and_is_a_picture(town: Town) -> None:
    inviter = await town.inviter()
    client = town.desk.client
    answer = await client.get(f"/r/{inviter['code'].lower()}", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, f"/?ref={inviter['code']}")
    assert "Set-Cookie" not in answer.headers
    for odd in ("/r/short", "/r/AAAAAAAAAA/more", "/r/%0d%0aSet-Cookie"):
        assert (await client.get(odd, allow_redirects=False)).status != 302
    answer = await town.desk.call("GET", "/me/referral/qr", inviter["access"])
    assert (answer.status, answer.content_type) == (200, "image/svg+xml")
    assert ET.fromstring(await answer.text()).tag == "{http://www.w3.org/2000/svg}svg"


async def test_an_identity_that_waited_brings_its_name_and_so_confirms(town: Town) -> None:
    come = await town.come((await town.inviter())["code"])
    assert (await town.referral(come["user"]))["confirmed_at"] is None
    await town.pool.execute("UPDATE users SET name = 'Дана' WHERE id = $1 AND name = ''", come["user"])
    first = (await town.referral(come["user"]))["confirmed_at"]
    await town.pool.execute("UPDATE users SET name = '' WHERE id = $1", come["user"])
    await town.pool.execute("UPDATE users SET name = 'Дина' WHERE id = $1", come["user"])
    assert first is not None and (await town.referral(come["user"]))["confirmed_at"] == first
