"""Sends what Schemathesis thought up to a served process, as everybody who may ask, about things that are there.

What a route needs to succeed, and who may use it, its row of the authorisation matrix says. The process answers;
a second server in the test's loop shares its database, and makes the things by its stores.
"""

import asyncio
import re
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import requests
import schemathesis
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation

from server.http.route import Route
from tests.integration.authz.matrix import Cell, Row, expected_of_route, ids_of, may_enter, value
from tests.integration.authz.world import Person, World

from .cases import Answer, Case, Operation, wrong_in
from .meaning import REFUSED, TWO_PATHS

CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATIENCE_S = 20.0
PROBLEM = "application/problem+json"
BODY, PATH, QUERY, HEADER = (
    ParameterLocation.BODY,
    ParameterLocation.PATH,
    ParameterLocation.QUERY,
    ParameterLocation.HEADER,
)
MEANT = re.compile("|".join(re.sub(r"\\\{.+?\\\}", ".+", re.escape(text)) for text in REFUSED), re.DOTALL)


@dataclass
class Told:
    """What came of it all."""

    asked: Counter[str] = field(default_factory=Counter)  # by kind of caller
    statuses: defaultdict[tuple[str, str], Counter[int]] = field(
        default_factory=lambda: defaultdict(Counter)
    )  # by operation and kind
    followed: int = 0  # addresses of what was made
    meant: set[str] = field(default_factory=set)  # refusals of forms that are right
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

    def succeeded(self, label: str, kind: str) -> bool:
        """Whether anything that this kind of caller asked of the operation was done."""
        return any(200 <= status < 400 for status in self.statuses[label, kind])


class Driver:
    """Asks one operation at a time as one kind of caller."""

    def __init__(self, url: str, world: World, told: Told) -> None:
        self._url, self._world, self.told = url, world, told
        self._of_thread = threading.local()
        self._sessions: list[requests.Session] = []

    def close(self) -> None:
        """Ends the connections."""
        for session in self._sessions:
            session.close()

    async def ask(
        self, operation: Operation, route: Route, row: Row, kind: str, cases: Iterable[Case]
    ) -> None:
        """The row's own request, which must succeed where the row says so, then these."""
        enters = may_enter(expected_of_route(route, row, kind, "own"))
        cell = await self._cell(row, kind, enters)
        status = await self._send(_of_row(operation, row, cell), cell)
        for case in cases:
            used_up = status == 401 or (200 <= status < 300 and route.method in CHANGES)
            if enters and used_up:
                cell = await self._cell(row, kind, enters)
            status = await self._send(_about(case, row, cell) if enters else case, cell)

    async def _cell(self, row: Row, kind: str, enters: bool) -> Cell:
        person = await self._world.person(kind)
        return Cell(self._world, person, "own", await ids_of(row, self._world, person, "own", enters))

    async def _send(self, case: Case, cell: Cell) -> int:
        return await asyncio.to_thread(self._exchange, case, cell.person)

    def _exchange(self, case: Case, person: Person) -> int:
        headers = {**person.headers, "Accept-Language": "en"}
        label, kind = case.operation.label, person.kind
        answer = self._call(case, headers)
        self.told.asked[kind] += 1
        self.told.statuses[label, kind][answer.status_code] += 1
        try:
            case.validate_response(answer, headers=headers, excluded_checks=_not_asked(case))
        except FailureGroup as group:
            for failure in group.exceptions:
                self.told.add(label, kind, f"{failure.title}: {failure.message}", _example(case, answer))
        for fault in self._own_checks(case, answer):
            self.told.add(label, kind, fault, _example(case, answer))
        if place := _header(answer, "location") if answer.status_code == 201 else "":
            made = self._session().get(self._url + place, headers=headers)
            self.told.followed += 1
            if made.status_code != 200:
                self.told.add(label, kind, f"Location leads to {made.status_code}", _example(case, answer))
        return int(answer.status_code)

    def _call(self, case: Case, headers: dict[str, str]) -> Answer:
        return case.call(
            base_url=self._url,
            session=self._session(),
            headers=headers,
            timeout=PATIENCE_S,
            allow_redirects=False,
        )

    def _own_checks(self, case: Case, answer: Answer) -> Iterable[str]:
        """What Schemathesis does not ask: a wrong form is refused as a form, and only a wrong one is."""
        if answer.status_code >= 400 and _header(answer, "content-type") != PROBLEM:
            yield f"{answer.status_code} is no problem document"
            return
        if case.meta is None or answer.status_code in (401, 403, 405):
            return
        problem = answer.json() if answer.status_code >= 400 else {"code": str(answer.status_code)}
        code = problem["code"]
        if not case.meta.generation.mode.is_negative and code == "bad_request":
            if MEANT.fullmatch(problem["detail"]) and (problem["path"] or "Idempotency" in problem["detail"]):
                self.told.meant.add(problem["detail"])
            else:
                yield f"well formed, but bad_request at {problem['path']}: {problem['detail']}"
        if (
            wrong_in(case) is BODY
            and case.media_type == "application/json"
            and code not in ("bad_request", "too_large")
        ):
            yield f"a body of a wrong form ({case.meta.phase.data.description}) is answered {code}"

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            self._sessions.append(session)
        return session


def _not_asked(case: Case) -> list[Any]:
    """Checks that do not fit this request."""
    left = []
    if case.operation.label in TWO_PATHS:
        left += [schemathesis.checks.unsupported_method, schemathesis.checks.allow_header_conformance]
    if case.meta is not None and wrong_in(case) is QUERY and _says_nothing(case):
        left += [schemathesis.checks.negative_data_rejection]
    return left


def _says_nothing(case: Case) -> bool:
    """Whether all that is wrong is a parameter without a value, which counts as left out (allowEmptyValue)."""
    data = case.meta.phase.data
    return data.parameter is not None and (case.query or {}).get(data.parameter) in ("", [""], None)


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
    if not case.meta.is_negative_at(HEADER):
        headers.update({k: v for k, v in value(row.headers, cell).items() if k != "Content-Type"})
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = uuid.uuid4().hex  # else it is the answer to another request
    mine = case.derive(headers=headers)
    if cell.ids and not case.meta.is_negative_at(PATH):
        mine.path_parameters = dict(cell.ids)
    if isinstance(case.body, dict | list) and not case.meta.is_negative_at(BODY):
        mine.body = _whole(case.body)
    return mine


def _whole(value: Any) -> Any:
    """JSON Schema takes 1.0 for an integer, and we do not: whole numbers are written without a point."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _header(answer: Answer, name: str) -> str:
    found: list[str] = answer.headers.get(name, [""])
    return found[0]


def _example(case: Case, answer: Answer) -> str:
    return f"{case.as_curl_command()} -> {answer.status_code} {answer.text[:300]}"
