"""A local SMS provider with both dialects, Mobizon's and SMSC's, a script, and a memory of what it was asked."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

MOBIZON = "/service/message/sendsmsmessage"
SMSC = "/sys/send.php"


@dataclass
class Asked:
    """One request."""

    path: str
    query: dict[str, str]
    form: dict[str, str]
    content_type: str


@dataclass
class Provider:
    """Answers each path with the next step of its script, then with success.

    A step is an error code, an HTTP status (`"503"`), `"hang"`, `"drop"` (the message is taken, and the connection
    lost before the answer), or raw text that is sent as it is.
    """

    mobizon: list[int | str] = field(default_factory=list)
    smsc: list[int | str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post(MOBIZON, self._mobizon)
        app.router.add_post(SMSC, self._smsc)
        return app

    async def _mobizon(self, request: web.Request) -> web.StreamResponse:
        step = await self._step(request, self.mobizon)
        if isinstance(step, web.StreamResponse):
            return step
        if step in (0, 100):
            data: object = {"campaignId": "77", "messageId": "4242", "status": 2}
        else:
            data = {"recipient": "Wrong number"} if step == 1 else []
        return web.json_response({"code": step, "data": data, "message": "" if step == 0 else "scripted"})

    async def _smsc(self, request: web.Request) -> web.StreamResponse:
        step = await self._step(request, self.smsc)
        if isinstance(step, web.StreamResponse):
            return step
        if step == 0:
            return web.json_response({"id": 4243, "cnt": 1})
        content = {"error": "scripted", "error_code": step}
        return web.json_response(content | ({"id": 4244} if step in (3, 6, 7, 8) else {}))

    async def _step(self, request: web.Request, script: list[int | str]) -> int | web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(Asked(request.path, dict(request.query), form, request.content_type))
        step = script.pop(0) if script else 0
        if step == "hang":
            await asyncio.sleep(3600)
        if step == "drop":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(step, int):
            return step
        if step.isdigit():
            return web.Response(
                status=int(step), text="<html>busy</html>", headers={"Location": "/elsewhere"}
            )
        return web.Response(text=step, content_type="application/json")
