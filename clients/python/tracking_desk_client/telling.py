"""The part of the REST API that is about what you are told."""

from .calls import Calls, made_from
from .messages import Inbox, InboxCount, InboxQuery, InboxReadForm, Wishes, WishesForm


class InboxCalls(Calls):
    """One method a route."""

    async def inbox(self, query: InboxQuery | None = None) -> Inbox:
        """What you were told, newest first."""
        wire = (query or InboxQuery()).to_wire()
        return Inbox.from_wire(await self._call("GET", "/api/v1/me/inbox", query=wire))

    async def inbox_read(self, form: InboxReadForm) -> int:
        """Items, or everything up to one, were read; how much is left unread."""
        answer = await self._call("POST", "/api/v1/me/inbox/read", form.to_wire())
        return InboxCount.from_wire(answer).unread

    async def wishes(self) -> Wishes:
        """What you want to be told by which channel, and when you want to be left alone."""
        return Wishes.from_wire(await self._call("GET", "/api/v1/me/notifications/preferences"))

    async def set_wishes(self, form: WishesForm, version: int) -> Wishes:
        """All of it, made from this version."""
        path = "/api/v1/me/notifications/preferences"
        return Wishes.from_wire(await self._call("PUT", path, form.to_wire(), headers=made_from(version)))
