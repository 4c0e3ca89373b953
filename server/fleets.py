"""For whom a caller acts: drivers for themselves, a logistician for the drivers of the company's fleet."""

from typing import TYPE_CHECKING, Any

from dispatch.errors import Refusal
from storage.fleet import FleetStore

if TYPE_CHECKING:
    from .http.route import Call


class Fleets:
    """The one question that routes ask before they do something for a driver."""

    def __init__(self, store: FleetStore) -> None:
        self._store = store

    async def driver_for(self, call: "Call[Any, Any]", driver: int | None) -> int:
        """The driver whom this request is about: `driver`, or the caller where a driver leaves it out.

        `not_found` for a driver of somebody else, `bad_request` for a logistician who names none, `forbidden`
        for everybody else.
        """
        caller = call.caller
        if caller.role not in ("driver", "logistician"):
            raise Refusal("forbidden")
        if driver is None:
            if caller.role != "driver":
                raise Refusal("bad_request", "name the driver").at("driver")
            return caller.user
        if not await self._store.acts_for(caller.user, caller.role, driver):
            raise Refusal("not_found")
        return driver
