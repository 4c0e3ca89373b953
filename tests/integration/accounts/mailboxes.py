"""Mailboxes that whoever sends mails here fills, and people who prove that one is theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.gateways.email.mail import Mail
from server.gateways.push import Delivered, Outcome
from tests.integration.accounts.conftest import Desk, Person


@dataclass
class Mailboxes:
    """What has arrived; `instead` is what came of the next mails that did not."""

    received: list[Mail] = field(default_factory=list)
    instead: list[Outcome] = field(default_factory=list)

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        if self.instead:
            return [self.instead.pop(0) for _ in mails]
        self.received += mails
        return [Delivered() for _ in mails]

    async def close(self) -> None:
        pass

    @property
    def code(self) -> str:
        """The newest code, as its reader finds it in the text."""
        return self.received[-1].text.partition(".")[0].split()[-1]


async def prove(desk: Desk, person: Person, address: str) -> None:
    """This address becomes this person's."""
    boxes = Mailboxes()
    desk.services.email_sender = boxes
    asked = await person.put("/me/email", {"email": address})
    assert asked.status == 202, asked.content
    form = {"request": asked.body["request"], "code": boxes.code}
    proven = await person.post("/me/email/confirm", form)
    assert proven.status == 200 and proven.body["email"] == address.lower(), proven.content
