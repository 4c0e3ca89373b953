"""The one exception of the core: a decision that says no, with a code that clients know."""


class Refusal(Exception):
    """A request was understood and turned down. `code` is a key of server.protocol.codes.ERRORS, whose
    title is the sentence for the human; `detail` adds what only this case knows and may be empty."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code if not detail else f"{code}: {detail}")
        self.code = code
        self.detail = detail
