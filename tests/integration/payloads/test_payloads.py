"""Whatever people write is kept as it was written and shown as data, or refused with a sentence (part of C36):
every text of every request, with every text of the corpus, read back through every route that shows it to its
owner and to staff. What they search for changes nothing (C34), and no log line says it (part of C67)."""

import itertools
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import aiohttp
import pytest
from redis.asyncio import Redis

from server.http.route import Route
from server.http.routes import ROUTES
from server.log import JsonFormatter
from tests.integration.authz.matrix import Cell, expected_of_route, ids_of, may_enter, value
from tests.integration.authz.rows import ROWS
from tests.integration.authz.world import KINDS, Person, World
from tests.served import LocalServer

from .corpus import KEPT, REFUSED, STATEMENTS, packed
from .fields import Text, put, texts_of

BY_NAME = {f"{route.method} {route.path}": route for route in ROUTES}
MARK = re.compile("¤[0-9]+¤[0-9]+\u241d")
# Whole phone numbers, access tokens, API keys.
SECRETS = re.compile(r"\+7[0-9]{10}|eyJ[A-Za-z0-9_-]{20,}|tdk_[A-Za-z0-9_-]{8,}")
_TOKEN = "a secret of ours, or of Google and Apple: never text that is shown"
_NUMBER = "has a form of its own that is judged by a table: plates, company numbers, phones, addresses"
# Texts that none of the corpus can become.
FORMED: dict[str, str] = {
    "challenge": _TOKEN, "identity": _TOKEN, "refresh": _TOKEN, "device_secret": _TOKEN, "id_token": _TOKEN,
    "flow": _TOKEN, "code": _TOKEN, "p256dh": _TOKEN, "auth": _TOKEN, "phone": _NUMBER, "contact_phone": _NUMBER,
    "plate": _NUMBER, "trailer_plate": _NUMBER, "bin": _NUMBER, "url": _NUMBER,
}  # fmt: skip

# Lists that show only a part unless they are asked.
QUEUES = (
    *(
        f"/api/v1/admin/moderation?limit=100&{only}"
        for only in ("kind=appeal", "state=approved", "state=rejected", "state=dropped")
    ),
    *(f"/api/v1/admin/reviews?limit=100&state={state}" for state in ("waiting", "hidden", "shown")),
)
_KEPT = "kept for the one who asks the database; no route shows it"
# What no reader of this test is shown.
HIDDEN: dict[str, str] = {
    "POST /api/v1/ws-ticket device_secret": "a secret",
    "POST /api/v1/push/endpoints address": "where pushes go; never shown again",
    "POST /api/v1/push/endpoints p256dh": "a key",
    "POST /api/v1/push/endpoints auth": "a key",
    "POST /api/v1/devices label": _KEPT,
    "POST /api/v1/offers/{offer}/decline note": _KEPT,
    "POST /api/v1/orders/{order}/invitations note": "the row invites a driver that there is not; the same field of"
    " by-contact is read",
    "POST /api/v1/admin/moderation/decisions decisions[].note": "the row names one case for all; the same note of"
    " approve and reject is read",
    "POST /api/v1/admin/users/{user}/unblock reason": "nobody is blocked here: nothing is done; block's is read",
}
# Google and Apple are not set up on this server: their names are read in tests/integration/identity/test_oidc.py.
# Whoever verifies a number here has the wrong code: a referral code is never looked up.
NEVER_HERE = frozenset({"/api/v1/auth/google/native", "/api/v1/auth/apple/native", "/api/v1/auth/verify"})


class Lines(logging.Handler):
    """Every line that the server would write, in this process."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter(0))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for noisy in ("asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
async def world(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[World]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    yield World(local)
    await local.stop()


@pytest.fixture
async def http(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(world.server.url, headers={"Accept-Language": "en"}) as session:
        yield session


class Writer:
    """Writes the corpus into one text of one route, as somebody who may."""

    def __init__(
        self, world: World, http: aiohttp.ClientSession, route: Route, text: Text, wrong: list[str]
    ) -> None:
        self.world, self.http, self.route, self.text, self.wrong = world, http, route, text, wrong
        self.row = ROWS[f"{route.method} {route.path}"]
        self.kind = next(k for k in KINDS if may_enter(expected_of_route(route, self.row, k, "own")))
        self.cells: list[Cell] = []
        self.stored: dict[str, str] = {}  # by mark
        self.shown: set[str] = set()

    @property
    def where(self) -> str:
        return f"{self.route.method} {self.route.path} {self.text.name} as {self.kind}"

    async def cell(self, *, anew: bool) -> Cell:
        """Something to write to, of the same person or of another."""
        person = await self.world.person(self.kind) if anew or not self.cells else self.cells[-1].person
        ids = await ids_of(self.row, self.world, person, "own", True)
        self.cells.append(Cell(self.world, person, "own", ids))
        return self.cells[-1]

    async def write(self, mark: str) -> None:
        """All of the corpus, in as few texts as it fits into."""
        cell, tag = await self.cell(anew=True), None
        for text in packed(KEPT, self.text.size, mark):
            status, told, etag = await self._send(cell, json.dumps(text), tag)
            if status not in (200, 201, 202, 204, 400, 422):  # used up, or as many as one may have
                cell, tag = await self.cell(anew=True), None
                status, told, etag = await self._send(cell, json.dumps(text), tag)
            if status >= 300:
                continue
            self.stored[text.partition("\u241d")[0] + "\u241d"] = text
            self.look(told, "its own answer")
            tag = etag
            if tag is None and self.row.names:  # by somebody else: who hauls a load has no hands for another
                cell = await self.cell(anew=True)
        for raw in REFUSED:
            status, told, _ = await self._send(cell, raw, tag)
            if self.text.path[-1] not in FORMED and (status, told.get("code")) != (400, "bad_request"):
                self.wrong.append(f"{self.where} takes {raw}: {status} {told}")

    async def _send(self, cell: Cell, raw: str, tag: str | None) -> tuple[int, Any, str | None]:
        body = put(self.route, value(self.row.body, cell), self.text, "\u2603")
        headers = {**cell.person.headers, **value(self.row.headers, cell), "Content-Type": "application/json"}
        if tag is not None:
            headers["If-Match"] = tag
        data = json.dumps(body).replace(json.dumps("\u2603"), raw).encode()
        path = self.row.path.format_map(cell.ids)
        async with self.http.request(self.route.method, path, data=data, headers=headers) as answer:
            told = await judged(answer, f"{self.where} with {raw[:60]}", self.wrong)
            return answer.status, told, answer.headers.get("ETag")

    def look(self, told: Any, where: str) -> None:
        """Each text with a mark is what was written under it, byte for byte."""
        for text in strings(told):
            for mark in MARK.findall(text):
                if mark in self.stored:
                    self.shown.add(mark)
                    if text != self.stored[mark]:
                        self.wrong.append(
                            f"{self.where}, shown by {where}: {text!r} is not {self.stored[mark]!r}"
                        )

    async def read(self, staff: Person) -> None:
        """Through every GET of those who wrote, and of staff, about the last things and all lists."""
        for url in QUEUES:
            async with self.http.get(url, headers=staff.headers) as answer:
                self.look(await judged(answer, f"GET {url}", self.wrong), f"GET {url} to {staff.kind}")
        for cell in self.cells[-2:]:
            for person, route in itertools.product((cell.person, staff), ROUTES):
                row = ROWS.get(f"{route.method} {route.path}")
                if (
                    route.method != "GET"
                    or route.produces
                    or row is None
                    or not cell.ids.keys() >= set(row.names)
                ):
                    continue
                if not may_enter(expected_of_route(route, row, person.kind, "own")):
                    continue
                url = row.path.format_map(cell.ids) + value(row.query, cell)
                async with self.http.get(url, headers=person.headers, allow_redirects=False) as answer:
                    self.look(
                        await judged(answer, f"GET {url}", self.wrong), f"GET {route.path} to {person.kind}"
                    )


async def judged(answer: aiohttp.ClientResponse, what: str, wrong: list[str]) -> Any:
    """The answer's JSON; anything else, or a fault, is wrong."""
    if answer.status >= 500:
        wrong.append(f"{what}: {answer.status} {await answer.text()}")
    if answer.status in (204, 303, 304):
        return {}
    kind = "application/json" if answer.status < 400 else "application/problem+json"
    if answer.content_type != kind or answer.headers.get("X-Content-Type-Options") != "nosniff":
        wrong.append(f"{what}: {answer.status} is {answer.headers}")
    return json.loads(await answer.read())


def strings(told: Any) -> Iterator[str]:
    """Every text within an answer."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        for name, each in told.items():
            yield name
            yield from strings(each)
    elif isinstance(told, list):
        for each in told:
            yield from strings(each)


async def test_texts_are_kept_as_they_are_or_refused(
    world: World, http: aiohttp.ClientSession, lines: Lines
) -> None:
    wrong: list[str] = []
    unseen: list[str] = []
    unstored: list[str] = []
    staff = await world.person("superadmin")
    routes = [route for route in ROUTES if route.request and f"{route.method} {route.path}" in ROWS]
    every = [(route, text) for route in routes for text in texts_of(route)]
    for number, (route, text) in enumerate(every):
        writer = Writer(world, http, route, text, wrong)
        await writer.write(f"¤{number}¤")
        if not writer.stored:
            unstored += [] if text.path[-1] in FORMED or route.path in NEVER_HERE else [writer.where]
            continue
        await writer.read(staff)
        if not writer.shown and f"{route.method} {route.path} {text.name}" not in HIDDEN:
            unseen.append(writer.where)
    assert not wrong, "\n".join(dict.fromkeys(wrong))
    assert not unstored, "nothing of the corpus was taken by:\n" + "\n".join(unstored)
    leaking = [
        line
        for line in lines.lines
        if MARK.search(line) or SECRETS.search(line) or "\n" in line or "\r" in line
    ]
    assert not leaking, "\n".join(leaking[:10])
    assert len(lines.lines) > 1000
    assert not unseen, "nobody reads what is written to:\n" + "\n".join(unseen)


async def test_searching_with_statements_changes_nothing(world: World, http: aiohttp.ClientSession) -> None:
    wrong: list[str] = []
    before: dict[str, int] | None = None
    for route in ROUTES:
        row = ROWS.get(f"{route.method} {route.path}")
        if route.query is None or row is None:
            continue
        kind = next(k for k in KINDS if may_enter(expected_of_route(route, row, k, "own")))
        person = await world.person(kind)
        cell = Cell(world, person, "own", await ids_of(row, world, person, "own", True))
        before = await counts(world)
        url = row.path.format_map(cell.ids)
        for name, text in itertools.product(get_type_hints(route.query), STATEMENTS):
            async with http.get(
                url, params={name: text}, headers=person.headers, allow_redirects=False
            ) as answer:
                await judged(answer, f"GET {url}?{name}={text}", wrong)
        after = await counts(world)
        if after != before:
            wrong.append(f"GET {route.path}: {before} became {after}")
    assert before is not None
    assert not wrong, "\n".join(wrong)


async def counts(world: World) -> dict[str, int]:
    """How many rows each table has that no loop writes to."""
    names = (
        "users",
        "companies",
        "orders",
        "bids",
        "vehicles",
        "saved_places",
        "access_entries",
        "sessions",
        "files",
    )
    query = " UNION ALL ".join(f"(SELECT '{name}' AS name, count(*) AS n FROM {name})" for name in names)
    return {row["name"]: row["n"] for row in await world.pool.fetch(query)}
