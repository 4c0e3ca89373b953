"""Announcements reach whom they are for, in their language, until they are dismissed or over."""

import time

from geo.cells import cell_of

from .people import People, Person

TEXTS = {"ru": {"title": "Работы", "body": "Ночью"}, "en": {"title": "Works", "body": "At night"}}
ALMATY, ATYRAU = (43.2389, 76.8897), (47.1065, 51.9139)


def announced(**changes: object) -> dict[str, object]:
    return {
        "severity": "info",
        "texts": TEXTS,
        "roles": ["driver", "shipper"],
        "ends_at": time.time() + 3600,
        **changes,
    }


async def announce(people: People, **changes: object) -> int:
    made = await people.moderator.done("POST", "/admin/announcements", announced(**changes))
    return int(made.body["announcement"])


async def shown(person: Person, **headers: str) -> list[int]:
    found = await person.get("/announcements", **headers)
    return [each["announcement"] for each in found["announcements"]]


async def stands(people: People, driver: Person, at: tuple[float, float]) -> None:
    """The driver's last position."""
    lat, lon = at
    await people.pool.execute(
        "INSERT INTO last_positions (driver_id, recorded_at, point, cell)"
        " VALUES ($1, now(), ST_SetSRID(ST_MakePoint($3, $2), 4326), $4)"
        " ON CONFLICT (driver_id) DO UPDATE SET point = excluded.point, cell = excluded.cell",
        driver.user,
        lat,
        lon,
        cell_of(lat, lon),
    )


async def test_a_role_that_is_not_meant_sees_nothing(people: People) -> None:
    id = await announce(people, roles=["driver"])
    assert await shown(people.drivers[0]) == [id]
    assert await shown(people.shipper) == [] == await shown(people.logistician)
    refused = await people.shipper.ask("POST", f"/announcements/{id}/dismiss")
    assert refused.code == "not_found"


async def test_a_region_is_where_a_driver_stands_and_where_a_shipper_loads(people: People) -> None:
    there, far, nowhere = people.drivers
    await stands(people, there, ALMATY)
    await stands(people, far, ATYRAU)
    body = {
        "pickup_city": 1526384,
        "drop_city": 1526273,
        "weight_kg": 20_000.0,
        "cargo": "мука",
    }
    await people.shipper.done("POST", "/orders", body, key="one")
    town = await announce(people, regions=["KZ.02"])
    country = await announce(people, regions=["KZ"])
    abroad = await announce(people, regions=["UZ", "KG"])
    everywhere = await announce(people)
    assert set(await shown(there)) == {town, country, everywhere} == set(await shown(people.shipper))
    assert set(await shown(far)) == {country, everywhere}
    assert set(await shown(nowhere)) == {everywhere} == set(await shown(people.shippers[1]))
    assert (await far.ask("POST", f"/announcements/{town}/dismiss")).code == "not_found"
    await stands(people, far, (41.3111, 69.2797))  # Tashkent
    assert set(await shown(far)) == {abroad, everywhere}


async def test_the_gravest_stands_first_and_each_reads_the_own_language(people: People) -> None:
    info = await announce(people)
    urgent = await announce(people, severity="critical")
    warning = await announce(people, severity="warning")
    assert await shown(people.shipper) == [urgent, warning, info]
    for lang, given, title in (("en", "en", "Works"), ("zh", "ru", "Работы")):
        first = (await people.shipper.get("/announcements", lang=lang))["announcements"][0]
        assert (first["lang"], first["title"], first["severity"]) == (given, title, "critical")


async def test_dismissed_is_gone_for_that_reader_only_and_saying_it_twice_is_no_fault(people: People) -> None:
    id = await announce(people)
    for _ in range(2):
        await people.shipper.done("POST", f"/announcements/{id}/dismiss")
    assert await shown(people.shipper) == []
    assert await shown(people.shippers[1]) == [id]


async def test_it_is_shown_from_its_beginning_to_its_end(people: People) -> None:
    later = await announce(people, starts_at=time.time() + 1000)
    id = await announce(people)
    assert await shown(people.shipper) == [id]
    await people.moderator.done("DELETE", f"/admin/announcements/{id}", if_match="1")
    await people.moderator.done("DELETE", f"/admin/announcements/{later}", if_match="1")
    assert await shown(people.shipper) == []
    ended = await people.moderator.get(f"/admin/announcements/{later}")
    assert ended["ends_at"] == ended["starts_at"]
    for wrong in ({"ends_at": time.time() - 1}, {"ends_at": 4e9}):
        refused = await people.moderator.ask("POST", "/admin/announcements", announced(**wrong))
        assert (refused.code, refused.body["path"]) == ("window_invalid", "ends_at")


async def test_what_is_edited_meanwhile_is_not_overwritten_and_all_of_it_is_in_the_log(
    people: People,
) -> None:
    id = await announce(people)
    path = f"/admin/announcements/{id}"
    await people.moderator.done("PUT", path, announced(severity="warning"), if_match="1")
    assert (await people.support.ask("PUT", path, announced(), if_match="1")).code == "version_stale"
    await people.support.done("DELETE", path, if_match="2")
    lines = [line for what in ("add", "change", "end") for line in await people.log(f"announcement.{what}")]
    assert [(who, detail["is"][:7]) for who, _, detail in lines] == [
        (people.moderator.user, "info, d"),
        (people.moderator.user, "warning"),
        (people.support.user, ""),
    ]


async def test_what_it_names_must_be_there(people: People) -> None:
    refused = await people.moderator.ask("POST", "/admin/announcements", announced(regions=["KZ", "KZ.99"]))
    assert (refused.code, refused.body["path"]) == ("place_unknown", "regions[1]")
    refused = await people.moderator.ask("POST", "/admin/announcements", announced(page="rules"))
    assert (refused.code, refused.body["path"]) == ("not_found", "page")
    refused = await people.moderator.ask("POST", "/admin/announcements", announced(texts={"kk": TEXTS["ru"]}))
    assert refused.code == "bad_request"
    regions = {
        each["code"]: each for each in (await people.support.get("/admin/regions", lang="en"))["regions"]
    }
    assert regions["KZ.02"]["town"] == "Almaty" and regions["KZ"]["town"] == "Almaty"


async def test_who_dismissed_what_is_forgotten_when_it_has_long_ended(people: People) -> None:
    old, new = await announce(people), await announce(people)
    for id in (old, new):
        await people.shipper.done("POST", f"/announcements/{id}/dismiss")
    await people.pool.execute(
        "UPDATE announcements SET starts_at = starts_at - interval '1 year', ends_at = now() - interval '91 days'"
        " WHERE id = $1",
        old,
    )
    await people.server.services.announcements.forget_old()
    left = await people.pool.fetch("SELECT announcement_id FROM announcement_dismissals")
    assert [row[0] for row in left] == [new]
