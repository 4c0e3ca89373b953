"""Mobizon: one form POST a message, answered by a code. https://mobizon.kz, API version 1."""

from typing import Any

from .http import client
from .sms import TIMEOUT_S, NotSent, Outcome, Sent, Trouble, post

PATH = "/service/message/sendsmsmessage"
TAKEN = (0, 100)  # done; carried out in the background
ACCOUNT = (8, 9, 14, 15)  # key, rights, account shut, an operation that the balance does not allow
BUSY = (3, 10)  # broken or overtaken on their side


class Mobizon:
    """The adapter. `sender` is a registered name; without one the provider's common name is used."""

    name = "mobizon"

    def __init__(self, url: str, key: str, sender: str | None = None) -> None:
        self._url = url.rstrip("/") + PATH
        self._key = key
        self._sender = sender
        self._session = client(TIMEOUT_S)

    async def send(self, phone: str, text: str) -> Outcome:
        """What came of one message."""
        form = {"recipient": phone.removeprefix("+"), "text": text}
        if self._sender:
            form["from"] = self._sender
        answer = await post(
            self._session, self._url, form, {"output": "json", "api": "v1", "apiKey": self._key}
        )
        return answer if isinstance(answer, NotSent) else _outcome(answer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()


def _outcome(answer: dict[str, Any]) -> Outcome:
    code, about = answer.get("code"), answer.get("data")
    if not isinstance(code, int) or isinstance(code, bool):
        return NotSent(Trouble.DOWN, "no code")
    detail = f"code {code}"
    if code in TAKEN:
        fields = about if isinstance(about, dict) else {}
        return Sent(str(fields.get("messageId", "")))
    if code in ACCOUNT:
        return NotSent(Trouble.ACCOUNT, detail)
    if code in BUSY:
        return NotSent(Trouble.DOWN, detail)
    # 1 is a form with wrong fields, which `data` names.
    if code == 1 and isinstance(about, dict) and "recipient" in about:
        return NotSent(Trouble.NUMBER, detail)
    return NotSent(Trouble.REFUSED, detail)
