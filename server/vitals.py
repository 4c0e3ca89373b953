"""How each worker is: a sample every five seconds into Redis, half an hour of them, for who looks after the desk.

Prometheus keeps the long story; this is what the admin panel shows without one, of all workers at once, whichever
of them is asked.
"""

import asyncio
import os
import time
from collections import Counter as Tally
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from msgspec import convert
from prometheus_client import Histogram
from redis.asyncio import Redis

from server.protocol.rest.health import VitalSample
from storage.redis import Keys, Unreachable

if TYPE_CHECKING:
    from .services import Services

EVERY_S = 5.0
KEPT = 360
SILENT_S = 3 * EVERY_S  # no sample for so long: the worker does not turn, or is gone
WORST = 0.95

Buckets = Mapping[float, float]  # upper bound in seconds -> observations up to it, since the process began


def percentile(before: Buckets, after: Buckets, share: float) -> float | None:
    """The bound (seconds) below which this share of what was observed between two readings lies, interpolated
    within its bucket as Prometheus does; the last finite bound for what is beyond it, None when nothing was."""
    counts = [(bound, after[bound] - before.get(bound, 0.0)) for bound in sorted(after)]
    total = counts[-1][1] if counts else 0.0
    if total <= 0:
        return None
    wanted, low, below = share * total, 0.0, 0.0
    for bound, count in counts:
        if count >= wanted:
            if bound == float("inf"):
                return low
            return low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low


class Vitals:
    """Of one worker, from its counters and histograms."""

    def __init__(self, services: "Services", worker: int) -> None:
        self._services = services
        self._worker = worker
        self._began = time.time()
        self._last = self._read()

    async def run(self) -> None:
        """For the life of the worker. What Redis does not take is not kept."""
        while True:
            await asyncio.sleep(EVERY_S)
            sample = orjson.dumps(self.take())
            key = self._services.keys.vitals(self._worker)
            try:
                async with self._services.redis.pipeline(transaction=False) as pipe:
                    pipe.lpush(key, sample)
                    pipe.ltrim(key, 0, KEPT - 1)
                    pipe.expire(key, int(KEPT * EVERY_S))
                    pipe.sadd(self._services.keys.workers, self._worker)
                    await pipe.execute()
            except Unreachable:
                continue

    def take(self) -> dict[str, object]:
        """A sample of the time since the last one, in the form of VitalSample."""
        services, before, now = self._services, self._last, self._read()
        self._last = now
        passed_s = max(now.at - before.at, 1e-3)
        return {
            "at": round(time.time(), 1),
            "began": round(self._began, 1),
            "sessions": dict(Tally(session.principal.role for session in services.hub.sessions)),
            "trucks": len(services.live),
            "points_buffered": services.positions.depth,
            "bus": services.bus.connected,
            "bus_waiting": services.bus.waiting,
            **{
                f"{name}_s": round((now.counts[name] - count) / passed_s, 2)
                for name, count in before.counts.items()
            },
            **{
                f"{name}_ms": None if worst is None else round(worst * 1e3, 1)
                for name in now.lags
                for worst in [percentile(before.lags[name], now.lags[name], WORST)]
            },
            "cpu": round((now.cpu_s - before.cpu_s) / passed_s, 3),
            "memory": _memory(),
        }

    def _read(self) -> "_Reading":
        services = self._services
        counts, metrics = services.counts, services.metrics
        return _Reading(
            {
                "points": float(services.positions.counts.committed),
                "requests": float(sum(counts.requests.values())),
                "faults": float(sum(n for (_, status), n in counts.requests.items() if status >= 500)),
                "offers": float(counts.offers_made),
            },
            {
                "loop": _buckets(metrics.loop_lag),
                "commit": _buckets(metrics.commit_lag),
                "fanout": _buckets(metrics.fanout_lag),
                "request": _buckets(metrics.request),
                "offer": _buckets(metrics.offer),
                "push": _buckets(metrics.push_lag),
            },
        )


class _Reading:
    """Counters, histograms and CPU at one moment."""

    def __init__(self, counts: Mapping[str, float], lags: Mapping[str, Buckets]) -> None:
        self.at = time.monotonic()
        self.counts = counts
        self.lags = lags
        self.cpu_s = time.process_time()


async def samples(redis: Redis, keys: Keys, most: int) -> dict[int, list[VitalSample]]:
    """Of each worker of the last half hour its newest samples, newest first. Raises what `Unreachable` names."""
    workers = sorted(int(worker) for worker in await redis.smembers(keys.workers))
    found: dict[int, list[VitalSample]] = {}
    for worker in workers:
        raw = await redis.lrange(keys.vitals(worker), 0, most - 1)
        if raw:
            found[worker] = [convert(orjson.loads(each), VitalSample) for each in raw]
        else:
            await redis.srem(keys.workers, worker)
    return found


def _buckets(histogram: Histogram) -> Buckets:
    return {
        float(sample.labels["le"]): sample.value
        for family in histogram.collect()
        for sample in family.samples
        if sample.name.endswith("_bucket")
    }


def _memory() -> int:
    """Bytes that the process holds (resident set size)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
