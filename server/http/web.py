"""The built web app: hashed assets for ever, the page never cached, unknown paths are the page."""

from pathlib import Path

from aiohttp import web

# The page loads only from its own origin. 'unsafe-inline' for styles: the UI kit and the map set them.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Tracking Desk</title>
<p>The web app is not built yet. Run <code>./desk up</code>, or <code>npm ci &amp;&amp; npm run build</code>
in <code>clients/web</code>, and reload.</p>"""


def _inside(dist: Path, name: str) -> Path | None:
    """The file of this name; a path that climbs out, or a link that leads out, is simply not there."""
    path = (dist / name).resolve()
    return path if path.is_relative_to(dist.resolve()) and path.is_file() else None


def add_web(app: web.Application, dist: Path) -> None:
    """Serves `dist` at `/`."""

    async def page(request: web.Request) -> web.StreamResponse:
        index = dist / "index.html"
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": CONTENT_SECURITY_POLICY}
        if not index.is_file():
            return web.Response(text=NOT_BUILT, content_type="text/html", status=503, headers=headers)
        return web.FileResponse(index, headers=headers)

    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = _inside(dist, name)
        if path is None:
            if name.startswith("assets/") or "." in name.rsplit("/", 1)[-1]:
                raise web.HTTPNotFound
            return await page(request)
        if path.name == "index.html":
            return await page(request)
        hashed = name.startswith("assets/")
        cache = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return web.FileResponse(path, headers={"Cache-Control": cache})

    async def brought(request: web.Request) -> web.StreamResponse:
        # The page keeps the code until its reader signs up; a cookie would be one more thing to ask consent for.
        address = f"/?ref={request.match_info['code'].upper()}"
        return web.Response(status=302, headers={"Location": address, "Cache-Control": "no-store"})

    app.router.add_get("/", page)
    app.router.add_get("/r/{code:[A-Za-z0-9]{10}}", brought)
    # The API's paths are not the page's: there a wrong method is 405, and names the right ones.
    app.router.add_get("/{name:(?!api/).+}", file)
