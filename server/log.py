"""One JSON object a line on stderr: an event name, its fields, and whose connection or order it is about."""

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson
from aiohttp.http_exceptions import HttpProcessingError

CONNECTION: ContextVar[str | None] = ContextVar("conn", default=None)
PRINCIPAL: ContextVar[int | None] = ContextVar("principal", default=None)
ORDER: ContextVar[int | None] = ContextVar("order", default=None)
_CONTEXT: dict[str, ContextVar[str | None] | ContextVar[int | None]] = {
    "conn": CONNECTION,
    "principal": PRINCIPAL,
    "order": ORDER,
}

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """`log.info("order.assigned", extra={...})` becomes `{"event": "order.assigned", ...}`."""

    def __init__(self, worker: int) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Values that JSON does not know are written as text; control characters are escaped."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": record.getMessage(),
            "log": record.name,
            "worker": self._worker,
        }
        for name, variable in _CONTEXT.items():
            value = variable.get()
            if value is not None:
                line[name] = value
        line.update({k: v for k, v in record.__dict__.items() if k not in _STANDARD})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _NoStrangersTraces(logging.Filter):
    """aiohttp logs each request that is not HTTP as an error with its traceback: a line is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps the record, without the trace when the peer is to blame."""
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args, record.exc_info = "http.malformed", (), None
        return True


def configure(level: str, worker: int) -> None:
    """Sends everything to stderr as JSON; called once by the CLI."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(worker))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(_NoStrangersTraces())
    for noisy in ("aiohttp.access", "asyncio", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
