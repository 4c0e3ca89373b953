"""Journeys of shippers, drivers and operators for Locust, over REST and real websockets.

    python -m server provision --drivers 50 --shippers 20 --admins 5 --access-hours 4 --out accounts.json
    DESK_ACCOUNTS=accounts.json locust -f loadtests/locustfile.py --headless -u 50 -r 10 -t 60s --host URL

Every user is an account of its own; the file must hold as many as are spawned. Timings of sockets are
events of type WS: `order->offer` (POST sent to the first offer at a driver), `order->assigned` (POST sent to
the shipper's own event), `position->ack`, `truck->map`, and every command by its name.
"""

import json
import os
import random
import secrets
import time
import uuid
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust import HttpUser, User, between, constant_pacing, events, task
from locust.exception import StopUser

from geo.gazetteer import City, Gazetteer
from loadtests.journeys import DeskSocket, Message, Timings

TOWNS = ("Алматы", "Астана", "Шымкент", "Караганда", "Тараз")
STEPS = ("at_pickup", "loaded", "in_transit", "at_drop", "delivered")
LOST_RACES = ("offer_taken", "offer_expired", "offer_closed", "driver_busy", "order_closed", "busy")
FOLLOW_S = 20.0  # how long a shipper looks at an order before the next one

Account = dict[str, Any]  # a line of the file that `provision` writes
ACCOUNTS: dict[str, Iterator[Account]] = {}
PLACES: list[City] = []
ON_ROAD: list[tuple[City, Account]] = []  # where drivers of this process are: loads are posted there
POSTED: dict[int, float] = {}  # order -> when its POST was sent (time.monotonic)
OFFERED: dict[
    int, float
] = {}  # order -> first offer at a driver's socket; may come before the answer to POST


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's own has no annotations
def load(environment: Any, **_: object) -> None:
    """Reads the accounts before anybody is spawned."""
    path = os.environ.get("DESK_ACCOUNTS")
    if not path:
        raise SystemExit("DESK_ACCOUNTS must name a file made by `python -m server provision`")
    told = json.loads(Path(path).read_text())
    ACCOUNTS.update({role: iter(told.get(role, [])) for role in ("drivers", "shippers", "admins")})
    gazetteer = Gazetteer.load()
    PLACES.extend(gazetteer.search(town, "ru", 1)[0] for town in TOWNS)


def account(role: str) -> Account:
    """The next account of this role; a user without one stops."""
    found = next(ACCOUNTS[role], None)
    if found is None:
        raise StopUser(f"the accounts file has no more {role}")
    return found


def meet(timings: Timings, order: int) -> None:
    """Tells `order->offer` once both ends of it are known."""
    if order in POSTED and order in OFFERED:
        timings.tell("order->offer", OFFERED.pop(order) - POSTED.pop(order))


class DriverUser(User):
    """Streams a position a second, takes what is offered, carries it out."""

    weight = 6
    wait_time = constant_pacing(1)
    spot: tuple[City, Account] | None = None

    def on_start(self) -> None:
        """Connects and opens the stream."""
        me = account("drivers")
        place = random.choice(PLACES)
        self.spot = (place, me)
        self.lat, self.lon = random.gauss(place.lat, 0.1), random.gauss(place.lon, 0.1)
        self.timings = Timings(self.environment.events.request.fire)
        self.seq = 0
        self.sent: deque[tuple[int, float]] = deque()
        self.stream_open = Event()
        self.errands: list[gevent.Greenlet] = []
        hello = {"token": me["access"], "device": me["device"], "device_secret": me["device_secret"]}
        self.socket = DeskSocket(self.host, hello, self.timings, self.told)
        self.socket.send({"type": "stream.resume", "stream": secrets.token_hex(8), "upto": 0})
        if not self.stream_open.wait(timeout=10):
            raise StopUser("the server did not open the stream")
        ON_ROAD.append(self.spot)

    def on_stop(self) -> None:
        """Ends what goes on in the background first."""
        if self.spot is not None and self.spot in ON_ROAD:
            ON_ROAD.remove(self.spot)
        if hasattr(self, "socket"):
            gevent.killall(self.errands)
            self.socket.close()

    @task
    def report(self) -> None:
        """One fix, a little further east."""
        self.seq += 1
        self.lon += 0.0003  # 24 m at these latitudes
        point = [self.seq, time.time(), self.lat, self.lon, 24.0, 90.0, 8.0]
        self.sent.append((self.seq, time.monotonic()))
        self.socket.send({"type": "position.report", "points": [point]})

    def told(self, message: Message, _length: int) -> None:
        """Runs in the reading greenlet: what takes commands goes into one of its own."""
        kind = message["type"]
        if kind == "position.ack":
            now = time.monotonic()
            while self.sent and self.sent[0][0] <= message["upto"]:
                self.timings.tell("position->ack", now - self.sent.popleft()[1])
        elif kind == "stream.resumed":
            self.stream_open.set()
        elif kind == "offer.made":
            card = message["offer"]
            OFFERED.setdefault(card["order"], time.monotonic())
            meet(self.timings, card["order"])
            self.errands.append(gevent.spawn(self.haul, card["offer"], card["order"]))

    def haul(self, offer: int, order: int) -> None:
        """See, accept and, when won, every step to delivery."""
        self.socket.command("offer.seen", LOST_RACES, offer=offer)
        won = self.socket.command("offer.accept", LOST_RACES, offer=offer, accept_id=str(uuid.uuid4()))
        for step in STEPS if won else ():
            gevent.sleep(0.5)
            self.socket.command("order.advance", order=order, status=step)


class ShipperUser(HttpUser):
    """Asks for a price, posts the load, watches it until it is delivered."""

    weight = 3
    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Connects."""
        me = account("shippers")
        self.headers = {"Authorization": f"Bearer {me['access']}"}
        self.timings = Timings(self.environment.events.request.fire)
        self.order, self.posted = 0, 0.0
        self.ended = Event()
        self.socket = DeskSocket(self.host, {"token": me["access"]}, self.timings, self.told)

    def on_stop(self) -> None:
        """Disconnects."""
        if hasattr(self, "socket"):
            self.socket.close()

    @task
    def ship(self) -> None:
        """One load from the first question to the last event."""
        if not ON_ROAD:
            return
        pickup, truck = random.choice(ON_ROAD)
        drop = random.choice([place for place in PLACES if place is not pickup])
        haul = {
            "pickup_city": pickup.id, "drop_city": drop.id, "body": truck["body"],
            "weight_kg": round(truck["capacity_kg"] * random.uniform(0.2, 0.9)),
            "volume_m3": round(truck["volume_m3"] * random.uniform(0.1, 0.9)),
        }  # fmt: skip
        self.client.post("/api/v1/quotes", json=haul, headers=self.headers)
        self.posted, self.order = time.monotonic(), 0
        with self.client.post(
            "/api/v1/orders",
            json={**haul, "cargo": "load", "allow_duplicate": True},
            headers={**self.headers, "Idempotency-Key": str(uuid.uuid4())},
            catch_response=True,
        ) as answer:
            if answer.status_code != 201:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
                return
            self.order = answer.json()["order"]
        POSTED[self.order] = self.posted
        meet(self.timings, self.order)
        self.ended.clear()
        if self.socket.command("order.watch", order=self.order):
            self.ended.wait(timeout=FOLLOW_S)
            self.socket.command("order.unwatch", order=self.order)

    def told(self, message: Message, length: int) -> None:
        """The order's life as its shipper sees it."""
        if message["type"] == "order.changed" and message["order"] == self.order:
            if message["status"] == "assigned":
                self.timings.tell("order->assigned", time.monotonic() - self.posted, length)
            elif message["status"] in ("delivered", "cancelled", "expired"):
                self.ended.set()


class OperatorUser(User):
    """Looks at the map of a town, then at another."""

    weight = 1
    wait_time = between(5, 10)
    country = False  # what it looks at

    def on_start(self) -> None:
        """Connects."""
        self.timings = Timings(self.environment.events.request.fire)
        self.socket = DeskSocket(self.host, {"token": account("admins")["access"]}, self.timings, self.told)

    def on_stop(self) -> None:
        """Disconnects."""
        if hasattr(self, "socket"):
            self.socket.close()

    @task
    def look(self) -> None:
        """First the whole country, then a viewport of about 90 km, then the country again."""
        self.country = not self.country
        if self.country:
            lons, lats = [place.lon for place in PLACES], [place.lat for place in PLACES]
            self.watch(min(lons) - 1, min(lats) - 1, max(lons) + 1, max(lats) + 1)
        else:
            place = random.choice(PLACES)
            self.watch(place.lon - 0.5, place.lat - 0.4, place.lon + 0.5, place.lat + 0.4)

    def watch(self, west: float, south: float, east: float, north: float) -> None:
        """Follows a viewport."""
        self.socket.command("area.watch", west=west, south=south, east=east, north=north)

    def told(self, message: Message, length: int) -> None:
        """How old the newest truck of a frame is when it gets here."""
        if message["type"] == "area.moved" and message["trucks"]:
            newest = max(truck[1] for truck in message["trucks"])
            self.timings.tell("truck->map", time.time() - newest, length)
