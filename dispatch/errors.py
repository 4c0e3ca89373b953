"""The one exception of the core: a decision that says no, with a code that clients know."""

import re
from collections.abc import Mapping
from typing import Self

# `{name}` or `{name:form}`; the form says how the server writes the value for a reader (`duration`, `money` ...).
PLACEHOLDER = re.compile(r"\{([a-z_]+)(?::([A-Za-z.]+))?\}")


class Refusal(Exception):
    """A request was understood and turned down. `code` is a key of server.protocol.codes.ERRORS, whose
    title is the sentence for the human; the detail adds what only this case knows and may be empty.

    The detail is a constant English sentence with `values` in its places, so that it can be told in other
    languages: `Refusal("rate_limited", "a new code can be sent in {wait:duration}", wait=30)`. With `plural`
    the value `n` chooses: `Refusal(code, "at most {n} order", plural="at most {n} orders", n=20)`.
    Without values it is taken as it is.
    """

    def __init__(self, code: str, template: str = "", /, *, plural: str = "", **values: object) -> None:
        self.code = code
        self.template = template
        self.plural = plural
        self.values: Mapping[str, object] = values
        self.path: str | None = None
        super().__init__(code if not template else f"{code}: {self.detail}")

    def at(self, path: str) -> Self:
        """The same refusal with the field that it is about: `stops[1].window_to`."""
        self.path = path
        return self

    @property
    def detail(self) -> str:
        """The detail in English, its values written plainly: for logs."""
        text = self.plural if self.plural and self.values.get("n") != 1 else self.template
        if not self.values:
            return text
        return PLACEHOLDER.sub(lambda place: str(self.values.get(place[1], place[0])), text)
