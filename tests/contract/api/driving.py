"""Sends what Schemathesis thought up to a served process, as everybody who may ask, about things that are there.

What a route needs to succeed, and who may use it, its row of the authorisation matrix says. The process answers;
a second server in the test's loop shares its database, and makes the things by its stores.
"""

import asyncio
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import requests
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation

from server.http.route import Route
from tests.integration.authz.matrix import Cell, Row, expected_of_route, ids_of, may_enter, value
from tests.integration.authz.world import Person, World

from .cases import Case, Operation, wrong_in

AT_ONCE = 3  # threads: one core judges answers while another gives them
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATIENCE_S = 20.0
BODY, PATH, HEADERS = ParameterLocation.BODY, ParameterLocation.PATH, ParameterLocation.HEADER


@dataclass
class Told:
    """What came of it all."""

    asked: Counter[str] = field(default_factory=Counter)  # by kind of caller
    statuses: defaultdict[tuple[str, str], Counter[int]] = field(
        default_factory=lambda: defaultdict(Counter)
    )  # by operation and kind
    wrong: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # the same fault is told once

    def add(self, label: str, kind: str, fault: str, example: str) -> None:
        """One fault of one route; `example` says how to see it."""
        self.wrong.setdefault((label, fault), []).append(f"as {kind}: {example}")

    def report(self) -> str:
        """Every fault once, by route."""
        return "\n\n".join(
            f"{label}: {fault}\n  {examples[0]}\n  ({len(examples)} times)"
            for (label, fault), examples in sorted(self.wrong.items())
        )


class Driver:
    """Asks one operation at a time as one kind of caller."""

    def __init__(self, url: str, world: World, told: Told) -> None:
        self._url, self._world, self.told = url, world, told
        self._of_thread = threading.local()
        self._sessions: list[requests.Session] = []

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    async def ask(
        self, operation: Operation, route: Route, row: Row, kind: str, cases: Iterable[Case]
    ) -> None:
        """The row's own request, which must succeed where the row says so, then these."""
        wanted = expected_of_route(route, row, kind, "own")
        enters = may_enter(wanted)
        cell = await self._cell(row, kind, enters)
        status = await self._send(_of_row(operation, row, cell), cell)
        made_of = cell
        for case in cases:
            if enters and (status == 401 or (200 <= status < 300 and route.method in CHANGES)):
                made_of = await self._cell(row, kind, enters)  # what was there is used up
            status = await self._send(_about(case, row, made_of), made_of)

    async def _cell(self, row: Row, kind: str, enters: bool) -> Cell:
        person = await self._world.person(kind)
        return Cell(self._world, person, "own", await ids_of(row, self._world, person, "own", enters))

    async def _send(self, case: Case, cell: Cell) -> int:
        return await asyncio.to_thread(self._exchange, case, cell.person)

    def _exchange(self, case: Case, person: Person) -> int:
        headers = dict(person.headers)
        label, kind = case.operation.label, person.kind
        answer = case.call(
            base_url=self._url,
            session=self._session(),
            headers=headers,
            timeout=PATIENCE_S,
            allow_redirects=False,
        )
        self.told.asked[kind] += 1
        self.told.statuses[label, kind][answer.status_code] += 1
        try:
            case.validate_response(answer, headers=headers)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.told.add(label, kind, f"{failure.title}: {failure.message}", _example(case, answer))
        self._more(case, answer, label, kind)
        return int(answer.status_code)

    def _more(self, case: Case, answer: Any, label: str, kind: str) -> None:
        """What Schemathesis does not ask: a form is refused as a form, and only a wrong one is."""
        meta = case.meta
        if meta is None or answer.status_code in (401, 403, 405):
            return
        code = answer.json().get("code") if answer.status_code >= 400 else None
        if not meta.generation.mode.is_negative and code == "bad_request":
            problem = answer.json()
            self.told.add(
                label,
                kind,
                f"well formed, but bad_request: {problem['path']}: {problem['detail']}",
                _example(case, answer),
            )
        if wrong_in(case) is BODY and code not in ("bad_request", "too_large"):
            self.told.add(
                label,
                kind,
                f"body of a wrong form, but {code or answer.status_code} ({meta.phase.data.description})",
                _example(case, answer),
            )

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            self._sessions.append(session)
        return session


def _of_row(operation: Operation, row: Row, cell: Cell) -> Case:
    """The request that the row says must succeed."""
    body = value(row.body, cell)
    headers = dict(value(row.headers, cell))
    media = headers.get("Content-Type", "application/json") if body is not None else None
    return operation.Case(
        path_parameters=dict(cell.ids),
        query=dict(parse_qsl(value(row.query, cell).lstrip("?"), keep_blank_values=True)),
        headers=headers,
        **({} if body is None else {"body": body, "media_type": media}),
    )


def _about(case: Case, row: Row, cell: Cell) -> Case:
    """The same request about this caller's thing, but for the place where it is wrong on purpose."""
    headers = case.headers.copy()
    if case.meta is None or not case.meta.is_negative_at(HEADERS):
        headers.update({k: v for k, v in value(row.headers, cell).items() if k != "Content-Type"})
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = uuid.uuid4().hex  # else it is the answer to another request
    mine = case.derive(headers=headers)
    if cell.ids and (case.meta is None or not case.meta.is_negative_at(PATH)):
        mine.path_parameters = dict(cell.ids)
    return mine


def _example(case: Case, answer: Any) -> str:
    return f"{case.as_curl_command()} -> {answer.status_code} {answer.text[:300]}"


Chosen = Callable[[str], list[Case]]
