"""Trips as clients see them."""

from collections.abc import Iterable

from dispatch.events import Forecast
from dispatch.trip import Arrival
from server.protocol.messages import OrderEta, StopEta
from server.protocol.rest.trips import HaltView, StopVisitView, TripView, WaitingView
from storage.trips.reads import TripRead


def stop_eta(arrival: Arrival) -> StopEta:
    """The arrival at one stop."""
    return StopEta(
        stop=arrival.stop,
        early_at=arrival.early_at,
        at=arrival.at,
        late_at=arrival.late_at,
        late_s=arrival.late_s,
        distance_m=arrival.distance_m,
    )


def forecast(event: Forecast) -> OrderEta:
    """For the watchers of the order."""
    return OrderEta(order=event.order, at=event.at, stops=[stop_eta(each) for each in event.arrivals])


def trip_view(trip: TripRead, *, driver: bool, whole: bool = True) -> TripView:
    """The trip; the suggestion only for its driver. Not `whole`: without what says where the truck is now."""
    return TripView(
        order=trip.order,
        driver=trip.driver,
        started_at=trip.started_at,
        ended_at=trip.ended_at,
        closed_at=trip.closed_at,
        metres=round(trip.metres),
        empty_metres=None if trip.empty_metres is None else round(trip.empty_metres),
        stops=list(_stops(trip, eta=whole)),
        detention_s=round(trip.detention_s),
        halts=[HaltView(*halt) for halt in trip.halts] if whole else [],
        eta_at=trip.eta_at if whole else None,
        delay_s=trip.delay_s,
        suggested=trip.suggested if driver else None,
    )


def _stops(trip: TripRead, *, eta: bool) -> Iterable[StopVisitView]:
    for stop in trip.stops:
        waiting = stop.waiting
        yield StopVisitView(
            stop=stop.number,
            kind=stop.kind,
            arrived_at=stop.visit.arrived_at,
            left_at=stop.visit.left_at,
            waiting=None
            if waiting is None
            else WaitingView(
                waiting.since, waiting.until, round(waiting.seconds), round(waiting.detention_s)
            ),
            eta=None if stop.arrival is None or not eta else stop_eta(stop.arrival),
        )
