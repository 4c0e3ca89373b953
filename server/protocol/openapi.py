"""The REST API as an OpenAPI 3.1 document, built from the table of routes.

The table is an argument, known only by its form (`Described`): this package imports none of its neighbours.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol, get_type_hints

from msgspec import Struct

from . import answers
from .codes import ERRORS, PROTOCOL_VERSION, ErrorCode
from .examples import example, parameter
from .preface import HEADERS, PATH_TEXTS, PROSE, ROW_ID, SCHEMES, TAGS, UPLOAD
from .rest.common import Problem
from .schemas import Json, component_schemas
from .shapes import shape


class Described(Protocol):
    """What the document needs of a route; see `server.http.route.Route`."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def request(self) -> type | None: ...
    @property
    def query(self) -> type | None: ...
    @property
    def response(self) -> type | None: ...
    @property
    def status(self) -> int: ...
    @property
    def roles(self) -> frozenset[str] | None: ...
    @property
    def grades(self) -> frozenset[str]: ...
    @property
    def step_up(self) -> bool: ...
    @property
    def keyed(self) -> bool: ...
    @property
    def also(self) -> tuple[tuple[int, type], ...]: ...
    @property
    def errors(self) -> tuple[str, ...]: ...
    @property
    def headers(self) -> tuple[str, ...]: ...
    @property
    def upload(self) -> bool: ...
    @property
    def produces(self) -> tuple[str, ...]: ...
    @property
    def location(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def cookie(self) -> bool: ...
    @property
    def versioned(self) -> bool: ...
    @property
    def page_parameter(self) -> str: ...


def openapi(routes: Sequence[Described]) -> str:
    """The document as JSON text."""
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route)
    bodies = {each for route in routes for each in (route.request, route.response) if each is not None}
    bodies |= {each for route in routes for _, each in route.also}
    tags = dict.fromkeys(route.tag for route in routes)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Tracking Desk: the REST API",
            "version": f"{PROTOCOL_VERSION}.0.0",
            "description": PROSE,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag} | ({"description": TAGS[tag]} if tag in TAGS else {}) for tag in tags],
        "paths": paths,
        "components": {
            "schemas": component_schemas(sorted((*bodies, Problem), key=lambda each: each.__name__)),
            "examples": {each.code: {"value": _problem(each)} for each in ERRORS.values()},
            "headers": answers.RESPONSE_HEADERS,
            "responses": {name: _refusal(errors) for name, errors in answers.shared_responses().items()},
            "securitySchemes": SCHEMES,
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def possible_errors(route: Described) -> list[ErrorCode]:
    """What the route itself may refuse, and what follows from its form, by HTTP status."""
    codes = {*route.errors, "rate_limited", "unavailable", "internal"}
    # A token that is no good is refused also where none is needed.
    codes |= {"unauthenticated", "token_expired", "session_revoked"}
    if route.method != "GET":
        codes |= {"forbidden"}  # another site's page
        if route.roles is not None:
            codes |= {"bad_request", "idempotency_conflict"}  # any of them may carry a key
    if route.request:
        codes |= {"bad_request", "too_large"}
    if route.query or route.headers or route.upload:
        codes |= {"bad_request"}
    if "If-Match" in route.headers:
        codes |= {"precondition_required", "version_stale"}
    if "{" in route.path:
        codes |= {"not_found"}
    if route.roles is not None:
        codes |= {"forbidden"}  # another role, or a key without the scope
    if route.step_up:
        codes |= {"step_up_required"}
    return sorted((ERRORS[code] for code in codes), key=lambda each: (each.status, each.code))


def _path(route: Described) -> str:
    return re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)  # aiohttp allows {order:\d+}


def _operation(route: Described) -> Json:
    operation: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_parameters(route)],
        "responses": dict(_responses(route)),
    }
    if route.cookie:
        operation["security"] = [{"cookie": []}, {}]
    elif route.roles is None:
        operation["security"] = []
    elif route.roles:
        operation["description"] = f"For: {', '.join(sorted(route.roles))}."
        operation["x-roles"] = sorted(route.roles)
    if route.grades:
        operation["description"] += f" Staff: {', '.join(sorted(route.grades))}."
        operation["x-grades"] = sorted(route.grades)
    if route.upload:
        operation["requestBody"] = {"required": True, "content": UPLOAD}
    if route.scope:
        operation["security"] = [{"bearer": []}, {"apiKey": []}]
        operation["x-scope"] = route.scope
    if route.request is not None:
        needed = any(field.required for field in shape(route.request).fields)
        operation["requestBody"] = {
            "required": needed,
            "content": {
                "application/json": _schema(route.request) | {"example": example(route.request, request=True)}
            },
        }
    return operation


def _operation_id(route: Described) -> str:
    """`POST /api/v1/offers/{offer}/accept` is `postOffersByOfferAccept`: stable, and no two routes share one."""
    words = [
        ("by " + part.strip("{}") if part.startswith("{") else part).replace("-", " ")
        for part in _path(route).removeprefix("/api/v1").split("/")
    ]
    return route.method.lower() + "".join(word.capitalize() for word in " ".join(words).split())


def _parameters(route: Described) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", _path(route)):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": PATH_TEXTS.get(name, ROW_ID),
        }
    if route.query is not None:
        schema = component_schemas([route.query])[route.query.__name__]
        hints = get_type_hints(route.query, include_extras=True)
        for name, seen in schema["properties"].items():
            # A query says null by leaving the parameter out.
            told = seen["anyOf"][0] if "anyOf" in seen else seen
            yield {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                **({"style": "form", "explode": False} if told.get("type") == "array" else {}),
                **({"allowEmptyValue": True} if "anyOf" in seen else {}),
                "schema": told,
            } | ({} if (one := parameter(name, hints[name])) is None else {"example": one})
    for name in route.headers:
        yield {"name": name, "in": "header", "required": True} | HEADERS.get(
            name, {"schema": {"type": "string"}}
        )
    for name in _optional_headers(route):
        yield {"name": name, "in": "header", "required": False} | HEADERS[name]


def _optional_headers(route: Described) -> Iterator[str]:
    if route.method == "GET" and route.versioned:
        yield "If-None-Match"
    if _takes_key(route) and "Idempotency-Key" not in route.headers:
        yield "Idempotency-Key"


def _responses(route: Described) -> Iterator[tuple[str, Json]]:
    if route.produces:
        yield (
            str(route.status),
            {
                "description": "The file.",
                "headers": answers.headers(*_own_headers(route)),
                "content": {kind: {} for kind in route.produces},
            },
        )
    elif route.response is None:
        yield str(route.status), {"description": "Done.", "headers": answers.headers(*_own_headers(route))}
    else:
        yield (
            str(route.status),
            {
                "description": shape(route.response).doc,
                "headers": answers.headers(*_own_headers(route)),
                "content": {
                    "application/json": _schema(route.response) | {"example": example(route.response)}
                },
            },
        )
    for other, alike in groupby(route.also, key=lambda each: each[0]):
        kinds = [kind for _, kind in alike]
        schema = _schema(kinds[0]) | {"example": example(kinds[0])}
        if len(kinds) > 1:
            schema = {
                "schema": {"oneOf": [_schema(kind)["schema"] for kind in kinds]},
                "examples": {kind.__name__: {"value": example(kind)} for kind in kinds},
            }
        yield (
            str(other),
            {
                "description": "\n\n".join(shape(kind).doc for kind in kinds),
                "headers": answers.headers(),
                "content": {"application/json": schema},
            },
        )
    if route.method == "GET" and route.versioned:
        yield "304", {"description": "Unchanged since If-None-Match.", "headers": answers.headers("ETag")}
    for status, group in groupby(possible_errors(route), key=lambda each: each.status):
        errors = list(group)
        name = answers.response_name(errors)
        yield str(status), _refusal(errors) if name is None else {"$ref": f"#/components/responses/{name}"}


def _takes_key(route: Described) -> bool:
    """Whether an Idempotency-Key counts there."""
    return route.method != "GET" and route.roles is not None and route.keyed


def _own_headers(route: Described) -> Iterator[str]:
    if route.versioned:
        yield "ETag"
    if route.location or route.status == 303:
        yield "Location"
    if route.page_parameter:
        yield "Link"
    if _takes_key(route):
        yield "Idempotency-Replayed"


def _refusal(errors: Iterable[ErrorCode]) -> Json:
    listed = list(errors)
    return {
        "description": "\n".join(f"- `{each.code}`: {each.title}" for each in listed),
        "headers": answers.headers(*(("Retry-After",) if listed[0].status in (429, 503) else ())),
        "content": {
            "application/problem+json": _schema(Problem)
            | {"examples": {each.code: {"$ref": f"#/components/examples/{each.code}"} for each in listed}}
        },
        "x-error-codes": [each.code for each in listed],
    }


def _schema(struct: type[Struct]) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{struct.__name__}"}}


def _problem(error: ErrorCode) -> Json:
    return {
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.title,
        "retry": error.retry,
        "path": None,
        "request": "5f2c9a3b1d7e4f60",
    }
