"""Client of a Tracking Desk server. See README.md."""

from . import messages
from .api import Api
from .connection import Connection
from .driver import DriverClient
from .errors import ApiError, DeskError, Disconnected, QueueError, SessionEnded
from .operator import OperatorClient
from .queue import Fix, PointQueue
from .shipper import ShipperClient
from .tokens import Tokens

__all__ = [
    "Api",
    "ApiError",
    "Connection",
    "DeskError",
    "Disconnected",
    "DriverClient",
    "Fix",
    "OperatorClient",
    "PointQueue",
    "QueueError",
    "SessionEnded",
    "ShipperClient",
    "Tokens",
    "messages",
]
