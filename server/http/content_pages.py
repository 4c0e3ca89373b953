"""Content pages: written by staff, read by anybody."""

import re

import msgspec
from aiohttp import web

from dispatch.content import said
from dispatch.errors import Refusal
from dispatch.rights import Right, grades
from server.i18n import Lang
from server.protocol.rest.content import (
    ContentPages,
    ContentPagesQuery,
    ContentPageView,
    ListedPage,
    NewPageForm,
    PageForm,
    PageTexts,
    PublicPageQuery,
    PublicPages,
    PublicPagesQuery,
    PublicPageView,
)
from storage.content.pages import ContentPage

from .route import Call, Route, Versioned

CACHE = "public, max-age=60"  # what was published, or taken back, is so for everybody a minute later
_SLUG = re.compile(r"[a-z0-9-]{1,64}")


async def read(call: Call[None, PublicPageQuery]) -> web.Response:
    """A published page in the reader's language, or in the next one that there is."""
    lang = call.query.lang or call.lang
    page = await call.services.content_pages.published(_slug(call))
    text = said(page.texts, lang)
    if text is None:
        raise Refusal("not_found")
    tag = f'"{page.version}-{text.lang}"'
    headers = {
        "ETag": tag,
        "Cache-Control": CACHE,
        "Content-Language": text.lang,
        "Vary": "Accept-Language",
    }
    if call.request.headers.get("If-None-Match", "").strip().removeprefix("W/") == tag:
        return web.Response(status=304, headers=headers)
    view = PublicPageView(page.slug, page.version, _lang(text.lang), text.title, text.body, page.updated_at)
    return web.Response(body=msgspec.json.encode(view), content_type="application/json", headers=headers)


async def listed(call: Call[None, PublicPagesQuery]) -> PublicPages:
    """The published pages."""
    query = call.query
    found = await call.services.content_pages.listed(query.after or "", query.limit)
    pages = []
    for page in found:
        text = said(page.texts, call.lang)
        if text is not None:
            pages.append(ListedPage(page.slug, page.version, _lang(text.lang), text.title, page.updated_at))
    return PublicPages(pages, found[-1].slug if len(found) == query.limit else None)


async def page(call: Call[None, ContentPagesQuery]) -> ContentPages:
    """All pages, also drafts."""
    query = call.query
    found = await call.services.content_pages.page(query.after or "", query.limit)
    return ContentPages(
        [_view(each) for each in found], found[-1].slug if len(found) == query.limit else None
    )


async def one(call: Call[None, None]) -> Versioned:
    """One of them."""
    return _versioned(await call.services.content_pages.one(_slug(call)))


async def add(call: Call[NewPageForm, None]) -> Versioned:
    """Makes a page."""
    form = call.body
    texts = {lang: text for lang, text in _texts(form.texts).items() if text is not None}
    return _versioned(await call.services.content_pages.add(call.caller.user, form.slug, form.state, texts))


async def change(call: Call[PageForm, None]) -> Versioned:
    """Edits it; languages that are not said stay."""
    form, seen = call.body, call.expected_version
    return _versioned(
        await call.services.content_pages.change(
            call.caller.user, _slug(call), seen, form.state, _texts(form.texts)
        )
    )


async def remove(call: Call[None, None]) -> None:
    """Takes it away."""
    await call.services.content_pages.remove(call.caller.user, _slug(call), call.expected_version)


def _slug(call: Call[object, object]) -> str:
    slug = call.request.match_info["slug"]
    if not _SLUG.fullmatch(slug):
        raise Refusal("not_found")
    return slug


def _texts(form: PageTexts) -> dict[str, dict[str, str] | None]:
    found: dict[str, dict[str, str] | None] = msgspec.to_builtins(form)
    return found


def _versioned(page: ContentPage) -> Versioned:
    return Versioned(_view(page), page.version)


def _view(page: ContentPage) -> ContentPageView:
    return ContentPageView(
        slug=page.slug,
        state="published" if page.state == "published" else "draft",
        version=page.version,
        texts=msgspec.convert(page.texts, PageTexts),
        updated_by=page.updated_by,
        updated_at=page.updated_at,
        published_at=page.published_at,
    )


def _lang(lang: str) -> Lang:
    return lang  # type: ignore[return-value]  # the forms take these languages only


_STAFF = frozenset({"admin"})
_EDIT = grades(Right.EDIT_CONTENT)
_ADMIN, _ONE = "/api/v1/admin/pages", "/api/v1/admin/pages/{slug}"
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/pages",
        listed,
        "Published pages",
        "texts",
        query=PublicPagesQuery,
        response=PublicPages,
        roles=None,
    ),
    Route(
        "GET",
        "/api/v1/pages/{slug}",
        read,
        "A published page",
        "texts",
        query=PublicPageQuery,
        response=PublicPageView,
        roles=None,
        errors=("not_found",),
    ),
    Route(
        "GET",
        _ADMIN,
        page,
        "All pages",
        "texts",
        query=ContentPagesQuery,
        response=ContentPages,
        roles=_STAFF,
        grades=_EDIT,
    ),
    Route(
        "POST",
        _ADMIN,
        add,
        "Make a page",
        "texts",
        request=NewPageForm,
        response=ContentPageView,
        status=201,
        roles=_STAFF,
        grades=_EDIT,
        errors=("slug_taken", "limit_reached"),
        location="/api/v1/admin/pages/{slug}",
    ),
    Route("GET", _ONE, one, "A page", "texts", response=ContentPageView, roles=_STAFF, grades=_EDIT),
    Route(
        "PUT",
        _ONE,
        change,
        "Edit a page",
        "texts",
        request=PageForm,
        response=ContentPageView,
        roles=_STAFF,
        grades=_EDIT,
        headers=("If-Match",),
        errors=("not_found",),
    ),
    Route(
        "DELETE",
        _ONE,
        remove,
        "Take a page away",
        "texts",
        status=204,
        roles=_STAFF,
        grades=_EDIT,
        headers=("If-Match",),
        errors=("not_found",),
    ),
)
