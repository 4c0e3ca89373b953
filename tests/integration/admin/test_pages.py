"""Content pages: drafts stay inside, published ones are read by anybody in the best language that there is."""

import aiohttp
import pytest

from .people import People

TEXTS = {
    "ru": {"title": "Правила", "body": "# Правила\n\n<script>alert(1)</script> остаётся текстом."},
    "kk": {"title": "Ережелер", "body": "Ережелер мәтіні"},
    "en": {"title": "Rules", "body": "Text"},
}
PAGE = {"slug": "rules", "texts": TEXTS, "state": "published"}


async def read(people: People, lang: str, slug: str = "rules", **headers: str) -> aiohttp.ClientResponse:
    """As a stranger."""
    url = f"{people.server.url}/api/v1/pages/{slug}"
    async with people.http.get(url, headers={"Accept-Language": lang, **headers}) as answer:
        await answer.read()
        return answer


async def test_a_draft_is_read_by_staff_only_until_it_is_published(people: People) -> None:
    made = await people.moderator.done("POST", "/admin/pages", {**PAGE, "state": "draft"})
    assert made.status == 201 and made.headers["Location"] == "/api/v1/admin/pages/rules"
    assert (await read(people, "ru")).status == 404
    assert (await people.shipper.get("/pages"))["pages"] == []
    await people.moderator.done(
        "PUT", "/admin/pages/rules", {"texts": {}, "state": "published"}, if_match="1"
    )
    answer = await read(people, "ru")
    told = await answer.json()
    assert (told["title"], told["body"]) == (TEXTS["ru"]["title"], TEXTS["ru"]["body"])
    assert answer.content_type == "application/json" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert [page["title"] for page in (await people.shipper.get("/pages", lang="en"))["pages"]] == ["Rules"]


@pytest.mark.parametrize(
    ("there", "wanted", "given"),
    [
        ("ru kk en", "kk", "kk"),
        ("ru kk en", "zh", "ru"),
        ("kk en", "zh", "en"),
        ("kk en", "ru", "en"),
        ("en", "kk", "en"),
    ],
)
async def test_who_has_no_text_in_the_own_language_reads_russian_else_english(
    people: People, there: str, wanted: str, given: str
) -> None:
    texts = {lang: TEXTS[lang] for lang in there.split()}
    await people.moderator.done("POST", "/admin/pages", {**PAGE, "texts": texts})
    answer = await read(people, wanted)
    assert (answer.headers["Content-Language"], (await answer.json())["title"]) == (
        given,
        TEXTS[given]["title"],
    )
    assert "Accept-Language" in answer.headers["Vary"]


async def test_who_has_a_page_already_is_told_so_in_that_language_only(people: People) -> None:
    await people.moderator.done("POST", "/admin/pages", PAGE)
    tag = (await read(people, "ru")).headers["ETag"]
    assert (await read(people, "ru", **{"If-None-Match": tag})).status == 304
    assert (await read(people, "kk", **{"If-None-Match": tag})).status == 200


async def test_two_editors_do_not_overwrite_each_other_and_languages_are_edited_apart(people: People) -> None:
    await people.moderator.done("POST", "/admin/pages", PAGE)
    kazakh = {"texts": {"kk": {"title": "Жаңа", "body": "Мәтін"}, "en": None}, "state": "published"}
    put = await people.moderator.done("PUT", "/admin/pages/rules", kazakh, if_match="1")
    assert put.tag == '"2"'
    stale = await people.support.ask("PUT", "/admin/pages/rules", kazakh, if_match="1")
    assert (stale.status, stale.code) == (412, "version_stale")
    assert (await people.support.ask("DELETE", "/admin/pages/rules", if_match="1")).code == "version_stale"
    page = await people.moderator.get("/admin/pages/rules")
    assert page["texts"] == {"ru": TEXTS["ru"], "kk": kazakh["texts"]["kk"]}  # type: ignore[index]
    assert page["updated_by"] == people.moderator.user


async def test_what_nobody_could_read_is_not_published_and_names_are_taken_once(people: People) -> None:
    refused = await people.moderator.ask("POST", "/admin/pages", {**PAGE, "texts": {"kk": TEXTS["kk"]}})
    assert (refused.code, refused.body["path"]) == ("bad_request", "texts")
    await people.moderator.done("POST", "/admin/pages", PAGE)
    assert (await people.moderator.ask("POST", "/admin/pages", PAGE)).code == "slug_taken"
    edit = {"texts": {"ru": None, "en": None}, "state": "published"}
    refused = await people.moderator.ask("PUT", "/admin/pages/rules", edit, if_match="1")
    assert refused.code == "bad_request"
    for slug in ("Rules", "a/b", "-a", "a" * 65, "правила", "a\n"):
        assert (await people.moderator.ask("POST", "/admin/pages", {**PAGE, "slug": slug})).status == 400
    large = {"ru": {"title": "x", "body": "ж" * 10_001}}
    assert (await people.moderator.ask("POST", "/admin/pages", {**PAGE, "texts": large})).status == 400


async def test_every_change_of_a_page_leaves_a_line_in_the_log(people: People) -> None:
    await people.moderator.done("POST", "/admin/pages", {**PAGE, "state": "draft"})
    await people.support.done("PUT", "/admin/pages/rules", {"texts": {}, "state": "published"}, if_match="1")
    await people.chief.done("DELETE", "/admin/pages/rules", if_match="2")
    lines = [line for what in ("add", "change", "remove") for line in await people.log(f"page.{what}")]
    assert [(who, detail["was"], detail["is"]) for who, _, detail in lines] == [
        (people.moderator.user, "", "draft: en kk ru"),
        (people.support.user, "draft: en kk ru", "published: en kk ru"),
        (people.chief.user, "published: en kk ru", ""),
    ]
    assert (await read(people, "ru")).status == 404
