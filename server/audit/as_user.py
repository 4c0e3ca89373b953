"""The product as a user sees it, for staff: a token of ten minutes that reads and cannot do anything else.

Three things keep it so: the door lets only GET through (admit.py), the request runs in a transaction in which
PostgreSQL itself refuses to write, and a socket takes only the commands of `server.ws.viewing`. What the staff's
own grade may not see, numbers and papers, stays hidden here, too.
"""

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from dispatch.errors import Refusal
from dispatch.rights import Right, may
from server.auth import Principal, Tokens, Viewing
from storage.audit.account_views import LIFETIME_S, AccountViews, Started
from storage.postgres import Connection, Pool, unit

MAX_KNOWN = 10_000  # paths that were written down; beyond it the oldest are written down again
T = TypeVar("T")

_NUMBER = re.compile(rb"\+[0-9]{10,15}")


class AsUser:
    """Opens views, and stands at their door."""

    def __init__(self, views: AccountViews, tokens: Tokens, pool: Pool) -> None:
        self._views = views
        self._tokens = tokens
        self._pool = pool
        self._known: dict[tuple[int, str], None] = {}

    async def start(self, staff: Principal, user: int, reason: str, now: float) -> tuple[str, Started]:
        """A token for the product as this user sees it, and the view that it stands for."""
        view = await self._views.start(staff.user, staff.session, user, reason)
        token, _ = self._tokens.mint(
            view.user,
            view.role,
            staff.session,
            now,
            LIFETIME_S,
            lang=staff.lang,
            viewing=Viewing(staff.user, view.id),
        )
        return token, view

    async def admit(self, principal: Principal, viewing: Viewing, route: str, path: str, papers: bool) -> str:
        """The grade of whoever looks, after the look was written down (each path once in a view).

        Refusals `session_revoked` for a view that is over, `forbidden` for papers that the grade may not see.
        """
        grade = await self._views.grade(viewing.view, viewing.staff, principal.user, principal.role)
        if papers and not may(grade, Right.SEE_DOCUMENTS):
            raise Refusal("forbidden")
        key = (viewing.view, path)
        if key not in self._known:
            await self._views.looked_at(viewing.view, viewing.staff, principal.user, route, path)
            while len(self._known) >= MAX_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = None
        return grade

    async def read_only(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs a request in a transaction that cannot write."""
        try:
            async with unit(self._pool, _reads):
                return await work()
        except asyncpg.ReadOnlySQLTransactionError:
            raise Refusal("forbidden", READS) from None


READS = "this is a view of the account: it only reads"


async def _reads(connection: Connection) -> None:
    await connection.execute("SET LOCAL transaction_read_only = on")


def without_numbers(body: bytes, grade: str) -> bytes:
    """An answer as this grade may see it: phone numbers masked for who may not see them."""
    if may(grade, Right.SEE_PHONES):
        return body
    return _NUMBER.sub(lambda found: found[0][:5] + b"***" + found[0][-4:], body)
