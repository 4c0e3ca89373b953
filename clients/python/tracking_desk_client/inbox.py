"""What you are told, as it happens, and what you say of it: that it is on a screen, that it was read."""

from collections.abc import Callable, Sequence

from .connection import Connection
from .messages import InboxEntry, InboxItem, InboxMarked, InboxSeen, ServerMessage


class News:
    """New items over the socket. `on_item(entry)` hears each one, `on_read(items, unread)` what was read here or
    on another device. Say `seen` when an item is on the screen, and no push goes out for it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.on_item: Callable[[InboxEntry], None] = lambda entry: None
        self.on_read: Callable[[Sequence[int], int], None] = lambda items, unread: None

    async def seen(self, items: Sequence[int], *, read: bool = False) -> None:
        """These are on the screen; with `read` they were opened."""
        await self.connection.call(lambda id: InboxSeen(id, list(items), read))

    def heard(self, message: ServerMessage) -> bool:
        """Takes news of the inbox; False for any other message."""
        match message:
            case InboxItem():
                self.on_item(message.entry)
            case InboxMarked():
                self.on_read(message.items, message.unread)
            case _:
                return False
        return True
