"""Staff judge odd sign-ups and say what loyalty is worth."""

import aiohttp
import pytest

from billing.loyalty import Signal
from storage.referrals.attributing import suspect
from tests.integration.admin.people import People
from tests.served import LocalServer

TERMS = {
    "referral_threshold": 3, "referral_days": 14, "rating_hundredths": 490, "rating_orders": 20,
    "rating_period_days": 180, "rating_days": 7, "lock_grace_days": 10, "note": "осень",
}  # fmt: skip
ADD = """
INSERT INTO referrals (invitee_id, inviter_id, state, waiting, signals, program_hash, network_hash, phone_hash)
VALUES ($1, $2, 'held', true, '{same_program}', '', '', '') RETURNING id
"""


async def test_a_held_sign_up_is_judged_once_and_a_refusal_is_for_ever(server: LocalServer) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        people = People(server, http)
        inviter, (one, two) = people.drivers[0], people.shippers[:2]
        cases = [await people.pool.fetchval(ADD, each.user, inviter.user) for each in (one, two)]
        _, queue, _ = await people.moderator.ask("GET", "/admin/referrals")
        assert [(each["referral"], each["signals"], each["brought"]) for each in queue["referrals"]] == [
            (cases[0], ["same_program"], 2),
            (cases[1], ["same_program"], 2),
        ]
        path = "/admin/referrals/{}/decide"
        decision = {"verdict": "approve", "note": "разные люди"}
        status, judged, _ = await people.finance.ask("POST", path.format(cases[0]), decision)
        assert (status, judged["state"], judged["waiting"]) == (200, "standing", False)
        assert (await people.finance.ask("POST", path.format(cases[0]), decision))[1]["code"] == "case_closed"
        _, judged, _ = await people.moderator.ask("POST", path.format(cases[1]), {"verdict": "reject"})
        assert judged["state"] == "refused"
        assert (await people.moderator.ask("POST", path.format(2**40), {"verdict": "reject"}))[0] == 404
        assert (await people.support.ask("GET", "/admin/referrals"))[0] == 403
        lines = await people.log("referral.decide")
        assert [(words, detail["stands"]) for _, words, detail in lines] == [
            ("разные люди", "yes"),
            ("", "no"),
        ]
        _, refused, _ = await people.moderator.ask("GET", "/admin/referrals?state=refused")
        assert [each["invitee"] for each in refused["referrals"]] == [two.user]
        async with people.pool.acquire() as connection:
            await suspect(connection, two.user, Signal.SAME_CARD)  # nothing is left to look at
            await suspect(connection, one.user, Signal.SAME_CARD)
        assert (await people.moderator.ask("GET", "/admin/referrals"))[1]["referrals"] == []
        stands = await people.pool.fetchval("SELECT stands_at FROM referrals WHERE id = $1", cases[0])
        assert stands is not None


async def test_terms_are_versions_that_finance_adds(server: LocalServer) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        people = People(server, http)
        _, known, _ = await people.support.ask("GET", "/admin/loyalty")
        assert (known["version"], known["referral_threshold"], known["referral_days"]) == (0, 2, 30)
        assert (await people.moderator.ask("PUT", "/admin/loyalty", TERMS, if_match="0"))[0] == 403
        assert (await people.finance.ask("PUT", "/admin/loyalty", TERMS))[1][
            "code"
        ] == "precondition_required"
        status, added, _ = await people.finance.ask("PUT", "/admin/loyalty", TERMS, if_match="0")
        assert (status, added["version"]) == (200, 1) and {**added, **TERMS} == added
        late = await people.finance.ask("PUT", "/admin/loyalty", TERMS, if_match="0")
        assert (late[0], late[1]["code"]) == (412, "version_stale")
        for wrong in ({"referral_threshold": 0}, {"rating_hundredths": 501}, {"referral_days": 0}):
            assert (await people.finance.ask("PUT", "/admin/loyalty", {**TERMS, **wrong}, if_match="1"))[
                0
            ] == 400
        _, page, _ = await people.finance.ask("GET", "/admin/loyalty/versions")
        assert [each["version"] for each in page["versions"]] == [1]
        assert [detail["is"] for _, _, detail in await people.log("loyalty.set")] == ["version 1"]
        _, seen, _ = await people.drivers[0].ask("GET", "/me/referrals")
        assert (seen["progress"]["threshold"], seen["progress"]["reward_days"]) == (3, 14)
        with pytest.raises(Exception, match="append-only"):
            await people.pool.execute("UPDATE loyalty_terms SET referral_days = 99")
