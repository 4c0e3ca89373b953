"""Words of a load that staff switch off: they keep their label and are refused for new loads."""

from typing import Any

from .people import People, Person

LOAD = {"pickup_city": 1526384, "drop_city": 1526273, "weight_kg": 20_000.0, "cargo": "лес"}
WORDS = "/admin/dictionaries"


async def hide(people: People, dictionary: str, word: str, **changes: object) -> None:
    body = {"hidden": True, "note": "не возим", **changes}
    await people.moderator.done("PUT", f"{WORDS}/{dictionary}/{word}", body, if_match="0")


async def post(person: Person, key: str, **changes: object) -> Any:
    return await person.ask("POST", "/orders", {**LOAD, "allow_duplicate": True, **changes}, key=key)


async def test_a_hidden_word_is_refused_at_posting_and_keeps_its_label(people: People) -> None:
    assert (await post(people.shipper, "before", kind="timber")).status == 201
    await hide(people, "CargoKind", "timber")
    refused = await post(people.shipper, "after", kind="timber")
    assert (refused.status, refused.code, refused.body["path"]) == (422, "word_hidden", "kind")
    assert (await post(people.shipper, "other", kind="grain")).status == 201
    told = await people.shipper.get("/dictionaries", lang="en")
    assert told["hidden"] == {"CargoKind": ["timber"]} and told["words"]["CargoKind"]["timber"] == "Timber"


async def test_lists_are_looked_through_and_drafts_say_what_they_lack(people: People) -> None:
    await hide(people, "Body", "tank")
    await hide(people, "CargoDocument", "tir")
    refused = await post(people.shipper, "list", other_bodies=["reefer", "tank"])
    assert refused.body["path"] == "other_bodies"
    draft = await people.shipper.done("POST", "/orders/drafts", {**LOAD_STOPS, "documents": ["tir"]})
    assert [lack["code"] for lack in draft.body["lacks"]] == ["word_hidden"]
    published = await people.shipper.ask(
        "POST", f"/orders/drafts/{draft.body['order']}/publish", {}, if_match="1", key="draft"
    )
    assert published.code == "word_hidden"


LOAD_STOPS = {
    "stops": [{"kind": "pickup", "city": 1526384}, {"kind": "drop", "city": 1526273}],
    "weight_kg": 20_000.0,
    "cargo": "лес",
}


async def test_a_load_that_has_the_word_may_be_edited_and_no_other_gets_it(people: People) -> None:
    old = (await post(people.shipper, "old", kind="timber")).body["order"]
    new = (await post(people.shipper, "new", kind="grain")).body["order"]
    await hide(people, "CargoKind", "timber")
    edit = {"comment": "брус"}
    assert (await people.shipper.ask("PATCH", f"/orders/{old}", edit, if_match="1")).status == 200
    refused = await people.shipper.ask("PATCH", f"/orders/{new}", {"kind": "timber"}, if_match="1")
    assert refused.code == "word_hidden"


async def test_words_stand_in_the_order_of_staff_and_caches_notice(people: People) -> None:
    before = await people.shipper.done("GET", "/dictionaries", lang="ru")
    await hide(people, "CargoKind", "timber", hidden=False, rank=0)
    after = await people.shipper.done("GET", "/dictionaries", lang="ru")
    assert next(iter(after.body["words"]["CargoKind"])) == "timber" and after.body["hidden"] == {}
    assert before.tag != after.tag
    listed = await people.support.get(f"{WORDS}/CargoKind")
    assert (listed["words"][0]["word"], listed["words"][0]["version"]) == ("timber", 1)


async def test_what_forms_need_stays_and_what_is_no_word_is_not_found(people: People) -> None:
    refused = await people.moderator.ask("PUT", f"{WORDS}/CargoKind/general", {"hidden": True}, if_match="0")
    assert refused.code == "bad_request"
    for path in ("CargoKind/gold", "Role/admin", "NoSuch/x"):
        refused = await people.moderator.ask("PUT", f"{WORDS}/{path}", {}, if_match="0")
        assert refused.code == "not_found"


async def test_every_change_of_a_word_is_in_the_log_and_none_is_overwritten(people: People) -> None:
    await hide(people, "CargoKind", "timber")
    stale = await people.chief.ask("PUT", f"{WORDS}/CargoKind/timber", {}, if_match="0")
    assert stale.code == "version_stale"
    put = await people.chief.done("PUT", f"{WORDS}/CargoKind/timber", {}, if_match="1")
    assert put.tag == '"2"'
    assert await people.log("word.set") == [
        (
            people.moderator.user,
            "не возим",
            {"word": "CargoKind timber", "was": "shown, rank 1000", "is": "hidden, rank 1000"},
        ),
        (
            people.chief.user,
            "",
            {"word": "CargoKind timber", "was": "hidden, rank 1000", "is": "shown, rank 1000"},
        ),
    ]
