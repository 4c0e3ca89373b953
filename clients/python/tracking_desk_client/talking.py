"""The part of the REST API that is about conversations of orders."""

from .calls import Calls
from .messages import (
    ChatEntry,
    ChatForm,
    ChatMark,
    ChatPage,
    ChatPhrases,
    ChatQuery,
    ChatReadForm,
    Chats,
    ChatsQuery,
)


class ChatCalls(Calls):
    """One method a route. Files are uploaded by `POST /orders/{order}/chat/files`, as any upload."""

    async def chat(self, order: int, query: ChatQuery | None = None) -> ChatPage:
        """The newest messages of an order's conversation, or those before or after a number."""
        wire = (query or ChatQuery()).to_wire()
        return ChatPage.from_wire(await self._call("GET", f"/api/v1/orders/{order}/chat", query=wire))

    async def write(self, order: int, form: ChatForm, key: str) -> ChatEntry:
        """Write without a socket; the same `key` is the same message."""
        headers = {"Idempotency-Key": key}
        path = f"/api/v1/orders/{order}/chat"
        return ChatEntry.from_wire(await self._call("POST", path, form.to_wire(), headers=headers))

    async def chat_read(self, order: int, upto: int) -> ChatMark:
        """Everything up to this number was read; where the mark stands."""
        body = ChatReadForm(upto).to_wire()
        return ChatMark.from_wire(await self._call("POST", f"/api/v1/orders/{order}/chat/read", body))

    async def chats(self, query: ChatsQuery | None = None) -> Chats:
        """Your conversations, the one with the latest word first."""
        wire = (query or ChatsQuery()).to_wire()
        return Chats.from_wire(await self._call("GET", "/api/v1/chats", query=wire))

    async def phrases(self) -> ChatPhrases:
        """What each side may say with one tap."""
        return ChatPhrases.from_wire(await self._call("GET", "/api/v1/chat/phrases"))
