"""The two API documents: valid by their official schemas, complete, and made of the declarations."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_spec_validator import validate

from server import contract
from server.http.route import Call, Route, Versioned
from server.http.routes import ROUTES
from server.protocol import rest
from server.protocol.codes import ERRORS, Close
from server.protocol.examples import example as example_of
from server.protocol.openapi import openapi, possible_errors
from server.protocol.schemas import draft_07
from server.protocol.shapes import CLIENT, SERVER, declared, shape

ROOT = Path(__file__).parents[3]
OFFICIAL = ROOT / "clients/web/node_modules/@asyncapi/specs/schemas/3.0.0.json"


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    return load(ROOT / "docs/asyncapi.json")


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    if not OFFICIAL.exists():
        if os.environ.get("DESK_GATE") == "1":
            pytest.fail("clients/web/node_modules is not installed, so the AsyncAPI document stays unchecked")
        pytest.skip("the official AsyncAPI schema comes with clients/web/node_modules: run npm ci there")
    return Draft7Validator(load(OFFICIAL))


@pytest.mark.parametrize("path", contract.generated(), ids=lambda path: path.name)
def test_a_generated_file_is_what_the_declarations_say_now(path: Path) -> None:
    assert path not in contract.stale(), "mend it with: python -m server.contract --write"


def test_a_changed_file_is_named_as_stale_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "docs/some.json"
    monkeypatch.setattr(contract, "ROOT", tmp_path)
    monkeypatch.setattr(contract, "generated", lambda: {target: "new"})
    for option, status in (("--check", 1), ("--write", 0), ("--check", 0)):
        monkeypatch.setattr("sys.argv", ["contract", option])
        assert contract.main() == status
    assert target.read_text() == "new"
    assert "stale: docs/some.json" in capsys.readouterr().out


# -- AsyncAPI ------------------------------------------------------------------------------------------------


def test_the_socket_document_is_valid_asyncapi_3(official: Draft7Validator, asyncapi: dict[str, Any]) -> None:
    assert [error.message for error in official.iter_errors(asyncapi)] == []


def test_the_official_schema_would_notice_a_wrong_document(
    official: Draft7Validator, asyncapi: dict[str, Any]
) -> None:
    operation = dict(asyncapi["operations"]["Ping"], action="shout")
    assert not official.is_valid(asyncapi | {"operations": {"Ping": operation}})


def test_every_message_has_its_direction_its_examples_and_its_schema(asyncapi: dict[str, Any]) -> None:
    components = asyncapi["components"]
    assert set(asyncapi["operations"]) == {kind.__name__ for kind in (*CLIENT, *SERVER)}
    for kind in (*CLIENT, *SERVER):
        operation = asyncapi["operations"][kind.__name__]
        message = components["messages"][kind.__name__]
        assert operation["action"] == ("receive" if kind in CLIENT else "send")
        assert message["name"] == shape(kind).tag
        # Its schema accepts its examples, in the draft that AsyncAPI readers use.
        schema = {"allOf": [message["payload"]], "components": components}
        assert message["examples"]
        for example in message["examples"]:
            Draft7Validator(schema).validate(example["payload"])


def test_every_reference_of_the_socket_document_leads_somewhere(asyncapi: dict[str, Any]) -> None:
    for reference in references(asyncapi):
        at: Any = asyncapi
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def test_every_command_is_answered_by_ok_or_error(asyncapi: dict[str, Any]) -> None:
    for kind in CLIENT:
        if "id" in kind.__struct_fields__:
            answers = asyncapi["operations"][kind.__name__]["reply"]["messages"]
            assert [each["$ref"].rsplit("/")[-1] for each in answers] == ["Ok", "Error"]


def test_the_socket_document_carries_both_catalogues(asyncapi: dict[str, Any]) -> None:
    assert set(asyncapi["x-error-codes"]) == set(ERRORS)
    assert set(asyncapi["x-close-codes"]) == {str(int(close)) for close in Close}


def test_tuples_are_said_in_the_older_draft() -> None:
    newer = {"prefixItems": [{"type": "string"}], "items": False, "discriminator": {"propertyName": "type"}}
    assert draft_07([newer]) == [{"items": [{"type": "string"}], "additionalItems": False}]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [each for value in node.values() for each in references(value)]
    return [each for value in node for each in references(value)] if isinstance(node, list) else []


# -- OpenAPI -------------------------------------------------------------------------------------------------


async def handler(call: Call[Any, Any]) -> None:
    """Stands in for a handler: the document is made of the route, not of what it runs."""


PLACE = Route(
    "POST",
    "/api/v1/orders",
    handler,
    "Post a load",
    "orders",
    request=rest.orders.OrderForm,
    response=rest.quotes.Quote,
    status=201,
    roles=frozenset({"shipper"}),
    errors=("idempotency_conflict", "place_unknown"),
    headers=("Idempotency-Key",),
)
BOARD = Route(
    "GET", "/api/v1/board", handler, "Loads", "board", query=rest.board.BoardQuery, response=rest.board.Board
)
DECLINE = Route(
    "POST",
    r"/api/v1/offers/{offer:\d+}/decline",
    handler,
    "No",
    "offers",
    request=rest.offers.DeclineForm,
    status=204,
)
ASK = Route(
    "POST",
    "/api/v1/auth/otp",
    handler,
    "Ask",
    "auth",
    rest.signin.OtpForm,
    response=rest.signin.OtpAsked,
    roles=None,
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(openapi([PLACE, BOARD, DECLINE, ASK]))
    return told


def test_a_document_of_routes_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validate(document)
    validate(load(ROOT / "docs/openapi.json"))


def test_every_route_of_the_server_is_in_the_committed_document() -> None:
    paths = load(ROOT / "docs/openapi.json")["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert len(operations) == len(ROUTES)
    assert len({operation["operationId"] for operation in operations}) == len(ROUTES)


def test_a_path_id_is_a_positive_integer_and_its_pattern_stays_inside(document: dict[str, Any]) -> None:
    parameter, key = document["paths"]["/api/v1/offers/{offer}/decline"]["post"]["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("offer", "path", True)
    assert parameter["schema"]["minimum"] == 1
    assert (key["name"], key["required"]) == ("Idempotency-Key", False)


def test_the_fields_of_a_query_are_parameters_without_null(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/v1/board"]["get"]["parameters"]
    assert [each["name"] for each in parameters] == [
        field.name for field in shape(rest.board.BoardQuery).fields
    ]
    assert not any("anyOf" in each["schema"] or each["required"] for each in parameters)


def test_a_required_header_and_body_are_said(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v1/orders"]["post"]
    assert operation["parameters"][0]["name"] == "Idempotency-Key"
    assert operation["requestBody"]["required"] is True
    assert "201" in operation["responses"]


def test_public_routes_need_no_token_and_others_do(document: dict[str, Any]) -> None:
    assert document["security"] == [{"bearer": []}]
    assert document["paths"]["/api/v1/auth/otp"]["post"]["security"] == []
    assert "security" not in document["paths"]["/api/v1/board"]["get"]


def test_errors_follow_from_the_form_of_a_route() -> None:
    assert {error.code for error in possible_errors(PLACE)} == {
        *("idempotency_conflict", "place_unknown"),
        *("bad_request", "too_large"),
        *("unauthenticated", "token_expired", "session_revoked", "forbidden"),
        *("rate_limited", "unavailable", "internal"),
    }
    # Without a sign-in: a token that is no good is refused all the same, and so is another site's page.
    assert {error.code for error in possible_errors(ASK)}.isdisjoint({"not_found", "idempotency_conflict"})
    assert {error.code for error in possible_errors(BOARD)}.isdisjoint({"idempotency_conflict", "too_large"})
    assert "not_found" in {error.code for error in possible_errors(DECLINE)}


def test_an_error_shows_the_problem_document_that_is_sent(document: dict[str, Any]) -> None:
    shared = document["paths"]["/api/v1/orders"]["post"]["responses"]["409"]
    assert shared == {"$ref": "#/components/responses/KeyConflict"}
    refused = resolved(document, shared)
    assert refused["x-error-codes"] == ["idempotency_conflict"]
    own = document["paths"]["/api/v1/orders"]["post"]["responses"]["422"]
    assert own["x-error-codes"] == ["place_unknown"]
    assert list(refused["content"]) == ["application/problem+json"]
    for example in document["components"]["examples"].values():
        Draft7Validator(document["components"]["schemas"]["Problem"]).validate(example["value"])


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference points to."""
    if "$ref" not in node:
        return node
    found: Any = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(document, found)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_body_of_the_reference_has_an_example_that_its_schema_and_its_type_accept() -> None:
    document = load(ROOT / "docs/openapi.json")
    by_operation = {f"{route.method} {re.sub(r':[^}]*', '', route.path)}": route for route in ROUTES}
    schemas = {"components": document["components"]}
    checked = 0
    for name, operation in operations(document):
        route = by_operation[name]
        bodies = [(route.request, operation.get("requestBody", {}).get("content", {}))]
        success = operation["responses"][str(route.status)]
        bodies.append((route.response, success.get("content", {})))
        for kind, content in bodies:
            if kind is None:
                continue
            told = content["application/json"]
            assert "example" in told, name
            Draft202012Validator({**told["schema"], **schemas}).validate(told["example"])
            msgspec.convert(told["example"], kind)
            checked += 1
    assert checked > 30


def test_every_struct_of_the_rest_api_has_an_example() -> None:
    for module in rest.MODULES:
        for struct in declared(module):
            for request in (False, True):
                msgspec.convert(example_of(struct, request=request), struct)


def test_query_parameters_have_examples_that_they_accept() -> None:
    document = load(ROOT / "docs/openapi.json")
    told = [
        parameter
        for _, operation in operations(document)
        for parameter in operation["parameters"]
        if "example" in parameter
    ]
    assert len(told) > 20
    for parameter in told:
        schema = {**parameter["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(parameter["example"])


def test_every_answer_tells_its_headers_and_its_refusals() -> None:
    document = load(ROOT / "docs/openapi.json")
    for name, operation in operations(document):
        assert {"401", "429", "500", "503"} <= operation["responses"].keys(), name
        for status, answer in operation["responses"].items():
            headers = resolved(document, answer)["headers"]
            assert {"X-Request-Id", "RateLimit-Remaining"} <= headers.keys(), (name, status)
            assert ("Retry-After" in headers) == (status in ("429", "503")), (name, status)


def test_versions_pages_and_keys_are_said_where_they_are() -> None:
    async def read(call: Call[Any, Any]) -> Versioned:
        raise NotImplementedError

    routes = [
        Route("GET", "/api/v1/me", read, "Me", "account", response=rest.account.Profile),
        Route(
            "PUT", "/api/v1/me", read, "Me", "account", rest.account.VehicleForm,
            response=rest.account.Profile, headers=("If-Match",),
        ),
        Route(
            "POST", "/api/v1/orders", handler, "Post", "orders", rest.orders.OrderForm, scope="orders:write",
            response=rest.quotes.Quote, status=201, location="/api/v1/orders/{order}",
        ),
        BOARD,
        Route("POST", "/api/v1/auth/refresh", handler, "Refresh", "auth", status=204, roles=None, cookie=True),
    ]  # fmt: skip
    document = json.loads(openapi(routes))
    validate(document)
    paths = document["paths"]
    me = paths["/api/v1/me"]
    assert {"200", "304"} <= me["get"]["responses"].keys()
    assert "ETag" in me["get"]["responses"]["200"]["headers"]
    assert [each["name"] for each in me["get"]["parameters"]] == ["If-None-Match"]
    assert {"412", "428"} <= me["put"]["responses"].keys()
    post = paths["/api/v1/orders"]["post"]
    assert post["security"] == [{"bearer": []}, {"apiKey": []}] and post["x-scope"] == "orders:write"
    assert {"Location", "Idempotency-Replayed"} <= post["responses"]["201"]["headers"].keys()
    assert "Link" in paths["/api/v1/board"]["get"]["responses"]["200"]["headers"]
    assert paths["/api/v1/auth/refresh"]["post"]["security"] == [{"cookie": []}, {}]
    assert document["components"]["securitySchemes"].keys() == {"bearer", "apiKey", "cookie"}


def test_a_route_with_an_unknown_error_code_or_a_silent_answer_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match="no such error codes: no_such"):
        Route(
            "GET", "/api/v1/me", handler, "Me", "account", response=rest.account.Profile, errors=("no_such",)
        )
    with pytest.raises(ValueError, match="204"):
        Route("GET", "/api/v1/me", handler, "Me", "account")
