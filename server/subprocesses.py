"""Work that would hold the loop up, given to processes of our own: few at once, bounded in time, none left."""

import asyncio
import logging
import sys

from dispatch.errors import Refusal

log = logging.getLogger("desk.workshop")


class Workshop:
    """Runs `python -m MODULE` for each piece: bytes in, bytes out."""

    def __init__(self, module: str, *, at_once: int, waiting: int, limit_s: float) -> None:
        self._module = module
        self._places = asyncio.Semaphore(at_once)
        self._most = waiting
        self._in_hand = 0
        self._limit_s = limit_s

    async def make(self, piece: bytes) -> bytes:
        """What the module makes of it. `rate_limited` when too many wait, `unavailable` after the limit."""
        if self._in_hand >= self._most:
            raise Refusal("rate_limited", "too many papers at once")
        self._in_hand += 1
        try:
            async with self._places:
                return await self._run(piece)
        finally:
            self._in_hand -= 1

    async def _run(self, piece: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._limit_s):
                made, said = await process.communicate(piece)
        except TimeoutError:
            log.error("workshop.took_too_long", extra={"of": self._module, "bytes": len(piece)})
            raise Refusal("unavailable", "the paper took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            log.error(
                "workshop.failed", extra={"of": self._module, "said": said.decode(errors="replace")[-2000:]}
            )
            raise Refusal("internal")
        return made
