"""What the messages of the inbox do."""

from collections.abc import Callable
from typing import Any

from server.notices import receipts
from server.protocol.messages import InboxSeen, Message

from .session import Session


def seen(session: Session, message: InboxSeen) -> None:
    """Items are on the screen, or were opened."""

    async def work() -> None:
        services, user = session.services, session.principal.user
        shown = await services.inbox.seen(user, message.items, read=message.read)
        await receipts.offers(services, user, shown)
        if message.read:
            await receipts.read(services, user, shown)

    session.carry_out(message.id, work())


# Any: each handler takes its own message type, and the key says which.
HANDLERS: dict[type[Message], Callable[[Session, Any], None]] = {InboxSeen: seen}
