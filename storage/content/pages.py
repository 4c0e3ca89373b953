"""Content pages: terms, help, news. Written by staff in up to four languages, read by anybody once published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.content import Texts, readable
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool, transaction
from storage.staff import record

MOST = 500  # pages in all

FIELDS = """
slug, state, version, texts, updated_by, extract(epoch FROM updated_at)::float8 AS updated_at,
    extract(epoch FROM published_at)::float8 AS published_at
"""
# All by the primary key; a page of the list is a range of it.
ONE = f"SELECT {FIELDS} FROM content_pages WHERE slug = $1"
LOCK = ONE + " FOR UPDATE"
PUBLISHED = ONE + " AND state = 'published'"
PAGE = f"SELECT {FIELDS} FROM content_pages WHERE slug > $1 ORDER BY slug LIMIT $2"
# Without the bodies, which are large.
LIST = """
SELECT slug, version, (SELECT jsonb_object_agg(t.key, jsonb_build_object('title', t.value->'title', 'body', ''))
        FROM jsonb_each(texts) t) AS texts, extract(epoch FROM updated_at)::float8 AS updated_at
FROM content_pages WHERE state = 'published' AND slug > $1 ORDER BY slug LIMIT $2
"""
COUNT = "SELECT count(*) FROM content_pages"
ADD = f"""
INSERT INTO content_pages (slug, state, texts, updated_by, published_at)
VALUES ($1, $2::text, $3, $4, CASE WHEN $2::text = 'published' THEN now() END)
ON CONFLICT (slug) DO NOTHING RETURNING {FIELDS}
"""
CHANGE = f"""
UPDATE content_pages SET state = $2::text, texts = $3, updated_by = $4, updated_at = now(), version = version + 1,
    published_at = CASE WHEN $2::text = 'published' THEN coalesce(published_at, now()) ELSE published_at END
WHERE slug = $1 RETURNING {FIELDS}
"""
REMOVE = "DELETE FROM content_pages WHERE slug = $1"


@dataclass(frozen=True, slots=True)
class ContentPage:
    """A page as staff see it; times in epoch seconds."""

    slug: str
    state: str
    version: int
    texts: Texts
    updated_by: int
    updated_at: float
    published_at: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A published page without its bodies."""

    slug: str
    version: int
    texts: Texts
    updated_at: float


class PageStore:
    """The pages."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, slug: str) -> ContentPage:
        """Any page. Refusal `not_found`."""
        return _found(await self._pool.fetchrow(ONE, slug))

    async def published(self, slug: str) -> ContentPage:
        """A published page. Refusal `not_found`."""
        return _found(await self._pool.fetchrow(PUBLISHED, slug))

    async def page(self, after: str, limit: int) -> list[ContentPage]:
        """Some pages in the order of their slugs."""
        return [ContentPage(*row) for row in await self._pool.fetch(PAGE, after, limit)]

    async def listed(self, after: str, limit: int) -> list[Listed]:
        """The same of the published ones."""
        return [Listed(*row) for row in await self._pool.fetch(LIST, after, limit)]

    async def add(self, staff: int, slug: str, state: str, texts: Texts) -> ContentPage:
        """Makes a page. Refusals `slug_taken`, `limit_reached`, `bad_request` for a published page that some
        could not read."""
        _fit(state, texts)
        async with transaction(self._pool) as connection:
            if await connection.fetchval(COUNT) >= MOST:
                raise Refusal("limit_reached", "at most {n} page", plural="at most {n} pages", n=MOST)
            row = await connection.fetchrow(ADD, slug, state, dict(texts), staff)
            if row is None:
                raise Refusal("slug_taken")
            await _record(connection, staff, "page.add", slug, "", _told(state, texts))
        return ContentPage(*row)

    async def change(
        self, staff: int, slug: str, seen: int, state: str, edit: Mapping[str, Mapping[str, str] | None]
    ) -> ContentPage:
        """The next version: languages of `edit` are set, None takes one away, the others stay. Refusals
        `not_found`, `version_stale`, `bad_request` as for `add`."""
        async with transaction(self._pool) as connection:
            was = _seen(await connection.fetchrow(LOCK, slug), seen)
            texts = {lang: dict(text) for lang, text in {**was.texts, **edit}.items() if text is not None}
            _fit(state, texts)
            row = await connection.fetchrow(CHANGE, slug, state, texts, staff)
            await _record(
                connection, staff, "page.change", slug, _told(was.state, was.texts), _told(state, texts)
            )
        return ContentPage(*row)

    async def remove(self, staff: int, slug: str, seen: int) -> None:
        """Takes the page away. Refusals `not_found`, `version_stale`."""
        async with transaction(self._pool) as connection:
            was = _seen(await connection.fetchrow(LOCK, slug), seen)
            await connection.execute(REMOVE, slug)
            await _record(connection, staff, "page.remove", slug, _told(was.state, was.texts), "")


def _fit(state: str, texts: Texts) -> None:
    if state == "published":
        readable(texts)


def _found(row: Any) -> ContentPage:
    if row is None:
        raise Refusal("not_found")
    return ContentPage(*row)


def _seen(row: Any, seen: int) -> ContentPage:
    page = _found(row)
    if page.version != seen:
        raise Refusal("version_stale")
    return page


def _told(state: str, texts: Texts) -> str:
    return f"{state}: {' '.join(sorted(texts))}"


async def _record(connection: Connection, staff: int, action: str, slug: str, was: str, now: str) -> None:
    await record(connection, staff, action, None, "", {"page": slug, "was": was, "is": now})
