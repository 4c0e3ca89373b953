"""How the desk itself is: workers, queues, stores."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import Seconds
from .common import Form, View

QueueName = Literal["searches", "announcements", "pushes", "webhooks", "payments", "renewals", "exports"]


class HealthQuery(Form, frozen=True):
    """How many samples of each worker, five seconds apart."""

    samples: Annotated[int, Meta(ge=1, le=360)] = 1


class VitalSample(View, frozen=True):
    """Five seconds of a worker. `..._s` are rates a second, `..._ms` the 95th percentile of a delay (None: nothing
    happened): loop (how late the event loop wakes), commit (receipt of a point to its COMMIT), fanout (news to
    the watchers' frames), request, offer (order placed to offers at sockets), push (event to its push). `cpu` in
    cores, `memory` in bytes."""

    at: Seconds
    began: Seconds
    sessions: dict[str, int]
    trucks: int
    points_buffered: int
    bus: bool
    bus_waiting: int
    points_s: float
    requests_s: float
    faults_s: float
    offers_s: float
    cpu: float
    memory: int
    loop_ms: float | None = None
    commit_ms: float | None = None
    fanout_ms: float | None = None
    request_ms: float | None = None
    offer_ms: float | None = None
    push_ms: float | None = None


class WorkerHealth(View, frozen=True):
    """A worker process; `silent` when it has said nothing for 15 s. Newest sample first."""

    worker: int
    silent: bool
    samples: list[VitalSample]


class QueueHealth(View, frozen=True):
    """What is due and waits; 10,000 stands for that many or more. `oldest_s`: for how long the first of it."""

    queue: QueueName
    waiting: int
    oldest_s: float


class DatabaseHealth(View, frozen=True):
    """PostgreSQL: how long it took to answer, connections and how many there may be, bytes, the longest
    transaction."""

    answer_ms: float
    connections: int
    most_connections: int
    size: int
    longest_s: float


class RedisHealth(View, frozen=True):
    """Redis: how long it took to answer, bytes, clients."""

    answer_ms: float
    memory: int
    clients: int


class DeskHealth(View, frozen=True):
    """The desk at `at`. A store that does not answer is absent, and so is what is known by it only."""

    at: Seconds
    workers: list[WorkerHealth]
    queues: list[QueueHealth]
    database: DatabaseHealth | None = None
    redis: RedisHealth | None = None
