"""Rows, the cells that they stand for, what each is expected to answer, and how it is asked."""

import re
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from server.http.route import Route

from .world import KINDS, STAFF, Person, World

Ownership = Literal["own", "foreign", "mixed", "absent"]
Ids = Mapping[str, object]
Made = Ids | int | str
Maker = Callable[[World, Person], Awaitable[Made]]
Expected = int | str

ABSENT_ID = 2**40
ABSENT_UUID = "00000000-0000-4000-8000-000000000000"
# Of an answer's headers, those that may differ between two requests that are answered the same.
OF_THE_REQUEST = frozenset({"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset", "ratelimit"})


@dataclass(frozen=True)
class Cell:
    """One question: who asks, and about what. `ids` are those of the path."""

    world: World
    person: Person
    ownership: Ownership
    ids: Ids = field(default_factory=dict)


Value = Any  # JSON, or a function of the Cell that gives it


@dataclass(frozen=True)
class Row:
    """A route's line of the matrix; the package says how to write one."""

    route: str
    body: Value = None
    query: Value = ""
    headers: Value = field(default_factory=dict)
    own: Maker | None = None
    given: Callable[[World, Person], Awaitable[object]] | None = None  # done for the asking person beforehand
    shared: bool = False  # what the path names is nobody's: there is no foreign one
    staff: Literal["all", "own"] = "all"
    expect: Mapping[str, Expected] = field(default_factory=dict)
    absent: object = None  # for the last id of the path, where it is neither a number nor a UUID

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    @property
    def names(self) -> list[str]:
        """The ids in the path."""
        return re.findall(r"\{(\w+)", self.path)


@dataclass(frozen=True)
class Frame:
    """A websocket message's line: `fields` are sent, `reply` is the type of the answer to success (none: "")."""

    type: str
    roles: frozenset[str] | None = None  # None: anybody who is signed in
    fields: Value = field(default_factory=dict)
    before: tuple[tuple[str, Mapping[str, object], str], ...] = ()  # (type, fields, answer) sent ahead
    reply: str = "ok"
    own: Maker | None = None
    names: tuple[str, ...] = ()
    given: Callable[[World, Person], Awaitable[object]] | None = None
    shared: bool = False
    staff: Literal["all", "own"] = "all"
    expect: Mapping[str, Expected] = field(default_factory=dict)
    absent: object = None


def ownerships(row: Row | Frame) -> Iterator[Ownership]:
    """Which cells a row has for one kind of caller."""
    yield "own"
    if row.names:
        yield "absent"
    if row.own is not None and row.names and not row.shared:
        yield "foreign"
        if len(row.names) > 1:
            yield "mixed"


def expected(row: Row | Frame, default: Expected, kind: str, ownership: Ownership) -> Expected:
    """What the row says, from the most particular to the least, else the default."""
    for key in (
        f"{kind}.{ownership}", kind, f"{kind}.*", f"{KINDS[kind]}.{ownership}", str(KINDS[kind]), f"*.{ownership}",
        ownership, "*",
    ):  # fmt: skip
        if key in row.expect:
            return row.expect[key]
    return default


def expected_of_route(route: Route, row: Row, kind: str, ownership: Ownership) -> Expected:
    """What a request is answered, by the route and its row. Who may not ask at all is never told more."""
    role = KINDS[kind]
    if kind == "blocked":
        return "session_revoked"  # on public routes too: a dead token is no reason to take one for nobody
    if route.roles is None:
        return expected(row, _by_ownership(row, route.status, False, ownership), kind, ownership)
    if role is None:
        return "unauthenticated"
    if kind == "key" and not route.scope:
        return "forbidden"
    if route.roles and role not in route.roles:
        return "forbidden"
    if role == "admin" and route.grades and kind not in route.grades | {"superadmin"}:
        return "forbidden"
    return expected(row, _by_ownership(row, route.status, kind in STAFF, ownership), kind, ownership)


def expected_of_frame(frame: Frame, kind: str, ownership: Ownership) -> Expected:
    """The same for a message: success is its reply."""
    role = KINDS[kind]
    if role is None:
        return "unauthenticated"
    if kind == "blocked":
        return "session_revoked"
    if kind == "key":
        return "unauthenticated"  # keys open no sockets
    if frame.roles is not None and role not in frame.roles:
        return expected(frame, "forbidden", kind, ownership)
    return expected(frame, _by_ownership(frame, frame.reply, kind in STAFF, ownership), kind, ownership)


def _by_ownership(row: Row | Frame, success: Expected, staff: bool, ownership: Ownership) -> Expected:
    if ownership == "own" or (ownership in ("foreign", "mixed") and staff and row.staff == "all"):
        return success
    return "not_found"


def may_enter(outcome: Expected) -> bool:
    """Whether the request gets as far as to look at what the path names."""
    return outcome not in ("unauthenticated", "session_revoked", "forbidden")


async def ids_of(row: Row | Frame, world: World, person: Person, ownership: Ownership, enters: bool) -> Ids:
    """The ids to ask about. For who is turned away at the door nothing is made: any number will do."""
    if row.given is not None and enters:
        await row.given(world, person)
    if not row.names:
        return {}
    if row.own is None or not enters:
        last = ABSENT_ID if row.absent is None else row.absent
        if row.own is None and ownership == "own" and row.absent is not None:
            raise ValueError("a row with `absent` has an `own`")
        return dict.fromkeys(row.names, last)
    owner = person if ownership in ("own", "mixed", "absent") else await world.other(person)
    ids = _named(row, await row.own(world, owner))
    last = row.names[-1]
    if ownership == "mixed":
        ids[last] = _named(row, await row.own(world, await world.other(person)))[last]
    if ownership == "absent":
        ids[last] = _absent_like(ids[last]) if row.absent is None else row.absent
    return ids


def _named(row: Row | Frame, made: Made) -> dict[str, object]:
    if isinstance(made, Mapping):
        return dict(made)
    if len(row.names) != 1:
        raise TypeError(f"{row}: `own` returns all of {row.names} by name")
    return {row.names[0]: made}


def _absent_like(one: object) -> object:
    if isinstance(one, int):
        return ABSENT_ID
    try:
        uuid.UUID(str(one))
    except ValueError:
        raise TypeError(f"say what an absent one is like: `absent=` beside {one!r}") from None
    return ABSENT_UUID


def value(given: Value, cell: Cell) -> Any:
    """What a row says, once it is known who asks about what."""
    return given(cell) if callable(given) else given


def tag(struct: type[Struct]) -> str:
    """The `type` of a message on the wire."""
    return str(struct.__struct_config__.tag)
