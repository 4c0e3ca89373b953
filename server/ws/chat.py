"""What the messages of conversations do."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from dispatch.chat import Draft
from dispatch.errors import Refusal
from dispatch.model import Party
from server.chat import views
from server.log import ORDER
from server.notices import receipts
from server.protocol.messages import ChatRead, ChatSend, ChatStored, Message, Ok

from .session import Session

_PARTIES = frozenset({"driver", "logistician", "shipper"})


def send(session: Session, message: ChatSend) -> None:
    """Somebody writes; answered when it is stored."""

    services = session.services
    if session.talking is None:
        session.talking = asyncio.Lock()
    turn = session.talking

    async def work() -> Ok:
        draft = Draft(UUID(message.message_id), message.text, message.phrase, tuple(message.attachments))
        # Commands run beside each other, but what one socket says stays in the order in which it was said.
        async with turn:
            party = await _party(session, message.order)
            stored = services.notify.told(await services.chats.send(party, message.order, draft))
        entry = views.spoken(views.entry(stored), session.lang)
        return Ok(id=message.id, result=ChatStored(message=entry))

    session.carry_out(message.id, work())


def read(session: Session, message: ChatRead) -> None:
    """It is on the screen."""

    async def work() -> None:
        party = await _party(session, message.order)
        services = session.services
        services.notify.told(await services.chats.read(party, message.order, message.upto))
        await receipts.about(services, session.principal.user, "chat", message.order)

    session.carry_out(message.id, work())


async def _party(session: Session, order: int) -> Party:
    if session.principal.role not in _PARTIES:
        raise Refusal("forbidden")
    ORDER.set(order)
    return await session.services.party_to(session.principal, order)


# Any: each handler takes its own message type, and the key says which.
HANDLERS: dict[type[Message], Callable[[Session, Any], None]] = {ChatSend: send, ChatRead: read}
