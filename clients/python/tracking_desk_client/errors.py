"""What can go wrong, as types.

DeskError
├── ApiError       the server refused: a stable `code`, and whether the same request may succeed later
├── Disconnected   the connection went before the answer came: the outcome is unknown
├── SessionEnded   the server closed the socket for good: do not come back without the user
└── QueueError     the file of unsent points cannot be used
"""


class DeskError(Exception):
    """Anything that this package raises on purpose."""


class ApiError(DeskError):
    """A refusal or fault told by the server, over REST or the socket.

    `code` is one of the server's catalogue, `status` its HTTP status (0 over the socket), `path` the field
    at fault, `retry_after` seconds when the server asked for patience.
    """

    def __init__(
        self,
        code: str,
        retry: bool,
        detail: str = "",
        *,
        status: int = 0,
        path: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.retry = retry
        self.detail = detail
        self.status = status
        self.path = path
        self.retry_after = retry_after


class Disconnected(DeskError):
    """The connection was lost before the answer: the command may or may not have been carried out."""


class SessionEnded(DeskError):
    """The server closed the socket with a code that says: do not reconnect."""

    def __init__(self, code: int, meaning: str) -> None:
        super().__init__(f"closed with {code}: {meaning}")
        self.code = code


class QueueError(DeskError):
    """The file of unsent points belongs to another device, or is not such a file."""
