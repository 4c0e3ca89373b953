"""Has tables written by processes of their own: 20,000 rows of ten columns take half a second of a core as CSV and
2.6 s as a workbook, and the loop that moves trucks must not wait for it."""

import msgspec
from aiohttp import web

from dispatch.errors import Refusal
from server.subprocesses import Workshop

from .table import Format, Table

MOST_ROWS = 20_000  # 100 MiB in the process that writes them
TYPES: dict[Format, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Sheets:
    """Writes one table after the other."""

    def __init__(self) -> None:
        self._workshop = Workshop("server.sheets", at_once=2, waiting=16, limit_s=30.0)

    async def file(self, table: Table, form: Format, called: str) -> web.Response:
        """The table as a download; `called` is made by us. `too_many_rows`, `rate_limited`, `unavailable`."""
        if len(table.rows) > MOST_ROWS:
            raise Refusal("too_many_rows", "at most {n:number} rows: choose a shorter period", n=MOST_ROWS)
        body = await self._workshop.make(msgspec.msgpack.encode((form, table)))
        headers = {
            "Content-Type": TYPES[form],
            "Content-Disposition": f'attachment; filename="{called}.{form}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return web.Response(body=body, headers=headers)
