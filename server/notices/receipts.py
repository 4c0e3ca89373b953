"""It is on a screen: whatever else would ring for it does not, and the user's other devices know."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from dispatch.errors import Refusal
from storage.notices.inbox import Shown

if TYPE_CHECKING:
    from server.services import Services


async def about(services: "Services", user: int, name: str, number: int) -> None:
    """An offer, a bid or a conversation (`name`, number) is on the user's screen, and so is every item about
    it."""
    if shown := await services.inbox.read_about(user, name, number):
        await read(services, user, shown)


async def read(services: "Services", user: int, shown: Sequence[Shown]) -> int:
    """These items were read; how many wait to be read now. The user's sockets hear of it."""
    unread = await services.inbox.unread(user)
    services.notify.inbox_read(user, [each.id for each in shown], unread)
    return unread


async def offers(services: "Services", user: int, shown: Sequence[Shown]) -> None:
    """An offer that is seen in the inbox is seen."""
    for each in shown:
        if each.kind in ("offer.made", "offer.invited") and "offer" in each.facts:
            with suppress(Refusal):  # a test of staff's is of no offer
                await services.dispatcher.seen(user, each.facts["offer"])
