"""Notices by e-mail: receipts, as mails that say what the inbox says and lead there."""

from collections.abc import Sequence

from .email.mail import EmailSender, Mail
from .push import Outcome, Push


class EmailNotices:
    """Hands notices to whoever brings mails. `public_url` is where their links lead to."""

    def __init__(self, sender: EmailSender, public_url: str) -> None:
        self._sender = sender
        self._public_url = public_url

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """What came of each, in order."""
        return await self._sender.send([self._mail(push) for push in pushes])

    async def close(self) -> None:
        """The sender is shared, and closed by who made it."""

    def _mail(self, push: Push) -> Mail:
        title, body = push.text
        return Mail(
            to=push.endpoint.address,
            kind=push.kind,
            # The item and not the attempt: what is sent again is the same mail.
            key=f"notice:{push.item}",
            subject=title,
            text=f"{body}\n\n{self._public_url}{push.data['link']}\n",
        )
