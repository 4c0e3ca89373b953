"""The follower on real PostGIS: fences, halts, metres, forecasts, and the settling of what is over."""

import csv
import gzip
import random
import time
import uuid
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from dispatch.events import Forecast, OrderChanged
from dispatch.model import Place, Status, Stop, Window
from dispatch.trip import PIN_M
from geo.crossings import Crossings
from geo.distance import haversine_m
from geo.tracker import Tracker
from geo.types import Fix, Position, Reason
from server.gateways.chain import Chain
from server.gateways.meters import VendorMeters
from server.gateways.routes.ways import Ways
from storage.cache import TimedCache
from storage.order_rows import moment
from storage.postgres import Pool
from storage.redis import Keys
from storage.trips.following import TripFollower
from storage.trips.reads import TripRead, TripReads
from storage.trips.settling import TripSettler
from tests.integration.orders.market import ALMATY, STEPS, Market, roads

from .road import Road, drive, stand

YARD = Position(43.3300, 77.0100)
KONAEV = Place(1526384, "Қонаев", 43.8700, 77.0700)
GATE = Position(43.8650, 77.0650)
HOUR = 3_600.0


class Trips:
    """A haul from a yard in Almaty to a gate in Konaev, and its trip."""

    def __init__(self, pool: Pool, redis: Redis) -> None:
        self.pool = pool
        self.market = Market(pool)
        chain = Chain("routes", (), TimedCache(redis, Keys("test")), VendorMeters(CollectorRegistry(), 0))
        self.follower = TripFollower(pool, Ways(chain, roads(), Crossings.load(), traffic=False))
        self.settler = TripSettler(pool)
        self.reads = TripReads(pool)
        self.order = self.shipper = self.driver = 0

    async def begin(self, started_at: float, status: Status = Status.ASSIGNED, **windows: Window) -> Road:
        stops = (
            Stop("pickup", ALMATY, windows.get("pickup", Window()), YARD),
            Stop("drop", KONAEV, windows.get("drop", Window()), GATE),
        )
        self.order, self.shipper, self.driver = await self.market.haul(status, stops=stops)
        await self.pool.execute("UPDATE trips SET started_at = $1", moment(started_at))
        return await Road.of(self.pool, self.driver)

    async def step(self, status: Status) -> None:
        await self.market.orders.advance(self.driver, self.order, status)

    async def look(self) -> list[object]:
        """Looks until nothing is due."""
        told: list[object] = []
        await self.pool.execute("UPDATE trips SET look_at = clock_timestamp() WHERE ended_at IS NULL")
        while True:
            number, events = await self.follower.look()
            told += events
            if not number:
                return told

    async def settle(self) -> None:
        await self.pool.execute("UPDATE trips SET look_at = clock_timestamp() WHERE ended_at IS NOT NULL")
        assert await self.settler.settle() == 1

    async def read(self) -> TripRead:
        order = await self.market.orders.posted(self.order)
        assert order is not None
        return await self.reads.of(order, time.time())

    async def kinds(self) -> list[str]:
        return [line.kind for line in await self.market.orders.history(self.order)]


@pytest.fixture
def trips(pool: Pool, redis: Redis) -> Trips:
    return Trips(pool, redis)


async def test_a_truck_that_stands_at_the_yard_has_arrived_and_the_driver_is_asked_whether_he_is_there(
    trips: Trips,
) -> None:
    now = time.time()
    road = await trips.begin(now - HOUR)
    await road.send(stand(*YARD, now - 1_800, 300))
    told = await trips.look()
    assert [event.kind for event in told if isinstance(event, OrderChanged)] == ["arrived"]
    trip = await trips.read()
    assert trip.stops[0].visit.arrived_at == pytest.approx(now - 1_800, abs=0.01)
    assert trip.stops[0].visit.left_at is None
    assert trip.suggested == "at_pickup"
    pushed = await trips.pool.fetch("SELECT user_id, payload FROM outbox WHERE kind = 'trip.suggested'")
    assert [tuple(row) for row in pushed] == [(trips.driver, {"order": trips.order, "status": "at_pickup"})]
    assert await trips.look() == []  # told once
    assert await trips.pool.fetchval("SELECT count(*) FROM outbox WHERE kind = 'trip.suggested'") == 1


async def test_a_truck_that_passes_the_gate_has_not_arrived(trips: Trips) -> None:
    now = time.time()
    road = await trips.begin(now - HOUR)
    await road.send(drive((43.30, 77.01), (43.36, 77.01), now - 1_800, 400))
    await trips.look()
    assert (await trips.read()).stops[0].visit.arrived_at is None
    assert "arrived" not in await trips.kinds()


async def test_a_dismissed_suggestion_is_not_made_again(trips: Trips) -> None:
    now = time.time()
    road = await trips.begin(now - HOUR)
    await road.send(stand(*YARD, now - 1_800, 300))
    await trips.look()
    await trips.reads.dismiss(trips.order, "at_pickup")
    await road.send(stand(*YARD, now - 1_400, 300))
    await trips.look()
    assert (await trips.read()).suggested is None


async def test_the_waiting_clock_begins_with_the_appointment_and_what_is_beyond_two_hours_is_detention(
    trips: Trips,
) -> None:
    now = time.time()
    road = await trips.begin(now - 6 * HOUR, pickup=Window(now - 4 * HOUR, now - 3 * HOUR))
    await road.send(stand(*YARD, now - 5 * HOUR, 4.5 * HOUR, every=60.0))
    await road.send(drive(YARD, GATE, now - 0.5 * HOUR, 1_700, every=30.0))
    await trips.look()
    stop = (await trips.read()).stops[0]
    assert stop.waiting is not None
    assert stop.waiting.since == pytest.approx(now - 4 * HOUR, abs=0.01)
    assert stop.waiting.seconds == pytest.approx(3.5 * HOUR, abs=90)
    assert stop.waiting.detention_s == pytest.approx(1.5 * HOUR, abs=90)
    assert [kind for kind in await trips.kinds() if kind in ("arrived", "left")] == ["arrived", "left"]


async def test_the_arrival_is_told_with_its_band_and_a_delay_once_until_it_has_grown_by_an_hour(
    trips: Trips,
) -> None:
    now = time.time()
    road = await trips.begin(now - HOUR, Status.IN_TRANSIT, drop=Window(now - 3 * HOUR, now - HOUR))
    await road.send(stand(43.5, 77.05, now - 300, 290))
    told = await trips.look()
    forecast = next(event for event in told if isinstance(event, Forecast))
    (arrival,) = forecast.arrivals
    assert arrival.stop == 1
    assert now < arrival.early_at <= arrival.at <= arrival.late_at
    assert arrival.early_at < arrival.late_at
    assert arrival.late_s == pytest.approx(arrival.at - (now - HOUR), abs=2)
    assert (await trips.kinds()).count("delayed") == 1
    pushed = await trips.pool.fetch("SELECT user_id FROM outbox WHERE payload ->> 'event' = 'delayed'")
    assert [row["user_id"] for row in pushed] == [trips.shipper]
    await trips.pool.execute("UPDATE trips SET eta_at = NULL")
    await trips.look()
    assert (await trips.kinds()).count("delayed") == 1
    await trips.pool.execute("UPDATE trips SET eta_at = NULL, told_delay_s = told_delay_s - 3700")
    await trips.look()
    assert (await trips.kinds()).count("delayed") == 2


async def test_nothing_is_forecast_of_a_truck_that_has_not_been_seen_for_long(trips: Trips) -> None:
    now = time.time()
    road = await trips.begin(now - 3 * HOUR, Status.IN_TRANSIT)
    await road.send(stand(43.5, 77.05, now - 2 * HOUR, 60))
    assert not [event for event in await trips.look() if isinstance(event, Forecast)]
    assert (await trips.read()).eta_at is None


async def test_what_was_suggested_and_forecast_goes_with_the_end(trips: Trips) -> None:
    now = time.time()
    road = await trips.begin(now - HOUR, Status.AT_DROP)
    await road.send(drive(YARD, GATE, now - 1_800, 1_200))
    await road.send(stand(*GATE, now - 600, 300))
    await road.send(drive(GATE, ALMATY[2:], now - 290, 200))
    await trips.look()
    assert (await trips.read()).suggested == "delivered"
    await trips.step(Status.DELIVERED)
    await trips.look()
    trip = await trips.read()
    assert trip.suggested is None
    assert trip.eta_at is None
    assert trip.delay_s == 0
    assert trip.ended_at is not None
    assert trip.closed_at is None


async def test_a_trip_that_is_over_keeps_its_line_with_the_times_and_counts_what_came_late(
    trips: Trips,
) -> None:
    now = time.time()
    road = await trips.begin(now - 2 * HOUR, Status.AT_DROP)
    whole = drive(YARD, GATE, now - 1.5 * HOUR, 3_000)
    await road.send(whole[:100])
    await road.send(whole[200:])
    await trips.look()
    await trips.step(Status.DELIVERED)
    await road.send(whole[100:200], flag=1)  # the phone was offline meanwhile
    await trips.look()
    await trips.settle()
    trip = await trips.read()
    assert trip.closed_at is not None
    assert trip.metres == pytest.approx(haversine_m(*YARD, *GATE), rel=0.01)
    track = await trips.reads.track(trips.order, now)
    assert [spot.at for spot in track] == sorted(spot.at for spot in track)
    assert track[0].at == pytest.approx(whole[0].at, abs=30)
    assert track[-1].at == pytest.approx(whole[-1].at, abs=30)
    assert len(track) < 10  # a straight line needs few
    # What comes hours later still counts, once.
    await road.send(stand(*GATE, now - 0.6 * HOUR, 600), flag=1, received=time.time() + 60)
    await trips.settle()
    assert len((await trips.read()).halts) == 1
    assert await trips.pool.fetchval("SELECT look_at FROM trips") is None


async def test_the_empty_run_to_the_pickup_is_told_apart(trips: Trips) -> None:
    now = time.time()
    road = await trips.begin(now - 2 * HOUR)
    await road.send(drive(ALMATY[2:], YARD, now - 1_800, 900))
    for status in STEPS[:2]:
        await trips.step(status)
    await trips.pool.execute("UPDATE order_events SET at = $1 WHERE kind = 'loaded'", moment(now - 600))
    await road.send(drive(YARD, GATE, now - 500, 490, every=5.0))
    for status in STEPS[2:]:
        await trips.step(status)
    await trips.look()
    await trips.settle()
    trip = await trips.read()
    empty = haversine_m(*ALMATY[2:], *YARD)
    # 120 m/s to Konaev is no truck: not believed, and not counted.
    assert trip.empty_metres == pytest.approx(empty, rel=0.03)


async def test_a_load_taken_while_another_is_carried_is_not_followed_until_that_one_is_done(
    trips: Trips,
) -> None:
    now = time.time()
    road = await trips.begin(now - HOUR, Status.AT_DROP)
    first, driver = trips.order, trips.driver
    second = await trips.market.order()
    await trips.market.orders.accept(
        driver, (await trips.market.offer(second, [driver]))[driver], uuid.uuid4()
    )
    await road.send(stand(*YARD, now - 600, 300))
    await trips.look()
    row = await trips.pool.fetchrow("SELECT * FROM trips WHERE order_id = $1", second.id)
    assert row["metres"] == 0
    assert row["started_at"].timestamp() > now - 60
    await trips.market.orders.advance(driver, first, Status.DELIVERED)
    await road.send(stand(ALMATY.lat, ALMATY.lon, time.time(), 0))
    await trips.look()
    row = await trips.pool.fetchrow("SELECT * FROM trips WHERE order_id = $1", second.id)
    assert row["followed_to"] > row["started_at"]


def the_drive(shared_data: Path) -> list[Fix]:
    """The drive from Almaty to Konaev: number 7."""
    with gzip.open(shared_data / "osm-drives-1hz.csv.gz", "rt") as file:
        return [
            Fix(float(row["t_s"]), float(row["lat"]), float(row["lon"]), accuracy=5.0)
            for row in csv.DictReader(file)
            if row["vehicle_id"] == "7"
        ]


@pytest.mark.parametrize("jumps", ["none", "strays", "bursts"])
async def test_the_real_drive_to_konaev_gives_arrival_halts_and_its_own_length_whatever_jumps_are_in_it(
    trips: Trips, shared_data: Path, jumps: str
) -> None:
    fixes = the_drive(shared_data)
    length = sum(haversine_m(a.lat, a.lon, b.lat, b.lon) for a, b in pairwise(fixes))
    now = time.time()
    began = now - fixes[-1].at - 900
    stops = (
        Stop("pickup", ALMATY, exact=Position(fixes[0].lat, fixes[0].lon)),
        Stop("drop", KONAEV, exact=Position(fixes[-1].lat, fixes[-1].lon)),
    )
    trips.order, trips.shipper, trips.driver = await trips.market.haul(Status.IN_TRANSIT, stops=stops)
    await trips.pool.execute("UPDATE trips SET started_at = $1", moment(began - 600))
    road = await Road.of(trips.pool, trips.driver)
    sent = [fix._replace(at=began + fix.at) for fix in fixes]
    dice = random.Random(7)
    if jumps != "none":
        for at in range(100, len(sent) - 60, 97):
            by = dice.uniform(-0.2, 0.2), dice.uniform(-0.2, 0.2)
            for number in range(at, at + (1 if jumps == "strays" else 20)):
                sent[number] = sent[number]._replace(
                    lat=sent[number].lat + by[0], lon=sent[number].lon + by[1]
                )
    # Then the truck stands at the gate.
    last = fixes[-1]
    arrived = sent[-1].at
    # As the socket's side judges them: most jumps are flagged, the settled ones of a burst are not.
    tracker = Tracker()
    flags = {}
    for fix in sent:
        judged = tracker.observe(fix, fix.at)
        flags[fix.at] = int(judged) if isinstance(judged, Reason) else 0
    for flag, run in groupby(sent, lambda fix: flags[fix.at]):
        await road.send(run, flag=flag)
    await road.send(stand(last.lat, last.lon, arrived + 10, 600))
    await trips.look()
    trip = await trips.read()
    # The fence is reached before the last metre; a jump inside it may cost the minute that makes an arrival.
    inside = [fix.at for fix in fixes if haversine_m(fix.lat, fix.lon, last.lat, last.lon) <= PIN_M]
    assert trip.stops[1].visit.arrived_at == pytest.approx(began + inside[0], abs=90)
    assert trip.suggested == "at_drop"
    assert trip.metres == pytest.approx(length, rel=0.03)
    await trips.step(Status.AT_DROP)
    await trips.step(Status.DELIVERED)
    await trips.look()
    await trips.settle()
    trip = await trips.read()
    assert trip.metres == pytest.approx(length, rel=0.03)
    at_the_gate = trip.halts[-1]
    assert haversine_m(at_the_gate.lat, at_the_gate.lon, last.lat, last.lon) < 100
    assert at_the_gate.until - at_the_gate.since >= 600
    track = await trips.reads.track(trips.order, now)
    drawn = sum(haversine_m(a.lat, a.lon, b.lat, b.lon) for a, b in pairwise(track))
    assert drawn == pytest.approx(length, rel=0.03)
