"""A request changes what its form names, and nothing else, whatever columns our tables have (control C17)."""

from collections.abc import Iterator
from functools import cache

import msgspec
import pytest
from msgspec import inspect as mi

from server.http.route import Route
from server.http.routes import ROUTES
from server.protocol.examples import example
from storage.schema import metadata

WITH_BODY = [route for route in ROUTES if route.request is not None]
COLUMNS = sorted({column.name for table in metadata.sorted_tables for column in table.columns} | {
    # What attackers try though no table of ours has it.
    "is_admin", "admin", "password", "verified", "balance", "permissions", "scope", "user", "__proto__",
    "constructor",
})  # fmt: skip
# Columns that say who somebody is, what they may and what is owed; a form that names one says why it may.
POWERS = frozenset({
    "id", "user_id", "owner_id", "shipper_id", "driver_id", "company_id", "keeper_id", "role", "grade", "blocked",
    "verified", "state", "status", "paid_until", "rating", "version", "created_at", "erased_at", "decided_by",
    "decided_at", "factor_at", "revoked_at", "price_amount", "is_admin", "admin", "password", "balance", "scopes",
    "permissions",
})  # fmt: skip
ALLOWED: dict[tuple[str, str], str] = {
    ("POST /api/v1/auth/otp", "role"): "what a new account becomes; staff are none of its words",
    (
        "PUT /api/v1/admin/users/{user}/role",
        "role",
    ): "the route's purpose, for superadmins with a second factor",
    ("PUT /api/v1/admin/users/{user}/role", "grade"): "the same",
    ("PUT /api/v1/company/members/{member}", "role"): "the route's purpose, for owners",
    ("PUT /api/v1/admin/companies/{company}/verification", "verified"): "the route's purpose, for staff",
    ("PUT /api/v1/admin/drivers/{driver}/subscription", "paid_until"): "the route's purpose, for staff",
    ("PUT /api/v1/admin/plans/{plan}", "role"): "whom the plan is for, for staff",
    ("POST /api/v1/company/keys", "scopes"): "what the new key may, of what its owner may",
    ("POST /api/v1/admin/pages", "state"): "draft or published, for who edits pages",
    ("PUT /api/v1/admin/pages/{slug}", "state"): "the same",
    ("POST /api/v1/orders/{order}/advance", "status"): "the next step, judged by the table of states",
    ("POST /api/v1/orders/{order}/trip/dismiss", "status"): "which suggestion is not true; changes no order",
    ("POST /api/v1/orders/{order}/acknowledge", "version"): "which version the driver has seen",
    ("POST /api/v1/board/{order}/accept", "version"): "which version the driver agrees to",
    ("POST /api/v1/bids/{bid}/seen", "version"): "which version was seen",
}


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def structs(seen: mi.Type) -> Iterator[mi.StructType]:
    """Every object within a type."""
    if isinstance(seen, mi.Metadata):
        yield from structs(seen.type)
    elif isinstance(seen, mi.UnionType):
        for part in seen.types:
            yield from structs(part)
    elif isinstance(seen, mi.ListType | mi.SetType | mi.FrozenSetType | mi.VarTupleType):
        yield from structs(seen.item_type)
    elif isinstance(seen, mi.DictType):
        yield from structs(seen.value_type)
    elif isinstance(seen, mi.StructType):
        yield seen
        for field in seen.fields:
            yield from structs(field.type)


@cache
def shape(route: Route) -> mi.Type:
    return mi.type_info(route.request)


@pytest.mark.parametrize("route", WITH_BODY, ids=name)
def test_no_object_of_a_request_takes_a_field_that_it_does_not_name(route: Route) -> None:
    open_ones = {each.cls.__name__ for each in structs(shape(route)) if not each.forbid_unknown_fields}
    assert not open_ones, f"{name(route)}: forbid_unknown_fields is missing in {open_ones}"


@pytest.mark.parametrize("route", WITH_BODY, ids=name)
def test_no_column_of_any_table_gets_in_as_one_more_field(route: Route) -> None:
    assert route.request is not None
    decoder = msgspec.json.Decoder(route.request)
    good = example(route.request, request=True)
    decoder.decode(msgspec.json.encode(good))
    named = {field.encode_name for each in structs(shape(route)) for field in each.fields}
    for column in COLUMNS:
        if column in named:
            continue
        with pytest.raises(msgspec.ValidationError, match="unknown field"):
            decoder.decode(msgspec.json.encode({**good, column: 1}))
            pytest.fail(f"{name(route)} takes {column}")


def test_a_form_that_names_a_power_says_why() -> None:
    found = {
        (name(route), field.encode_name)
        for route in WITH_BODY
        for each in structs(shape(route))
        for field in each.fields
        if field.encode_name in POWERS
    }
    assert found == ALLOWED.keys()
