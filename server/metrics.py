"""What a worker counts, and how Prometheus reads it.

The hot path adds to plain integers (50 ns); a labelled Prometheus counter would cost a lock and a dict
look-up for every point. The collector reads them when it is asked.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from geo.types import Reason
from server.protocol.codes import Close

if TYPE_CHECKING:
    from .services import Services

_LATENCY = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counts:
    """Plain numbers of one worker since it started."""

    def __init__(self) -> None:
        self.points_in = 0
        self.resent = 0
        self.over_credit = 0
        self.bad_frames = 0
        self.slow_closed = 0
        self.ticks_skipped = 0
        self.frames_out = 0
        self.offers_made = 0
        self.limits_local = 0
        self.flags: Tally[str] = Tally()
        self.refusals: Tally[str] = Tally()
        self.closes: Tally[str] = Tally()
        self.requests: Tally[tuple[str, int]] = Tally()

    def flagged(self, reason: Reason) -> None:
        """A point was not taken at face value."""
        self.flags[reason.name.lower()] += 1

    def judged_alone(self) -> None:
        """A request's limit was counted by this worker alone, without Redis."""
        self.limits_local += 1

    def refused(self, code: str) -> None:
        """An error frame left."""
        self.refusals[code] += 1

    def closed(self, code: Close) -> None:
        """The server ended a connection."""
        self.closes[code.name.lower()] += 1


class Metrics(Collector):
    """The worker's registry: histograms that loops observe, and the counts."""

    def __init__(self, services: "Services", worker: int) -> None:
        self._services = services
        self._worker = str(worker)
        self.registry = CollectorRegistry()
        self.commit_lag = self._histogram("desk_commit_lag_seconds", "receipt of a point to its COMMIT")
        self.fanout_lag = self._histogram("desk_fanout_lag_seconds", "oldest news of a tick to its frames")
        self.tick = self._histogram("desk_tick_seconds", "work of one map tick")
        self.loop_lag = self._histogram("desk_loop_lag_seconds", "how late the event loop wakes a sleeper")
        self.request = self._histogram("desk_request_seconds", "REST requests")
        self.offer = self._histogram("desk_offer_seconds", "order placed to offers written to sockets")
        self.push_lag = self._histogram("desk_push_lag_seconds", "event written to its push, first try")
        self.registry.register(self)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, buckets=_LATENCY, registry=self.registry)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Called by each scrape."""
        services, counts = self._services, self._services.counts
        log = services.positions.counts
        roles = Tally(session.principal.role for session in services.hub.sessions)
        sessions = self._gauge("desk_sessions", "open websockets", ["role"])
        for role, number in roles.items():
            sessions.add_metric([self._worker, role], number)
        yield sessions
        for name, text, gauge in (
            ("desk_trucks", "drivers in the live index", len(services.live)),
            ("desk_points_buffered", "points in memory, not yet committed", services.positions.depth),
            ("desk_credit", "points a stream may have in flight", services.positions.credit()),
            ("desk_bus_connected", "1 while the bus is up", int(services.bus.connected)),
            ("desk_bus_waiting", "messages and blobs that have not left yet", services.bus.waiting),
            ("desk_trip_lag_seconds", "how late the last look at trips was", services.trip_watch.lag_s),
            ("desk_watched_orders", "orders that somebody follows", len(services.hub.offsets())),
        ):
            family = self._gauge(name, text, [])
            family.add_metric([self._worker], gauge)
            yield family
        for name, text, number in (
            ("desk_points_received", "points in frames", counts.points_in),
            ("desk_points_committed", "points stored", log.committed),
            ("desk_points_poison", "points acknowledged with a reason and stored apart", log.poison),
            ("desk_points_resent", "points that were known already", counts.resent),
            ("desk_points_refused", "reports beyond the credit", counts.over_credit),
            ("desk_commit_retries", "group commits tried again", log.retries),
            ("desk_bad_frames", "frames that are not of the protocol", counts.bad_frames),
            ("desk_slow_closed", "peers that did not read", counts.slow_closed),
            (
                "desk_ticks_skipped",
                "position frames held back from peers that are behind",
                counts.ticks_skipped,
            ),
            ("desk_frames_out", "position frames written", counts.frames_out),
            ("desk_offers_made", "offers told", counts.offers_made),
            ("desk_limits_local", "requests whose limit was judged without Redis", counts.limits_local),
            ("desk_trip_looks", "looks at trips under way", services.trip_watch.looks),
            ("desk_trips_settled", "countings of trips that are over", services.trip_watch.settled),
            ("desk_bus_published", "messages to other workers", services.bus.published),
            ("desk_bus_dropped", "messages that the bus could not take", services.bus.dropped),
            ("desk_announced", "events that went to inboxes", services.announcing.announced),
            ("desk_views_dropped", "rows of who looked that found no room", services.viewers.dropped),
            (
                "desk_otp_over_budget",
                "codes refused because the day's SMS are spent",
                services.identity.otp.over_budget,
            ),
        ):
            counter = self._counter(name, text, [])
            counter.add_metric([self._worker], number)
            yield counter
        for name, text, label, tally in (
            ("desk_points_flagged", "points kept out of live state", "reason", counts.flags),
            ("desk_refusals", "error frames", "code", counts.refusals),
            ("desk_closes", "connections ended by the server", "code", counts.closes),
        ):
            counter = self._counter(name, text, [label])
            for value, number in tally.items():
                counter.add_metric([self._worker, value], number)
            yield counter
        codes = self._counter(
            "desk_otp_codes", "SMS handed to a gateway, codes and notices", ["gateway", "outcome"]
        )
        for (gateway, outcome), number in services.otp_sender.outcomes.items():
            codes.add_metric([self._worker, gateway, outcome], number)
        yield codes
        notices = self._counter("desk_notices", "attempts to tell users", ["means", "outcome"])
        for (means, outcome), number in services.deliveries.outcomes.items():
            notices.add_metric([self._worker, means, outcome], number)
        yield notices
        requests = self._counter("desk_requests", "REST answers", ["route", "status"])
        for (route, status), number in counts.requests.items():
            requests.add_metric([self._worker, route, str(status)], number)
        yield requests

    def _gauge(self, name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, text, labels=["worker", *labels])

    def _counter(self, name: str, text: str, labels: list[str]) -> CounterMetricFamily:
        return CounterMetricFamily(name, text, labels=["worker", *labels])

    async def watch_loop(self, period_s: float = 0.25) -> None:
        """Measures how late this loop wakes: what every other latency stands on."""
        loop = asyncio.get_running_loop()
        while True:
            start = loop.time()
            await asyncio.sleep(period_s)
            self.loop_lag.observe(max(loop.time() - start - period_s, 0.0))
