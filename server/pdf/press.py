"""Has papers drawn: a process for each, few at once, none for ever."""

import asyncio
import logging
import sys

import msgspec

from dispatch.errors import Refusal

from . import fonts
from .papers import Paper

log = logging.getLogger("desk.pdf")

AT_ONCE = 2
WAITING = 16  # papers that a worker has in hand
DRAW_S = 20.0  # ten times what the longest trip took on a busy machine of two cores


class Press:
    """Draws one paper after the other; no state but how many."""

    def __init__(self) -> None:
        self._drawing = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def draw(self, paper: Paper) -> bytes:
        """The PDF. Refusal `unavailable` when it cannot be drawn here, `rate_limited` when too many wait."""
        if not fonts.found():
            log.error("pdf.no_fonts", extra={"mend": f"apt-get install {' '.join(fonts.PACKAGES)}"})
            raise Refusal("unavailable", "papers cannot be drawn here")
        if self._waiting >= WAITING:
            raise Refusal("rate_limited", "too many papers at once")
        self._waiting += 1
        try:
            async with self._drawing:
                return await self._run(msgspec.msgpack.encode(paper))
        finally:
            self._waiting -= 1

    async def _run(self, paper: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "server.pdf",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(DRAW_S):
                drawn, said = await process.communicate(paper)
        except TimeoutError:
            log.error("pdf.took_too_long", extra={"bytes": len(paper)})
            raise Refusal("unavailable", "the paper took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            log.error("pdf.failed", extra={"said": said.decode(errors="replace")[-2000:]})
            raise Refusal("internal")
        return drawn
