"""How far a truck has still to go, for public pages: as the trip's last forecast has it."""

from dispatch.errors import Refusal
from dispatch.model import Order
from server.sharing.public import Ahead
from storage.live import Live
from storage.trips.reads import TripReads


class TripAhead:
    """What is ahead of the truck of an order; None before the first forecast."""

    def __init__(self, trips: TripReads) -> None:
        self._trips = trips

    async def of(self, order: Order, entry: Live) -> Ahead | None:
        """Metres to the last stop, and when it should be reached."""
        try:
            trip = await self._trips.of(order, entry.at)
        except Refusal:
            return None
        last = trip.stops[-1].arrival
        return None if last is None else Ahead(round(last.distance_m), last.at)
