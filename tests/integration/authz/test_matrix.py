"""Drives every cell of the matrix against one server in this test's event loop."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from redis.asyncio import Redis

from server.http.route import Route
from server.http.routes import ROUTES
from server.protocol.shapes import CLIENT
from tests.served import LocalServer

from .matrix import (
    OF_THE_REQUEST,
    Cell,
    Expected,
    Frame,
    Ownership,
    Row,
    expected_of_frame,
    expected_of_route,
    ids_of,
    may_enter,
    ownerships,
    tag,
    value,
)
from .rows import FRAMES, ROWS
from .world import KINDS, Person, World

AT_ONCE = 8
PARTS = 4  # each a test with a limit of its own: there are some thousand cells
BY_KEY = {f"{route.method} {route.path}": route for route in ROUTES}


@dataclass(frozen=True)
class Outcome:
    """What a cell was answered: the status or the code, and all of the answer but its request's id."""

    told: Expected
    whole: object = None


@pytest.fixture
async def world(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[World]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    yield World(local)
    await local.stop()


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    missing, left = sorted(BY_KEY.keys() - ROWS.keys()), sorted(ROWS.keys() - BY_KEY.keys())
    assert not missing, f"say in tests/integration/authz/rows who may use {missing}"
    assert not left, f"no such routes any more: {left}"


def test_every_websocket_message_has_a_row_and_every_row_a_message() -> None:
    messages = {tag(message) for message in CLIENT}
    assert messages == FRAMES.keys()


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_kind_of_caller_gets_what_is_expected_over_http(world: World, part: int) -> None:
    async with aiohttp.ClientSession(world.server.url) as http:

        async def ask(row: Row, kind: str, ownership: Ownership) -> tuple[Expected, Outcome]:
            route = BY_KEY[row.route]
            wanted = expected_of_route(route, row, kind, ownership)
            cell = await _cell(world, row, kind, ownership, wanted)
            return wanted, await _request(http, route, row, cell)

        await _drive(dict([*ROWS.items()][part::PARTS]))(ask)


async def test_every_kind_of_caller_gets_what_is_expected_over_the_socket(world: World) -> None:
    async with aiohttp.ClientSession() as http:

        async def ask(row: Frame, kind: str, ownership: Ownership) -> tuple[Expected, Outcome]:
            wanted = expected_of_frame(row, kind, ownership)
            cell = await _cell(world, row, kind, ownership, wanted)
            return wanted, await _message(http, row, cell)

        await _drive(FRAMES)(ask)


def _drive(rows: Mapping[str, Any]) -> Callable[[Callable[..., Awaitable[Any]]], Awaitable[None]]:
    """Asks every cell of these rows, a few at once, and compares."""

    async def drive(ask: Callable[..., Awaitable[tuple[Expected, Outcome]]]) -> None:
        turn = asyncio.Semaphore(AT_ONCE)
        wrong: list[str] = []
        unlike: defaultdict[tuple[str, str], dict[str, object]] = defaultdict(dict)

        async def one(name: str, row: Any, kind: str, ownership: Ownership) -> None:
            async with turn:
                wanted, outcome = await ask(row, kind, ownership)
            if outcome.told != wanted:
                wrong.append(
                    f"{name} as {kind}, {ownership}: {outcome.told} instead of {wanted} {outcome.whole}"
                )
            if wanted == "not_found":
                unlike[name, kind][ownership] = outcome.whole

        await asyncio.gather(
            *(
                one(name, row, kind, owned)
                for name, row in rows.items()
                for kind in KINDS
                for owned in ownerships(row)
            )
        )
        assert not wrong, "\n".join(wrong)
        for (name, kind), answers in unlike.items():
            first, *rest = answers.values()
            assert all(each == first for each in rest), f"{name} tells {kind} foreign from absent: {answers}"

    return drive


async def _cell(world: World, row: Row | Frame, kind: str, ownership: Ownership, wanted: Expected) -> Cell:
    enters = may_enter(wanted)
    # Who is turned away at the door changes nothing, and needs no account of their own.
    person = await (world.person(kind) if enters else world.anybody(kind))
    return Cell(world, person, ownership, await ids_of(row, world, person, ownership, enters))


async def _request(http: aiohttp.ClientSession, route: Route, row: Row, cell: Cell) -> Outcome:
    path = row.path
    for name, id in cell.ids.items():
        path = path.replace(f"{{{name}}}", str(id))
    headers = {**cell.person.headers, **value(row.headers, cell)}
    body = value(row.body, cell)
    if isinstance(body, dict | list):
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(body)
    url = path + value(row.query, cell)
    async with http.request(route.method, url, data=body, headers=headers, allow_redirects=False) as answer:
        raw = await answer.read()
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in OF_THE_REQUEST}
        if answer.status < 400:
            return Outcome(answer.status)
        problem = json.loads(raw)
        problem.pop("request", None)  # the request's id
        return Outcome(problem["code"], (answer.status, problem, kept))


async def _message(http: aiohttp.ClientSession, row: Frame, cell: Cell) -> Outcome:
    """A socket of its own: hello, what comes before, the message; then what is said to it."""
    person = cell.person
    async with http.ws_connect(f"{cell.world.server.url}/ws", protocols=("desk.v1.json",)) as socket:
        if person.role is None:
            return await _say(socket, row, cell)
        device = {
            name: person.account[name] for name in ("device", "device_secret") if name in person.account
        }
        hello = {"type": "hello", "version": 1, "token": person.account["access"], **device}
        await socket.send_bytes(orjson.dumps(hello))
        welcome = await _frame(socket)
        if welcome["type"] == "error":
            return Outcome(welcome["code"])
        for kind, fields, answer in row.before if row.roles is None or person.role in row.roles else ():
            await socket.send_bytes(orjson.dumps({"type": kind, **fields}))
            while (await _frame(socket))["type"] != answer:
                pass
        return await _say(socket, row, cell)


async def _say(socket: aiohttp.ClientWebSocketResponse, row: Frame, cell: Cell) -> Outcome:
    message = {"type": row.type, "id": 1, **value(row.fields, cell)}
    await socket.send_bytes(orjson.dumps(message))
    if not row.reply:  # success says nothing: what a ping behind it is answered shows that nothing was said
        await socket.send_bytes(orjson.dumps({"type": "ping", "id": 2}))
    async with asyncio.timeout(5):
        while True:
            frame = await _frame(socket)
            if frame["type"] == "error" and frame.get("id") in (1, None):
                frame.pop("id", None)
                return Outcome(frame["code"], frame)
            if frame["type"] == row.reply and frame.get("id") in (1, None):
                return Outcome(row.reply)
            if frame["type"] == "ok" and frame["id"] == 2:
                return Outcome(row.reply)


async def _frame(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    raw = await socket.receive()
    assert raw.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), raw
    frame: dict[str, Any] = orjson.loads(raw.data)
    return frame


def test_the_kinds_of_callers_are_those_that_the_product_knows() -> None:
    from typing import get_args

    from server.protocol.rest.common import Grade, Role

    assert {role for role in KINDS.values() if role} == set(get_args(Role))
    assert set(get_args(Grade)) <= KINDS.keys()
    assert Person("anonymous", None).headers == {}
