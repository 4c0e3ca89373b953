"""Has papers drawn by processes of their own."""

import logging

import msgspec

from dispatch.errors import Refusal
from server.subprocesses import Workshop

from . import fonts
from .papers import Page

log = logging.getLogger("desk.pdf")

DRAW_S = 20.0  # ten times what the longest trip took on a busy machine of two cores


class Press:
    """Draws one paper after the other."""

    def __init__(self) -> None:
        self._workshop = Workshop("server.pdf", at_once=2, waiting=16, limit_s=DRAW_S)

    async def draw(self, paper: Page) -> bytes:
        """The PDF. Refusals `unavailable` when it cannot be drawn here, `rate_limited` when too many wait."""
        if not fonts.found():
            log.error("pdf.no_fonts", extra={"mend": f"apt-get install {' '.join(fonts.PACKAGES)}"})
            raise Refusal("unavailable", "papers cannot be drawn here")
        return await self._workshop.make(msgspec.msgpack.encode(paper))
