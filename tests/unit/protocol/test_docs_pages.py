"""The documentation pages: readable offline, strict about scripts, clear when the readers are not built."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from server.http.docs import REST, SOCKET, add_docs
from server.protocol.codes import ERRORS, Close

ROOT = Path(__file__).parents[3]
Client = TestClient[web.Request, web.Application]
Connect = Callable[[web.Application], Awaitable[Client]]


@pytest.fixture
async def visitor(tmp_path: Path, aiohttp_client: Connect) -> Client:
    app = web.Application()
    add_docs(app, assets=tmp_path, contracts=ROOT / "docs")
    return await aiohttp_client(app)


def build(dist: Path) -> None:
    """As the web build leaves it."""
    folder = dist / "docs" / "assets"
    folder.mkdir(parents=True)
    for name in (*REST.files, *SOCKET.files):
        (folder / name).write_text(f"/* {name} */")


@pytest.mark.parametrize("path", ["/docs/", "/docs/socket/"])
async def test_a_reader_page_loads_only_from_this_server_and_runs_only_its_own_script(
    visitor: Client, tmp_path: Path, path: str
) -> None:
    build(tmp_path)
    page = await visitor.get(path)
    html = await page.text()
    assert page.status == 200
    (script,) = re.findall(r"<script>(.+?)</script>", html)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert f"'sha256-{digest}'" in policy["script-src"]
    assert "'unsafe-inline'" not in policy["script-src"]
    assert policy["default-src"] == "'none'"
    assert "//" not in page.headers["Content-Security-Policy"]
    for asset in re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', html):
        assert (await visitor.get(asset)).status == 200


async def test_a_missing_build_is_said_in_a_sentence_and_noticed_when_it_comes(
    visitor: Client, tmp_path: Path
) -> None:
    page = await visitor.get("/docs/")
    assert page.status == 503
    assert "npm run build" in await page.text()
    build(tmp_path)
    assert (await visitor.get("/docs/")).status == 200


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json"])
async def test_the_documents_are_served_as_they_are_committed(visitor: Client, name: str) -> None:
    answer = await visitor.get(f"/docs/{name}")
    assert answer.content_type == "application/json"
    assert await answer.read() == (ROOT / "docs" / name).read_bytes()


async def test_the_page_of_codes_has_a_place_for_every_code(visitor: Client) -> None:
    html = await (await visitor.get("/docs/errors")).text()
    for anchor in (*ERRORS, *(int(close) for close in Close)):
        assert f'id="{anchor}"' in html


async def test_nothing_else_is_served_from_the_build(visitor: Client, tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "docs/assets/secret.txt").write_text("no")
    for path in ("/docs/assets/secret.txt", "/docs/assets/../../x", "/docs/assets/"):
        assert (await visitor.get(path)).status == 404


async def test_addresses_without_the_last_slash_lead_to_the_pages(visitor: Client) -> None:
    for path in ("/docs", "/docs/socket"):
        answer = await visitor.get(path, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (308, f"{path}/")
