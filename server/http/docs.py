"""The documentation pages: both contracts in their readers, offline, and the catalogue of codes."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from aiohttp import web

from server.protocol.codes import CLOSE_MEANING, ERRORS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1b2733; background: #fff }
nav { padding: .6rem 1rem; background: #10243a } nav a { color: #fff; margin-right: 1.5rem }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .8rem .4rem 0 }
td { border-top: 1px solid #d5dce3 } tr:target { background: #fff3c4 }
"""
HTML = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Tracking Desk</title><link rel="icon" href="data:,"><style>{style}</style></head>
<body><nav><a href="/docs/">REST API</a><a href="/docs/socket/">Websocket</a>
<a href="/docs/errors">Codes</a></nav>
{body}</body>
</html>
"""
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src {scripts}"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """A page program from the web build that draws one of the two documents. `start` is JavaScript."""

    name: str
    title: str
    start: str
    policy: str = "'self'"

    @property
    def files(self) -> tuple[str, ...]:
        """As `clients/web/scripts/copy-docs.mjs` names them."""
        return f"{self.name}.js", f"{self.name}.css", f"{self.name}.LICENSE.txt"


REST = Reader(
    "swagger-ui",
    "REST API",
    'SwaggerUIBundle({ url: "/docs/openapi.json", dom_id: "#reader", validatorUrl: null });',
)
SOCKET = Reader(
    "asyncapi",
    "Websocket",
    'AsyncApiStandalone.render({ schema: { url: "/docs/asyncapi.json" }, '
    'config: { show: { sidebar: true } } }, document.getElementById("reader"));',
    # It compiles the schemas that it checks the document with.
    "'self' 'unsafe-eval'",
)


def add_docs(app: web.Application, *, assets: Path, contracts: Path) -> None:
    """Adds the pages under `/docs`.

    `assets` is the directory of the web build, which puts the readers into `docs/assets`; `contracts` holds
    `openapi.json` and `asyncapi.json`. Both are looked at when asked for, so a later build needs no restart.
    """
    built = assets / "docs" / "assets"
    app.router.add_get("/docs", _elsewhere("/docs/"))
    app.router.add_get("/docs/", _reader(REST, built))
    app.router.add_get("/docs/socket", _elsewhere("/docs/socket/"))
    app.router.add_get("/docs/socket/", _reader(SOCKET, built))
    app.router.add_get("/docs/errors", _codes)
    for name in ("openapi.json", "asyncapi.json"):
        app.router.add_get(f"/docs/{name}", _file(contracts / name))
    for name in (*REST.files, *SOCKET.files):
        app.router.add_get(f"/docs/assets/{name}", _file(built / name))


def _reader(reader: Reader, built: Path) -> Handler:
    digest = base64.b64encode(hashlib.sha256(reader.start.encode()).digest()).decode()
    body = (
        f'<div id="reader"></div><link rel="stylesheet" href="/docs/assets/{reader.name}.css">'
        f'<script src="/docs/assets/{reader.name}.js"></script><script>{reader.start}</script>'
    )

    async def page(request: web.Request) -> web.StreamResponse:
        if not (built / f"{reader.name}.js").is_file():
            return _page(reader.title, UNBUILT, status=503)
        return _page(reader.title, body, scripts=f"{reader.policy} 'sha256-{digest}'")

    return page


UNBUILT = """<main><h1>The reader is not built yet</h1>
<p>Build the web page once, in <code>clients/web</code>: <code>npm ci &amp;&amp; npm run build</code>
(<code>./desk up</code> does it too). The documents themselves are here:
<a href="/docs/openapi.json">openapi.json</a>, <a href="/docs/asyncapi.json">asyncapi.json</a>.</p></main>"""


async def _codes(request: web.Request) -> web.StreamResponse:
    """The page that the `type` of every problem document points to."""
    errors = "".join(
        f'<tr id="{each.code}"><td><code>{each.code}</code><td>{each.status}'
        f"<td>{'yes' if each.retry else 'no'}<td>{escape(each.title)}"
        for each in ERRORS.values()
    )
    closes = "".join(
        f'<tr id="{int(close)}"><td><code>{int(close)}</code><td>{close.name}'
        f"<td>{'with jitter' if close.reconnect else 'no'}<td>{escape(meaning)}"
        for close, meaning in CLOSE_MEANING.items()
    )
    return _page(
        "Codes",
        f"""<main><h1>Error codes</h1>
<p>In a problem document of the REST API and in the <code>error</code> message of the websocket.</p>
<table><tr><th>Code<th>HTTP status<th>Try again<th>Meaning{errors}</table>
<h1>Close codes of the websocket</h1>
<table><tr><th>Code<th>Name<th>Reconnect<th>Meaning{closes}</table></main>""",
    )


def _page(title: str, body: str, *, scripts: str = "'none'", status: int = 200) -> web.Response:
    return web.Response(
        text=HTML.format(title=title, style=STYLE, body=body),
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": POLICY.format(scripts=scripts),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
    )


def _file(path: Path) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return send


def _elsewhere(path: str) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        raise web.HTTPPermanentRedirect(path)

    return send
