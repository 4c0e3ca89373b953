"""SMSC: one form POST a message, answered with an id or an error code. https://smsc.kz, `send.php` with fmt=3."""

from typing import Any

from .http import client
from .sms import TIMEOUT_S, NotSent, Outcome, Sent, Trouble, post

PATH = "/sys/send.php"
TROUBLES = {
    1: Trouble.REFUSED,  # parameters
    2: Trouble.ACCOUNT,  # login
    3: Trouble.ACCOUNT,  # money
    4: Trouble.ACCOUNT,  # our address is blocked for its many mistakes
    5: Trouble.REFUSED,  # date
    6: Trouble.REFUSED,  # forbidden text or sender name
    7: Trouble.NUMBER,  # its form
    8: Trouble.NUMBER,  # not deliverable
    9: Trouble.THROTTLED,  # the same again, or too many at once
}


class Smsc:
    """The adapter. `sender` is a registered name; without one the provider's common name is used."""

    name = "smsc"

    def __init__(self, url: str, login: str, password: str, sender: str | None = None) -> None:
        self._url = url.rstrip("/") + PATH
        self._form = {"login": login, "psw": password, "charset": "utf-8", "fmt": "3"}
        if sender:
            self._form["sender"] = sender
        self._session = client(TIMEOUT_S)

    async def send(self, phone: str, text: str) -> Outcome:
        """What came of one message."""
        answer = await post(self._session, self._url, {**self._form, "phones": phone, "mes": text})
        return answer if isinstance(answer, NotSent) else _outcome(answer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()


def _outcome(answer: dict[str, Any]) -> Outcome:
    code = answer.get("error_code")
    if code is not None:
        known = TROUBLES.get(code) if isinstance(code, int) else None
        return NotSent(known or Trouble.REFUSED, f"error {code}" if known else "an unknown error")
    if "id" not in answer:
        return NotSent(Trouble.DOWN, "neither id nor error")
    return Sent(str(answer["id"]))
