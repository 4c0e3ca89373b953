"""A market from the first offer to the last: whoever has no load yet is told no phone, no address and no exact
place of the other side, in any answer, message or push (controls C16, C57).

Which property is shown to whom is a golden file (test_property_snapshots.py); here values are looked for, wherever
they might be, also in answers that nobody has thought of.
"""

import asyncio
import json
import math
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, get_args

import aiohttp
import pytest

from geo.cells import cell_of
from geo.types import Fix
from server.http.routes import ROUTES
from server.protocol.rest.integrations import Scope
from tests.e2e.socket.wire import Frame, Wire, signed_in
from tests.integration.authz.matrix import expected_of_route, may_enter
from tests.integration.authz.rows import ROWS
from tests.integration.orders.market import city
from tests.integration.webhooks.companies import company
from tests.served import Account, LocalServer

SECRETS = {
    "address of the pickup": "Рыскулова, 57",
    "address of the drop": "Кабанбай батыра, 11",
    "contact": "Айгүл Сериковна",
    "other contact": "Марат Болатов",
    "note": "ворота 3, код 7781",
}
PHONES = {"pickup": "+77012223344", "drop": "+77019998877"}
PLACES = {"pickup": (43.290117, 76.820344), "drop": (51.093328, 71.402215)}  # of the load, to half a metre
TRUCKS = {"winner": (43.312571, 76.945113), "loser": (43.201948, 76.867302)}
NEAR_DEG = 0.0004  # within ~40 m: what is coarser than a street is no place
NOT_OURS = re.compile(r"\D+")


@dataclass
class Scan:
    """Looks for what must not be said in everything that somebody was told."""

    texts: dict[str, str] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    told: int = 0

    def found(self, body: Any) -> list[str]:
        """What is said in it, and where."""
        self.told += 1
        return list(dict.fromkeys(self._found(body, "")))

    def _found(self, body: Any, at: str) -> Iterator[str]:
        if isinstance(body, dict):
            for name, each in body.items():
                yield from self._found(name, f"{at}.{name}")
                yield from self._found(each, f"{at}.{name}")
        elif isinstance(body, list):
            for each in body:
                yield from self._found(each, f"{at}[]")
        elif isinstance(body, str):
            yield from (f"{what} at {at}" for what, text in self.texts.items() if text in body)
            digits = NOT_OURS.sub("", body)
            yield from (
                f"phone of {who} at {at}" for who, phone in self.phones.items() if phone[-10:] in digits
            )
        elif isinstance(body, float):
            yield from (
                f"place of {what} at {at}"
                for what, place in self.places.items()
                if any(math.isclose(body, degrees, rel_tol=0, abs_tol=NEAR_DEG) for degrees in place)
            )


@dataclass
class Outsider:
    """Somebody who asks, and what they must not learn."""

    name: str
    kind: str
    account: Account
    scan: Scan

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.account['access']}"}


@dataclass
class Hall:
    """The market of this test: its people, what happened, and what has leaked."""

    server: LocalServer
    http: aiohttp.ClientSession
    ids: dict[str, set[int]] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    heard: dict[str, list[Frame]] = field(default_factory=dict)

    def judge(self, who: Outsider, body: Any, where: str) -> None:
        self.leaks += [f"{who.name} is told the {what}, by {where}" for what in who.scan.found(body)]

    async def call(self, account: Account, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {
            "Authorization": f"Bearer {account['access']}",
            **{n.replace("_", "-"): v for n, v in headers.items()},
        }
        async with self.http.request(method, f"/api/v1{path}", json=body, headers=sent) as answer:
            told = await answer.json(content_type=None) if answer.status != 204 else {}
            assert answer.status < 300, (method, path, told)
            return told

    async def crawl(self, who: Outsider, stage: str) -> None:
        """Every GET that this kind of caller may use, about all that there is."""
        for route in ROUTES:
            row = ROWS.get(f"{route.method} {route.path}")
            if route.method != "GET" or row is None or route.produces:
                continue
            if (
                not may_enter(expected_of_route(route, row, who.kind, "own"))
                or not set(row.names) <= self.ids.keys()
            ):
                continue
            for ids in self._each(row.names):
                query = row.query if isinstance(row.query, str) else ""
                async with self.http.get(row.path.format_map(ids) + query, headers=who.headers) as answer:
                    body = (
                        await answer.json(content_type=None) if answer.status == 200 else await answer.text()
                    )
                    self.judge(who, body, f"{stage}: GET {row.path}")

    def _each(self, names: list[str]) -> Iterator[dict[str, int]]:
        if not names:
            yield {}
            return
        for number in self.ids[names[0]]:
            for rest in self._each(names[1:]):
                yield {names[0]: number, **rest}

    async def pushes(self, who: Outsider) -> None:
        """What waits to be pushed to somebody."""
        rows = await self.server.services.pool.fetch(
            "SELECT payload::text AS payload FROM outbox WHERE user_id = $1", who.account["user"]
        )
        for row in rows:
            self.judge(who, json.loads(row["payload"]), "a push")


@asynccontextmanager
async def listening(hall: Hall, who: Outsider) -> AsyncIterator[Wire]:
    """A socket whose every frame is kept."""
    kept = hall.heard.setdefault(who.name, [])
    async with signed_in(hall.server, who.account) as wire:
        receive = wire.receive

        async def keeping(kind: str | None = None, within: float = 5.0) -> Frame:
            async with asyncio.timeout(within):
                while True:
                    frame = await receive(None, within)
                    kept.append(frame)
                    if kind is None or frame["type"] == kind:
                        return frame

        wire.receive = keeping  # type: ignore[method-assign]
        yield wire


async def drain(wire: Wire) -> None:
    """All that is still on its way."""
    with suppress(TimeoutError):
        while True:
            await wire.receive(within=0.3)


def form() -> dict[str, Any]:
    def stop(kind: str, town: str) -> dict[str, Any]:
        first = kind == "pickup"
        lat, lon = PLACES[kind]
        return {
            "kind": kind, "city": city(town), "lat": lat, "lon": lon, "contact_phone": PHONES[kind],
            "address": SECRETS["address of the pickup" if first else "address of the drop"],
            "contact_name": SECRETS["contact" if first else "other contact"],
            "note": SECRETS["note"] if first else "",
        }  # fmt: skip

    return {
        "cargo": "мебель", "weight_kg": 100.0, "volume_m3": 1.0, "body": "tent", "pricing": "negotiable",
        "stops": [stop("pickup", "Алматы"), stop("drop", "Астана")],
    }  # fmt: skip


@pytest.fixture
async def hall(server: LocalServer) -> AsyncIterator[Hall]:
    async with aiohttp.ClientSession(server.url) as http:
        yield Hall(server, http)


async def test_nobody_is_told_more_than_a_market_needs(hall: Hall) -> None:
    server, services = hall.server, hall.server.services
    owner, rival = server.accounts["shippers"]
    winner, loser, third = server.accounts["drivers"]
    boss = server.accounts["logisticians"][0]
    await services.pool.execute("UPDATE vehicles SET body = 'tent'")
    for account in (owner, rival, boss):
        account["company"] = await company(services.pool, account["user"])
    _, key = await services.api_keys.add(rival["company"], rival["user"], "ERP", get_args(Scope), None)
    phones = {
        who: account["phone"] for who, account in (("winner", winner), ("loser", loser), ("owner", owner))
    }

    def of_load() -> Scan:  # what drivers and strangers must not learn
        return Scan(SECRETS, {**PHONES, "owner": phones["owner"]}, PLACES)

    def of_trucks() -> Scan:  # what the shipper and strangers must not learn before the end
        return Scan({}, {"winner": phones["winner"], "loser": phones["loser"]}, TRUCKS)

    drivers = [
        Outsider(name, "driver", account, of_load())
        for name, account in (("the winner, before", winner), ("the loser", loser), ("a third driver", third))
    ]
    strangers = [
        Outsider("another shipper", "shipper", rival, of_load()),
        Outsider("another shipper's program", "key", {**rival, "access": key}, of_load()),
        Outsider("a logistician", "logistician", boss, of_load()),
    ]
    shipper = Outsider("the owner, before", "shipper", owner, of_trucks())
    everybody = [*drivers, *strangers, shipper]

    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(listening(hall, who)) for who in [*drivers, shipper]]
        first, second, _, mine = wires
        for wire, place in ((first, TRUCKS["winner"]), (second, TRUCKS["loser"])):
            assert (await wire.command("shift.set", on_duty=True))["type"] == "ok"
            account = winner if wire is first else loser
            now = time.time()
            services.live.put(account["user"], Fix(now, *place), cell_of(*place), now)
            services.live.take_own(now)
        assert (await mine.command("area.watch", west=76.0, south=43.0, east=78.0, north=44.0))[
            "type"
        ] == "ok"

        order = (await hall.call(owner, "POST", "/orders", form(), Idempotency_Key=uuid.uuid4().hex))["order"]
        hall.ids["order"] = {order}
        offers = {(await wire.receive("offer.made"))["offer"]["offer"] for wire in (first, second)}
        hall.ids["offer"] = offers
        await first.command("order.watch", order=order)
        for who in everybody:
            await hall.crawl(who, "offered")

        await hall.call(owner, "PATCH", f"/orders/{order}", {"comment": "бережно"}, If_Match='"1"')
        await services.pool.execute("UPDATE orders SET board_at = now(), seek_at = NULL WHERE id = $1", order)
        asked = {"amount": 40_000_000, "message": "готов выехать"}
        bids = [
            await hall.call(account, "POST", f"/orders/{order}/bids", asked) for account in (winner, loser)
        ]
        for who, bid in zip(drivers, bids, strict=False):
            hall.judge(who, bid, "its bid")
        hall.ids["bid"] = {bid["bid"] for bid in bids}
        invited = await hall.call(
            owner, "POST", f"/orders/{order}/invitations/by-contact", {"phone": third["phone"]}
        )
        hall.ids["invitation"] = {invited["invitation"]}
        countered = await hall.call(
            owner, "POST", f"/bids/{bids[1]['bid']}/counter", {"amount": 39_000_000}, If_Match='"1"'
        )
        hall.judge(shipper, countered, "its counter-offer")
        for who in everybody:
            await hall.crawl(who, "bidding")

        accept = {"accept_id": str(uuid.uuid4())}
        for wire in wires:
            await drain(wire)
        for who in [*drivers, shipper]:
            for frame in hall.heard.pop(who.name):
                hall.judge(who, frame, f"the message {frame['type']}")
            await hall.pushes(who)
        won = await hall.call(owner, "POST", f"/bids/{bids[0]['bid']}/pick", accept, If_Match='"1"')
        # From here on the two sides of the haul know each other, and nobody else does.
        after = Outsider(
            "the owner, after",
            "shipper",
            owner,
            Scan({}, {"loser": phones["loser"]}, {"loser": TRUCKS["loser"]}),
        )
        hall.judge(after, won, "the pick")
        for who in (*drivers[1:], *strangers, after):
            await hall.crawl(who, "won")
        for wire in wires:
            await drain(wire)
        for who in drivers[1:]:
            for frame in hall.heard.get(who.name, []):
                hall.judge(who, frame, f"the message {frame['type']}")
            await hall.pushes(who)

        # The same search finds all of it with those who may know.
        party = Scan(SECRETS, PHONES, PLACES)
        seen = " ".join(party.found(await hall.call(winner, "GET", f"/orders/{order}")))
    assert not hall.leaks, "\n".join(dict.fromkeys(hall.leaks))
    missing = [what for what in (*SECRETS, *PHONES) if what not in seen]
    assert not missing, f"the search finds no {missing} where they are: {seen}"
    assert all(who.scan.told > 30 for who in everybody), {who.name: who.scan.told for who in everybody}
