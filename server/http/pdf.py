"""Papers on their way out."""

from aiohttp import web

from server.pdf import Page

from .route import Call
from .uploads import ATTACHMENT


async def pdf(call: Call[object, object], paper: Page, name: str) -> web.Response:
    """The paper, drawn. Refusals as `Press.draw`."""
    headers = {
        **ATTACHMENT,
        "Content-Disposition": f'inline; filename="{name}.pdf"',
        "Content-Language": paper.lang,
    }
    drawn = await call.services.press.draw(paper)
    return web.Response(body=drawn, content_type="application/pdf", headers=headers)
